import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { openSession } from '../../packages/tidemark/src/sources/postgres/connection.ts'
import type { Slice, Source, SourceSnapshot } from '../../packages/tidemark/src/sources/source.ts'
import { createDatabase, RELEASE, requireRelease, type TestDatabase } from '../support/postgres.ts'
import {
  copySegments,
  never,
  openSource,
  problemAt,
  problemOf,
  readKeys,
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

async function ids(snapshot: SourceSnapshot, name: string, slice: Slice): Promise<string[]> {
  const rows = await readRows(snapshot, tableOf(snapshot, ref(name)), { slice })
  return rows.map(row => String(row['id'])).sort()
}

/** The slice that follows an earlier snapshot. */
function since(earlier: SourceSnapshot): Slice {
  const versions = earlier.position.rowVersions
  return { kind: 'since', horizon: versions?.horizon ?? 0n }
}

test('locks and savepoints take no snapshot: a rewrite committed after them is seen whole', async () => {
  await database.query(
    `CREATE TABLE early (id int); CREATE TABLE rewritten AS SELECT g AS id FROM generate_series(1, 100) g;
    CREATE TABLE unlocked AS SELECT * FROM rewritten`,
  )
  const session = await openSession('app', database, never)
  await session.begin()
  await session.savepoint('s')
  await session.query(sql`LOCK TABLE public.early IN ACCESS SHARE MODE`)
  await session.release('s')
  await session.savepoint('s')
  await session.query(sql`LOCK TABLE public.absent IN ACCESS SHARE MODE`).catch(() => undefined)
  await session.rollbackTo('s')
  await database.query('ALTER TABLE rewritten ALTER COLUMN id TYPE bigint')
  expect(await session.query(sql`SELECT count(*) AS n FROM public.rewritten`)).toEqual([{ n: '100' }])
  // The other half: once a snapshot exists, a rewrite of a table that is not locked empties it there.
  await database.query('ALTER TABLE unlocked ALTER COLUMN id TYPE bigint')
  expect(await session.query(sql`SELECT count(*) AS n FROM public.unlocked`)).toEqual([{ n: '0' }])
  await session.close()
})

test('a rewrite cannot pass an open snapshot, and the rows read are all of them', async () => {
  await database.query(`CREATE TABLE held AS SELECT g AS id FROM generate_series(1, 100) g`)
  const snapshot = await openSource(database).openSnapshot([ref('held')], never)
  const migration = await database.connect()
  await migration.query(`SET lock_timeout = '50ms'`)
  await expect(migration.query('ALTER TABLE held ALTER COLUMN id TYPE bigint')).rejects.toThrow(/lock timeout/)
  await migration.query(`SET lock_timeout = 0`)
  const waiting = migration.query('ALTER TABLE held ALTER COLUMN id TYPE bigint')
  const table = tableOf(snapshot, ref('held'))
  await expect.poll(waitingForLocks).toBe('1')
  // Readers that come now queue behind the migration, which waits for the snapshot: only its keeper can read.
  expect(await snapshot.count({ table, slice: { kind: 'all' }, columns: table.columns, signal: never })).toMatchObject({
    total: 100n,
    inSlice: 100n,
  })
  expect((await ids(snapshot, 'held', { kind: 'all' })).length).toBe(100)
  await snapshot.durable(never)
  expect((await ids(snapshot, 'held', { kind: 'range', column: 'id', from: '91', to: undefined })).length).toBe(10)
  await snapshot.close()
  await waiting
})

async function waitingForLocks(): Promise<string | null | undefined> {
  const [row] = await database.query(`SELECT count(*) AS n FROM pg_locks
    WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
  return row?.['n']
}

test('one locked, missing or dropped table is a problem of its own', async () => {
  await database.query('CREATE TABLE free (id int); CREATE TABLE busy (id int); INSERT INTO free VALUES (1)')
  const migration = await database.connect()
  await migration.query('BEGIN; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE')
  const wanted = [ref('free'), ref('busy'), ref('never_made')]
  const source = openSource(database, { lockTimeoutMs: 200 })
  const probe = await source.probe(wanted, never)
  expect(tableOf(probe, ref('busy')).columns).toHaveLength(1)
  const snapshot = await source.openSnapshot(wanted, never)
  expect(problemAt(snapshot, ref('busy'))).toMatchObject({ code: 'SOURCE_TABLE_LOCKED', retry: 'later', exit: 1 })
  expect(problemAt(snapshot, ref('never_made')).code).toBe('SOURCE_TABLE_MISSING')
  expect(await ids(snapshot, 'free', { kind: 'all' })).toEqual(['1'])
})

test('all tables are read in one snapshot, side by side, whatever commits meanwhile', async () => {
  await database.query(`CREATE TABLE facts (id int PRIMARY KEY); CREATE TABLE dims (id int PRIMARY KEY);
    INSERT INTO facts SELECT generate_series(1, 20000); INSERT INTO dims SELECT generate_series(1, 20000)`)
  const snapshot = await openSource(database).openSnapshot([ref('facts'), ref('dims')], never)
  const copies = ['facts', 'dims', 'facts', 'dims'].map(async (name, n) => {
    const id = 20_001 + n
    await database.query(`BEGIN; INSERT INTO dims VALUES (${id}); INSERT INTO facts VALUES (${id}); COMMIT`)
    return await copySegments(snapshot, tableOf(snapshot, ref(name)), { segmentBytes: 50_000 })
  })
  const rows = (await Promise.all(copies)).map(segments => segments.reduce((sum, one) => sum + one.rows, 0n))
  expect(rows).toEqual([20000n, 20000n, 20000n, 20000n])
  expect(await database.query('SELECT (SELECT count(*) FROM facts) AS facts')).toEqual([{ facts: '20004' }])
})

test('the slice since a mark holds late commits, updates and savepoint rows', async () => {
  await database.query(`CREATE TABLE moving (id int PRIMARY KEY, v int); INSERT INTO moving VALUES (1, 1), (2, 1)`)
  const source = openSource(database)
  const late = await database.connect()
  await late.query(
    'BEGIN; INSERT INTO moving VALUES (10, 1); SAVEPOINT s; INSERT INTO moving VALUES (11, 1); RELEASE SAVEPOINT s',
  )
  await database.query('INSERT INTO moving VALUES (3, 1)')
  const first = await source.openSnapshot([ref('moving')], never)
  expect(await ids(first, 'moving', { kind: 'all' })).toEqual(['1', '2', '3'])
  expect(first.position.openTransactions).toBeGreaterThanOrEqual(1)
  await late.query('SAVEPOINT t; INSERT INTO moving VALUES (12, 1); RELEASE SAVEPOINT t; COMMIT')
  await database.query('UPDATE moving SET v = 2 WHERE id = 1')
  const second = await source.openSnapshot([ref('moving')], never)
  const slice = await ids(second, 'moving', since(first))
  // Transactions open elsewhere on the server may widen it.
  expect(slice).toEqual(expect.arrayContaining(['1', '10', '11', '12', '3']))
  const table = tableOf(second, ref('moving'))
  const inSlice = BigInt(slice.length)
  expect(await second.count({ table, slice: since(first), columns: table.columns, signal: never })).toMatchObject({
    total: 6n,
    inSlice,
  })
  expect(second.position.order > first.position.order).toBe(true)
})

test('a prepared transaction holds the horizon, and its rows are in the next slice', async () => {
  await database.query(`CREATE TABLE prepared (id int); INSERT INTO prepared VALUES (1)`)
  const source = openSource(database)
  await database.query(`BEGIN; INSERT INTO prepared VALUES (2); PREPARE TRANSACTION 'tidemark_two_phase'`)
  const first = await source.openSnapshot([ref('prepared')], never)
  expect(await ids(first, 'prepared', { kind: 'all' })).toEqual(['1'])
  await database.query(`INSERT INTO prepared VALUES (3)`)
  await database.query(`COMMIT PREPARED 'tidemark_two_phase'`)
  const second = await source.openSnapshot([ref('prepared')], never)
  const slice = await ids(second, 'prepared', since(first))
  expect(slice).toEqual(expect.arrayContaining(['2', '3']))
})

test('no committed row is missed by the slices of a loop beside writers, and the order rises with each commit', async () => {
  await database.query(`CREATE TABLE looped (id text PRIMARY KEY, v int NOT NULL)`)
  const source = openSource(database)
  const writers = await Promise.all([0, 1, 2, 3].map(() => database.connect()))
  let writing = true
  const written = writers.map(async (client, w) => {
    for (let n = 0; n < 120; n++) {
      const id = `${w}-${n}`
      await client.query(`BEGIN; INSERT INTO looped VALUES ('${id}', 0)`)
      if (n % 3 === 0)
        await client.query(`SAVEPOINT s; UPDATE looped SET v = 1 WHERE id = '${id}'; RELEASE SAVEPOINT s`)
      if (n % 7 === 0)
        await client.query(`SAVEPOINT r; UPDATE looped SET v = 9 WHERE id = '${id}'; ROLLBACK TO SAVEPOINT r`)
      if (n % 10 === 9) await client.query('ROLLBACK')
      else if (n % 11 === 0) {
        await client.query(`PREPARE TRANSACTION 'looped ${id}'`)
        await client.query(`COMMIT PREPARED 'looped ${id}'`)
      } else await client.query('COMMIT')
      if (n > 5) await client.query(`UPDATE looped SET v = v + 10 WHERE id = '${w}-${n - 3}'`)
    }
  })
  const all = Promise.all(written).finally(() => (writing = false))
  const lake = new Map<string, string>()
  let previous: SourceSnapshot | undefined
  const step = async (): Promise<void> => {
    const snapshot = await source.openSnapshot([ref('looped')], never)
    const slice: Slice = previous === undefined ? { kind: 'all' } : since(previous)
    for (const row of await readRows(snapshot, tableOf(snapshot, ref('looped')), { slice })) {
      lake.set(row['id'] ?? '', row['v'] ?? '')
    }
    if (previous) expect(snapshot.position.order).toBeGreaterThanOrEqual(previous.position.order)
    await snapshot.close()
    previous = snapshot
  }
  while (writing) await step()
  await all
  const before = previous?.position.order ?? 0n
  await step()
  await database.query(`INSERT INTO looped VALUES ('last', 1)`)
  await step()
  expect(previous?.position.order).toBeGreaterThan(before)
  const rows = await database.query('SELECT id, v FROM looped')
  expect(Object.fromEntries([...lake].sort())).toEqual(
    Object.fromEntries(rows.map(row => [row['id'], row['v']]).sort()),
  )
})

test('two snapshots of a quiet server have the same order, and identity and position never go back', async () => {
  await database.query('CREATE TABLE quiet (id int)')
  const source = openSource(database)
  const first = (await source.probe([ref('quiet')], never)).position
  const second = (await source.probe([ref('quiet')], never)).position
  expect([second.identity, second.order, second.rowVersions]).toEqual([first.identity, first.order, first.rowVersions])
  expect(second.log).toBeGreaterThanOrEqual(first.log)
  expect(second.asOf >= first.asOf).toBe(true)
  expect(first.asOf).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
})

test('freezing changes no row version, and rows without one carry a hash of what they say', async () => {
  await database.query(`CREATE TABLE frozen (id int); INSERT INTO frozen VALUES (1), (2);
    CREATE VIEW shown AS SELECT id, NULL::text AS v FROM frozen`)
  const source = openSource(database)
  const versions = async (name: string): Promise<(string | null | undefined)[]> => {
    const snapshot = await source.openSnapshot([ref(name)], never)
    const rows = await readRows(snapshot, tableOf(snapshot, ref(name)))
    await snapshot.close()
    return rows.map(row => row['_row_version'])
  }
  const before = await versions('frozen')
  const shown = await versions('shown')
  await database.query('VACUUM (FREEZE) frozen')
  await database.query('VACUUM (FULL) frozen')
  expect(await versions('frozen')).toEqual(before)
  expect(before[0]).toMatch(/^\d+$/)
  expect(await versions('shown')).toEqual(shown)
  expect(shown[0]).toMatch(/^[0-9a-f]{32}$/)
  expect(shown[0]).not.toBe(shown[1])
})

test('a range is half open, compared in the column’s own type, and leaves NULL out', async () => {
  await database.query(`CREATE TABLE ranged (id int, code text, "At" timestamptz);
    INSERT INTO ranged VALUES (9, '9', '2026-01-01 00:00+00'), (10, '10', '2026-01-02 00:00+00'), (11, NULL, NULL)`)
  const snapshot = await openSource(database).openSnapshot([ref('ranged')], never)
  const range = (column: string, from?: string, to?: string): Slice => ({ kind: 'range', column, from, to })
  expect(await ids(snapshot, 'ranged', range('id', '9', '10'))).toEqual(['9'])
  expect(await ids(snapshot, 'ranged', range('id', '10'))).toEqual(['10', '11'])
  expect(await ids(snapshot, 'ranged', range('code', undefined, '9'))).toEqual(['10'])
  expect(await ids(snapshot, 'ranged', range('at', '2026-01-01', '2026-01-02'))).toEqual(['9'])
  const table = tableOf(snapshot, ref('ranged'))
  const refused = await problemOf(
    snapshot.count({ table, slice: range('id', "1'; DROP TABLE ranged; --"), columns: table.columns, signal: never }),
  )
  expect([refused.code, refused.exit]).toEqual(['SOURCE_RANGE_INVALID', 1])
  const unknown = await problemOf(
    snapshot.count({ table, slice: range('Att', '1'), columns: table.columns, signal: never }),
  )
  expect([unknown.code, unknown.hint]).toEqual(['SOURCE_COLUMN_MISSING', 'Did you mean At?'])
})

test('rows of a few keys are found by the text of their key, in each column’s own type', async () => {
  await database.query(`CREATE TABLE picked (id int, day date, "At" timestamptz, PRIMARY KEY (id, day));
    INSERT INTO picked VALUES (1, '2026-01-31', now()), (10, '2026-01-31', now()), (10, '2026-02-01', now())`)
  const snapshot = await openSource(database).openSnapshot([ref('picked')], never)
  const keys = (...found: string[][]): Slice => ({ kind: 'keys', columns: ['ID', 'day'], keys: found })
  const rows = await readRows(snapshot, tableOf(snapshot, ref('picked')), {
    slice: keys(['10', '31 Jan 2026'], ['1', '2026-02-01'], ['010', '2026-02-01']),
  })
  expect(rows.map(({ id, day }) => `${id} ${day}`).toSorted()).toEqual(['10 2026-01-31', '10 2026-02-01'])
  const table = tableOf(snapshot, ref('picked'))
  const refused = await problemOf(
    snapshot.count({ table, slice: keys(["1'; DROP TABLE picked; --", 'x']), columns: table.columns, signal: never }),
  )
  expect([refused.code, refused.exit]).toEqual(['SOURCE_KEY_INVALID', 2])
})

test('keys come in the order asked for', async () => {
  await database.query(
    `CREATE TABLE keyed (a int, b text, v int, PRIMARY KEY (b, a)); INSERT INTO keyed VALUES (1, 'x', 9)`,
  )
  const snapshot = await openSource(database).openSnapshot([ref('keyed')], never)
  const table = tableOf(snapshot, ref('keyed'))
  const keys = table.primaryKey.flatMap(name => table.columns.filter(column => column.name === name))
  expect(await readKeys(snapshot, table, keys)).toEqual([{ b: 'x', a: '1' }])
  expect(Object.keys((await readKeys(snapshot, table, keys))[0] ?? {})).toEqual(['b', 'a'])
})

async function activeCopies(): Promise<string | null | undefined> {
  const [row] = await database.query(`SELECT count(*) AS n FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'tidemark' AND state = 'active'`)
  return row?.['n']
}

async function endless(source: Source): Promise<SourceSnapshot> {
  await database.query(
    `CREATE OR REPLACE VIEW endless AS SELECT a.n FROM generate_series(1, 1000000) a (n), generate_series(1, 1000000) b`,
  )
  return await source.openSnapshot([ref('endless')], never)
}

test('a table is cut into stretches of blocks where the server scans no more than a stretch: since release 14', async () => {
  await database.query('CREATE TABLE long AS SELECT n FROM generate_series(1, 5000) n')
  const snapshot = await openSource(database).openSnapshot([ref('long')], never)
  const cut = await snapshot.cutTable?.(tableOf(snapshot, ref('long')), 16_384n, never)
  expect((cut?.chunks.length ?? 1) > 1).toBe(RELEASE >= 14)
  await snapshot.close()
})

test('a partition that computes a column by a rule of its own is read as its table shows it', async context => {
  requireRelease(context, 18, 'column that is computed on reading')
  await database.query(`CREATE TABLE ruled (id int, a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL) PARTITION BY LIST (id);
    CREATE TABLE ruled_1 (id int, a int, b int GENERATED ALWAYS AS (a * 100) VIRTUAL);
    ALTER TABLE ruled ATTACH PARTITION ruled_1 FOR VALUES IN (1);
    INSERT INTO ruled (id, a) SELECT 1, 7 FROM generate_series(1, 5000)`)
  const snapshot = await openSource(database).openSnapshot([ref('ruled')], never)
  const table = tableOf(snapshot, ref('ruled'))
  const cut = await snapshot.cutTable?.(table, 16_384n, never)
  const slices: readonly Slice[] = cut?.chunks ?? [{ kind: 'all' }]
  const rows = await Promise.all(slices.map(slice => readRows(snapshot, table, { slice })))
  expect(new Set(rows.flat().map(row => row['b']))).toEqual(new Set(['14']))
  expect(rows.flat()).toHaveLength(5000)
  await snapshot.close()
})

test('an abort ends the copy with its reason, stops the server, leaves no unfinished file', async () => {
  const snapshot = await endless(openSource(database))
  const directory = await temporaryFolder()
  const abort = new AbortController()
  const table = tableOf(snapshot, ref('endless'))
  const request = { table, columns: table.columns, slice: { kind: 'all' } as const, directory, prefix: 'rows' }
  const received: string[] = []
  const copying = (async () => {
    for await (const segment of snapshot.copy({ ...request, segmentBytes: 200_000, signal: abort.signal })) {
      received.push(segment.path)
      if (received.length === 3) abort.abort(new Error('stopped by the user'))
    }
  })()
  await expect(copying).rejects.toThrow('stopped by the user')
  expect(received).toHaveLength(3)
  // One finished file may already wait behind those that were handed over.
  expect((await readdir(directory)).length).toBeLessThanOrEqual(4)
  await snapshot.close()
  await expect.poll(activeCopies).toBe('0')
})

test('a reader that leaves early stops the server too, and the snapshot stays usable', async () => {
  const snapshot = await endless(openSource(database, { maxConnections: 2 }))
  const directory = await temporaryFolder()
  const table = tableOf(snapshot, ref('endless'))
  const request = { table, columns: table.columns, slice: { kind: 'all' } as const, directory, prefix: 'rows' }
  for await (const segment of snapshot.copy({ ...request, segmentBytes: 200_000, signal: never })) {
    expect(segment.rows).toBeGreaterThan(0n)
    break
  }
  await expect.poll(activeCopies).toBe('0')
  for await (const segment of snapshot.copy({ ...request, prefix: 'again', segmentBytes: 1000, signal: never })) {
    expect(segment.bytes).toBeGreaterThanOrEqual(1000n)
    break
  }
  await expect.poll(activeCopies).toBe('0')
})

test('a reader that is slow makes the server wait instead of filling memory or disk', async () => {
  const snapshot = await endless(openSource(database))
  const directory = await temporaryFolder()
  const table = tableOf(snapshot, ref('endless'))
  const request = { table, columns: table.columns, slice: { kind: 'all' } as const, directory, prefix: 'rows' }
  for await (const _ of snapshot.copy({ ...request, segmentBytes: 200_000, signal: never })) {
    // What lies between the two may still be filling when the server waits for the first time.
    let [waited, most] = [0, 0]
    const looks = async (): Promise<number> => {
      waited = (await waitsForClient()) === 'ClientWrite' ? waited + 1 : 0
      most = Math.max(most, (await readdir(directory)).length)
      return waited
    }
    await expect.poll(looks).toBeGreaterThan(20)
    // The one in hand, and one that is finished and waits.
    expect(most).toBe(2)
    break
  }
  await expect.poll(activeCopies).toBe('0')
})

async function waitsForClient(): Promise<string | null | undefined> {
  const [row] = await database.query(`SELECT wait_event FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'tidemark' AND query LIKE 'COPY%'`)
  return row?.['wait_event']
}

test('an abort ends a count that sends nothing, and cancels it on the server', async () => {
  const snapshot = await endless(openSource(database))
  const table = tableOf(snapshot, ref('endless'))
  const abort = new AbortController()
  const counting = snapshot.count({ table, slice: { kind: 'all' }, columns: [], signal: abort.signal })
  await expect.poll(activeCopies).toBe('1')
  abort.abort(new Error('enough'))
  await expect(counting).rejects.toThrow('enough')
  await snapshot.close()
  await expect.poll(activeCopies).toBe('0')
})

test('a failure in the middle of a copy is reported and the next copy works', async () => {
  await database.query(`CREATE VIEW failing AS SELECT 10000 / (9000 - n) AS q FROM generate_series(1, 20000) AS g (n);
    CREATE TABLE after_it (id int); INSERT INTO after_it VALUES (1)`)
  const source = openSource(database, { maxConnections: 2 })
  const snapshot = await source.openSnapshot([ref('failing'), ref('after_it')], never)
  const failure = await problemOf(copySegments(snapshot, tableOf(snapshot, ref('failing')), { segmentBytes: 1000 }))
  expect([failure.code, failure.message]).toEqual(['SOURCE_QUERY_FAILED', expect.stringContaining('division by zero')])
  expect(await ids(snapshot, 'after_it', { kind: 'all' })).toEqual(['1'])
})

test('what the snapshot saw is durable when asked, also when commits do not wait for the disk', async () => {
  await database.query('CREATE TABLE lasting (id int)')
  const writer = await database.connect()
  await writer.query(`SET synchronous_commit = off`)
  await writer.query(`INSERT INTO lasting VALUES (1)`)
  const end = await writer.query<{ lsn: string }>(`SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') AS lsn`)
  const commit = BigInt(end.rows[0]?.lsn ?? '0')
  const snapshot = await openSource(database).openSnapshot([ref('lasting')], never)
  await snapshot.durable(never)
  const [row] = await database.query(
    `SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') >= $1::numeric - 40 AS durable`,
    [String(commit)],
  )
  expect(row?.['durable']).toBe('t')
})

test('a transaction that stays open with unwritten log does not keep the snapshot waiting', async () => {
  await database.query('CREATE TABLE dangling (id int)')
  const open = await database.connect()
  await open.query('BEGIN; INSERT INTO dangling VALUES (1)')
  const snapshot = await openSource(database).openSnapshot([ref('dangling')], never)
  await snapshot.durable(AbortSignal.timeout(60_000))
  expect(await ids(snapshot, 'dangling', { kind: 'all' })).toEqual([])
})

test('the session can read and cannot write', async () => {
  await database.query('CREATE TABLE untouched (id int)')
  const session = await openSession('app', database, never)
  const problem = await problemOf(session.query(sql`INSERT INTO public.untouched VALUES (1)`))
  expect(problem.message).toContain('read-only transaction')
  await session.close()
})

test('an index that leads to a slice changes nothing of what is counted, nor of what is refused', async () => {
  await database.query(`CREATE TABLE led (id int PRIMARY KEY, at timestamp, v numeric(9,2));
    INSERT INTO led SELECT g, CASE WHEN g % 10 > 0 THEN timestamp '2026-01-01' + g * interval '1 minute' END, g
    FROM generate_series(1, 3000) g; CREATE INDEX ON led (at, v); ANALYZE led`)
  const snapshot = await openSource(database).openSnapshot([ref('led')], never)
  const table = tableOf(snapshot, ref('led'))
  expect(table.leadingColumns).toContain('at')
  const slice = { kind: 'cursor', column: 'at', from: '2026-01-02 12:00' } as const
  const filter = sql`(t."id" % 3 = 0)`
  for (const more of [{}, { filter }, { onlyWith: 'at' }, { filter, onlyWith: 'at' }]) {
    const count = (leadingColumns: string[]): Promise<unknown> =>
      snapshot.count({ table: { ...table, ...more, leadingColumns }, slice, columns: [], cursor: 'at', signal: never })
    expect(await count(['at'])).toEqual(await count([]))
  }
  expect(await snapshot.count({ table, slice, columns: [], cursor: 'at', signal: never })).toEqual({
    total: 3000n,
    inSlice: 1056n,
    withoutCursor: 300n,
  })
  await snapshot.close()
  await database.query(`UPDATE led SET v = 'NaN' WHERE id IN (1, 2999)`)
  const later = await openSource(database).openSnapshot([ref('led')], never)
  const request = { table: tableOf(later, ref('led')), slice, columns: table.columns, signal: never }
  const problem = await problemOf(later.count(request))
  // The other one is outside of the slice.
  expect([problem.code, problem.message]).toEqual(['SOURCE_VALUE_UNFIT', expect.stringContaining('1 row with NaN')])
  await later.close()
})
