/** A logical slot as the list of changed keys, on a real PostgreSQL: what it names is read, and nothing is lost beside it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { OpenSource } from '../../packages/tidemark/src/run/prepare.ts'
import { releaseLogs } from '../../packages/tidemark/src/run/release-logs.ts'
import type { ChangeLog } from '../../packages/tidemark/src/sources/change-log.ts'
import type { SourceSnapshot } from '../../packages/tidemark/src/sources/source.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { RELEASE, requireRelease, type RunningPostgres, startPostgres } from '../support/postgres.ts'
import { createProject, failures } from '../support/project.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'
import pg from 'pg'

/** A server of its own: whatever is open elsewhere on a server holds up how soon its list of changes can be used, autovacuum too. */
const CONFIG = {
  autovacuum: 'off',
  wal_level: 'logical',
  fsync: 'off',
  max_prepared_transactions: '5',
  max_replication_slots: '100',
}
const item = { table: 'item' }
let directory: string
let server: RunningPostgres
let count = 0
let name: string
let world: World

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-slot-'))
  server = await startPostgres({ directory, config: CONFIG })
})
afterAll(async () => {
  await server.stop('immediate')
  await rm(directory, { recursive: true, force: true })
})
beforeEach(async () => {
  name = `app${(count += 1)}`
  await server.query(`CREATE DATABASE ${name}`)
})

const query = (statement: string): Promise<Record<string, unknown>[]> => server.query(statement, name)
const connection = (): { host: string; port: number; user: string; password: string; database: string } => {
  const { host, port, user, password } = server
  return { host, port, user, password, database: name }
}

/** A client whose transaction stays open. */
async function connect(): Promise<pg.Client> {
  const client = new pg.Client(connection())
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** `item`, with a long value outside the row; then publication, slot and first load. */
async function start(publication = 'item'): Promise<void> {
  await query('CREATE TABLE item (id bigint PRIMARY KEY, name text, note text)')
  await query('ALTER TABLE item ALTER note SET STORAGE EXTERNAL')
  await query(`INSERT INTO item SELECT i, 'name ' || i, repeat('long ' || i, 1000) FROM generate_series(1, 100) i`)
  await makeSlot(publication)
  world = await createWorld(connection(), { slot: name })
  await world.ingest(item)
}

/** A publication names the leaves of a partitioned table on servers that cannot list the table itself. */
async function makeSlot(tables: string, leaves = tables): Promise<void> {
  await query(`CREATE PUBLICATION ${name} FOR TABLE ${RELEASE < 13 ? leaves : tables}`)
  await query(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`)
}

/** Ingest and compare with the source. */
async function ingest(options: Parameters<World['ingest']>[1] = {}): ReturnType<World['ingest']> {
  const outcome = await world.ingest(item, options)
  const lake = (await world.live('item', sql`id`)).map(row => `${String(row['id'])} ${row['name']} ${row['note']}`)
  const rows = await query('SELECT id, name, note FROM item')
  expect(lake.sort()).toEqual(rows.map(row => `${String(row['id'])} ${row['name']} ${row['note']}`).sort())
  return outcome
}

/** Every column and value is what a first full load gives. */
async function expectSame(entry: EntryOverrides, key: Sql): Promise<void> {
  const fresh = await createWorld(connection())
  await fresh.ingest(entry)
  const [ours, full] = await Promise.all([world.live(entry.table, key), fresh.live(entry.table, key)])
  const texts = (rows: readonly object[]): string[] =>
    rows
      .map(row =>
        Object.entries(row)
          .sort()
          .map(([k, v]) => `${k}=${String(v)}`)
          .join(' '),
      )
      .sort()
  expect(texts(ours)).toEqual(texts(full))
}

const slotLog = (snapshot: SourceSnapshot): ChangeLog => {
  if (snapshot.changeLog === undefined) throw new Error('there is no slot')
  return snapshot.changeLog
}
const confirmed = async (): Promise<bigint> =>
  BigInt(
    String(
      (
        await query(
          `SELECT pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::text AS at FROM pg_replication_slots WHERE slot_name = '${name}'`,
        )
      )[0]?.['at'],
    ),
  )
/** What a server does to a slot that holds back more log than it may. */
async function loseSlot(): Promise<void> {
  await server.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`)
  await server.query('SELECT pg_reload_conf()')
  // The process that takes the log away learns of the limit some time after it was told.
  const fill = async (): Promise<unknown> => {
    for (let i = 0; i < 6; i += 1) {
      await query('CREATE TABLE filler (); DROP TABLE filler')
      await server.query('SELECT pg_switch_wal()')
    }
    await server.query('CHECKPOINT')
    const [row] = await query(`SELECT wal_status FROM pg_replication_slots WHERE slot_name = '${name}'`)
    return row?.['wal_status']
  }
  await expect.poll(fill).toBe('lost')
  await server.query('ALTER SYSTEM RESET max_slot_wal_keep_size')
  await server.query('SELECT pg_reload_conf()')
  const limit = async (): Promise<unknown> => (await server.query('SHOW max_slot_wal_keep_size'))[0]
  await expect.poll(limit).toEqual({ max_slot_wal_keep_size: '-1' })
}

/** What a run does after its commits. */
async function release(): Promise<void> {
  const { listed } = await world.mark('item')
  await slotLog(await world.snapshot(item)).release(listed?.from ?? 0n, new AbortController().signal)
}
const bySlot = (): { method: string } => ({ method: `slot ${name}` })
const scanned = (reason: string): { method: unknown } => ({
  method: expect.stringContaining(`xmin scan: ${reason}`) as unknown,
})

describe('an increment by a slot', () => {
  test('reads the keys that changed and no other row; a value that the log leaves out is that of the row', async () => {
    await start()
    await query(
      `UPDATE item SET name = 'new' WHERE id = 1; INSERT INTO item VALUES (101, 'in'); DELETE FROM item WHERE id = 2`,
    )
    expect(await ingest()).toMatchObject({
      ...bySlot(),
      ledger: { read: 2n, inserted: 2n, duplicate: 0n, deletes: 1n },
    })
    expect(await ingest()).toMatchObject({ status: 'unchanged' })
  })

  test('a key that was moved is a delete and a row, and rows that came and went are neither', async () => {
    await start()
    await query(
      `UPDATE item SET id = 500 WHERE id = 3; INSERT INTO item VALUES (600, 'x'); DELETE FROM item WHERE id = 600`,
    )
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { read: 1n, inserted: 1n, deletes: 1n } })
  })

  test('what a transaction took back is not read, what its savepoints kept is', async () => {
    await start()
    const open = await connect()
    await open.query(
      `BEGIN; INSERT INTO item VALUES (300, 'outer'); SAVEPOINT a; INSERT INTO item VALUES (301, 'inner')`,
    )
    await open.query(`ROLLBACK TO a; SAVEPOINT b; UPDATE item SET name = 'kept' WHERE id = 7; RELEASE b; COMMIT`)
    await open.query(`BEGIN; DELETE FROM item; ROLLBACK`)
    await open.end()
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { inserted: 2n, deletes: 0n } })
  })

  test('open and prepared transactions over several runs are read once they have committed', async () => {
    await start()
    const open = await connect()
    await open.query(`BEGIN; UPDATE item SET name = 'late' WHERE id = 4`)
    await query(`BEGIN; DELETE FROM item WHERE id = 5; PREPARE TRANSACTION 'held'`)
    await query(`UPDATE item SET name = 'early' WHERE id = 6`)
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { inserted: 1n } })
    await release()
    await query(`COMMIT PREPARED 'held'`)
    await open.query('COMMIT')
    await open.end()
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { inserted: 1n, deletes: 1n } })
    await release()
    await query(`UPDATE item SET name = 'last' WHERE id = 6`)
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { read: 1n, inserted: 1n } })
  })

  test('a run that died after its commit is recognised: its keys are listed again and nothing is written', async () => {
    await start()
    await query(`UPDATE item SET name = 'a' WHERE id < 4`)
    await ingest()
    await query(`UPDATE item SET name = 'b' WHERE id = 1; DELETE FROM item WHERE id = 2`)
    expect(await ingest()).toMatchObject({
      ...bySlot(),
      ledger: { read: 2n, inserted: 1n, duplicate: 1n, deletes: 1n },
    })
    await release()
    await query(`UPDATE item SET name = 'c' WHERE id = 9`)
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { read: 1n, inserted: 1n, duplicate: 0n } })
  })

  test('what commits between the snapshot and the look at the log belongs to the next run, also when the log is released', async () => {
    await start()
    await query(`UPDATE item SET name = 'seen' WHERE id = 1`)
    const snapshot = await world.snapshot(item)
    await query(`UPDATE item SET name = 'unseen' WHERE id IN (1, 2); DELETE FROM item WHERE id = 3`)
    expect(await world.ingest(item, { snapshot })).toMatchObject({ ...bySlot(), ledger: { inserted: 1n, deletes: 0n } })
    await release()
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { inserted: 2n, deletes: 1n } })
  })

  test('thousands of keys are looked up part by part', async () => {
    await start()
    await query(`INSERT INTO item SELECT i, 'bulk' FROM generate_series(1000, 12999) i`)
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { read: 12_000n, inserted: 12_000n } })
  })

  test('keys of every kind are told apart, moved and deleted as a full load would have them', async () => {
    await query(`CREATE TABLE item (a text, b numeric, c timestamptz, d uuid, e bytea, f date, g "char", v double precision,
      PRIMARY KEY (a, b, c, d, e, f, g))`)
    await query(`INSERT INTO item SELECT x, n, '2026-03-29 01:59:59.123456+00', ('00000000-0000-0000-0000-00000000000' || CASE WHEN n < 0 THEN 1 ELSE 0 END)::uuid,
      '\\x00ff27', '0044-03-15', 'q', n / 3 FROM unnest(ARRAY['''; DROP TABLE item --', '\\', '', ' ', 'å😀', E'a\\nb"c']) x, unnest(ARRAY[0, -1.50, 12345678901234567890.1]) n`)
    await makeSlot('item')
    world = await createWorld(connection(), { slot: name })
    await world.ingest(item)
    await query(
      `UPDATE item SET v = v + 1 WHERE b = 0; UPDATE item SET b = -1.5 WHERE a = '' AND b < 0; DELETE FROM item WHERE b > 1 AND a <> ''`,
    )
    expect(await world.ingest(item)).toMatchObject({ ...bySlot(), ledger: { inserted: 7n, deletes: 6n } })
    await expectSame(item, sql`a, b, c, d, e, f, g`)
  })

  test('a publication may list the keys alone, and a replica identity may be the whole row', async context => {
    requireRelease(context, 15, 'lists of columns in a publication')
    await start('item (id)')
    await query(`UPDATE item SET name = 'new' WHERE id = 1; UPDATE item SET id = 500 WHERE id = 2`)
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { read: 2n, inserted: 2n, deletes: 1n } })
    await query(`ALTER PUBLICATION ${name} SET TABLE item; ALTER TABLE item REPLICA IDENTITY FULL`)
    await query(`UPDATE item SET name = 'full' WHERE id = 4`)
    await ingest()
    await query(`UPDATE item SET id = 501, name = 'full' WHERE id = 3; DELETE FROM item WHERE id = 4`)
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { inserted: 1n, deletes: 2n } })
  })

  test('partitions count with their table, and a row that moves between them is one row', async () => {
    await query('CREATE TABLE item (id int, part int, name text, PRIMARY KEY (id, part)) PARTITION BY LIST (part)')
    await query(
      'CREATE TABLE item_1 PARTITION OF item FOR VALUES IN (1); CREATE TABLE item_2 PARTITION OF item FOR VALUES IN (2)',
    )
    await query(`INSERT INTO item SELECT i, 1 + i % 2, 'n' FROM generate_series(1, 10) i`)
    await makeSlot('item', 'item_1, item_2')
    world = await createWorld(connection(), { slot: name })
    await world.ingest(item)
    await query(`UPDATE item SET part = 2 WHERE id = 2; UPDATE item_1 SET name = 'leaf' WHERE id = 4`)
    expect(await world.ingest(item)).toMatchObject({ ...bySlot(), ledger: { read: 2n, inserted: 2n, deletes: 1n } })
    await expectSame(item, sql`id, part`)
  })

  test('goes on after the server was restarted', async () => {
    await start()
    await query(`UPDATE item SET name = 'before' WHERE id = 1`)
    await server.stop()
    server = await startPostgres({ directory, port: server.port, config: CONFIG })
    await query(`UPDATE item SET name = 'after' WHERE id = 2`)
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { read: 2n, inserted: 2n } })
  })
})

describe('where the list does not tell everything, rows are found by their versions', () => {
  test('a truncated table', async () => {
    await start()
    await query(`TRUNCATE item; INSERT INTO item VALUES (1, 'again')`)
    const outcome = await ingest({ allowMassDelete: true })
    expect(outcome).toMatchObject({ ...scanned('its publication or its storage changed'), ledger: { deletes: 99n } })
    await release()
    await query(`INSERT INTO item VALUES (2, 'next')`)
    expect(await ingest()).toMatchObject(bySlot())
  })

  test('a table that was rewritten without a row being changed', async () => {
    await start()
    await query('ALTER TABLE item ALTER name TYPE text USING upper(name)')
    expect(await ingest()).toMatchObject({
      ...scanned('its publication or its storage changed'),
      ledger: { inserted: 100n },
    })
  })

  test('a new column', async () => {
    await start()
    await query(`ALTER TABLE item ADD extra int DEFAULT 7; UPDATE item SET extra = 8 WHERE id = 1`)
    expect(await ingest()).toMatchObject({ method: 'full compare: the relation changed', ledger: { inserted: 100n } })
    await query(`UPDATE item SET extra = 9 WHERE id = 1`)
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { inserted: 1n } })
  })

  test('a retyped column, whose values that do not fit are rescued by the scan and by the slot after it', async () => {
    await query(
      'CREATE TABLE item (id int PRIMARY KEY, n int); INSERT INTO item SELECT i, i FROM generate_series(1, 9) i',
    )
    await makeSlot('item')
    world = await createWorld(connection(), { slot: name })
    await world.ingest(item)
    await query(`ALTER TABLE item ALTER n TYPE text; UPDATE item SET n = 'one' WHERE id = 1`)
    expect((await world.ingest(item)).ledger).toMatchObject({ inserted: 1n, rescued: 1n })
    await query(`UPDATE item SET n = 'two' WHERE id = 2; UPDATE item SET n = '1' WHERE id = 1`)
    expect(await world.ingest(item)).toMatchObject({ ...bySlot(), ledger: { inserted: 2n, rescued: 1n } })
    expect((await world.live('item', sql`id`)).slice(0, 2).map(row => [row['n'], row['_rescued_data']])).toEqual([
      [1n, null],
      [null, '{"n":"two"}'],
    ])
    expect((await world.verify(item)).status).toBe('equal')
  })

  test('a table that was out of the publication for a while', async () => {
    await start()
    await query('CREATE TABLE other (id int PRIMARY KEY)')
    await query(`ALTER PUBLICATION ${name} SET TABLE other`)
    await query(`UPDATE item SET name = 'unlisted' WHERE id = 1; DELETE FROM item WHERE id = 2`)
    await query(`ALTER PUBLICATION ${name} SET TABLE item`)
    await query(`UPDATE item SET name = 'listed' WHERE id = 3`)
    expect(await ingest()).toMatchObject({ ...scanned('its publication'), ledger: { inserted: 2n, deletes: 1n } })
  })

  test('a partition that was detached for a while, and one below it', async () => {
    await query(`CREATE TABLE item (id bigint, name text, note text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
      CREATE TABLE low PARTITION OF item FOR VALUES FROM (0) TO (50);
      CREATE TABLE high PARTITION OF item FOR VALUES FROM (50) TO (200) PARTITION BY RANGE (id);
      CREATE TABLE top PARTITION OF high FOR VALUES FROM (100) TO (200);
      INSERT INTO item SELECT i, 'a', 'b' FROM generate_series(1, 40) i; INSERT INTO item SELECT i, 'a', 'b' FROM generate_series(100, 140) i`)
    await makeSlot('item', 'low, top')
    world = await createWorld(connection(), { slot: name })
    await world.ingest(item)
    await query(`UPDATE item SET name = 'listed' WHERE id IN (7, 107)`)
    expect(await ingest()).toMatchObject(bySlot())
    await query(`ALTER TABLE item DETACH PARTITION low; UPDATE low SET name = 'apart' WHERE id <= 3;
      DELETE FROM low WHERE id = 9; ALTER TABLE item ATTACH PARTITION low FOR VALUES FROM (0) TO (50)`)
    expect(await ingest()).toMatchObject(scanned('its publication'))
    await query(`ALTER TABLE item DETACH PARTITION high; UPDATE top SET name = 'apart' WHERE id <= 103;
      ALTER TABLE item ATTACH PARTITION high FOR VALUES FROM (50) TO (200)`)
    expect(await ingest()).toMatchObject(scanned('its publication'))
    await query(`UPDATE item SET name = 'listed' WHERE id IN (8, 108)`)
    expect(await ingest()).toMatchObject(bySlot())
  })

  test('a slot that somebody else moved, and one that was made anew', async () => {
    await start()
    await query(`UPDATE item SET name = 'taken' WHERE id = 1; DELETE FROM item WHERE id = 2`)
    await query(
      `SELECT count(*) FROM pg_logical_slot_get_binary_changes('${name}', NULL, NULL, 'proto_version', '1', 'publication_names', '${name}')`,
    )
    expect(await ingest()).toMatchObject({
      ...scanned(`slot ${name} begins after its mark`),
      ledger: { inserted: 1n, deletes: 1n },
    })
    await query(`UPDATE item SET name = 'back' WHERE id = 3`)
    expect(await ingest()).toMatchObject(bySlot())
    await query(`SELECT pg_drop_replication_slot('${name}')`)
    await query(`UPDATE item SET name = 'gone' WHERE id = 4`)
    expect(await ingest()).toMatchObject({ ...scanned(`slot ${name} does not exist`), ledger: { inserted: 1n } })
    await query(`UPDATE item SET name = 'between' WHERE id = 5`)
    await query(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`)
    expect(await ingest()).toMatchObject({
      method: expect.stringContaining('xmin scan') as unknown,
      ledger: { inserted: 1n },
    })
    await query(`UPDATE item SET name = 'again' WHERE id = 6`)
    expect(await ingest()).toMatchObject({ ...bySlot(), ledger: { inserted: 1n } })
  })

  test('an identity that does not hold the key', async () => {
    await start()
    await query(`ALTER TABLE item ADD code int`)
    await query(
      'UPDATE item SET code = id; ALTER TABLE item ALTER code SET NOT NULL; CREATE UNIQUE INDEX item_code ON item (code)',
    )
    await ingest()
    await query('ALTER TABLE item REPLICA IDENTITY USING INDEX item_code')
    await query('UPDATE item SET id = 900 WHERE id = 9')
    expect(await ingest()).toMatchObject({
      ...scanned('its replica identity does not hold the key'),
      ledger: { inserted: 1n, deletes: 1n },
    })
  })

  test('transactions that were open when the slot was first used', async () => {
    await query(
      'CREATE TABLE item (id bigint PRIMARY KEY, name text, note text); INSERT INTO item SELECT i FROM generate_series(1, 9) i',
    )
    await makeSlot('item')
    const open = await connect()
    await open.query(`BEGIN; UPDATE item SET name = 'open' WHERE id = 1`)
    world = await createWorld(connection(), { slot: name })
    await world.ingest(item)
    await query(`UPDATE item SET name = 'x' WHERE id = 2`)
    expect(await ingest()).toMatchObject(scanned('transactions are open that are older'))
    await open.query('COMMIT')
    await open.end()
    expect(await ingest()).toMatchObject({
      method: expect.stringContaining('xmin scan') as unknown,
      ledger: { inserted: 1n },
    })
    await query(`UPDATE item SET name = 'y' WHERE id = 2`)
    expect(await ingest()).toMatchObject(bySlot())
  })

  test('more keys than are worth looking up', async () => {
    await start()
    await query(`INSERT INTO item SELECT i, 'bulk' FROM generate_series(1000, 101000) i`)
    expect(await world.ingest(item)).toMatchObject({
      ...scanned('too many keys changed'),
      ledger: { inserted: 100_001n },
    })
    await query(`UPDATE item SET name = 'one' WHERE id = 1`)
    await release()
    expect(await world.ingest(item)).toMatchObject({ ...bySlot(), ledger: { read: 1n, inserted: 1n } })
  })
})

describe('a project with a slot', () => {
  test('each run lets the server forget what every table has read, and says what a table cannot use', async () => {
    await query('CREATE TABLE item (id int PRIMARY KEY, name text); CREATE TABLE other (id int PRIMARY KEY)')
    await query('INSERT INTO item SELECT i FROM generate_series(1, 9) i; INSERT INTO other VALUES (1)')
    await makeSlot('item, other')
    const tables = [item, { table: 'other' }].map(entry => ({ schema: 'public', ...entry }))
    await using project = await createProject({ url: server.url(name), tables, source: { slot: name } })
    const methods = async (): Promise<string[]> => {
      const outcome = await project.run()
      expect(failures(outcome)).toEqual([])
      return outcome.results.flatMap(({ source }) => source?.method ?? [])
    }
    expect(await methods()).toEqual(['first full load', 'first full load'])
    const first = await confirmed()
    await query(`UPDATE item SET name = 'new' WHERE id = 1; DELETE FROM item WHERE id = 2`)
    expect(await methods()).toEqual([`slot ${name}`, `slot ${name}`])
    await query(`UPDATE item SET name = 'again' WHERE id = 1; INSERT INTO other VALUES (2)`)
    expect(await methods()).toEqual([`slot ${name}`, `slot ${name}`])
    expect(await confirmed()).toBeGreaterThan(first)
    expect(await project.rows('SELECT name FROM {silver.item} WHERE id = 1')).toEqual([{ name: 'again' }])
    expect((await project.verify()).map(({ status }) => status)).toEqual(['equal', 'equal'])
    await query(
      `ALTER PUBLICATION ${name} DROP TABLE other; UPDATE item SET name = 'x' WHERE id = 3; INSERT INTO other VALUES (3)`,
    )
    expect(await methods()).toEqual([`slot ${name}`, `xmin scan: it is not listed by name in publication ${name}`])
    await query(`UPDATE item SET name = 'y' WHERE id = 3`)
    expect(await methods()).toEqual([`slot ${name}`, expect.stringContaining('not listed by name')])
  })

  test('plan says by what a table is read, how many keys that is, and why not when the slot was lost', async context => {
    requireRelease(context, 13, 'limit to the log that a slot holds back')
    await query(
      'CREATE TABLE item (id int PRIMARY KEY, name text); INSERT INTO item SELECT i FROM generate_series(1, 9) i',
    )
    await makeSlot('item')
    await using project = await createProject({
      url: server.url(name),
      tables: [{ schema: 'public', table: 'item' }],
      source: { slot: name },
    })
    const plan = async (): Promise<string> =>
      (await runInProcess(['plan'], { cwd: project.root, env: project.env })).stdout
    expect(failures(await project.run())).toEqual([])
    await query(`UPDATE item SET name = 'new' WHERE id < 4`)
    expect(await plan()).toMatch(new RegExp(`bronze\\.item +A +slot ${name} +.*\\b3 `))
    await loseSlot()
    expect(await plan()).toContain(`slot ${name} was lost`)
    const outcome = await project.run()
    expect(failures(outcome)).toEqual([])
    expect(outcome.results[0]?.source?.method).toContain(`xmin scan: slot ${name} was lost`)
    expect(outcome.results[0]?.ledger).toMatchObject({ inserted: 3n })
    await query(`SELECT pg_drop_replication_slot('${name}')`)
    await query(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`)
    await query(`DELETE FROM item WHERE id = 9`)
    await project.run()
    await query(`UPDATE item SET name = 'last' WHERE id = 1`)
    expect((await project.run()).results[0]?.source?.method).toBe(`slot ${name}`)
    expect((await project.verify()).map(({ status }) => status)).toEqual(['equal'])
  })

  test('a login that may not use slots scans, says so by its name, and goes on by the slot once it may', async () => {
    await start()
    await query(`CREATE ROLE narrow_${name} LOGIN PASSWORD 'n'; GRANT SELECT ON item TO narrow_${name}`)
    const narrow = await createWorld({ ...connection(), user: `narrow_${name}`, password: 'n' }, { slot: name })
    await narrow.ingest(item)
    await query(`UPDATE item SET name = 'a' WHERE id = 1; DELETE FROM item WHERE id = 2`)
    expect(await narrow.ingest(item)).toMatchObject({
      method: expect.stringMatching(/^xmin scan: /) as unknown,
      ledger: { inserted: 1n, deletes: 1n },
    })
    await query(`ALTER ROLE narrow_${name} REPLICATION`)
    await query(`UPDATE item SET name = 'b' WHERE id = 1`)
    expect((await narrow.ingest(item)).ledger).toMatchObject({ inserted: 1n })
    await query(`UPDATE item SET name = 'c' WHERE id = 1`)
    expect(await narrow.ingest(item)).toMatchObject({ ...bySlot(), ledger: { inserted: 1n } })
    expect((await narrow.verify(item)).status).toBe('equal')
  })

  test('a table that does not get on holds the log back only up to a limit, and the run says which', async () => {
    await start()
    await query('CREATE TABLE other (id int PRIMARY KEY)')
    await query(`ALTER PUBLICATION ${name} ADD TABLE other`)
    await world.ingest({ table: 'other' })
    const [late, early] = [(await world.mark('other')).listed?.from, (await world.mark('item')).listed?.from]
    expect(late).toBeGreaterThan(early ?? 0n)
    const released: bigint[] = []
    const told: string[] = []
    const end = async (heldBytes: bigint, begins: ChangeLog['begins'] = { at: 0n }): Promise<void> => {
      const changeLog = {
        name: `slot ${name}`,
        heldBytes,
        begins,
        release: async (to: bigint) => void (await Promise.resolve(released.push(to))),
      }
      const tables = ['item', 'other'].map(table => ({ name: `bronze.${table}` }))
      const source = { config: { name: 'app' }, snapshot: { changeLog }, tables, refused: [] } as unknown as OpenSource
      const signal = new AbortController().signal
      await releaseLogs(world.lake, [source], { warn: text => void told.push(text), signal })
    }
    await end(1024n)
    expect([released, told]).toEqual([[early], []])
    await end(2n * 1024n ** 3n)
    expect(released).toEqual([early, late])
    expect(told).toEqual([
      `app: the server holds 2.0 GB of log for slot ${name}; bronze.item will be scanned, so that it is held no longer for them`,
    ])
    await end(0n, { missing: 'slot x was lost' })
    expect(told.at(-1)).toBe('app: slot x was lost; tables are scanned instead')
    expect(released).toHaveLength(2)
  })
})

test('a listed key whose row leaves the filter is a delete, one whose row never met it is nothing', async () => {
  await start()
  const some = { ...item, filter: "name NOT LIKE 'out%'" }
  await world.ingest(some)
  await query("INSERT INTO item VALUES (200, 'out at once', ''), (201, 'in', '')")
  await query("UPDATE item SET name = 'out now' WHERE id = 1; UPDATE item SET name = 'other' WHERE id = 2")
  const outcome = await world.ingest(some)
  expect(outcome).toMatchObject({ method: `slot ${name}`, ledger: { read: 2n, inserted: 2n, deletes: 1n } })
  expect(await world.verify(some)).toMatchObject({ status: 'equal', sourceRows: 100n })
})
