/** What DuckDB's extension cannot be trusted with: values that the lake cannot hold, and rows that do not come. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Problem } from '../../packages/tidemark/src/errors/problem.ts'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { DirectStream } from '../../packages/tidemark/src/sources/direct-read.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import type { SourceSnapshot } from '../../packages/tidemark/src/sources/source.ts'
import { directWorldOf, sourceParts } from '../support/extension/direct-world.ts'
import { EXTENSION } from '../support/extension/installed.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { createDatabase, RELEASE, type TestDatabase } from '../support/postgres.ts'
import { watched } from '../support/watched-snapshot.ts'
import { createWorld } from '../support/world.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

/** A scale below zero, and one above the precision. */
const SINCE_15: readonly (readonly [type: string, others: string, value: string])[] = [
  ['numeric(5,-2)', '100', "'NaN'"],
  ['numeric(3,5)', '0.001', "'NaN'"],
]

/** Type of the column, the values of its other rows, and one that the lake cannot hold. */
const UNFIT: readonly (readonly [type: string, others: string, value: string])[] = [
  ['date', "'2026-01-01'", "'infinity'"],
  ['date', "'0001-01-01'", "'0001-12-31 BC'"],
  ['date', "'9999-12-31'", "'10000-01-01'"],
  ['timestamptz', "'0001-01-01 00:00:00+00'", "'-infinity'"],
  ['timestamptz', "'2026-01-01'", "'0001-12-31 23:59:59.999999+00 BC'"],
  ['timestamptz', "'9999-12-31 23:59:59.999999+00'", "'10000-01-01 00:00:00+00'"],
  ['timestamptz', "'2026-01-01'", "'294276-12-31 23:59:59.999999+00'"],
  ['timestamp', "'2026-01-01'", "'infinity'"],
  ['timestamp', "'0001-01-03'", "'0001-12-31 23:59:59 BC'"],
  ['numeric(10,2)', '1.5', "'NaN'"],
  ['numeric(10,2)', '0', "'NaN'"],
  ['numeric(10,2)', '-7', "'NaN'"],
  ['numeric(38,10)', '1', "'NaN'"],
  ...(RELEASE < 15 ? [] : SINCE_15),
]

const problemOf = (reading: Promise<unknown>): Promise<Problem> =>
  reading.then(
    () => expect.fail('it was read'),
    (error: unknown) => error as Problem,
  )

describe.skipIf(EXTENSION === undefined)(`values by DuckDB's extension (${WHEN_MISSING})`, () => {
  test.each(UNFIT)(
    '%s beside %s: %s is refused as by COPY, in words and numbers, and nothing is written',
    async (type, others, value) => {
      await db.query(`DROP TABLE IF EXISTS big; CREATE TABLE big (id int PRIMARY KEY, filler text, v ${type});
      INSERT INTO big SELECT n, repeat('x', 500), CASE n WHEN 1500 THEN ${value}::${type} ELSE ${others}::${type} END
      FROM generate_series(1, 2000) n; INSERT INTO big VALUES (5000, 'x', ${value}), (5001, 'x', NULL); ANALYZE big`)
      const entry = { table: 'big' }
      const [world, warned] = await directWorldOf(db, { splitBytes: 1n })
      // A table that the server itself stops is read by COPY, which is stopped, too.
      const found = await problemOf(world.ingest(entry))
      const copied = await createWorld(db, { source: createPostgresSource(sourceParts(db)) })
      const wanted = await problemOf(copied.ingest(entry))
      expect(wanted.code).toBe('SOURCE_VALUE_UNFIT')
      expect([found.code, found.message]).toEqual([wanted.code, wanted.message])
      expect(found.message).toContain('2')
      expect(warned.filter(one => !/^read by COPY/.test(one))).toEqual([])
      await expect(world.bronze('big')).rejects.toThrow()
    },
  )

  test('numbers with zeros among them are read once, and without NaN land', async () => {
    await db.query(`DROP TABLE IF EXISTS big; CREATE TABLE big (id int PRIMARY KEY, v numeric(10,2));
      INSERT INTO big SELECT n, n % 5 FROM generate_series(1, 2000) n; ANALYZE big`)
    const [world, warned] = await directWorldOf(db, { splitBytes: 1n })
    await world.ingest({ table: 'big' }, { snapshot: watched(await world.snapshot({ table: 'big' }), 1).snapshot })
    expect(await world.bronze('big')).toHaveLength(2000)
    expect(warned).toEqual([])
  })

  test.each([
    ['a whole table', 2000, { splitBytes: 1n }],
    ['a table in one stream', 2000, {}],
    ['a table without a row', 0, { splitBytes: 1n }],
    ['parts', 2000, { options: { chunkBytes: 64n * 1024n } }],
  ])(
    'what the server says of its own reading proves that all rows came, so that nothing is read twice: %s',
    async (_, rows, options) => {
      await createBig(rows)
      const [world, warned] = await directWorldOf(db, options)
      const reading = only(await world.snapshot({ table: 'big' }), {
        count: () => expect.fail('the rows are read a second time'),
      })
      await world.ingest({ table: 'big' }, { snapshot: reading })
      expect(await world.bronze('big')).toHaveLength(rows)
      expect(warned).toEqual([])
    },
  )

  test('where it says nothing of use the rows are counted', async () => {
    await db.query(`DROP TABLE IF EXISTS leaf; CREATE TABLE leaf (id int PRIMARY KEY) PARTITION BY RANGE (id);
      CREATE TABLE leaf_a PARTITION OF leaf DEFAULT; INSERT INTO leaf SELECT n FROM generate_series(1, 20) n; ANALYZE leaf`)
    const [world, warned] = await directWorldOf(db)
    const snapshot = await world.snapshot({ table: 'leaf' })
    let counts = 0
    const count: SourceSnapshot['count'] = async request => {
      counts += 1
      return await snapshot.count(request)
    }
    await world.ingest({ table: 'leaf' }, { snapshot: only(snapshot, { count }) })
    expect(await world.bronze('leaf')).toHaveLength(20)
    expect([counts, warned]).toEqual([1, []])
  })

  test.each([
    ['two streams', { splitBytes: 1n }],
    ['one stream', {}],
  ])('rows that the server has given and that did not arrive stop the load: %s', async (_, options) => {
    await createBig(2000)
    const [world] = await directWorldOf(db, options)
    const snapshot = await world.snapshot({ table: 'big' })
    const openDirect: SourceSnapshot['openDirect'] = async request => {
      const read = await snapshot.openDirect?.(request)
      if (read === undefined || typeof read === 'string') return read
      const losing = ({ relation, ...stream }: DirectStream): DirectStream => ({
        ...stream,
        relation: sql`SELECT * FROM (${relation}) WHERE id <> 1500`,
      })
      return { streams: read.streams.map(losing), [Symbol.asyncDispose]: () => read[Symbol.asyncDispose]() }
    }
    const reading = world.ingest({ table: 'big' }, { snapshot: only(snapshot, { openDirect }) })
    await expect(reading).rejects.toMatchObject({ code: 'INGEST_COUNT_MISMATCH' })
  })
})

async function createBig(rows: number): Promise<void> {
  await db.query(`DROP TABLE IF EXISTS big; CREATE TABLE big (id int PRIMARY KEY, v text);
    INSERT INTO big SELECT n, repeat('x', 100) FROM generate_series(1, ${rows}) n; ANALYZE big`)
}

/** A snapshot with some of what it can do replaced. */
function only(snapshot: SourceSnapshot, replaced: Partial<SourceSnapshot>): SourceSnapshot {
  return new Proxy(snapshot, {
    get: (target, name) => {
      if (Object.hasOwn(replaced, name)) return Reflect.get(replaced, name) as unknown
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
