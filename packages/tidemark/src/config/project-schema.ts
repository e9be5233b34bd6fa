/**
 * What tidemark.yml may hold: the one description behind validation, suggestions and editors' help. Table lists are
 * checked by table-list-schema.ts, entry by entry.
 */
import { z } from 'zod'
import { parseBytes } from './byte-size.ts'
import { parseDuration } from './duration.ts'
import { filled, flag, reference, secret, type SecretInput } from './schema-words.ts'
import { type SourceInput, sourceSchema } from './source-schema.ts'
import { silverSchema, type SilverInput } from './table-list-schema.ts'

export interface LakeOptionsInput {
  account?: string | undefined
  endpoint?: string | undefined
  region?: string | undefined
  client_id?: string | undefined
  account_key?: { secret: string } | undefined
  sas?: { secret: string } | undefined
  connection_string?: { secret: string } | undefined
  access_key_id?: SecretInput | undefined
  secret_access_key?: { secret: string } | undefined
  session_token?: { secret: string } | undefined
  local?: string | undefined
  cache_size?: string | undefined
  staging_size?: string | undefined
}

export interface ChannelInput {
  webhook?: SecretInput | undefined
  sign?: { secret: string } | undefined
  allow_private?: boolean | undefined
  email?: { to: string | string[]; from?: string | undefined; smtp: SecretInput } | undefined
}

export interface RuleInput {
  on: 'failure' | 'recovery' | ('failure' | 'recovery')[]
  send: string | string[]
  repeat_after?: string | undefined
}

export type VariableInput = Plain | null | { description?: string | undefined; default?: Plain | undefined }
type Plain = string | number | boolean

export interface ProjectInput {
  name: string
  catalog?: string | undefined
  lake?: string | undefined
  lake_options?: LakeOptionsInput | undefined
  engine_memory?: string | undefined
  parallel?: number | undefined
  sources: Record<string, SourceInput>
  silver?: { defaults?: SilverInput | undefined } | undefined
  flows?: string | string[] | undefined
  alerts?: { channels?: Record<string, ChannelInput> | undefined; rules?: RuleInput[] | undefined } | undefined
  variables?: Record<string, VariableInput> | undefined
}

export type TargetsInput = Record<
  string,
  { default?: boolean | undefined; mode?: 'development' | 'production' | undefined }
>

const name = (expected: string): z.ZodString =>
  filled(expected).regex(/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/, {
    error: `${expected}: letters, digits, _ and -, starting with a letter`,
  })
const many = (one: string): z.ZodType<string | string[]> =>
  z.union([filled(one), z.array(filled(one))], { error: `${one} or a list of them` })
const plain: z.ZodType<Plain> = z.union([z.string(), z.number(), z.boolean()], {
  error: 'a text, a number, true or false',
})

const channel: z.ZodType<ChannelInput> = z.strictObject({
  webhook: secret.optional().meta({ description: 'Address that receives a JSON POST, best as a secret.' }),
  sign: reference
    .optional()
    .meta({ description: 'Key that signs each webhook (Standard Webhooks), only as a secret.' }),
  allow_private: flag.optional().meta({ description: 'Permit a webhook in your own network.' }),
  email: z
    .strictObject({
      to: many('a mail address').meta({ description: 'Who receives the mail.' }),
      from: filled('a mail address').optional().meta({ description: 'Sender; the first receiver when left out.' }),
      smtp: secret.meta({ description: 'smtp:// or smtps:// address of the mail server, best as a secret.' }),
    })
    .optional()
    .meta({ description: 'Send mail.' }),
})

const duration = 'a length of time such as 30m, 4h or 1d'
const moment = z.enum(['failure', 'recovery'])
const rule: z.ZodType<RuleInput> = z.strictObject({
  on: z
    .union([moment, z.array(moment)], { error: 'failure, recovery or a list of them' })
    .meta({ description: 'When to send.' }),
  send: many('the name of a channel').meta({ description: 'Channels to send to.' }),
  repeat_after: z
    .string({ error: duration })
    .refine(text => parseDuration(text) !== undefined, { error: duration })
    .optional()
    .meta({
      description: 'How long a failure that goes on is not told again: 30m, 4h, 1d. Left out, every run tells.',
    }),
})

const variable: z.ZodType<VariableInput> = z.union(
  [
    plain,
    z.null(),
    z.strictObject({
      description: z.string({ error: 'a text' }).optional(),
      default: plain.optional(),
    }),
  ],
  { error: 'a value or { description, default }' },
)

const size = 'a size such as 500MB, 10GB or 1TB'
const lakeOptions: z.ZodType<LakeOptionsInput> = z.strictObject({
  account: filled('the name of a storage account')
    .regex(/^[a-z0-9]{3,24}$/, { error: 'the name of a storage account: 3 to 24 of a-z and 0-9' })
    .optional()
    .meta({ description: 'Azure: storage account of an az:// address; an abfss:// address names it itself.' }),
  endpoint: filled('an https address')
    .regex(/^https?:\/\/[^\s?#@]+$/, { error: 'an https address without user, `?` and `#`' })
    .optional()
    .meta({ description: 'Address of the service, when it is not the public one of Azure or AWS.' }),
  region: filled('a region')
    .optional()
    .meta({ description: 'S3: region of the bucket; that of the environment when left out.' }),
  client_id: filled('a client id')
    .optional()
    .meta({ description: 'Azure: client id of the managed identity, where the machine has several.' }),
  account_key: reference.optional().meta({ description: 'Azure: key of the account, instead of an identity.' }),
  sas: reference.optional().meta({ description: 'Azure: shared access signature, instead of an identity.' }),
  connection_string: reference.optional().meta({ description: 'Azure: connection string, instead of an identity.' }),
  access_key_id: secret.optional().meta({ description: 'S3: id of an access key, instead of a role.' }),
  secret_access_key: reference.optional().meta({ description: 'S3: the access key itself.' }),
  session_token: reference.optional().meta({ description: 'S3: token of a temporary access key.' }),
  local: filled('a folder').optional().meta({
    description: 'Folder of this machine for what is on its way to the lake and copies of what was read of it.',
    default: './.tidemark',
  }),
  cache_size: z
    .string({ error: size })
    .refine(text => parseBytes(text) !== undefined, { error: size })
    .optional()
    .meta({ description: 'How much of what was read is kept there.', default: '10GB' }),
  staging_size: z
    .string({ error: size })
    .refine(text => parseBytes(text) !== undefined, { error: size })
    .optional()
    .meta({ description: 'How much of the lake a command may hold there at once to read it; no limit when left out.' }),
})

/** With less the engine cannot hold the buffers that any write needs. */
const LEAST_ENGINE_MEMORY = 100e6
const engineMemory = 'a size of 100MB or more, such as 500MB or 2GB'

/** tidemark.yml without `targets`; also what a target may change. */
export const projectSchema: z.ZodType<ProjectInput> = z.strictObject({
  name: name('the name of the project').meta({ description: 'Name of the project; also of its catalog.' }),
  catalog: name('the name of the catalog')
    .optional()
    .meta({ description: 'Name of the catalog, when not the project name.' }),
  lake: filled('a folder or address').optional().meta({
    description:
      'The lake: a folder, az://container/path, abfss://container@account.dfs.core.windows.net/path or s3://bucket/path.',
    default: './lake',
  }),
  lake_options: lakeOptions.optional().meta({ description: 'How a lake in Azure or S3 is reached.' }),
  engine_memory: z
    .string({ error: engineMemory })
    .refine(text => (parseBytes(text) ?? 0) >= LEAST_ENGINE_MEMORY, { error: engineMemory })
    .optional()
    .meta({
      description:
        'How much memory the engine of a command may hold before it spills, 100MB or more; more for long rows.',
      default: '1GB',
    }),
  parallel: z
    .int({ error: 'a whole number from 1 to 64' })
    .min(1, { error: 'a whole number from 1 to 64' })
    .max(64, { error: 'a whole number from 1 to 64' })
    .optional()
    .meta({ description: 'How many steps run side by side.', default: 4 }),
  sources: z
    .record(name('the name of a source'), sourceSchema, { error: 'a map from name to source' })
    .meta({ description: 'Databases to read from.' }),
  silver: z
    .strictObject({
      defaults: silverSchema.optional().meta({ description: "For every table; an entry's own keys win." }),
    })
    .optional()
    .meta({ description: 'How silver tables are derived.' }),
  flows: many('a path pattern')
    .optional()
    .meta({ description: 'Flow files, *.sql and *.ts.', default: ['silver/**', 'gold/**'] }),
  alerts: z
    .strictObject({
      channels: z
        .record(name('the name of a channel'), channel, { error: 'a map from name to channel' })
        .optional()
        .meta({ description: 'Where alerts can go.' }),
      rules: z
        .array(rule, { error: 'a list of { on, send }' })
        .optional()
        .meta({ description: 'Which alerts go where.' }),
    })
    .optional()
    .meta({ description: 'Who is told, and when.' }),
  variables: z
    .record(z.string(), variable, { error: 'a map from name to value' })
    .optional()
    .meta({ description: 'Values for ${var.name}; --var and TIDEMARK_VAR_name override them.' }),
})

/** Targets by their own keys; what else they hold is checked after merging. */
export const targetsSchema: z.ZodType<TargetsInput> = z.record(
  name('the name of a target'),
  z.looseObject(
    {
      default: flag.optional().meta({ description: 'Used when --target is not given.' }),
      mode: z.enum(['development', 'production']).optional().meta({
        description: 'development prints alerts instead of sending them; production asks before it destroys.',
      }),
    },
    { error: 'a map of keys' },
  ),
  { error: 'a map from name to target' },
)
