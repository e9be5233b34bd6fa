/**
 * The common recipe, for comparison: copy `WHERE cdc_col > last`, then remember MAX(cdc_col). It runs at the same moments
 * as Tidemark, inside the demo's own Postgres, and is judged kindly: of each key the newest copy counts.
 */
import type { Client } from 'pg'
import { LAYOUT, sourceTable } from './database.ts'
import { type MusicTable, TABLES } from './rows.ts'

/** How a copy differs from its source. */
export interface Difference {
  table: MusicTable
  /** Keys of the source that the copy lacks. */
  lost: number
  /** Keys in both whose rows differ. */
  stale: number
  /** Keys of the copy that the source no longer has. */
  ghosts: number
}

/** Make the recipe's storage: files of rows as a table for each source table, and the marks. */
export async function createRecipe(client: Client): Promise<void> {
  await client.query(
    `CREATE SCHEMA common_recipe; CREATE TABLE common_recipe.marks (table_name text PRIMARY KEY, last text)`,
  )
  for (const table of TABLES) {
    await client.query(`CREATE TABLE ${copyOf(table)} AS SELECT 0 AS load, * FROM ${sourceTable(table)} WITH NO DATA`)
    await client.query(`INSERT INTO common_recipe.marks VALUES ($1, '1900-01-01')`, [table])
  }
}

/** One pass over all tables. A table that is missing at the moment is left for the next pass, as a ForEach would. */
export async function runRecipe(client: Client, load: number): Promise<void> {
  for (const table of TABLES) {
    const { rows } = await client.query<{ found: boolean }>('SELECT to_regclass($1) IS NOT NULL AS found', [
      sourceTable(table),
    ])
    if (rows[0]?.found !== true) continue
    const cursor = `"${LAYOUT[table].cursor}"`
    const last = `(SELECT last::timestamp FROM common_recipe.marks WHERE table_name = '${table}')`
    await client.query(
      `INSERT INTO ${copyOf(table)} SELECT $1, * FROM ${sourceTable(table)} WHERE ${cursor} > ${last}`,
      [load],
    )
    await client.query(
      `UPDATE common_recipe.marks SET last = (SELECT max(${cursor})::text FROM ${sourceTable(table)}) WHERE table_name = $1`,
      [table],
    )
  }
}

/** Compare the newest copy of each key with the source, column by column. */
export async function compareRecipe(client: Client): Promise<Difference[]> {
  const differences: Difference[] = []
  for (const table of TABLES) {
    const { key } = LAYOUT[table]
    const { rows } = await client.query<{ lost: number; stale: number; ghosts: number }>(`
      WITH source AS (SELECT ${key} AS key, to_jsonb(s) AS content FROM ${sourceTable(table)} AS s),
      copy AS (
        SELECT DISTINCT ON (${key}) ${key} AS key, to_jsonb(c) - 'load' AS content FROM ${copyOf(table)} AS c
        ORDER BY ${key}, load DESC),
      missing AS (SELECT key FROM source EXCEPT SELECT key FROM copy),
      differing AS (SELECT key FROM (SELECT * FROM source EXCEPT SELECT * FROM copy) AS d EXCEPT SELECT key FROM missing),
      left_over AS (SELECT key FROM copy EXCEPT SELECT key FROM source)
      SELECT (SELECT count(*)::int FROM missing) AS lost, (SELECT count(*)::int FROM differing) AS stale,
             (SELECT count(*)::int FROM left_over) AS ghosts`)
    differences.push({ table, ...(rows[0] ?? { lost: 0, stale: 0, ghosts: 0 }) })
  }
  return differences
}

function copyOf(table: MusicTable): string {
  return `common_recipe."copy_of_${table}"`
}
