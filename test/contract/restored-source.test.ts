/** A PostgreSQL server that is not what it was: put back to an older copy of itself, made anew from a dump, or crashed. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { startPostgres } from '../support/postgres.ts'
import { changeItems, expectStoppedUntilReload, item, liveItems } from '../support/restored.ts'
import { createWorld } from '../support/world.ts'

const config = { fsync: 'off', autovacuum: 'off' }

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-restored-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('a server put back to an older copy stops its tables, and a reload goes on from there', async () => {
  const directory = await createFolder()
  let server = await startPostgres({ directory, config })
  const { port } = server
  const login = { ...server, database: 'postgres' }
  await server.query(`CREATE TABLE item (id int PRIMARY KEY, v text); INSERT INTO item VALUES (1, 'a'), (2, 'b')`)
  await server.stop()
  const [data, copy] = [join(server.directory, 'data'), join(server.directory, 'copy')]
  // With its owner, as a backup of a folder is.
  execFileSync('cp', ['-a', data, copy])
  server = await startPostgres({ directory, config, port })
  const world = await createWorld(login)
  await world.ingest(item)
  await server.query(changeItems('item'))
  await world.ingest(item)
  await server.stop()
  await rm(data, { recursive: true })
  await rename(copy, data)
  server = await startPostgres({ directory, config, port })
  onTestFinished(() => server.stop('immediate'))
  await expectStoppedUntilReload(world, statement => server.query(statement), 'item')
})

test('a dump restored into another server is compared whole, and only what differs is appended', async () => {
  const dump = `CREATE ROLE reader LOGIN PASSWORD 'r'; CREATE TABLE item (id int PRIMARY KEY, v text);
    GRANT SELECT ON item TO reader; INSERT INTO item SELECT i, 'v' || i FROM generate_series(1, 9) i`
  const old = await startPostgres({ directory: await createFolder(), config })
  const { host, port } = old
  await old.query(dump)
  const world = await createWorld({ host, port, user: 'reader', password: 'r', database: 'postgres' })
  await world.ingest(item)
  await old.stop()
  await using other = await startPostgres({ directory: await createFolder(), config, port })
  await other.query(`${dump}; UPDATE item SET v = 'new' WHERE id = 1; DELETE FROM item WHERE id = 2`)
  expect(await world.ingest(item)).toMatchObject({
    method: expect.stringMatching(/^full compare: /) as unknown,
    ledger: { deletes: 1n },
  })
  expect(await liveItems(world)).toEqual(['1 new', ...[3, 4, 5, 6, 7, 8, 9].map(n => `${n} v${n}`)])
  expect(await world.bronze('item', sql`id`)).toHaveLength(9 + 2)
  expect((await world.verify(item)).status).toBe('equal')
  await other.query(`UPDATE item SET v = 'next' WHERE id = 3`)
  expect((await world.ingest(item)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
})

test('a row that the other server writes under a version which bronze has from the old one is read', async () => {
  const table = `CREATE ROLE reader LOGIN PASSWORD 'r'; CREATE TABLE item (id int PRIMARY KEY, v text);
    GRANT SELECT ON item TO reader; INSERT INTO item VALUES (1, 'a'), (2, 'b')`
  const old = await startPostgres({ directory: await createFolder(), config })
  const { host, port } = old
  await old.query(table)
  // Far above what the other server has reached when it is loaded.
  await takeTransactions(old, (await nextTransaction(old)) + 100n)
  await old.query(`UPDATE item SET v = 'b' WHERE id = 2`)
  const world = await createWorld({ host, port, user: 'reader', password: 'r', database: 'postgres' })
  await world.ingest(item)
  const version = (await world.bronze('item', sql`id`)).map(row => row['_row_version'])[1]
  await old.stop()
  await using other = await startPostgres({ directory: await createFolder(), config, port })
  await other.query(table)
  await world.ingest(item)
  await takeTransactions(other, BigInt(String(version)))
  await other.query(`UPDATE item SET v = 'new' WHERE id = 2`)
  const [written] = await other.query('SELECT xmin::text AS version FROM item WHERE id = 2')
  expect(written?.['version']).toBe(version)
  expect((await world.ingest(item)).ledger).toMatchObject({ inserted: 1n })
  expect(await liveItems(world)).toEqual(['1 a', '2 new'])
  expect((await world.ingest(item)).ledger).toMatchObject({ inserted: 0n })
  expect((await world.verify(item)).status).toBe('equal')
})

test('an unlogged table that a crash has emptied is read, although no transaction has finished since', async () => {
  const directory = await createFolder()
  let server = await startPostgres({ directory, config })
  const { port } = server
  const world = await createWorld({ ...server, database: 'postgres' })
  await server.query(`CREATE UNLOGGED TABLE item (id int PRIMARY KEY, v text); INSERT INTO item VALUES (1, 'a'), (2, 'b');
    CREATE UNLOGGED TABLE line (v text); INSERT INTO line VALUES ('a')`)
  await world.ingest(item)
  await world.ingest({ table: 'line' })
  await server.stop('immediate')
  server = await startPostgres({ directory, config, port })
  onTestFinished(() => server.stop('immediate'))
  expect((await world.ingest(item)).ledger).toMatchObject({ inserted: 0n, deletes: 2n })
  expect(await liveItems(world)).toEqual([])
  expect((await world.ingest({ table: 'line' })).status).toBe('changed')
  expect(await world.bronze('line')).toEqual([])
})

type Queried = Pick<Awaited<ReturnType<typeof startPostgres>>, 'query'>

async function nextTransaction(server: Queried): Promise<bigint> {
  const [row] = await server.query('SELECT txid_snapshot_xmax(txid_current_snapshot())::text AS next')
  return BigInt(String(row?.['next']))
}

/** Use up transaction ids until the next one is `until`. */
async function takeTransactions(server: Queried, until: bigint): Promise<void> {
  const n = until - (await nextTransaction(server))
  await server.query(`DO $$ BEGIN FOR i IN 1..${n} LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$`)
  expect(await nextTransaction(server)).toBe(until)
}
