/**
 * Deleted rows as a temporary table that a scan leaves out. Row numbers travel as text, which DuckDB takes apart faster
 * than any call for each row.
 */
import type { RowSet } from '@tidemark/delta'
import { integer, type Sql, sql, text } from '../sql.ts'

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
  for (const [file, rows] of files.entries()) {
    for (const batch of batches(rows ?? [])) {
      await run(
        sql`INSERT INTO ${table} SELECT ${integer(file)}, unnest(CAST(string_split(${text(batch.join(' '))}, ' ') AS BIGINT[]))`,
      )
    }
  }
}

function* batches(rows: Iterable<number>): Generator<number[]> {
  let batch: number[] = []
  for (const row of rows) {
    batch.push(row)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
