/**
 * Problems with what the user writes: tidemark.yml, the table list, .env, variables, targets and secrets. None of their
 * texts ever holds a secret's value or a connection URL.
 */
import { type ProblemKind, problem } from './problem.ts'

/** ` Did you mean "x"?` or nothing, for hints. */
function meant(suggestion: string | undefined, otherwise: string): string {
  return suggestion === undefined ? otherwise : `Did you mean "${suggestion}"?`
}

function list(words: readonly string[]): string {
  return words.length === 0 ? 'none' : words.join(', ')
}

export const CONFIG_NOT_FOUND: ProblemKind<{ file: string }> = problem<{ file: string }>({
  code: 'CONFIG_NOT_FOUND',
  title: 'There is no project here.',
  message: p => `${p.file} does not exist.`,
  hint: () => 'Go to the folder of your project, name it with --project, or make one with `tidemark init`.',
  retry: 'after-change',
  exit: 2,
  example: { file: 'tidemark.yml' },
})

export const CONFIG_UNREADABLE: ProblemKind<{ file: string; reason: string }> = problem<{
  file: string
  reason: string
}>({
  code: 'CONFIG_UNREADABLE',
  title: 'A file of the project cannot be read.',
  message: p => `${p.file} ${p.reason}.`,
  hint: () => 'Check the path and its spelling, and that you may read the file. Paths are relative to tidemark.yml.',
  retry: 'after-change',
  exit: 2,
  example: { file: 'loop_input.json', reason: 'does not exist' },
})

export const CONFIG_OUTSIDE_PROJECT: ProblemKind<{ key: string; path: string }> = problem<{
  key: string
  path: string
}>({
  code: 'CONFIG_OUTSIDE_PROJECT',
  title: 'A path leads out of the project.',
  message: p => `\`${p.key}\` names ${p.path}, which is not inside the project folder.`,
  hint: () => 'Keep the table list and the flows in the project folder, so that another machine finds them too.',
  retry: 'after-change',
  exit: 2,
  example: { key: 'tables', path: '../loop_input.json' },
})

export const CONFIG_LAKE_PATH: ProblemKind<{ path: string; reason: string }> = problem<{
  path: string
  reason: string
}>({
  code: 'CONFIG_LAKE_PATH',
  title: 'The lake cannot be in this folder.',
  message: p => `\`lake: ${p.path}\` ${p.reason}.`,
  hint: () => 'Give the lake a folder of its own, for example `lake: ./lake`.',
  retry: 'after-change',
  exit: 2,
  example: { path: '.', reason: 'is the project folder itself' },
})

export const CONFIG_SYNTAX: ProblemKind<{ format: string; reason: string; fix?: string | undefined }> = problem<{
  format: string
  reason: string
  fix?: string | undefined
}>({
  code: 'CONFIG_SYNTAX',
  title: 'A file of the project is not well-formed.',
  message: p => `This is not valid ${p.format}: ${p.reason}.`,
  hint: p => p.fix ?? `Correct the ${p.format} at this place.`,
  retry: 'after-change',
  exit: 2,
  example: { format: 'JSON', reason: 'a comma follows the last element', fix: 'Delete the comma.' },
})

export const CONFIG_UNKNOWN_KEY: ProblemKind<{
  key: string
  where: string
  suggestion: string | undefined
  known: readonly string[]
}> = problem<{
  key: string
  where: string
  suggestion: string | undefined
  known: readonly string[]
}>({
  code: 'CONFIG_UNKNOWN_KEY',
  title: 'A key is not known.',
  message: p => `\`${p.key}\` is not a key of ${p.where}.`,
  hint: p => meant(p.suggestion, `Known here: ${list(p.known)}.`),
  retry: 'after-change',
  exit: 2,
  example: { key: 'cdc_column_', where: 'a table entry', suggestion: 'cdc_col', known: ['schema', 'table', 'cdc_col'] },
})

export const CONFIG_MISSING_KEY: ProblemKind<{ key: string; where: string; hint?: string | undefined }> = problem<{
  key: string
  where: string
  hint?: string | undefined
}>({
  code: 'CONFIG_MISSING_KEY',
  title: 'A required key is missing.',
  message: p => `\`${p.key}\` is missing in ${p.where}.`,
  hint: p => p.hint ?? `Add \`${p.key}\`.`,
  retry: 'after-change',
  exit: 2,
  example: { key: 'name', where: 'tidemark.yml' },
})

export const CONFIG_VALUE: ProblemKind<{ key: string; expected: string; hint?: string | undefined }> = problem<{
  key: string
  expected: string
  hint?: string | undefined
}>({
  code: 'CONFIG_VALUE',
  title: 'A value does not fit its key.',
  message: p => `\`${p.key}\` must be ${p.expected}.`,
  hint: p => p.hint ?? `Correct the value of \`${p.key}\`.`,
  retry: 'after-change',
  exit: 2,
  example: { key: 'parallel', expected: 'a whole number from 1 to 64' },
})

export const CONFIG_CONFLICT: ProblemKind<{ reason: string; hint: string }> = problem<{ reason: string; hint: string }>(
  {
    code: 'CONFIG_CONFLICT',
    title: 'Two keys contradict each other.',
    message: p => `${p.reason}.`,
    hint: p => p.hint,
    retry: 'after-change',
    exit: 2,
    example: { reason: '`url` and `host` are both given', hint: 'Keep one of the two.' },
  },
)

export const CONFIG_PLANNED: ProblemKind<{ what: string; instead?: string | undefined }> = problem<{
  what: string
  instead?: string | undefined
}>({
  code: 'CONFIG_PLANNED',
  title: 'This is planned and not built yet.',
  message: p => `${p.what} is planned, but this version does not do it.`,
  hint: p => p.instead ?? 'Remove it for now; it would have had no effect.',
  retry: 'after-change',
  exit: 2,
  example: { what: '`schedule`', instead: 'Start `tidemark run` from cron or another scheduler.' },
})

export const CONFIG_NO_MATCH: ProblemKind<{ key: string; pattern: string }> = problem<{ key: string; pattern: string }>(
  {
    code: 'CONFIG_NO_MATCH',
    title: 'A pattern matches no file.',
    message: p => `\`${p.key}: ${p.pattern}\` matches no .sql or .ts file.`,
    hint: () => 'Check the pattern, or remove it. Patterns are relative to tidemark.yml; `**` stands for any folders.',
    retry: 'after-change',
    exit: 2,
    example: { key: 'flows', pattern: 'glod/**' },
  },
)

export const VARIABLE_UNDEFINED: ProblemKind<{ name: string; suggestion: string | undefined; declared: boolean }> =
  problem<{ name: string; suggestion: string | undefined; declared: boolean }>({
    code: 'VARIABLE_UNDEFINED',
    title: 'A variable has no value.',
    message: p =>
      p.declared
        ? `Variable ${p.name} is declared without a default and was given no value.`
        : `Variable ${p.name} is not declared.`,
    hint: p =>
      p.declared
        ? `Give it with --var ${p.name}=…, in TIDEMARK_VAR_${p.name}, under the target's \`variables\`, or as \`default\`.`
        : meant(p.suggestion, `Declare it under \`variables\`: \`${p.name}: { default: … }\`.`),
    retry: 'after-change',
    exit: 2,
    example: { name: 'days', suggestion: undefined, declared: true },
  })

export const CONFIG_REFERENCE: ProblemKind<{ written: string; right: string }> = problem<{
  written: string
  right: string
}>({
  code: 'CONFIG_REFERENCE',
  title: 'A reference is written in a form that is not read.',
  message: p => `${p.written} is not replaced by anything here.`,
  hint: p => p.right,
  retry: 'after-change',
  exit: 2,
  example: { written: '${env.DB_URL}', right: 'Write the whole value as `{ secret: env:DB_URL }`.' },
})

export const TARGET_UNKNOWN: ProblemKind<{ name: string; suggestion: string | undefined; known: readonly string[] }> =
  problem<{ name: string; suggestion: string | undefined; known: readonly string[] }>({
    code: 'TARGET_UNKNOWN',
    title: 'There is no such target.',
    message: p => `tidemark.yml has no target ${p.name}.`,
    hint: p => meant(p.suggestion, `Targets of this project: ${list(p.known)}.`),
    retry: 'after-change',
    exit: 2,
    example: { name: 'prd', suggestion: 'prod', known: ['dev', 'prod'] },
  })

export const TARGET_DEFAULT: ProblemKind<{ names: readonly string[]; reason: 'none' | 'several' }> = problem<{
  names: readonly string[]
  reason: 'none' | 'several'
}>({
  code: 'TARGET_DEFAULT',
  title: 'It is not clear which target is meant.',
  message: p =>
    p.reason === 'none'
      ? `None of the targets ${list(p.names)} is the default.`
      : `More than one target is the default: ${list(p.names)}.`,
  hint: () => 'Write `default: true` in exactly one target, or choose one with --target.',
  retry: 'after-change',
  exit: 2,
  example: { names: ['dev', 'prod'], reason: 'none' },
})

export const SECRET_FORM: ProblemKind<{ hint: string }> = problem<{ hint: string }>({
  code: 'SECRET_FORM',
  title: 'A secret is not written as a reference.',
  message: () => 'A secret is a reference to where the value is kept.',
  hint: p => p.hint,
  retry: 'after-change',
  exit: 2,
  example: {
    hint: 'Write `{ secret: env:NAME }`, `{ secret: file:path }`, `{ secret: azure-kv:vault/name }` or `{ secret: aws-sm:name }`.',
  },
})

export const SECRET_MISSING: ProblemKind<{ reference: string; reason: string }> = problem<{
  reference: string
  reason: string
}>({
  code: 'SECRET_MISSING',
  title: 'A secret has no value here.',
  message: p => `Secret ${p.reference} ${p.reason}.`,
  hint: p =>
    p.reference.startsWith('env:')
      ? `Set ${p.reference.slice(4)} in the environment, or in .env beside tidemark.yml.`
      : p.reference.startsWith('azure-kv:')
        ? 'Check the names of vault and secret, or put it there: az keyvault secret set.'
        : p.reference.startsWith('aws-sm:')
          ? 'Check the name and the region, or put it there: aws secretsmanager put-secret-value.'
          : 'Put the value into that file, readable by you alone. Relative paths start at tidemark.yml.',
  retry: 'after-change',
  exit: 3,
  example: { reference: 'env:APP_DATABASE_URL', reason: 'is not set' },
})

export const SECRET_LITERAL: ProblemKind<{ key: string }> = problem<{ key: string }>({
  code: 'SECRET_LITERAL',
  title: 'A password stands in the project files.',
  message: p => `\`${p.key}\` holds a secret as plain text.`,
  hint: () =>
    'Move it to the environment or to .env and write `{ secret: env:NAME }`; then change it, it may be known already.',
  retry: 'after-change',
  exit: 2,
  example: { key: 'sources.app.url' },
})

export const CONNECTION_URL: ProblemKind<{ reason: string }> = problem<{ reason: string }>({
  code: 'CONNECTION_URL',
  title: 'A connection URL cannot be used.',
  message: p => `The connection URL ${p.reason}. It is not shown, because it may hold a password.`,
  hint: () => 'Write postgres://user:password@host:5432/database; percent-encode : / ? # @ % in user and password.',
  retry: 'after-change',
  exit: 2,
  example: { reason: 'names no database' },
})

export const LIST_SHAPE: ProblemKind<{ reason: string }> = problem<{ reason: string }>({
  code: 'LIST_SHAPE',
  title: 'This is not a table list.',
  message: p => `The table list ${p.reason}.`,
  hint: () =>
    'Write a list of entries: [{ "schema": "public", "table": "orders", "cdc_col": "updated_at", "from_date": "" }].',
  retry: 'after-change',
  exit: 2,
  example: { reason: 'is one text, not a list of entries' },
})

export const LIST_EMPTY: ProblemKind<{ source: string }> = problem<{ source: string }>({
  code: 'LIST_EMPTY',
  title: 'A table list is empty.',
  message: p => `Source ${p.source} lists no table, so nothing is read from it.`,
  hint: () => 'Add an entry, or `{ "schema": "public", "table": "*" }` for every table of a schema.',
  retry: 'after-change',
  exit: 2,
  example: { source: 'app' },
})

interface ListUnreachable {
  host: string
  reason: string
  hint?: string | undefined
  /** It may succeed the next time. */
  isPassing?: boolean
}

export const LIST_UNREACHABLE: ProblemKind<ListUnreachable> = problem<ListUnreachable>({
  code: 'LIST_UNREACHABLE',
  title: 'The table list could not be fetched.',
  message: p => `${p.host} ${p.reason}.`,
  hint: p => p.hint ?? 'Check the address and the network, or keep a copy of the list in the project.',
  retry: 'later',
  exit: 3,
  example: { host: 'lists.example.org', reason: 'answered 404', hint: 'Give the address of the raw file.' },
})

export const LIST_COPY_USED: ProblemKind<{ reason: string; hash: string; at: string }> = problem<{
  reason: string
  hash: string
  at: string
}>({
  code: 'LIST_COPY_USED',
  title: 'The table list could not be fetched; the last copy of it is used.',
  message: p => `${p.reason} The copy is of ${p.at}, SHA-256 ${p.hash}.`,
  hint: () => 'Tables listed or changed since then are not known. Check the address and the network.',
  retry: 'later',
  exit: 3,
  example: {
    reason: 'lists.example.org did not answer within 10 s.',
    hash: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
    at: '2026-11-22T12:00:00.000Z',
  },
})

interface ListChanged {
  source: string
  difference: string
  hash: string
}

export const LIST_CHANGED: ProblemKind<ListChanged> = problem<ListChanged>({
  code: 'LIST_CHANGED',
  title: 'The table list at an address is not the one that was accepted.',
  message: p => `The table list of source ${p.source} changed; ${p.difference}. Its SHA-256 is ${p.hash}.`,
  hint: p =>
    `If that is wanted, accept it: \`tidemark run --accept-list ${p.hash.slice(0, 12)}\`; \`plan\` takes it too.`,
  retry: 'after-change',
  exit: 2,
  example: {
    source: 'app',
    difference: 'added: public.invoices; changed: public.orders',
    hash: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
  },
})

export const LIST_HASH_UNKNOWN: ProblemKind<{ hash: string }> = problem<{ hash: string }>({
  code: 'LIST_HASH_UNKNOWN',
  title: 'No table list at an address has the hash that is to be accepted.',
  message: p => `No table list has a SHA-256 that begins with ${p.hash}.`,
  hint: () => 'Perhaps the list changed again: look at `tidemark plan`, which names the hash it has now.',
  retry: 'after-change',
  exit: 2,
  example: { hash: 'b5bb9d8014a0' },
})

export const LIST_ADDRESS_REFUSED: ProblemKind<{ host: string; address: string }> = problem<{
  host: string
  address: string
}>({
  code: 'LIST_ADDRESS_REFUSED',
  title: 'The table list is at an address in a private network.',
  message: p => `${p.host} is ${p.address}, which is not a public address.`,
  hint: () => 'If the list really is in your own network, write `tables: { url: …, allow_private: true }`.',
  retry: 'after-change',
  exit: 2,
  example: { host: 'lists.example.org', address: '169.254.169.254' },
})

export const LIST_INSECURE: ProblemKind<{ host: string }> = problem<{ host: string }>({
  code: 'LIST_INSECURE',
  title: 'The table list is fetched without encryption.',
  message: p => `The list comes from ${p.host} over http: anyone on the way can change which tables are read.`,
  hint: () => 'Use an https address, or keep the list in the project.',
  retry: 'after-change',
  exit: 2,
  example: { host: 'lists.example.org' },
})

export const LAKE_NAME_TAKEN: ProblemKind<{ name: string; table: string; first: string }> = problem<{
  name: string
  table: string
  first: string
}>({
  code: 'LAKE_NAME_TAKEN',
  title: 'Two tables have one name in the lake.',
  message: p =>
    `${p.table} would be ${p.name} in the lake, and so is the entry at ${p.first}. Names that differ only in case are the same.`,
  hint: () => 'Give one entry a `name:`, or give its source a `prefix:`.',
  retry: 'after-change',
  exit: 2,
  example: { name: 'orders', table: 'sales.orders', first: 'loop_input.json:2' },
})

export const CHANNEL_UNKNOWN: ProblemKind<{ name: string; suggestion: string | undefined; known: readonly string[] }> =
  problem<{ name: string; suggestion: string | undefined; known: readonly string[] }>({
    code: 'CHANNEL_UNKNOWN',
    title: 'An alert rule sends to a channel that does not exist.',
    message: p => `alerts.channels has no channel ${p.name}.`,
    hint: p => meant(p.suggestion, `Channels: ${list(p.known)}.`),
    retry: 'after-change',
    exit: 2,
    example: { name: 'mial', suggestion: 'mail', known: ['hook', 'mail'] },
  })

export const INIT_EXISTS: ProblemKind<{ files: readonly string[] }> = problem<{ files: readonly string[] }>({
  code: 'INIT_EXISTS',
  title: 'There is a project here already.',
  message: p => `${list(p.files)} ${p.files.length === 1 ? 'exists' : 'exist'}, and init never overwrites a file.`,
  hint: () => 'Choose an empty folder, or move these files away.',
  retry: 'after-change',
  exit: 2,
  example: { files: ['tidemark.yml'] },
})
