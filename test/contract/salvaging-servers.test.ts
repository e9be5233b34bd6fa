/** Servers that are set to pass over damaged pages give fewer rows than they hold and do not say so: nothing is read of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { expect, onTestFinished, test } from 'vitest'
import { findServer, startMariadb } from '../support/mariadb-server.ts'
import { createDatabase } from '../support/postgres.ts'
import { isTried } from '../support/releases/tried.ts'
import { never, openMysqlSource, openSource, ref } from '../support/source.ts'

const program = isTried('mysql') ? await findServer() : undefined

test.runIf(isTried('postgres'))(
  'PostgreSQL with zero_damaged_pages or ignore_checksum_failure is refused',
  async () => {
    const database = await createDatabase(import.meta.url)
    onTestFinished(() => database.drop())
    await database.query('CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)')
    const set = (change: string): Promise<unknown> => database.query(`ALTER DATABASE "${database.database}" ${change}`)
    for (const setting of ['zero_damaged_pages', 'ignore_checksum_failure']) {
      await set(`SET ${setting} = on`)
      const refused = { code: 'SOURCE_PASSES_OVER_DAMAGE', message: expect.stringContaining(`(${setting})`) as string }
      await expect(openSource(database).openSnapshot([ref('t')], never)).rejects.toMatchObject(refused)
      await expect(openSource(database).probe([ref('t')], never)).rejects.toMatchObject(refused)
      await set(`RESET ${setting}`)
    }
    const snapshot = await openSource(database).openSnapshot([ref('t')], never)
    expect(snapshot.tables.size).toBe(1)
  },
)

test.runIf(program !== undefined)('MySQL and MariaDB with innodb_force_recovery are refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-salvage-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const made = await startMariadb(program ?? '', folder, 'UTC')
  const owner = await mysql.createConnection({
    host: made.host,
    port: made.port,
    user: made.user,
    password: made.password,
  })
  await owner.query('CREATE DATABASE shop')
  await owner.end()
  await made.stop()
  const server = await startMariadb(program ?? '', folder, 'UTC', ['--innodb-force-recovery=1'])
  onTestFinished(() => server.stop())
  const source = openMysqlSource({ ...server, database: 'shop' })
  await expect(source.openSnapshot([], never)).rejects.toMatchObject({
    code: 'SOURCE_PASSES_OVER_DAMAGE',
    message: expect.stringContaining('(innodb_force_recovery)') as string,
  })
})
