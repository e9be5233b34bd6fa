/** Big tables read by two connections of DuckDB's extension at once: halves of one snapshot, all of them or none. */
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import { readdir } from 'node:fs/promises'
import { readSnapshot } from '@tidemark/delta'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { tablePath } from '../../packages/tidemark/src/model/names.ts'
import type { DirectRead } from '../../packages/tidemark/src/sources/direct-read.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import { type SourceSnapshot, type SourceTable, tableKey } from '../../packages/tidemark/src/sources/source.ts'
import {
  type AsByCopy,
  type DirectOptions,
  directWorldOf,
  expectAsByCopyOf,
  openEngine,
  sourceParts,
} from '../support/extension/direct-world.ts'
import { EXTENSION } from '../support/extension/installed.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { createDatabase, requireRelease, type TestDatabase } from '../support/postgres.ts'
import { watched } from '../support/watched-snapshot.ts'
import type { EntryOverrides, World } from '../support/world.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

/** Every table is big enough. */
const splitBytes = 1n
const directWorld = (options: DirectOptions = {}): Promise<[World, string[]]> =>
  directWorldOf(db, { splitBytes, ...options })
const expectAsByCopy = (entry: EntryOverrides, options: AsByCopy = {}): Promise<void> =>
  expectAsByCopyOf(db, entry, { splitBytes, ...options })

/** `big`: 4000 rows in some 60 blocks, the first and the last in different halves. */
beforeEach(async context => {
  requireRelease(context, 14, 'scans of ranges of blocks')
  await db.query(`DROP TABLE IF EXISTS big CASCADE; CREATE TABLE big (id int PRIMARY KEY, v text, n numeric(10,2));
    INSERT INTO big SELECT n, repeat('x', 100) || n, n FROM generate_series(1, 4000) n; ANALYZE big`)
})

/**
 * What `PASSES` does for some rows, in sessions of the extension alone: these name the columns of a read.
 *
 * @param statements of PL/pgSQL, by the row's id
 */
async function inExtension(statements: Readonly<Record<number, string>>): Promise<void> {
  const cases = Object.entries(statements).map(([id, what]) => `IF $1 = ${id} THEN ${what}; END IF;`)
  await db.query(`CREATE OR REPLACE FUNCTION passes(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    IF current_query() LIKE '%"c0"%' THEN ${cases.join(' ')} END IF; RETURN true; END $$`)
}

const KEY = tableKey({ schema: 'public', table: 'big' })
const PASSES = sql`public.passes(t.id)`

/** A snapshot in which each row of `big` that is read is shown to `PASSES`. */
async function snapshotShown(world: World): Promise<SourceSnapshot> {
  const snapshot = await world.snapshot({ table: 'big' })
  const shown = new Map(snapshot.tables).set(KEY, shownTable(snapshot))
  return new Proxy(snapshot, {
    get: (target, name) => {
      if (name === 'tables') return shown
      const value = Reflect.get(target, name, target) as unknown
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const shownTable = (snapshot: SourceSnapshot): SourceTable => ({
  ...(snapshot.tables.get(KEY) as SourceTable),
  filter: PASSES,
})

interface Opened {
  snapshot: SourceSnapshot
  open: (table: string | SourceTable, signal?: AbortSignal) => Promise<DirectRead>
}

/** A snapshot whose direct reads are opened by hand. */
async function openSnapshot(tables: readonly string[], maxConnections?: number): Promise<Opened> {
  const engine = await openEngine()
  const source = createPostgresSource({
    ...sourceParts(db),
    maxConnections,
    extension: { file: EXTENSION, splitBytes },
  })
  onTestFinished(async () => {
    await source.close()
    await engine.close()
  })
  const refs = tables.map(table => ({ schema: 'public', table }))
  const signal = new AbortController().signal
  const snapshot = await source.openSnapshot(refs, signal)
  const open: Opened['open'] = async (wanted, asked = signal) => {
    const named =
      typeof wanted === 'string' ? snapshot.tables.get(tableKey({ schema: 'public', table: wanted })) : wanted
    const table = named as SourceTable
    const request = { engine, table, columns: table.columns, slice: { kind: 'all' as const }, signal: asked }
    const read = await snapshot.openDirect?.(request)
    if (read === undefined || typeof read === 'string') throw new Error(`it was not read directly: ${read}`)
    return read
  }
  return { snapshot, open }
}

/** Rows of each stream. */
async function countStreams({ streams }: DirectRead, signal?: AbortSignal): Promise<bigint[]> {
  return await Promise.all(
    streams.map(({ session, relation }) => session.count(sql`SELECT count(*) FROM (${relation})`, signal)),
  )
}

async function countedIn(table: string, maxConnections?: number): Promise<bigint[]> {
  const { open } = await openSnapshot([table], maxConnections)
  await using read = await open(table)
  return await countStreams(read)
}

const SLEEPING = `SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()`
async function sleeping(): Promise<number> {
  return Number((await db.query(SLEEPING))[0]?.['n'])
}

/** Data files in the table's folder, and those that its commits name. */
async function filesOf(world: World, table: string): Promise<{ stored: number; committed: number }> {
  const path = tablePath(`bronze.${table}`)
  const snapshot = await readSnapshot(world.lake, { tablePath: path })
  const stored = (await readdir(join(world.root, path))).filter(name => name.endsWith('.parquet'))
  return { stored: stored.length, committed: snapshot?.files.size ?? 0 }
}

describe.skipIf(EXTENSION === undefined)(`two streams of DuckDB's extension (${WHEN_MISSING})`, () => {
  test('a big table comes in two halves, which hold each row once', async () => {
    const [before = 0n, behind = 0n] = await countedIn('big')
    expect(before + behind).toBe(4000n)
    expect(before).toBeGreaterThan(1500n)
    expect(behind).toBeGreaterThan(1500n)
    await expectAsByCopy({ table: 'big' })
    await expectAsByCopy({ table: 'big', filter: "v LIKE '%7' AND n > 10" })
    await expectAsByCopy({ table: 'big', masks: { v: 'hash', n: 'partial' } }, { salt: () => 'sixteen characters' })
  })

  test('a table that is not big is read by one', async () => {
    const [world, warned] = await directWorld({ splitBytes: 1024n ** 3n })
    const { snapshot } = watched(await world.snapshot({ table: 'big' }), 1)
    await world.ingest({ table: 'big' }, { snapshot })
    expect(await filesOf(world, 'big')).toEqual({ stored: 1, committed: 1 })
    expect(warned).toEqual([])
  })

  test('what was moved, deleted or is committed later is in neither half or in one', async () => {
    await db.query(`UPDATE big SET v = v || '!' WHERE id % 3 = 0; DELETE FROM big WHERE id % 7 = 0`)
    await expectAsByCopy({ table: 'big' })
    const { open } = await openSnapshot(['big'])
    const [{ n: kept } = {}] = await db.query('SELECT count(*) AS n FROM big')
    await db.query(
      `INSERT INTO big SELECT n, 'late' FROM generate_series(10001, 20000) n; DELETE FROM big WHERE id < 100`,
    )
    await using read = await open('big')
    const rows = await countStreams(read)
    expect(rows.reduce((sum, one) => sum + one, 0n)).toBe(BigInt(kept ?? 0))
    expect(rows).toHaveLength(2)
  })

  test('a half without a row is no file', async () => {
    await db.query('DELETE FROM big WHERE id > 1000')
    expect(await countedIn('big')).toEqual([1000n, 0n])
    await expectAsByCopy({ table: 'big' })
    await db.query('DELETE FROM big')
    const [world] = await directWorld()
    await world.ingest({ table: 'big' })
    expect(await filesOf(world, 'big')).toEqual({ stored: 0, committed: 0 })
  })

  test('partitions are shared out, and the one in the middle is cut', async () => {
    await db.query(`DROP TABLE IF EXISTS leaf; CREATE TABLE leaf (id int, p text, v text, PRIMARY KEY (id, p)) PARTITION BY LIST (p);
      CREATE TABLE leaf_a PARTITION OF leaf FOR VALUES IN ('a'); CREATE TABLE leaf_c PARTITION OF leaf FOR VALUES IN ('c');
      CREATE TABLE leaf_b (v text, p text NOT NULL, id int NOT NULL); ALTER TABLE leaf ATTACH PARTITION leaf_b FOR VALUES IN ('b');
      INSERT INTO leaf SELECT n, CASE WHEN n % 10 = 0 THEN 'a' ELSE 'b' END, repeat('x', 100) FROM generate_series(1, 4000) n; ANALYZE leaf`)
    const [before = 0n, behind = 0n] = await countedIn('leaf')
    expect(before + behind).toBe(4000n)
    expect(before > 1500n && behind > 1500n).toBe(true)
    await expectAsByCopy({ table: 'leaf' })
    await expectAsByCopy({ table: 'leaf', filter: "p = 'b' AND id < 1000" })
  })

  test('rows that are spread over tables that inherit, or have no blocks, come in one stream', async () => {
    await db.query(`CREATE TABLE more () INHERITS (big); INSERT INTO more SELECT 5000, 'inherits';
      CREATE VIEW seen AS SELECT * FROM big WHERE id <= 100`)
    expect(await countedIn('big')).toEqual([4001n])
    expect(await countedIn('seen')).toEqual([100n])
  })

  test('with one connection beside the snapshot it is one stream', async () => {
    expect(await countedIn('big', 2)).toEqual([4000n])
    const [world, warned] = await directWorld({ maxConnections: 2 })
    const { snapshot } = watched(await world.snapshot({ table: 'big' }), 1)
    await world.ingest({ table: 'big' }, { snapshot })
    expect(await world.bronze('big')).toHaveLength(4000)
    expect(warned).toEqual([])
  })

  test('tables that are read at once share the places: nobody waits with one in hand, and none is lost', async () => {
    const tables = ['big', 'other', 'third']
    await db.query(
      'CREATE TABLE IF NOT EXISTS other AS SELECT * FROM big; CREATE TABLE IF NOT EXISTS third AS SELECT * FROM big',
    )
    for (const [maxConnections, behind] of [
      [4, 1],
      [5, 2],
    ] as const) {
      const { open } = await openSnapshot(tables, maxConnections)
      {
        await using big = await open('big')
        await using other = await open('other')
        expect([big.streams.length, other.streams.length]).toEqual([2, behind])
      }
      let taken = 0
      const readOne = async (table: string): Promise<bigint> => {
        await using read = await open(table)
        taken += read.streams.length
        expect(taken).toBeLessThanOrEqual(maxConnections - 1)
        const rows = await countStreams(read)
        taken -= read.streams.length
        return rows.reduce((sum, one) => sum + one, 0n)
      }
      expect(await Promise.all([...tables, ...tables].map(readOne))).toEqual(Array.from({ length: 6 }, () => 4000n))
    }
  })

  test('a server that refuses the second connection is read by one', async () => {
    const role = 'tidemark_of_three'
    await db.query(`DROP ROLE IF EXISTS ${role}; CREATE ROLE ${role} LOGIN PASSWORD 'reads only' CONNECTION LIMIT 3;
      GRANT SELECT ON big TO ${role}`)
    // With the keeper and the session that has counted the first of them is the last that is let in.
    const [world, warned] = await directWorld({
      maxConnections: 4,
      connection: { user: role, password: 'reads only' },
    })
    const { snapshot } = watched(await world.snapshot({ table: 'big' }), 1)
    await world.ingest({ table: 'big' }, { snapshot })
    expect(await filesOf(world, 'big')).toEqual({ stored: 1, committed: 1 })
    expect(await world.bronze('big')).toHaveLength(4000)
    expect(warned).toEqual([])
    await snapshot.close()
    await db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`)
  })

  test.each([
    ['first', { 1: `RAISE 'no more'`, 4000: 'PERFORM pg_sleep(600)' }],
    ['second', { 1: 'PERFORM pg_sleep(600)', 4000: `RAISE 'no more'` }],
  ])(
    'when the %s half fails the other is stopped, and the table is read by COPY with the reason told once',
    async (_, what) => {
      const [world, warned] = await directWorld()
      await inExtension(what)
      await world.ingest({ table: 'big' }, { snapshot: await snapshotShown(world) })
      expect(await world.bronze('big')).toHaveLength(4000)
      expect(warned).toEqual([expect.stringMatching(/^read by COPY: .*no more/)])
      await expect.poll(sleeping).toBe(0)
    },
  )

  test('of a half that was done before the other failed no file is left', async () => {
    const [world, warned] = await directWorld()
    await inExtension({ 4000: `PERFORM pg_sleep(2); RAISE 'no more'` })
    await world.ingest({ table: 'big' }, { snapshot: await snapshotShown(world) })
    expect(await world.bronze('big')).toHaveLength(4000)
    expect(warned).toHaveLength(1)
    expect(await filesOf(world, 'big')).toEqual({ stored: 1, committed: 1 })
  })

  test('a line that breaks is not taken for the end of the rows', async () => {
    const [world, warned] = await directWorld()
    await inExtension({ 3900: 'PERFORM pg_terminate_backend(pg_backend_pid())' })
    await world.ingest({ table: 'big' }, { snapshot: await snapshotShown(world) })
    expect(await world.bronze('big')).toHaveLength(4000)
    expect(warned).toEqual([expect.stringMatching(/^read by COPY: /)])
    expect(await filesOf(world, 'big')).toEqual({ stored: 1, committed: 1 })
  })

  test('a read that is stopped stops both on the server', async () => {
    await inExtension({ 1: 'PERFORM pg_sleep(600)', 4000: 'PERFORM pg_sleep(600)' })
    const stop = new AbortController()
    const { snapshot, open } = await openSnapshot(['big'])
    const read = await open(shownTable(snapshot), stop.signal)
    const counting = countStreams(read, stop.signal)
    await expect.poll(sleeping).toBe(2)
    stop.abort(new Error('enough'))
    await expect(counting).rejects.toThrow('enough')
    await expect.poll(sleeping).toBe(0)
    await read[Symbol.asyncDispose]()
  })

  test('progress tells the rows of both', async () => {
    const told: bigint[] = []
    const [world] = await directWorld({ options: { progress: ({ rows }) => told.push(rows) } })
    await world.ingest({ table: 'big' })
    expect(told.at(-1)).toBe(4000n)
    expect(await filesOf(world, 'big')).toEqual({ stored: 2, committed: 2 })
  })

  test('a table that somebody wants to rewrite after it was planned is read as the snapshot shows it, by COPY', async () => {
    const [world, warned] = await directWorld()
    const snapshot = await world.snapshot({ table: 'big' })
    await db.query('DELETE FROM big WHERE id % 2 = 0')
    const rewriting = db.query('VACUUM FULL big')
    const isWaiting = async (): Promise<boolean> =>
      (await db.query("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'big'::regclass")).length > 0
    while (!(await isWaiting())) await delay(20)
    await world.ingest({ table: 'big' }, { snapshot })
    expect(await world.bronze('big')).toHaveLength(4000)
    expect(warned).toEqual([expect.stringContaining('could not obtain lock')])
    await snapshot.close()
    await rewriting
    const [again] = await directWorld()
    const { snapshot: later } = watched(await again.snapshot({ table: 'big' }), 1)
    await again.ingest({ table: 'big' }, { snapshot: later })
    expect(await again.bronze('big')).toHaveLength(2000)
  })
})
