/** A PostgreSQL server that is not what it was: put back to an older copy of itself, or made anew from a dump. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { startPostgres } from '../support/postgres.ts'
import { problemOf } from '../support/source.ts'
import { createWorld, type World } from '../support/world.ts'

const config = { fsync: 'off', autovacuum: 'off' }
const item = { table: 'item' }

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-restored-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const live = async (at: World): Promise<string[]> =>
  (await at.live('item', sql`id`)).map(row => `${String(row['id'])} ${String(row['v'])}`)

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
  await server.query(`INSERT INTO item VALUES (3, 'c'); UPDATE item SET v = 'A' WHERE id = 1`)
  await world.ingest(item)
  await server.stop()
  await rm(data, { recursive: true })
  await rename(copy, data)
  server = await startPostgres({ directory, config, port })
  onTestFinished(() => server.stop('immediate'))
  await server.query(`INSERT INTO item VALUES (4, 'd')`)
  const problem = await problemOf(world.ingest(item))
  expect([problem.code, problem.retry]).toEqual(['SOURCE_WENT_BACK', 'after-change'])
  expect(problem.hint).toContain('--reload-source')
  expect(await live(world)).toEqual(['1 A', '2 b', '3 c'])
  await world.ingest(item, { reload: true, allowMassDelete: true })
  expect(await live(world)).toEqual(['1 a', '2 b', '4 d'])
  expect((await world.verify(item)).status).toBe('equal')
  await server.query(`UPDATE item SET v = 'last' WHERE id = 4`)
  expect((await world.ingest(item)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
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
  expect(await live(world)).toEqual(['1 new', ...[3, 4, 5, 6, 7, 8, 9].map(n => `${n} v${n}`)])
  expect(await world.bronze('item', sql`id`)).toHaveLength(9 + 2)
  expect((await world.verify(item)).status).toBe('equal')
  await other.query(`UPDATE item SET v = 'next' WHERE id = 3`)
  expect((await world.ingest(item)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
})
