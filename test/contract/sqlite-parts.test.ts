/** Big first loads from SQLite: cut by the key, continued by the cursor, and in one go where a stretch could miss a row. */
import { expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createSqliteFile, type SqliteFile } from '../support/sqlite.ts'
import { never, tableOf } from '../support/source.ts'
import { watched } from '../support/watched-snapshot.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const ROWS = 3000
const big: EntryOverrides = { table: 'big', cdcCol: 'n', guarantee: 'best_effort' }

async function create(key: string): Promise<{ file: SqliteFile; world: World; warned: string[] }> {
  const warned: string[] = []
  const file = await createSqliteFile(`CREATE TABLE big (id ${key}, v text, n integer, PRIMARY KEY (id));
    CREATE INDEX big_n ON big (n);
    WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${ROWS})
    INSERT INTO big SELECT n - 1000, printf('%.*c', 100, 'x') || n, n FROM c`)
  return {
    file,
    world: await createWorld(file.path, { chunkBytes: 32n * 1024n, warn: one => warned.push(one) }),
    warned,
  }
}

test('a big table that is read by a cursor is loaded in parts, and continued', async () => {
  const { file, world } = await create('integer')
  const broken = watched(await world.snapshot(big), 4)
  await expect(world.ingest(big, { snapshot: broken.snapshot })).rejects.toThrow('the connection is gone')
  file.writer.exec(`UPDATE big SET v = 'changed', n = n + 10000 WHERE id % 500 = 0; DELETE FROM big WHERE id % 700 = 1;
    INSERT INTO big VALUES (-5000, 'new', 20000), (50000, 'new', 20001)`)
  const outcome = await world.ingest(big, { allowMassDelete: true })
  expect(outcome.method).toMatch(/^first full load in \d+ parts, 3 of them read by an earlier run$/)
  const rows = (await world.live('big', sql`id`)).map(row => `${String(row['id'])} ${String(row['v'])}`)
  const wanted = file.writer.prepare('SELECT id, v FROM big').all()
  expect(rows.toSorted()).toEqual(wanted.map(row => `${String(row['id'])} ${String(row['v'])}`).toSorted())
})

test('a key that may be NULL is cut nowhere: such a row would be in no part', async () => {
  const { file, world } = await create('int')
  file.writer.exec(`INSERT INTO big VALUES (NULL, 'of no stretch', 5)`)
  await expect(world.ingest(big)).rejects.toMatchObject({ code: 'KEY_NOT_UNIQUE' })
  file.writer.exec('DELETE FROM big WHERE id IS NULL')
  expect((await world.ingest(big)).method).toBe('first full load')
})

test('a big backfill is cut by the key, reads nothing outside its range, and each row once', async () => {
  const { file, world } = await create('integer')
  await world.ingest(big)
  file.writer.exec(`UPDATE big SET v = 'behind' WHERE n % 10 = 0`)
  const outcome = await world.backfill(big, { from: '1000', to: '2000' })
  expect(outcome.method).toMatch(/^backfill in \d+ parts$/)
  expect(outcome.ledger).toMatchObject({ read: 1000n, inserted: 100n, duplicate: 900n })
  const behind = (await world.live('big', sql`id`)).filter(row => row['v'] === 'behind')
  expect(behind.map(row => Number(row['n'])).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 100 }, (_, n) => 1000 + 10 * n),
  )
})

const CLUSTERS: readonly [string, string][] = [
  ['99 % within 1 % of the range', 'CASE WHEN n % 100 > 0 THEN 5000000 + n ELSE n * 333 END'],
  ['at both edges of 64 bits', 'CASE WHEN n % 2 = 0 THEN -9223372036854775808 + n ELSE 9223372036854775807 - n END'],
  ['negative, with gaps', '-n - (n / 500) * 1000000000'],
]

test.each(CLUSTERS)('keys %s are cut into parts of about one size, and each row is there once', async (_how, key) => {
  const { file, world } = await create('integer')
  file.writer.exec(`CREATE TABLE other AS SELECT * FROM big; DELETE FROM big;
    INSERT INTO big SELECT ${key}, v, n FROM other; DROP TABLE other`)
  const snapshot = await world.snapshot(big)
  const cut = await snapshot.cutTable?.(tableOf(snapshot, { schema: 'main', table: 'big' }), 32n * 1024n, never)
  const rows = (cut?.chunks ?? []).map(({ from, to }) => {
    const bounds = [from === undefined ? '' : `AND id >= ${from}`, to === undefined ? '' : `AND id < ${to}`]
    return Number(file.writer.prepare(`SELECT count(*) AS n FROM big WHERE true ${bounds.join(' ')}`).get()?.['n'])
  })
  expect(rows.reduce((sum, one) => sum + one, 0)).toBe(ROWS)
  expect(rows.length).toBeGreaterThan(5)
  expect(Math.max(...rows)).toBeLessThanOrEqual(2 * Math.ceil(ROWS / rows.length) + 50)
  const outcome = await world.ingest(big, { snapshot })
  expect(outcome.method).toBe(`first full load in ${rows.length} parts`)
  expect(outcome.ledger).toMatchObject({ read: BigInt(ROWS), inserted: BigInt(ROWS) })
  const there = (await world.live('big', sql`id`)).map(row => `${String(row['id'])} ${String(row['v'])}`)
  const wanted = file.writer.prepare('SELECT CAST(id AS text) AS id, v FROM big').all()
  expect(there.toSorted()).toEqual(wanted.map(row => `${String(row['id'])} ${String(row['v'])}`).toSorted())
})

test('a table by a text is read in one go, whole, and said to be', async () => {
  const { world, file, warned } = await create('text NOT NULL')
  expect((await world.ingest(big)).method).toBe('first full load')
  expect(warned).toEqual([expect.stringMatching(/^big, and read in one go: /)])
  expect(await world.live('big', sql`id`)).toHaveLength(
    Number(file.writer.prepare('SELECT count(*) AS n FROM big').get()?.['n']),
  )
})
