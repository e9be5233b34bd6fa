/** Problems of ingestion: what stops one table while the others go on. */
import { type ProblemKind, problem } from './problem.ts'
import { rowsThat } from './row-count.ts'
import { shellWord } from './shell-word.ts'

export const SOURCE_WENT_BACK: ProblemKind<{ table: string; markAsOf: string; sourceAsOf: string }> = problem({
  code: 'SOURCE_WENT_BACK',
  title: 'The source is at an earlier position than the lake.',
  message: (p: { table: string; markAsOf: string; sourceAsOf: string }) =>
    `${p.table} was last read at ${p.markAsOf}; the server now stands before that point of its own history (its clock says ${p.sourceAsOf}).`,
  hint: () =>
    'A restored backup, a lagging copy, a crash that lost commits or a clock that was ahead and has been set right looks like this. Point the source at the current primary; if the server really was restored or its clock corrected, load the table anew: tidemark run --reload-source says what exists only in the lake, and asks.',
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', markAsOf: '2026-11-22T12:00:03Z', sourceAsOf: '2026-11-22T12:30:00Z' },
})

export const BRONZE_FOREIGN_CHANGE: ProblemKind<{ table: string; version: string; by: string }> = problem({
  code: 'BRONZE_FOREIGN_CHANGE',
  title: 'Somebody else changed a bronze table.',
  message: (p: { table: string; version: string; by: string }) =>
    `Version ${p.version} of ${p.table} changed data and was not written by an ingestion (${p.by}).`,
  hint: (p: { table: string; version: string; by: string }) =>
    `Bronze must equal what was read. Restore ${p.table} to the version before, or give the entry another name to load it anew.`,
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', version: '12', by: 'operation DELETE' },
})

export const BRONZE_WITHOUT_MARK: ProblemKind<{ table: string; source: string }> = problem({
  code: 'BRONZE_WITHOUT_MARK',
  title: 'A bronze table has rows but no mark.',
  message: (p: { table: string; source: string }) =>
    `${p.table} exists at version 0 or later without a mark of source ${p.source}, so nobody can say what it lacks.`,
  hint: () => 'Move that folder away, or give the entry another name; the next run loads the table in full.',
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', source: 'app' },
})

export const BRONZE_MARK_UNREADABLE: ProblemKind<{ table: string; reason: string }> = problem({
  code: 'BRONZE_MARK_UNREADABLE',
  title: 'The mark of a bronze table cannot be read.',
  message: (p: { table: string; reason: string }) => `${p.table}: ${p.reason}.`,
  hint: () =>
    'A newer Tidemark wrote it, or somebody changed it. Update Tidemark; else move the folder of the table out of the lake, and the next run loads it in full.',
  retry: 'after-change',
  exit: 3,
  example: { table: 'bronze.DimUser', reason: 'mark format 2 is not known' },
})

export const FOLDER_NOT_OURS: ProblemKind<{ table: string; folder: string; found: string }> = problem({
  code: 'FOLDER_NOT_OURS',
  title: 'The folder of a new table is not empty.',
  message: (p: { table: string; folder: string; found: string }) =>
    `${p.table} would be created in ${p.folder}, which has no _delta_log but holds ${p.found}.`,
  hint: () =>
    'Choose another lake folder or another name for the entry. Tidemark never deletes a file that it did not write.',
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', folder: 'bronze/DimUser', found: 'notes.txt' },
})

export const COLUMN_RESERVED: ProblemKind<{ table: string; column: string }> = problem({
  code: 'COLUMN_RESERVED',
  title: 'A source column has a name that Tidemark uses itself.',
  message: (p: { table: string; column: string }) => `${p.table} has a column ${p.column}.`,
  hint: () => 'Read the table through a view that names the column differently.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.orders', column: '_op' },
})

export const COLUMN_NAMES_COLLIDE: ProblemKind<{ table: string; columns: string; name: string }> = problem({
  code: 'COLUMN_NAMES_COLLIDE',
  title: 'Two source columns would have one name in the lake.',
  message: (p: { table: string; columns: string; name: string }) =>
    `${p.table}: ${p.columns} both become ${p.name}; the lake's names ignore case and have no blanks or ,;{}()=.`,
  hint: () => 'Read the table through a view that names one of them differently.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.orders', columns: '"a b" and "a_b"', name: 'a_b' },
})

export const KEY_COLUMN_MISSING: ProblemKind<{ table: string; column: string; columns: string }> = problem({
  code: 'KEY_COLUMN_MISSING',
  title: 'A key column does not exist.',
  message: (p: { table: string; column: string; columns: string }) =>
    `${p.table} has no column ${p.column}; its columns are ${p.columns}.`,
  hint: () => 'Correct primary_key, or leave it out to use the key of the database.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.orders', column: 'order_no', columns: 'id, customer' },
})

export const COLUMN_LEFT_OUT: ProblemKind<{ table: string; column: string; as: string; list: string }> = problem({
  code: 'COLUMN_LEFT_OUT',
  title: 'A column that the table is read by is left out.',
  message: (p: { table: string; column: string; as: string; list: string }) =>
    `${p.table}: ${p.column} is ${p.as === 'key' ? 'part of the key' : 'the cdc_col'}, and \`${p.list}\` leaves it out.`,
  hint: (p: { column: string; list: string }) =>
    p.list === 'columns' ? `Add ${p.column} to \`columns\`.` : `Take ${p.column} out of \`exclude_columns\`.`,
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.orders', column: 'order_no', as: 'key', list: 'columns' },
})

export const CDC_COLUMN_MISSING: ProblemKind<{ table: string; column: string; columns: string }> = problem({
  code: 'CDC_COLUMN_MISSING',
  title: 'The cdc_col does not exist.',
  message: (p: { table: string; column: string; columns: string }) =>
    `${p.table} has no column ${p.column}; its columns are ${p.columns}.`,
  hint: () => 'Correct cdc_col, or leave it out: changes are found by row version, not by this column.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.FactStream', column: 'updated_at', columns: 'stream_id, stream_timestamp' },
})

export const CDC_COLUMN_NOT_ORDERABLE: ProblemKind<{ table: string; column: string; type: string }> = problem({
  code: 'CDC_COLUMN_NOT_ORDERABLE',
  title: 'The cdc_col cannot be ordered.',
  message: (p: { table: string; column: string; type: string }) =>
    `${p.table}.${p.column} is ${p.type}; a cdc_col must be an integer, a date or a timestamp.`,
  hint: () => 'Choose another column, or leave cdc_col out: changes are found by row version, not by this column.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.orders', column: 'status', type: 'text' },
})

export const KEY_NOT_UNIQUE: ProblemKind<{ table: string; keys: string; detail: string }> = problem({
  code: 'KEY_NOT_UNIQUE',
  title: 'The declared key is not unique.',
  message: (p: { table: string; keys: string; detail: string }) =>
    `${p.table}: (${p.keys}) does not identify a row: ${p.detail}.`,
  hint: () =>
    'Declare a primary_key that is unique and never NULL, or leave it out on a table without one: it is then replaced as a whole.',
  retry: 'after-change',
  exit: 1,
  example: { table: 'public.orders', keys: 'customer', detail: '12 rows share a key with another' },
})

export const BRONZE_DIFFERS: ProblemKind<{ table: string; detail: string }> = problem({
  code: 'BRONZE_DIFFERS',
  title: 'Bronze does not hold what was read into it.',
  message: (p: { table: string; detail: string }) =>
    `${p.table}: ${p.detail}. The source keeps its key unique, so rows of bronze are lost, or some are ghosts.`,
  hint: (p: { table: string; detail: string }) =>
    `tidemark verify ${shellWord(p.table)} names them, and with --repair corrects them from the source.`,
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', detail: 'the source has 500 rows for 499 keys' },
})

export const KEY_CHANGED: ProblemKind<{ table: string; before: string; now: string }> = problem({
  code: 'KEY_CHANGED',
  title: 'The key of a table changed.',
  message: (p: { table: string; before: string; now: string }) =>
    `${p.table} was loaded ${p.before === '' ? 'without a key' : `by (${p.before})`}; ${p.now === '' ? 'it has none now' : `its key is now (${p.now})`}.`,
  hint: (p: { before: string; now: string }) => {
    const renamed = `give the entry another name to load the table ${p.now === '' ? 'without one' : 'by its new key'}`
    return p.before === ''
      ? `Take the key away again, or ${renamed}.`
      : `Declare the old key by primary_key, or ${renamed}.`
  },
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', before: 'user_id', now: 'user_id, country' },
})

export const MASS_DELETE: ProblemKind<{ table: string; deletes: string; live: string }> = problem({
  code: 'MASS_DELETE',
  title: 'More rows are gone from the source than is plausible.',
  message: (p: { table: string; deletes: string; live: string }) =>
    `${p.deletes} of the ${p.live} keys of ${p.table} are no longer in the source.`,
  hint: (p: { table: string; deletes: string; live: string }) =>
    `If they really were deleted, run with --allow-mass-delete ${shellWord(p.table)}. A truncated, swapped or half-loaded source table looks the same.`,
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', deletes: '480', live: '500' },
})

export const REPAIR_SUSPICIOUS: ProblemKind<{ table: string; keys: string; rows: string }> = problem({
  code: 'REPAIR_SUSPICIOUS',
  title: 'More rows differ than a repair should correct unasked.',
  message: (p: { table: string; keys: string; rows: string }) =>
    `${p.keys} keys of ${p.table} differ from the source, of ${p.rows} rows.`,
  hint: (p: { table: string; keys: string; rows: string }) =>
    `Look first whether the source is the right one, and whole: a half-loaded or swapped table looks the same. If it is, tidemark verify ${shellWord(p.table)} --repair --allow-mass-repair`,
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', keys: '480', rows: '500' },
})

export const INGEST_COUNT_MISMATCH: ProblemKind<{ table: string; read: string; landed: string }> = problem({
  code: 'INGEST_COUNT_MISMATCH',
  title: 'Rows read and rows landed differ.',
  message: (p: { table: string; read: string; landed: string }) =>
    `${p.table}: ${p.read} rows were read and ${p.landed} landed.`,
  hint: () => 'This is a bug in tidemark. Please report it with the output of tidemark runs --json.',
  retry: 'never',
  exit: 1,
  example: { table: 'bronze.DimUser', read: '500', landed: '499' },
})

export const INGEST_BUSY: ProblemKind<{ table: string; tries: string }> = problem({
  code: 'INGEST_BUSY',
  title: 'Other writers kept winning.',
  message: (p: { table: string; tries: string }) =>
    `${p.table}: ${p.tries} commits in a row lost against other writers.`,
  hint: () => 'Run again when the other runs are done; nothing was lost.',
  retry: 'later',
  exit: 1,
  example: { table: 'bronze.DimUser', tries: '10' },
})

export const GUARANTEE_NOT_POSSIBLE: ProblemKind<{ table: string; guarantee: string; reason: string }> = problem({
  code: 'GUARANTEE_NOT_POSSIBLE',
  title: 'The guarantee cannot be given for this table.',
  message: (p: { table: string; guarantee: string; reason: string }) =>
    `${p.table} cannot be read with guarantee ${p.guarantee}: ${p.reason}.`,
  hint: () => 'Change what the reason says, or write a weaker "guarantee"; "best_effort" promises nothing.',
  retry: 'after-change',
  exit: 2,
  example: {
    table: 'public.remote_orders',
    guarantee: 'exact',
    reason: 'a foreign table has rows of another server',
  },
})

export const FULL_PASS_USELESS: ProblemKind<{ table: string; reason: string }> = problem({
  code: 'FULL_PASS_USELESS',
  title: 'A table that every run looks at as a whole has a full_pass.',
  message: (p: { table: string; reason: string }) => `${p.table} has no use for full_pass: ${p.reason}.`,
  hint: () => 'Remove "full_pass", or give the entry a "primary_key".',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.log', reason: 'without a key every run reads all of it' },
})

export const CDC_COLUMN_NEEDED: ProblemKind<{ table: string; guarantee: string }> = problem({
  code: 'CDC_COLUMN_NEEDED',
  title: 'This guarantee needs a cdc_col.',
  message: (p: { table: string; guarantee: string }) =>
    `${p.table} is to be read with guarantee ${p.guarantee}, which goes by a column, and has no cdc_col.`,
  hint: () => 'Name the column that every write sets as cdc_col, or leave `guarantee` out.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.orders', guarantee: 'server_clock' },
})

export const CURSOR_NULL: ProblemKind<{ table: string; column: string; rows: string }> = problem({
  code: 'CURSOR_NULL',
  title: 'Rows have no value in the cdc_col.',
  message: (p: { table: string; column: string; rows: string }) =>
    `${p.table}: ${rowsThat(p.rows, { one: 'has', many: 'have' })} NULL in ${p.column}, and would never be found by it.`,
  hint: () =>
    'Fill the column in the source, or write "null_cursor": "include" to read these rows in every run, "exclude" to leave them out.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'bronze.orders', column: 'updated_at', rows: '17' },
})

export const FILTER_REFUSED: ProblemKind<{ table: string; reason: string }> = problem({
  code: 'FILTER_REFUSED',
  title: 'The filter of a table cannot be used.',
  message: (p: { table: string; reason: string }) => `${p.table}: the filter is refused: ${p.reason}.`,
  hint: () =>
    'Write one condition over columns of the table, with literals, operators and functions that mean the same in every run; quote names that are no plain words.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.orders', reason: 'now() is none of the functions that a filter may use' },
})

export const PATTERN_MATCHES_NOTHING: ProblemKind<{ pattern: string; source: string }> = problem({
  code: 'PATTERN_MATCHES_NOTHING',
  title: 'A pattern of the table list matches no table.',
  message: (p: { pattern: string; source: string }) => `${p.pattern} matches nothing in source ${p.source}.`,
  hint: () => 'Check the schema and the spelling; * stands for any characters.',
  retry: 'after-change',
  exit: 2,
  example: { pattern: 'sales.*', source: 'app' },
})
