/**
 * Deleted rows as a temporary table that a scan leaves out. Row numbers travel as text, which DuckDB takes apart faster
 * than any call for each row.
 */
import type { RowSet } from '@tidemark/delta'
import { integer, raw, type Sql, sql, text } from '../sql.ts'

/** Rows in one statement: bounds the text that is held at once. */
const BATCH = 100_000

/**
 * Fill a new temporary table with the deleted rows of files; `file` is the position in the list.
 *
 * @param run runs a statement of the session the table belongs to
 */
export async function createDeletedRows(
  run: (statement: Sql) => Promise<unknown>,
  table: Sql,
  files: readonly (RowSet | undefined)[],
): Promise<void> {
  await run(sql`CREATE TEMP TABLE ${table} (file UBIGINT, row BIGINT)`)
  for (const batch of batches(files)) {
    const file =
      batch.files.at(0) === batch.files.at(-1) ? integer(batch.files[0] ?? 0) : numbers(batch.files, 'UBIGINT')
    await run(sql`INSERT INTO ${table} SELECT ${file}, ${numbers(batch.rows, 'BIGINT')}`)
  }
}

/** One row a number. */
function numbers(values: readonly number[], type: 'UBIGINT' | 'BIGINT'): Sql {
  return sql`unnest(CAST(string_split(${text(values.join(' '))}, ' ') AS ${raw(type)}[]))`
}

/** Rows, and the file of each; many files of few rows are one batch, since a statement costs more than they do. */
interface Batch {
  readonly files: number[]
  readonly rows: number[]
}

function* batches(files: readonly (RowSet | undefined)[]): Generator<Batch> {
  let batch: Batch = { files: [], rows: [] }
  for (const [file, rows] of files.entries()) {
    for (const row of rows ?? []) {
      batch.files.push(file)
      batch.rows.push(row)
      if (batch.rows.length < BATCH) continue
      yield batch
      batch = { files: [], rows: [] }
    }
  }
  if (batch.rows.length > 0) yield batch
}
