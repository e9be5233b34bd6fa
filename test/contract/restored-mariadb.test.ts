/** A MariaDB server put back to an older copy of itself: told by its log where it keeps one, and by its rows where it does not. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { expect, onTestFinished, test } from 'vitest'
import { hasMariadb } from '../support/mariadb.ts'
import { findServer, type RunningMariadb, startMariadb } from '../support/mariadb-server.ts'
import { changeItems, expectStoppedUntilReload, item, liveItems } from '../support/restored.ts'
import { createWorld, type World } from '../support/world.ts'

interface Restorable {
  world: World
  query: (statement: string) => Promise<void>
  /** Keep a copy of the database as it is now. */
  keep: () => Promise<void>
  /** Put that copy in place of the database. */
  restore: () => Promise<void>
}

async function createServer(more: readonly string[]): Promise<Restorable> {
  const program = await findServer()
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-restored-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  let server: RunningMariadb = await startMariadb(program ?? '', folder, 'UTC', more)
  onTestFinished(() => server.stop())
  const { host, port, user, password, data } = server
  const login = { host, port, user, password, database: 'shop' }
  const query = async (statement: string): Promise<void> => {
    const client = await mysql.createConnection({ ...login, database: '', multipleStatements: true })
    await client.query(statement)
    await client.end()
  }
  await query(`CREATE DATABASE shop; CREATE TABLE shop.item (id int PRIMARY KEY, v varchar(10) COLLATE utf8mb4_bin);
    INSERT INTO shop.item VALUES (1, 'a'), (2, 'b')`)
  const swap = async (work: () => Promise<void>): Promise<void> => {
    await server.stop()
    await work()
    server = await startMariadb(program ?? '', folder, 'UTC', more, port)
  }
  // With its owner, as a backup of a folder is.
  const copy = `${data}-copy`
  return {
    world: await createWorld(login, { type: 'mysql' }),
    query,
    keep: () => swap(async () => void (await Promise.resolve(execFileSync('cp', ['-a', data, copy])))),
    restore: () =>
      swap(async () => {
        await rm(data, { recursive: true })
        await rename(copy, data)
      }),
  }
}

test.runIf(hasMariadb)(
  'a MariaDB with a binary log that is put back to an older copy stops its tables, and a reload goes on from there',
  async () => {
    const { world, query, keep, restore } = await createServer(['--log-bin=log', '--server-id=1'])
    await keep()
    await world.ingest(item)
    await query(changeItems('shop.item'))
    await world.ingest(item)
    await restore()
    await expectStoppedUntilReload(world, query, 'shop.item')
  },
)

test.runIf(hasMariadb)(
  'a MariaDB without a log shows no sign of having been put back; a table that is compared whole becomes what it is now',
  async () => {
    const { world, query, keep, restore } = await createServer(['--skip-log-bin'])
    await keep()
    await world.ingest(item)
    await query(changeItems('shop.item'))
    await world.ingest(item)
    await restore()
    await query(`INSERT INTO shop.item VALUES (4, 'd')`)
    expect((await world.ingest(item)).ledger).toMatchObject({ inserted: 2n, deletes: 1n })
    expect(await liveItems(world)).toEqual(['1 a', '2 b', '4 d'])
    expect((await world.verify(item)).status).toBe('equal')
  },
)
