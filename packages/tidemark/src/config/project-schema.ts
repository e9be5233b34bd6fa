/**
 * What tidemark.yml may hold: the one description behind validation, suggestions and editors' help. Table lists are
 * checked by table-list-schema.ts, entry by entry.
 */
import { z } from 'zod'
import { parseBytes } from './byte-size.ts'
import { parseDuration } from './duration.ts'
import { entrySchema, type EntryInput, silverSchema, type SilverInput } from './table-list-schema.ts'

/** A text, or where the text is kept. */
export type SecretInput = string | { secret: string }

export interface ListAddressInput {
  url: string
  headers?: Record<string, SecretInput> | undefined
  allow_private?: boolean | undefined
}

export interface SourceInput {
  type: 'postgres' | 'mysql' | 'mariadb' | 'sqlserver' | 'mssql' | 'sqlite'
  url?: SecretInput | undefined
  host?: string | undefined
  port?: number | undefined
  database?: string | undefined
  user?: string | undefined
  password?: SecretInput | undefined
  tls?: 'verify' | 'insecure' | 'off' | undefined
  ca?: string | undefined
  timezone?: string | undefined
  slot?: string | undefined
  max_connections?: number | undefined
  salt?: { secret: string } | undefined
  prefix?: string | undefined
  tables: string | EntryInput[] | ListAddressInput
}

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

const filled = (expected: string): z.ZodString => z.string({ error: expected }).min(1, { error: expected })
const name = (expected: string): z.ZodString =>
  filled(expected).regex(/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/, {
    error: `${expected}: letters, digits, _ and -, starting with a letter`,
  })
const secret: z.ZodType<SecretInput> = z.union(
  [filled('a text'), z.strictObject({ secret: filled('env:NAME or file:path') })],
  { error: 'a text or { secret: env:NAME }' },
)
/** A secret that is never written out. */
const reference = z.strictObject(
  { secret: filled('env:NAME or file:path') },
  { error: 'a reference such as { secret: env:NAME }' },
)
const flag = z.boolean({ error: 'true or false' })
const many = (one: string): z.ZodType<string | string[]> =>
  z.union([filled(one), z.array(filled(one))], { error: `${one} or a list of them` })
const plain: z.ZodType<Plain> = z.union([z.string(), z.number(), z.boolean()], {
  error: 'a text, a number, true or false',
})

const CONNECTIONS = 'a whole number from 2 on'
const SLOT_NAME = 'the name of a slot: up to 63 small letters, digits and _'

const source: z.ZodType<SourceInput> = z.strictObject({
  type: z
    .enum(['postgres', 'mysql', 'mariadb', 'sqlserver', 'mssql', 'sqlite'])
    .meta({ description: 'Kind of database.' }),
  url: secret.optional().meta({
    description: 'Connection URL, best as a secret; or host, database, user, password. Of a SQLite file `sqlite:path`.',
  }),
  host: filled('a host name').optional().meta({ description: 'Host name or address of the server.' }),
  port: z
    .int({ error: 'a port number' })
    .min(1, { error: 'a port number' })
    .max(65535, { error: 'a port number' })
    .optional()
    .meta({ description: 'Port of the server; 5432 for postgres, 3306 for mysql, 1433 for sqlserver.' }),
  database: filled('a database name').optional().meta({ description: 'Database to connect to.' }),
  user: filled('a user name').optional().meta({ description: 'User to connect as; it needs to read only.' }),
  password: secret.optional().meta({ description: 'Password, as a secret.' }),
  tls: z
    .enum(['verify', 'insecure', 'off'])
    .optional()
    .meta({ description: 'How the server proves itself; verify unless the host is this machine.' }),
  ca: filled('the path of a PEM file').optional().meta({ description: 'PEM file of the authority to trust.' }),
  timezone: filled('a time zone such as Europe/Oslo')
    .optional()
    .meta({ description: 'Zone in which timestamps without a zone are read.', default: 'UTC' }),
  slot: z
    .string({ error: SLOT_NAME })
    .regex(/^[a-z0-9_]{1,63}$/, { error: SLOT_NAME })
    .optional()
    .meta({ description: 'PostgreSQL: logical slot, and publication of the same name, that list changed keys.' }),
  max_connections: z.int({ error: CONNECTIONS }).min(2, { error: CONNECTIONS }).optional().meta({
    description:
      'PostgreSQL: connections at once, 2 or more: one keeps the snapshot, the others read. The other databases are read over one.',
    default: 3,
  }),
  salt: reference
    .optional()
    .meta({ description: 'Secret that `masks: { column: hash }` hashes values with; as a reference only.' }),
  prefix: z.string({ error: 'a text' }).optional().meta({ description: 'Put before the lake names of its tables.' }),
  tables: z
    .union(
      [
        filled('the path or address of a table list'),
        z.array(entrySchema),
        z.strictObject({
          url: filled('the address of the list').meta({ description: 'https address of the list.' }),
          headers: z
            .record(z.string(), secret)
            .optional()
            .meta({ description: 'HTTP headers, values may be secrets.' }),
          allow_private: flag.optional().meta({ description: 'Permit an address in your own network.' }),
        }),
      ],
      { error: 'a path, an address, { url: … } or a list of entries' },
    )
    .meta({ description: 'The table list: path, address, or the list itself.' }),
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
})

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
  parallel: z
    .int({ error: 'a whole number from 1 to 64' })
    .min(1, { error: 'a whole number from 1 to 64' })
    .max(64, { error: 'a whole number from 1 to 64' })
    .optional()
    .meta({ description: 'How many steps run side by side.', default: 4 }),
  sources: z
    .record(name('the name of a source'), source, { error: 'a map from name to source' })
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
