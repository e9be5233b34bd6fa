/**
 * Loads nycflights13 into the Postgres of FLIGHTS_DATABASE_URL, each table by one COPY. The files are not part of this
 * repository; without them the loader says so and does nothing.
 */
import { createReadStream, existsSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import pg from 'pg'
import { from as copyFrom } from 'pg-copy-streams'
import { CREATE_TABLES, FILES, FLIGHT_TABLES } from './tables.ts'

/** Folder of the files: TIDEMARK_SHARED or `../shared` beside the repository; undefined where they are absent. */
export function findFlightFiles(env: NodeJS.ProcessEnv): string | undefined {
  const shared = env['TIDEMARK_SHARED'] ?? fileURLToPath(new URL('../../../shared', import.meta.url))
  const folder = join(shared, 'data', 'nycflights13')
  return Object.values(FILES).every(file => existsSync(join(folder, file))) ? folder : undefined
}

/** Create and fill schema `nyc` anew; returns the number of rows of all tables. `NA` in a file is NULL. */
export async function loadFlights(url: string, folder: string): Promise<number> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(`DROP SCHEMA IF EXISTS nyc CASCADE; ${CREATE_TABLES}`)
    // Since release 15 the server compares the names in the file with the table's.
    const version = await client.query<{ number: number }>(
      `SELECT current_setting('server_version_num')::int AS number`,
    )
    const header = (version.rows[0]?.number ?? 0) < 150_000 ? 'true' : 'match'
    let rows = 0
    for (const table of FLIGHT_TABLES) {
      const file = createReadStream(join(folder, FILES[table]))
      const copy = client.query(copyFrom(`COPY nyc.${table} FROM STDIN (FORMAT csv, HEADER ${header}, NULL 'NA')`))
      await (FILES[table].endsWith('.gz') ? pipeline(file, createGunzip(), copy) : pipeline(file, copy))
      rows += copy.rowCount
    }
    await client.query('ANALYZE')
    return rows
  } finally {
    await client.end()
  }
}

async function main(): Promise<void> {
  const folder = findFlightFiles(process.env)
  const url = process.env['FLIGHTS_DATABASE_URL']
  if (folder === undefined) {
    process.stdout.write('nycflights13 is not here: set TIDEMARK_SHARED to the folder that holds data/nycflights13\n')
  } else if (url === undefined) {
    process.stderr.write('FLIGHTS_DATABASE_URL is not set: the Postgres database to fill\n')
    process.exitCode = 3
  } else {
    process.stdout.write(`${await loadFlights(url, folder)} rows loaded into schema nyc\n`)
  }
}

if (import.meta.main) await main()
