import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import {
  copySegments,
  never,
  openSource,
  problemOf,
  readRows,
  ref,
  tableOf,
  temporaryFolder,
} from '../support/source.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(async () => database.drop())

test('a million rows pass through in bounded memory', async () => {
  await database.query(`CREATE TABLE million AS SELECT g AS id, md5(g::text) AS a, 'row "' || g || '"' AS b, g * 1.25 AS c,
    now() + g * interval '1 second' AS at, repeat('x', 80) AS d FROM generate_series(1, 1000000) g`)
  const snapshot = await openSource(database).openSnapshot([ref('million')], never)
  const table = tableOf(snapshot, ref('million'))
  const request = { table, columns: table.columns, slice: { kind: 'all' } as const, prefix: 'rows', signal: never }
  const before = process.memoryUsage.rss()
  let peak = before
  let rows = 0n
  let bytes = 0n
  const start = performance.now()
  const directory = await temporaryFolder()
  for await (const segment of snapshot.copy({ ...request, directory, segmentBytes: 16 * 1024 * 1024 })) {
    peak = Math.max(peak, process.memoryUsage.rss())
    rows += segment.rows
    bytes += segment.bytes
    await rm(segment.path)
  }
  const seconds = (performance.now() - start) / 1000
  const megabytes = (value: number): string => `${(value / 1024 / 1024).toFixed(0)} MB`
  console.log(
    `${rows} rows, ${megabytes(Number(bytes))} in ${seconds.toFixed(1)} s; memory grew by ${megabytes(peak - before)}`,
  )
  expect(rows).toBe(1_000_000n)
  // The data is larger than that; a reader that kept it would show.
  expect(bytes).toBeGreaterThan(150n * 1024n * 1024n)
  expect(peak - before).toBeLessThan(120 * 1024 * 1024)
})

test('a row longer than may be carried is refused by its table and its length, and never is in memory', async () => {
  await database.query(`CREATE TABLE huge (id int PRIMARY KEY, v text);
    INSERT INTO huge VALUES (1, 'short'), (2, repeat('x', 150000000))`)
  const snapshot = await openSource(database).openSnapshot([ref('huge')], never)
  const table = tableOf(snapshot, ref('huge'))
  let peak = 0
  const before = process.memoryUsage.rss()
  const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss() - before)), 5)
  const problem = await problemOf(copySegments(snapshot, table))
  clearInterval(watch)
  expect([problem.code, problem.hint]).toEqual(['SOURCE_ROW_TOO_LONG', expect.stringContaining('view')])
  expect(problem.message).toMatch(/public\.huge has a row of 1500000\d\d bytes/)
  // What else lives in this process grows and shrinks by tens of megabytes; the row alone would be 143, twice while it grows.
  expect(peak).toBeLessThan(120 * 1024 * 1024)
  const one = { slice: { kind: 'keys', columns: ['id'], keys: [['1']] } as const }
  expect(await readRows(snapshot, table, one)).toMatchObject([{ v: 'short' }])
})
