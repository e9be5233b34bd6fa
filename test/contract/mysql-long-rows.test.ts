/** Rows of a MariaDB that are longer than may be carried: refused by their length, which is all that comes of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { createMysqlSource } from '../../packages/tidemark/src/sources/mysql/mysql.ts'
import { findServer, startMariadb } from '../support/mariadb-server.ts'
import { copySegments, never, problemOf, ref, tableOf } from '../support/source.ts'

const program = await findServer()

test.runIf(program !== undefined)('one text of 300 MB stops its table by its length, and never comes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-long-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const server = await startMariadb(program ?? '', join(folder, 'mariadb'), 'UTC', ['--max-allowed-packet=1G'])
  onTestFinished(() => server.stop())
  const { host, port, user, password } = server
  const owner = await mysql.createConnection({ host, port, user, password, multipleStatements: true })
  onTestFinished(() => owner.end())
  await owner.query(`CREATE DATABASE shop; USE shop;
    CREATE TABLE long_rows (id int PRIMARY KEY, a longtext, b mediumblob, c varchar(9)) ENGINE = InnoDB;
    INSERT INTO long_rows VALUES (1, 'short', x'00ff', 'x'), (2, REPEAT('y', 300000000), 'abc', NULL)`)
  const connection = { host, port, user, password, database: 'shop' }
  const source = createMysqlSource({ name: 'app', connection, timezone: 'UTC', clock: systemClock })
  onTestFinished(() => source.close())
  const snapshot = await source.openSnapshot([{ schema: 'shop', table: 'long_rows' }], never)
  onTestFinished(() => snapshot.close())
  const table = tableOf(snapshot, ref('long_rows', 'shop'))
  const before = process.resourceUsage().maxRSS
  const problem = await problemOf(copySegments(snapshot, table))
  expect([problem.code, problem.params['bytes']]).toEqual(['SOURCE_ROW_TOO_LONG', 300_000_003])
  expect(process.resourceUsage().maxRSS - before, 'KiB').toBeLessThan(150_000)
})
