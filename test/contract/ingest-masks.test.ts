/** Masks: raw values are nowhere in the lake, and everything that looks at rows looks at the masked ones. */
import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { throughSegments } from '../../packages/tidemark/src/ingest/candidates.ts'
import type { SourceColumn } from '../../packages/tidemark/src/sources/source.ts'
import { everythingIn } from '../support/lake-bytes.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { never, problemOf } from '../support/source.ts'
import { createSqliteFile } from '../support/sqlite.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const SALT = 'a salt of more than 16 characters'
const person: EntryOverrides = {
  table: 'person',
  masks: { email: 'hash', Phone: 'partial', note: 'null', born: 'hash' },
}

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

/** What anybody who has the salt can compute. */
function hash(value: string, salt = SALT): string {
  const sha256 = (what: string): string => createHash('sha256').update(what).digest('hex')
  return sha256(`${sha256(salt)}:${value}`)
}

async function people(salt = SALT): Promise<World> {
  await db.query(`DROP TABLE IF EXISTS person CASCADE;
CREATE TABLE person (id int PRIMARY KEY, city text, email text, phone text, note bigint, born date);
INSERT INTO person VALUES (1, 'CanaryCityx', 'canary-mail-1', '0049-CanaryPhone-1234', 471147114711471, '1931-07-29'),
  (2, NULL, NULL, NULL, NULL, NULL), (3, 'b', '', '1234', 0, '2000-01-01')`)
  return await createWorld(db, { salt: () => salt })
}

test('masked values are nowhere in the lake, by no byte; what is not masked is', async () => {
  const world = await people()
  await world.ingest(person)
  await db.query(`UPDATE person SET email = 'canary-mail-2', phone = '0049-CanaryPhone-9876' WHERE id = 1`)
  await world.ingest(person)
  await db.query('CREATE VIEW seen AS SELECT * FROM person')
  await world.ingest({ ...person, table: 'seen', primaryKey: ['id'] })
  const all = await everythingIn(world.root)
  expect(all).toContain('CanaryCityx')
  expect(all).toContain(hash('canary-mail-2'))
  for (const raw of ['canary-mail', 'CanaryPhone', '471147114711471', '1931-07-29', SALT])
    expect(all).not.toContain(raw)
})

test('verify and repair compare masked values: a changed one is found, a change that the mask hides is none', async () => {
  const world = await people()
  await world.ingest(person)
  expect(await world.verify(person)).toMatchObject({ status: 'equal', sourceRows: 3n })
  await world.plant('person', sql`SELECT * REPLACE (CASE WHEN id = 1 THEN 'wrong' ELSE email END AS email) FROM rows`)
  expect(await world.verify(person)).toMatchObject({ status: 'different', stale: 1n })
  await world.repair(person)
  expect((await world.live('person', sql`id`))[0]).toMatchObject({ email: hash('canary-mail-1') })
})

test.each(['view', 'file'])(
  'without row versions (%s) a version is made of masked values, and a changed one is a new version',
  async kind => {
    const statement = `CREATE TABLE person (id integer PRIMARY KEY, email text, phone text, note integer, born text, city text, at timestamp);
INSERT INTO person VALUES (1, 'one', '12345678', 5, NULL, 'x', '2026-01-01 00:00:00')`
    let change: (sqlText: string) => Promise<unknown>
    let world: World
    if (kind === 'file') {
      const file = await createSqliteFile(statement)
      change = async sqlText => file.writer.exec(sqlText)
      world = await createWorld(file.path, { salt: () => SALT })
    } else {
      await db.query(`DROP TABLE IF EXISTS person CASCADE; ${statement}; CREATE VIEW people AS SELECT * FROM person`)
      change = sqlText => db.query(sqlText)
      world = await createWorld(db, { salt: () => SALT })
    }
    const table = kind === 'file' ? 'person' : 'people'
    const entry: EntryOverrides = { ...person, table, primaryKey: ['id'], cdcCol: 'at', guarantee: 'best_effort' }
    const versions = async (): Promise<unknown[]> =>
      (await world.bronze(table, sql`_seq`)).map(row => row['_row_version'])
    await world.ingest(entry)
    await change(`UPDATE person SET note = 6`)
    await world.ingest(entry)
    expect((await versions()).length).toBe(1)
    await change(`UPDATE person SET email = 'two'`)
    await world.ingest(entry)
    expect(new Set(await versions()).size).toBe(2)
  },
)

test('a changed mask or salt is compared whole; the same ones are not', async () => {
  let salt = SALT
  await people()
  const world = await createWorld(db, { salt: () => salt })
  await world.ingest(person)
  expect((await world.ingest(person)).method).not.toContain('full compare')
  salt = 'another salt of enough characters'
  expect((await world.verify(person)).status).toBe('not comparable')
  const again = await world.ingest(person)
  expect([again.method, again.ledger.inserted]).toEqual(['full compare: the entry changed', 2n])
  expect((await world.live('person', sql`id`))[0]).toMatchObject({ email: hash('canary-mail-1', salt) })
  const { email: _email, ...others } = person.masks ?? {}
  const less = await world.ingest({ ...person, masks: { ...others, email: 'partial' } })
  expect(less.method).toBe('full compare: the entry changed')
})

test('an error of the engine about rows with masked columns says nothing of them', async () => {
  const words = "Conversion Error: Could not convert string 'canary' to INT32\nLINE 1: SELECT sha256('key:' || c2)"
  const told = async (masked: boolean): Promise<unknown> => {
    const column = { name: 'v', deltaType: 'string', ...(masked ? { masked: true } : {}) } as SourceColumn
    const session = { readingOnce: <T>(work: () => Promise<T>) => work() } as Session
    const unused = { discard: () => Promise.resolve(), onRows: () => undefined }
    const intake = { ...unused, session, columns: [column], lake: [], read: () => sql`SELECT 1`, signal: never }
    const segments = (async function* () {
      yield { path: '/none.csv', rows: 1n, bytes: 1n }
    })()
    return await throughSegments(intake, segments, [], () => Promise.reject(new Error(words))).catch((e: unknown) => e)
  }
  expect(await told(false)).toMatchObject({ message: words })
  const hidden = await told(true)
  expect(hidden).toMatchObject({ code: 'MASKED_ROWS_FAILED', message: expect.stringContaining('Conversion Error') })
  expect(inspect(hidden, { depth: 9 })).not.toMatch(/canary|key:/)
})

test('a filter does not look at masked columns, and a column has one mask', async () => {
  const world = await people()
  const problem = await problemOf(world.ingest({ ...person, filter: 'CAST(note AS text) = email' }))
  expect([problem.code, problem.message]).toEqual(['FILTER_REFUSED', expect.stringContaining('note is masked')])
  expect((await problemOf(world.ingest({ ...person, masks: { email: 'hash', Email: 'null' } }))).code).toBe(
    'CONFIG_CONFLICT',
  )
})

test('what a table is read by is not masked, and nothing is hashed without a salt', async () => {
  const world = await people('short')
  const code = async (more: Partial<EntryOverrides>): Promise<string> =>
    (await problemOf(world.ingest({ ...person, ...more }))).code
  expect(await code({})).toBe('MASK_NEEDS_SALT')
  expect(await code({ masks: { id: 'null' } })).toBe('MASK_REFUSED')
  expect(await code({ masks: { born: 'partial' }, cdcCol: 'born' })).toBe('MASK_REFUSED')
  expect(await code({ masks: { emial: 'null' } })).toBe('SOURCE_COLUMN_MISSING')
  expect((await world.ingest({ ...person, masks: { note: 'null' } })).status).toBe('changed')
})
