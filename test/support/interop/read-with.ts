/**
 * One Delta table, read by us and by others: `readWith('spark', folder)` gives the same value as
 * `readWith('tidemark', folder)` exactly when both read the same columns, types and rows.
 *
 *   test.skipIf(!hasReader('duckdb'))('…', async () => {
 *     expect(await readWith('duckdb', folder)).toEqual(await readWith('tidemark', folder))
 *   })
 *   await runPython('write_deltalake(arguments[0], pa.table({"a": [1]}), mode="append")', folder)   // delta-rs writes
 *   await spark.sql(`DELETE FROM delta.\`${folder}\` WHERE a = 1`)                                   // Spark writes
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { hasPython, hasSpark, PYTHON } from './installed.ts'
import { readOwn } from './read-own.ts'
import { spark } from './spark.ts'
import { canonicalRow, type WireColumn, type WireRows } from './wire.ts'

const READERS = fileURLToPath(new URL('./python-readers.py', import.meta.url))
const run = promisify(execFile)

export type Reader = 'tidemark' | 'delta-rs' | 'duckdb' | 'spark'

export interface ReadOptions {
  /** The latest when left out. */
  version?: number
  /** Read the change data feed of these versions, both inclusive, instead of the table: delta-rs and spark only. */
  cdf?: { from: number; to: number }
}

export interface TableRows {
  columns: WireColumn[]
  /** Canonical texts (wire.ts), sorted. */
  rows: string[]
}

/** Is this reader on this machine? Tests say so in their title and are skipped where it is not. */
export function hasReader(reader: Reader): boolean {
  return reader === 'tidemark' || (reader === 'spark' ? hasSpark : hasPython)
}

/** Read the Delta table in a local folder. Rejects with the reader's own words when it cannot. */
export async function readWith(reader: Reader, folder: string, options: ReadOptions = {}): Promise<TableRows> {
  if (reader === 'spark') {
    const { columns, rows } = await spark.sql(sparkQuery(folder, options))
    return { columns: [...columns], rows: [...rows].sort() }
  }
  const { columns, rows } = await (reader === 'tidemark'
    ? readOwn(folder, options)
    : readPython(reader, folder, options))
  return { columns, rows: rows.map(canonicalRow).sort() }
}

function sparkQuery(folder: string, { version, cdf }: ReadOptions): string {
  const literal = `'${folder.replaceAll(/[\\']/g, String.raw`\$&`)}'`
  if (cdf) return `SELECT * FROM table_changes_by_path(${literal}, ${cdf.from}, ${cdf.to})`
  const at = version === undefined ? '' : ` VERSION AS OF ${version}`
  return `SELECT * FROM delta.\`${folder.replaceAll('`', '``')}\`${at}`
}

async function readPython(reader: Reader, path: string, { version = null, cdf = null }: Nullable): Promise<WireRows> {
  const request = JSON.stringify({ reader, path, version, cdf })
  const { stdout } = await run(PYTHON, [READERS, 'read', request], { maxBuffer: 1 << 28 })
  return JSON.parse(stdout) as WireRows
}

type Nullable = { [K in keyof ReadOptions]: ReadOptions[K] | null }

/** Run a Python script with deltalake's names, `pa`, `duckdb_connection()` and `arguments`; gives what it prints. */
export async function runPython(script: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(PYTHON, [READERS, 'run', script, ...args], { maxBuffer: 1 << 28 })
  return stdout
}
