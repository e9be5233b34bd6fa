/**
 * Problems with one table of a source: the other tables of the run go on.
 */
import { type ProblemKind, problem } from './problem.ts'
import { rowsText } from './row-count.ts'

interface TableParams {
  source: string
  /** `schema.table`, as listed. */
  table: string
}

const example = { source: 'app', table: 'public.orders' }

export const SOURCE_TABLE_MISSING: ProblemKind<TableParams & { suggestions: readonly string[] }> = problem<
  TableParams & { suggestions: readonly string[] }
>({
  code: 'SOURCE_TABLE_MISSING',
  title: 'The source has no such table.',
  message: (p: TableParams) => `Source ${p.source} has no table or view ${p.table} that this user can see.`,
  hint: (p: { suggestions: readonly string[] }) =>
    p.suggestions.length > 0
      ? `Did you mean ${p.suggestions.join(' or ')}?`
      : 'Check schema and table in the list; `tidemark init` shows what the user can see.',
  retry: 'after-change',
  exit: 1,
  example: { ...example, suggestions: ['public.order'] },
})

export const SOURCE_TABLE_AMBIGUOUS: ProblemKind<TableParams & { candidates: readonly string[] }> = problem<
  TableParams & { candidates: readonly string[] }
>({
  code: 'SOURCE_TABLE_AMBIGUOUS',
  title: 'Several tables of the source fit the name.',
  message: (p: TableParams & { candidates: readonly string[] }) =>
    `Source ${p.source}: ${p.table} fits ${p.candidates.join(' and ')}.`,
  hint: () => 'Write schema and table with the upper and lower case they have in the database.',
  retry: 'after-change',
  exit: 1,
  example: { ...example, candidates: ['public.Orders', 'public.ORDERS'] },
})

export const SOURCE_TABLE_FORBIDDEN: ProblemKind<TableParams & { user: string }> = problem<
  TableParams & { user: string }
>({
  code: 'SOURCE_TABLE_FORBIDDEN',
  title: 'The user may not read the table.',
  message: (p: TableParams & { user: string }) => `Source ${p.source}: user ${p.user} may not read ${p.table}.`,
  hint: (p: { user: string }) =>
    `Grant SELECT on the table to ${p.user}; PostgreSQL wants USAGE on its schema too. SELECT on single columns is not enough: a view of them can be read in place of the table.`,
  retry: 'after-change',
  exit: 1,
  example: { ...example, user: 'reader' },
})

export const SOURCE_ROW_SECURITY: ProblemKind<TableParams & { user: string }> = problem<TableParams & { user: string }>(
  {
    code: 'SOURCE_ROW_SECURITY',
    title: 'Row security would hide rows of the table.',
    message: (p: TableParams & { user: string }) =>
      `Source ${p.source}: row security policies of ${p.table} apply to user ${p.user}, who would see only some rows.`,
    hint: () =>
      'Read as a user whom no policy filters (in PostgreSQL one with BYPASSRLS), or list a view that selects what the lake should hold.',
    retry: 'after-change',
    exit: 1,
    example: { ...example, user: 'reader' },
  },
)

export const SOURCE_COLUMN_MASKED: ProblemKind<TableParams & { user: string; columns: readonly string[] }> = problem<
  TableParams & { user: string; columns: readonly string[] }
>({
  code: 'SOURCE_COLUMN_MASKED',
  title: 'The database would mask values of the table.',
  message: (p: TableParams & { user: string; columns: readonly string[] }) =>
    `Source ${p.source}: ${p.table} masks ${p.columns.join(', ')} for user ${p.user}, so that other values than the real ones would arrive.`,
  hint: (p: { user: string }) => `GRANT UNMASK TO ${p.user}, or list a view that leaves the columns out.`,
  retry: 'after-change',
  exit: 1,
  example: { ...example, user: 'reader', columns: ['email'] },
})

export const SOURCE_TABLE_LOCKED: ProblemKind<TableParams & { seconds: number }> = problem<
  TableParams & { seconds: number }
>({
  code: 'SOURCE_TABLE_LOCKED',
  title: 'The table is locked by somebody else.',
  message: (p: TableParams & { seconds: number }) =>
    `Source ${p.source}: ${p.table} stayed locked for ${p.seconds} seconds by a schema change or another exclusive lock.`,
  hint: () =>
    'Run again when the migration has ended; the locks that the database shows (pg_locks, metadata_locks, sys.dm_tran_locks) say who holds it.',
  retry: 'later',
  exit: 1,
  example: { ...example, seconds: 10 },
})

export const SOURCE_TABLE_CHANGED: ProblemKind<TableParams & { reason: string }> = problem<
  TableParams & { reason: string }
>({
  code: 'SOURCE_TABLE_CHANGED',
  title: 'The table was altered while the run began.',
  message: (p: TableParams & { reason: string }) =>
    `Source ${p.source}: ${p.table} was altered after the snapshot was taken: ${p.reason}.`,
  hint: () => 'Run again: the next snapshot sees the table as it is now. The other tables are not affected.',
  retry: 'later',
  exit: 1,
  example: { ...example, reason: 'Table definition has changed, please retry transaction' },
})

interface ColumnMissingParams extends TableParams {
  column: string
  suggestions: readonly string[]
  /** The list of columns that names it. */
  list?: 'columns' | 'exclude_columns' | undefined
}

export const SOURCE_COLUMN_MISSING: ProblemKind<ColumnMissingParams> = problem<ColumnMissingParams>({
  code: 'SOURCE_COLUMN_MISSING',
  title: 'The table has no such column.',
  message: (p: TableParams & { column: string }) => `${p.table} has no column ${JSON.stringify(p.column)}.`,
  hint: (p: Pick<ColumnMissingParams, 'column' | 'suggestions' | 'list'>) => {
    const check =
      p.suggestions.length > 0 ? `Did you mean ${p.suggestions.join(' or ')}?` : 'Check the name in the list.'
    if (p.list === undefined) return check
    const out =
      p.list === 'columns'
        ? `take ${p.column} out of \`columns\``
        : `write ${p.column}* in \`exclude_columns\`, which may fit nothing`
    return `${check} If the source has dropped the column, ${out}: what the lake has of it stays.`
  },
  retry: 'after-change',
  exit: 1,
  example: { ...example, column: 'udpated_at', suggestions: ['updated_at'] },
})

export const SOURCE_RANGE_INVALID: ProblemKind<TableParams & { column: string; reason: string }> = problem<
  TableParams & { column: string; reason: string }
>({
  code: 'SOURCE_RANGE_INVALID',
  title: 'A backfill bound does not fit the column.',
  message: (p: TableParams & { column: string; reason: string }) =>
    `The database does not accept the bounds for ${p.table}.${p.column}: ${p.reason}.`,
  hint: () => 'Write from_date, --from and --to as the column holds its values, for example 2026-01-31 or 10500.',
  retry: 'after-change',
  exit: 1,
  example: { ...example, column: 'updated_at', reason: 'invalid input syntax for type timestamp: "yesterdy"' },
})

export const SOURCE_KEY_INVALID: ProblemKind<TableParams & { columns: string; reason: string }> = problem<
  TableParams & { columns: string; reason: string }
>({
  code: 'SOURCE_KEY_INVALID',
  title: 'A value does not fit the key.',
  message: (p: TableParams & { columns: string; reason: string }) =>
    `The database does not accept the value for ${p.table} (${p.columns}): ${p.reason}.`,
  hint: () => 'Write the value as the column holds it, for example 10500 or 2026-01-31.',
  retry: 'after-change',
  exit: 2,
  example: { ...example, columns: 'user_id', reason: 'invalid input syntax for type integer: "ten"' },
})

export interface UnfitColumn {
  column: string
  sourceType: string
  deltaType: string
  /** What is there, for example `NaN`. */
  values: string
  count: bigint
}

export const SOURCE_VALUE_UNFIT: ProblemKind<TableParams & { columns: readonly UnfitColumn[] }> = problem<
  TableParams & { columns: readonly UnfitColumn[] }
>({
  code: 'SOURCE_VALUE_UNFIT',
  title: 'The lake cannot hold some values of the table.',
  message: (p: TableParams & { columns: readonly UnfitColumn[] }) =>
    `${p.table}: ${p.columns
      .map(c => `${c.column} (${c.sourceType} as ${c.deltaType}) has ${rowsText(c.count)} with ${c.values}`)
      .join('; ')}.`,
  hint: (p: { columns: readonly UnfitColumn[] }) =>
    `Carry them as text: add "as_text": [${p.columns.map(c => JSON.stringify(c.column)).join(', ')}] to the entry, or correct the rows.`,
  retry: 'after-change',
  exit: 1,
  example: {
    ...example,
    columns: [{ column: 'price', sourceType: 'numeric(10,2)', deltaType: 'decimal(10,2)', values: 'NaN', count: 3n }],
  },
})

export const SOURCE_ROW_TOO_LONG: ProblemKind<TableParams & { bytes: number; limit: number }> = problem<
  TableParams & { bytes: number; limit: number }
>({
  code: 'SOURCE_ROW_TOO_LONG',
  title: 'A row is too long to carry.',
  message: (p: TableParams & { bytes: number; limit: number }) =>
    `${p.table} has a row of ${p.bytes} bytes, as the source sends it; the limit is ${p.limit}.`,
  hint: () => 'List a view that leaves the large column out.',
  retry: 'after-change',
  exit: 1,
  example: { ...example, bytes: 300_000_000, limit: 134_217_728 },
})

export const SOURCE_ROWS_LOST: ProblemKind<TableParams & { received: bigint; sent: bigint }> = problem<
  TableParams & { received: bigint; sent: bigint }
>({
  code: 'SOURCE_ROWS_LOST',
  title: 'Fewer rows arrived than the source sent.',
  message: (p: TableParams & { received: bigint; sent: bigint }) =>
    `${p.table}: the source says it sent ${p.sent} rows, ${p.received} arrived.`,
  hint: () => 'Nothing of the table was committed; run again. If it repeats, something between changes the data.',
  retry: 'later',
  exit: 1,
  example: { ...example, received: 999n, sent: 1000n },
})

export const SOURCE_TABLE_UNUSABLE: ProblemKind<TableParams & { reason: string }> = problem<
  TableParams & { reason: string }
>({
  code: 'SOURCE_TABLE_UNUSABLE',
  title: 'The database cannot open the table itself.',
  message: (p: TableParams & { reason: string }) => `Source ${p.source}: ${p.table}: ${p.reason}.`,
  hint: () =>
    'A view over a table that is gone or of what cannot be computed, or a virtual table whose module is missing, must be mended in the database.',
  retry: 'after-change',
  exit: 1,
  example: { source: 'app', table: 'main.old_report', reason: 'no such table: main.orders' },
})

export const SOURCE_TEXT_INVALID: ProblemKind<TableParams & { column: string; row: string }> = problem<
  TableParams & { column: string; row: string }
>({
  code: 'SOURCE_TEXT_INVALID',
  title: 'A text of the table is no UTF-8.',
  message: (p: TableParams & { column: string; row: string }) =>
    `${p.table}: a text in ${p.column} holds bytes that are no UTF-8. The row begins with ${p.row}.`,
  hint: (p: { column: string }) =>
    `Correct the rows, or list a view that selects CAST(${p.column} AS BLOB), which keeps the bytes as they are.`,
  retry: 'after-change',
  exit: 1,
  example: { source: 'app', table: 'main.people', column: 'name', row: '17,"2026-01-31"' },
})
