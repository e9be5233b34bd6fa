import { readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ObjectStore } from '@tidemark/delta'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { INGEST_BUSY } from '../../packages/tidemark/src/errors/ingest.ts'
import { findBegunLoad } from '../../packages/tidemark/src/ingest/load-record.ts'
import type { PhaseProgress } from '../../packages/tidemark/src/model/event.ts'
import { sweepEndedLoads } from '../../packages/tidemark/src/run/ended-loads.ts'
import { watched } from '../support/watched-snapshot.ts'
import { createDatabase, requireRelease, type TestDatabase } from '../support/postgres.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const ROWS = 4000
const big = { table: 'big' }
let db: TestDatabase
let world: World
let told: PhaseProgress[]

beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

beforeEach(async context => {
  requireRelease(context, 14, 'scans of ranges of blocks')
  await db.query(`DROP TABLE IF EXISTS big;
    CREATE TABLE big (id int PRIMARY KEY, v text NOT NULL);
    INSERT INTO big SELECT n, repeat('x', 100) || n FROM generate_series(1, ${ROWS}) n`)
  told = []
  world = await createWorld(db, { chunkBytes: 64n * 1024n, progress: one => told.push(one) })
})

async function breakAfter(parts: number): Promise<void> {
  const snapshot = await world.snapshot(big)
  const broken = watched(snapshot, parts + 1)
  await expect(world.ingest(big, { snapshot: broken.snapshot })).rejects.toThrow('the connection is gone')
  expect(await world.version('big')).toBeUndefined()
  await snapshot.close()
}

async function expectEqual(entry: EntryOverrides = big): Promise<void> {
  const rows = await world.live('big', sql`id`)
  const wanted = await db.query('SELECT id::text, v FROM big ORDER BY v')
  expect(rows.map(row => `${String(row['id'])} ${String(row['v'])}`).toSorted()).toEqual(
    wanted.map(row => `${row['id']} ${row['v']}`).toSorted(),
  )
  expect((await world.verify(entry)).status).toBe('equal')
}

test('a big table is read in parts and committed at once, each row once', async () => {
  const outcome = await world.ingest(big)
  expect(outcome.method).toMatch(/^first full load in \d+ parts$/)
  expect(outcome.ledger).toMatchObject({ read: BigInt(ROWS), inserted: BigInt(ROWS) })
  expect(await world.bronze('big')).toHaveLength(ROWS)
  expect(await world.version('big')).toBe(0n)
  await expectEqual()
})

test('a load that broke is continued: parts that are there are not read again, and what changed meanwhile is', async () => {
  await breakAfter(4)
  await db.query(`UPDATE big SET v = 'changed ' || id WHERE id % 500 = 0;
    DELETE FROM big WHERE id % 700 = 0; INSERT INTO big VALUES (${ROWS + 1}, 'new');
    UPDATE big SET id = id + 100000 WHERE id IN (3, ${ROWS - 3})`)
  const again = watched(await world.snapshot(big))
  const outcome = await world.ingest(big, { snapshot: again.snapshot, allowMassDelete: true })
  const [, parts, taken] = /in (\d+) parts, (\d+) of them read by an earlier run$/.exec(outcome.method) ?? []
  expect(Number(taken)).toBeGreaterThan(0)
  // One more read is the increment that follows.
  expect(again.reads()).toBe(Number(parts) - Number(taken) + 1)
  await expectEqual()
  await db.query(`UPDATE big SET v = 'later' WHERE id = 1`)
  expect((await world.ingest(big)).ledger.inserted).toBe(1n)
  await expectEqual()
})

test('its progress is one count over all parts, whose estimate is right at the end whatever the statistics said', async () => {
  await db.query(`ANALYZE big; INSERT INTO big SELECT n, repeat('x', 300) FROM generate_series(5000, 12999) n`)
  await world.ingest(big)
  const reading = told.filter(({ phase }) => phase === 'reading')
  expect(reading[0]).toMatchObject({ rows: 0n, parts: { done: 0 } })
  for (const [n, { rows, parts, expectedRows }] of reading.entries()) {
    expect(rows >= (reading[n - 1]?.rows ?? 0n), 'rows only grow').toBe(true)
    expect(parts?.done ?? 0).toBeGreaterThanOrEqual(reading[n - 1]?.parts?.done ?? 0)
    expect(rows <= (expectedRows ?? rows), 'no more than expected').toBe(true)
  }
  const last = reading.at(-1)
  expect(last).toMatchObject({ rows: BigInt(ROWS + 8000), expectedRows: BigInt(ROWS + 8000) })
  expect(last?.parts?.done).toBe(last?.parts?.of)
})

test('the progress of a load that is continued begins with what an earlier run has read', async () => {
  await breakAfter(4)
  told = []
  const { store } = world.lake
  const begun = await findBegunLoad(store, 'bronze/big')
  expect(begun).toMatchObject({ asOf: expect.stringMatching(/Z$/), done: expect.any(Number), of: expect.any(Number) })
  expect(await findBegunLoad(store, 'bronze/big'), 'looking changes nothing').toEqual(begun)
  await world.ingest(big)
  expect(await findBegunLoad(store, 'bronze/big')).toBeUndefined()
  expect(told[0]?.parts).toEqual({ done: begun?.done, of: begun?.of })
  expect(told[0]).toMatchObject({ phase: 'reading', parts: { done: expect.any(Number) } })
  expect(told[0]?.rows).toBeGreaterThan(0n)
  expect(told[0]?.parts?.done).toBeGreaterThan(0)
})

test('however often it breaks, and whatever changes meanwhile, the table is equal in the end', async () => {
  for (let parts = 1; parts <= 4; parts += 1) {
    await breakAfter(1)
    const id = parts * 613
    await db.query(`UPDATE big SET v = v || '!' WHERE id % ${parts + 90} = 0; DELETE FROM big WHERE id = ${id};
      UPDATE big SET id = id + 100000 WHERE id = ${id + 1}; INSERT INTO big VALUES (${200000 + parts}, 'new')`)
  }
  await world.ingest(big)
  await expectEqual()
})

test('a table rewritten between two tries is read anew, because its rows may have moved', async () => {
  await breakAfter(4)
  await db.query('DELETE FROM big WHERE id % 2 = 0')
  await db.query('VACUUM FULL big')
  expect((await world.ingest(big)).method).toMatch(/^first full load in \d+ parts$/)
  await expectEqual()
})

test('columns that drift between two tries make it another load, with every value', async () => {
  await breakAfter(4)
  await db.query(`ALTER TABLE big ADD COLUMN w text DEFAULT 'x'; ALTER TABLE big ALTER COLUMN id TYPE bigint;
    UPDATE big SET w = 'y' WHERE id = 7`)
  expect((await world.ingest(big)).method).toMatch(/^first full load in \d+ parts$/)
  await expectEqual()
  expect((await world.live('big', sql`id`)).filter(row => row['w'] !== 'x').map(row => [row['id'], row['w']])).toEqual([
    [7n, 'y'],
  ])
})

test('a part whose files are gone is read again', async () => {
  await breakAfter(4)
  await rm(join(world.root, 'bronze/big'), { recursive: true, force: true })
  expect((await world.ingest(big)).method).toMatch(/^first full load in \d+ parts$/)
  await expectEqual()
})

test('records of a load that are damaged are no records: what they spoke of is read again', async () => {
  const folder = join(world.root, 'system/loads/bronze/big')
  await breakAfter(4)
  const [load] = (await readdir(folder)).filter(name => name !== 'plan.json')
  const [part] = await readdir(join(folder, load ?? ''))
  await writeFile(join(folder, load ?? '', part ?? ''), '{"chunk"')
  await breakAfter(1)
  await writeFile(join(folder, 'plan.json'), '')
  expect((await world.ingest(big)).method).toMatch(/^first full load in \d+ parts$/)
  await expectEqual()
  const left = await readdir(folder, { recursive: true, withFileTypes: true })
  expect(left.filter(entry => entry.isFile())).toEqual([])
})

/** The lake's store, of which nothing is removed any more once the table is there: what a crash right after a commit leaves. */
const dyingAtTheEnd = (inner: ObjectStore): ObjectStore =>
  new Proxy(inner, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target) as unknown
      if (name === 'delete') return () => Promise.reject(new TypeError('the process is dead'))
      return typeof value === 'function' ? value.bind(target) : value
    },
  })

test('a record that outlived its commit is continued by nothing: a reload reads every part, and the next sweep ends it', async () => {
  await expect(world.ingest(big, { store: dyingAtTheEnd })).rejects.toThrow('the process is dead')
  expect(await world.version('big')).toBe(0n)
  const { lake } = world
  const sweep = { now: Date.now(), signal: new AbortController().signal }
  expect(await sweepEndedLoads(lake, { ...sweep, dryRun: true })).toEqual(['bronze/big'])
  await db.query(`UPDATE big SET v = 'changed ' || id WHERE id % 500 = 0`)
  const again = watched(await world.snapshot(big))
  const outcome = await world.ingest(big, { snapshot: again.snapshot, reload: true })
  expect(outcome.method).toBe(`reload in ${again.reads()} parts`)
  await expectEqual()
  expect(await sweepEndedLoads(lake, sweep)).toEqual([])
  await expect(world.ingest(big, { reload: true, store: dyingAtTheEnd })).rejects.toThrow('the process is dead')
  expect(await sweepEndedLoads(lake, sweep)).toEqual(['bronze/big'])
  expect(await findBegunLoad(lake.store, 'bronze/big')).toBeUndefined()
  await expectEqual()
})

test('a load that nobody has gone on with for a week is forgotten, and begun anew where it is still wanted', async () => {
  const broken = watched(await world.snapshot(big), 5)
  await expect(world.ingest(big, { snapshot: broken.snapshot })).rejects.toThrow('the connection is gone')
  const { lake } = world
  const signal = new AbortController().signal
  expect(
    (await readdir(join(world.root, 'bronze/big'))).filter(name => name.endsWith('.parquet')).length,
  ).toBeGreaterThan(0)
  const days = (count: number): number => Date.now() + count * 24 * 60 * 60 * 1000
  expect(await sweepEndedLoads(lake, { now: days(6), signal })).toEqual([])
  // Whoever comes further with it keeps it.
  const [record = ''] = (await recordsOf('bronze/big')).filter(path => !path.endsWith('plan.json'))
  await utimes(join(world.root, record), days(5) / 1000, days(5) / 1000)
  expect(await sweepEndedLoads(lake, { now: days(8), signal })).toEqual([])
  expect(await sweepEndedLoads(lake, { now: days(13), signal })).toEqual(['bronze/big'])
  expect(await recordsOf('bronze/big')).toEqual([])
  expect((await readdir(join(world.root, 'bronze/big'))).filter(name => name.endsWith('.parquet'))).toEqual([])
  expect((await world.ingest(big)).method).toMatch(/^first full load in \d+ parts$/)
  await expectEqual()
})

/** Files of the records of a load, below the lake. */
async function recordsOf(of: string): Promise<string[]> {
  const paths: string[] = []
  for await (const { path } of world.lake.store.list(`system/loads/${of}`)) paths.push(path)
  return paths
}

test('the record of a table whose log is broken stays, and stops nobody who looks at the records', async () => {
  await expect(world.ingest(big, { store: dyingAtTheEnd })).rejects.toThrow('the process is dead')
  await writeFile(join(world.root, 'bronze/big/_delta_log/00000000000000000000.json'), 'no log')
  const sweep = { now: Date.now(), signal: new AbortController().signal }
  expect(await sweepEndedLoads(world.lake, sweep)).toEqual([])
  expect(await findBegunLoad(world.lake.store, 'bronze/big')).toBeDefined()
})

test('a reload that died is continued by the next one, whatever was read in between', async () => {
  await world.ingest(big)
  const broken = watched(await world.snapshot(big), 5)
  await expect(world.ingest(big, { snapshot: broken.snapshot, reload: true })).rejects.toThrow('the connection is gone')
  await db.query(`UPDATE big SET v = 'changed ' || id WHERE id % 500 = 0; DELETE FROM big WHERE id = 7`)
  expect((await world.ingest(big)).ledger).toMatchObject({ inserted: BigInt(ROWS / 500), deletes: 1n })
  const sweep = { now: Date.now(), signal: new AbortController().signal }
  expect(await sweepEndedLoads(world.lake, sweep), 'a load that can be continued stays').toEqual([])
  expect((await world.ingest(big, { reload: true })).method).toMatch(
    /^reload in \d+ parts, \d+ of them read by an earlier run$/,
  )
  await expectEqual()
})

test('parts of a source that has gone back since are read again', async () => {
  await breakAfter(4)
  const snapshot = await world.snapshot(big)
  const { position } = snapshot
  const behind = new Proxy(snapshot, {
    get: (target, name) => {
      if (name === 'position') return { ...position, order: position.order - 1_000n }
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  expect((await world.ingest(big, { snapshot: behind })).method).toMatch(/^first full load in \d+ parts$/)
})

/** A table of two partitions with rows, and one for later. */
async function createParted(): Promise<void> {
  await db.query(`DROP TABLE IF EXISTS big CASCADE; CREATE TABLE big (v text, id int PRIMARY KEY) PARTITION BY RANGE (id);
    CREATE TABLE big_later PARTITION OF big FOR VALUES FROM (200000) TO (300000);
    CREATE TABLE big_1 PARTITION OF big FOR VALUES FROM (0) TO (2000);
    CREATE TABLE big_2 (id int NOT NULL, extra int, v text); ALTER TABLE big_2 DROP COLUMN extra;
    ALTER TABLE big ATTACH PARTITION big_2 FOR VALUES FROM (2000) TO (200000);
    INSERT INTO big (id, v) SELECT n, repeat('y', 100) || n FROM generate_series(1, ${ROWS}) n`)
}

test('partitions are cut each by itself, and a row that moved between them meanwhile is there once', async () => {
  await createParted()
  await breakAfter(3)
  await db.query(`UPDATE big SET id = id + 150000 WHERE id IN (3, 1500); DELETE FROM big WHERE id = 4;
    INSERT INTO big (id, v) VALUES (250000, 'into the one for later')`)
  const outcome = await world.ingest(big, { allowMassDelete: true })
  expect(outcome.method).toMatch(/^first full load in \d+ parts, \d of them read by an earlier run$/)
  await expectEqual()
})

test('a partition that came or went between two tries makes it another load', async () => {
  await createParted()
  await breakAfter(3)
  await db.query(`CREATE TABLE brought (v text, id int PRIMARY KEY); INSERT INTO brought VALUES ('brought', 350000);
    ALTER TABLE big ATTACH PARTITION brought FOR VALUES FROM (300000) TO (400000)`)
  expect((await world.ingest(big)).method).toMatch(/^first full load in \d+ parts$/)
  await expectEqual()
})

test('a table that is read by a cursor is continued by its cursor', async () => {
  await db.query(`ALTER TABLE big ADD changed_at timestamptz NOT NULL DEFAULT now();
    CREATE INDEX ON big (changed_at)`)
  const entry = { ...big, cdcCol: 'changed_at', guarantee: 'server_clock' as const }
  const broken = watched(await world.snapshot(big), 5)
  await expect(world.ingest(entry, { snapshot: broken.snapshot })).rejects.toThrow('the connection is gone')
  await db.query(`UPDATE big SET v = 'changed ' || id, changed_at = clock_timestamp() WHERE id % 500 = 0;
    DELETE FROM big WHERE id % 700 = 0; INSERT INTO big (id, v) VALUES (${ROWS + 1}, 'new');
    UPDATE big SET id = id + 100000, changed_at = clock_timestamp() WHERE id IN (3, ${ROWS - 3})`)
  const outcome = await world.ingest(entry, { allowMassDelete: true })
  expect(outcome.method).toMatch(/parts, \d+ of them read by an earlier run$/)
  const rows = await world.live('big', sql`id`)
  const wanted = await db.query('SELECT id::text, v FROM big')
  expect(rows.map(row => `${String(row['id'])} ${String(row['v'])}`).toSorted()).toEqual(
    wanted.map(row => `${row['id']} ${row['v']}`).toSorted(),
  )
})

test("what cannot be read in its pieces is read in one go: children of a table, partitions that are nobody's business", async () => {
  await db.query(`DROP TABLE IF EXISTS parent CASCADE;
    CREATE TABLE parent (id int PRIMARY KEY, v text); CREATE TABLE child () INHERITS (parent);
    INSERT INTO parent SELECT n, repeat('y', 100) FROM generate_series(1, ${ROWS}) n;
    INSERT INTO child SELECT n, 'z' FROM generate_series(${ROWS + 1}, ${ROWS + 50}) n`)
  const parent = await world.ingest({ table: 'parent' })
  expect([parent.method, parent.ledger.inserted]).toEqual(['first full load', BigInt(ROWS + 50)])
  await createParted()
  await db.query(`DROP ROLE IF EXISTS tidemark_of_parents; CREATE ROLE tidemark_of_parents LOGIN PASSWORD 'parents';
    GRANT SELECT ON big TO tidemark_of_parents`)
  const narrow = await createWorld(
    { ...db, user: 'tidemark_of_parents', password: 'parents' },
    { chunkBytes: 64n * 1024n },
  )
  expect((await narrow.ingest(big)).method).toBe('first full load')
  await db.query('DROP OWNED BY tidemark_of_parents; DROP ROLE tidemark_of_parents')
})

const listRecords = async (): Promise<string[]> => {
  const records: string[] = []
  for await (const { path } of world.lake.store.list('system/loads')) records.push(path)
  return records
}

/** The table with a cursor by which every second row was changed behind the mark. */
async function changeHalfBehind(): Promise<void> {
  await db.query(`ALTER TABLE big ADD COLUMN at timestamptz NOT NULL DEFAULT '2026-01-01'; ANALYZE big`)
  await world.ingest(dated)
  await db.query(`UPDATE big SET v = 'behind ' || id WHERE id % 2 = 0`)
  told = []
}
const dated: EntryOverrides = { table: 'big', cdcCol: 'at', guarantee: 'bounded_lag', fullPassMs: 86_400_000 }

test('a big backfill is read in parts, each a commit, and brings every row of the range once', async () => {
  await changeHalfBehind()
  const before = (await world.version('big')) ?? 0n
  const outcome = await world.backfill(dated, { from: '2026-01-01' })
  const [, parts] = /^backfill in (\d+) parts$/.exec(outcome.method) ?? []
  expect(Number(parts)).toBeGreaterThan(2)
  expect(outcome.ledger).toMatchObject({ read: BigInt(ROWS), inserted: BigInt(ROWS / 2), duplicate: BigInt(ROWS / 2) })
  expect((await world.version('big')) ?? 0n).toBeGreaterThan(before + 2n)
  expect((await world.mark('big')).backfills).toEqual(['2026-01-01'])
  expect(told.at(-1)).toMatchObject({ rows: BigInt(ROWS), parts: { done: Number(parts), of: Number(parts) } })
  await expectEqual(dated)
  expect((await world.backfill(dated, { from: '2026-01-01' })).ledger).toMatchObject({ inserted: 0n })
})

test('a backfill that broke is continued with the parts that are missing, and is done with the last of them', async () => {
  await changeHalfBehind()
  const snapshot = await world.snapshot(dated)
  const broken = watched(snapshot, 4)
  await expect(world.backfill(dated, { from: '2026-01-01' }, broken.snapshot)).rejects.toThrow('the connection is gone')
  await snapshot.close()
  expect((await world.mark('big')).backfills).toEqual([])
  const again = watched(await world.snapshot(dated))
  const outcome = await world.backfill(dated, { from: '2026-01-01' }, again.snapshot)
  const [, parts, taken] = /in (\d+) parts, (\d+) of them read by an earlier run$/.exec(outcome.method) ?? []
  expect(Number(taken)).toBeGreaterThan(0)
  expect(again.reads()).toBe(Number(parts) - Number(taken))
  expect(await listRecords()).toEqual([])
  expect((await world.mark('big')).backfills).toEqual(['2026-01-01'])
  await expectEqual(dated)
  // Another range is another backfill, and so is the same one once it was done.
  expect((await world.backfill(dated, { from: '2026-01-01' })).method).toMatch(/^backfill in \d+ parts$/)
})

test('a backfill that a later run overtakes gives up at once, and says how much of it is committed', async () => {
  await changeHalfBehind()
  const { store } = world.lake
  const putIfAbsent = store.putIfAbsent.bind(store)
  let overtaking: Promise<unknown> | undefined
  // Every reader that has committed a part waits with its record until the other run is through.
  vi.spyOn(store, 'putIfAbsent').mockImplementation(async (path, bytes, options) => {
    if (path.includes('/backfill/') && !path.endsWith('plan.json')) {
      overtaking ??= db.query(`INSERT INTO big VALUES (${ROWS + 1}, 'later', now())`).then(() => world.ingest(dated))
      await overtaking
    }
    return await putIfAbsent(path, bytes, options)
  })
  const early = watched(await world.snapshot(dated))
  const failed: unknown = await world
    .backfill(dated, { from: '2026-01-01' }, early.snapshot)
    .catch((error: unknown) => error)
  vi.restoreAllMocks()
  expect(failed).toMatchObject({
    code: 'SNAPSHOT_OVERTAKEN',
    state: expect.stringMatching(
      /^[1-9]\d* of \d+ parts of the range are committed; the same backfill reads the others/,
    ),
  })
  // Each reader has met it once, and no part was read a second time.
  const again = await world.backfill(dated, { from: '2026-01-01' })
  const [, parts, taken] = /in (\d+) parts, (\d+) of them read by an earlier run$/.exec(again.method) ?? []
  expect(early.reads()).toBeLessThanOrEqual(Number(taken) + 4)
  expect(Number(parts)).toBeGreaterThan(Number(taken))
  await expectEqual(dated)
})

test('a load that was continued says that it is committed when the increment after it fails', async () => {
  await breakAfter(4)
  await db.query(`DELETE FROM big WHERE id <= ${ROWS - 500}`)
  await expect(world.ingest(big)).rejects.toMatchObject({
    code: 'MASS_DELETE',
    state: 'The load is committed; what has changed since it was begun is read by the next run.',
  })
  expect(await world.version('big')).toBe(0n)
  await world.ingest(big, { allowMassDelete: true })
  await expectEqual()
})

test('the record of a backfill that nobody asks for again is found, kept for a day, and then removed', async () => {
  await changeHalfBehind()
  const broken = watched(await world.snapshot(dated), 3)
  await expect(world.backfill(dated, { from: '2026-01-01' }, broken.snapshot)).rejects.toThrow('the connection is gone')
  const { signal } = new AbortController()
  const hours = (n: number): number => Date.now() + n * 3_600_000
  expect(await sweepEndedLoads(world.lake, { now: hours(23), signal })).toEqual([])
  expect((await listRecords()).length).toBeGreaterThan(1)
  expect(await sweepEndedLoads(world.lake, { now: hours(25), signal })).toEqual(['bronze/big/backfill'])
  expect(await listRecords()).toEqual([])
  expect((await world.backfill(dated, { from: '2026-01-01' })).method).toMatch(/^backfill in \d+ parts$/)
  await expectEqual(dated)
})

test('a part whose record fails after its commit is counted once, and no part leaves its rows to the next', async () => {
  await changeHalfBehind()
  const { store, engine } = world.lake
  const putIfAbsent = store.putIfAbsent.bind(store)
  let failures = 0
  vi.spyOn(store, 'putIfAbsent').mockImplementation(async (path, bytes) => {
    if (failures > 0 || !path.endsWith('/000001.json')) return await putIfAbsent(path, bytes)
    failures += 1
    throw INGEST_BUSY({ table: 'bronze.big', tries: '1' })
  })
  const left: bigint[] = []
  const session = engine.session.bind(engine)
  vi.spyOn(engine, 'session').mockImplementation(async () => {
    const opened = await session()
    const close = opened[Symbol.asyncDispose].bind(opened)
    opened[Symbol.asyncDispose] = async () => {
      left.push(
        await opened.count(sql`SELECT coalesce(sum(estimated_size), 0)::BIGINT FROM duckdb_tables()
        WHERE table_name LIKE 'candidates%' OR table_name LIKE 'kept%'`),
      )
      await close()
    }
    return opened
  })
  onTestFinished(() => void vi.restoreAllMocks())
  const outcome = await world.backfill(dated, { from: '2026-01-01' })
  expect(failures).toBe(1)
  expect(outcome.ledger).toMatchObject({ read: BigInt(ROWS), inserted: BigInt(ROWS / 2), duplicate: BigInt(ROWS / 2) })
  expect(left.length).toBeGreaterThan(1)
  expect(left.every(rows => rows === 0n)).toBe(true)
  vi.restoreAllMocks()
  await expectEqual(dated)
})

test('a big backfill by a key that the database does not keep unique is read in one go, and a doubled key stops it', async () => {
  await db.query('ALTER TABLE big DROP CONSTRAINT big_pkey')
  const loose: EntryOverrides = { ...dated, primaryKey: ['id'] }
  await db.query(`ALTER TABLE big ADD COLUMN at timestamptz NOT NULL DEFAULT '2026-01-01'; ANALYZE big`)
  await world.ingest(loose)
  await db.query(`INSERT INTO big VALUES (1, 'doubled', '2026-01-01')`)
  const found = { code: 'KEY_NOT_UNIQUE', state: 'Nothing of the range was written.' }
  await expect(world.backfill(loose, { from: '2026-01-01' })).rejects.toMatchObject(found)
})
