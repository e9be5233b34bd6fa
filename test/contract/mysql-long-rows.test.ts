/**
 * Rows of a MariaDB that are longer than a packet, beside short ones, and longer than may be carried: refused by their length,
 * which is all that comes of them.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mysql from 'mysql2/promise'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createMysqlSource } from '../../packages/tidemark/src/sources/mysql/mysql.ts'
import type { SourceSnapshot } from '../../packages/tidemark/src/sources/source.ts'
import { findServer, startMariadb } from '../support/mariadb-server.ts'
import { memoryGrowth } from '../support/memory-growth.ts'
import { copySegments, never, problemOf, readRows, ref, tableOf } from '../support/source.ts'

const program = await findServer()

/** A table `long_rows` of a server that takes such rows, as a source and for its owner. */
async function openLongRows(statements: string): Promise<{ owner: mysql.Connection; snapshot: SourceSnapshot }> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-long-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const server = await startMariadb(program ?? '', join(folder, 'mariadb'), 'UTC', ['--max-allowed-packet=1G'])
  onTestFinished(() => server.stop())
  const { host, port, user, password } = server
  const owner = await mysql.createConnection({ host, port, user, password, multipleStatements: true })
  onTestFinished(() => owner.end())
  await owner.query(`CREATE DATABASE shop; USE shop; ${statements}`)
  const connection = { host, port, user, password, database: 'shop' }
  const source = createMysqlSource({ name: 'app', connection, timezone: 'UTC', clock: systemClock })
  onTestFinished(() => source.close())
  const snapshot = await source.openSnapshot([{ schema: 'shop', table: 'long_rows' }], never)
  onTestFinished(() => snapshot.close())
  return { owner, snapshot }
}

test.runIf(program !== undefined)('rows of one packet and of several come whole, and none with another', async () => {
  const packet = 0xff_ff_ff
  const lengths = [1, packet - 8, packet - 7, packet - 6, 3, packet + 1, 5, 2 * packet, 40_000_000, 7, 9]
  const rows = lengths.map((length, n) => `(${n}, REPEAT('0123456789,', ${Math.ceil(length / 11)}))`)
  const { owner, snapshot } = await openLongRows(`CREATE TABLE long_rows (id int PRIMARY KEY, t longtext);
    INSERT INTO long_rows VALUES ${rows.join(', ')};
    UPDATE long_rows SET t = LEFT(t, ELT(id + 1, ${lengths.join(', ')}))`)
  const [sums] = await owner.query('SELECT id, LENGTH(t) AS n, SHA2(t, 256) AS sum FROM long_rows ORDER BY id')
  const through = (read: Sql): Sql => sql`SELECT id, strlen(t) AS n, sha256(t) AS sum FROM (${read}) ORDER BY id`
  const found = await readRows(snapshot, tableOf(snapshot, ref('long_rows', 'shop')), { through })
  expect(found.map(({ id, n, sum }) => ({ id: Number(id), n: Number(n), sum }))).toEqual(sums)
})

test.runIf(program !== undefined)('one text of 300 MB stops its table by its length, and never comes', async () => {
  const { snapshot } =
    await openLongRows(`CREATE TABLE long_rows (id int PRIMARY KEY, a longtext, b mediumblob, c varchar(9));
    INSERT INTO long_rows VALUES (1, 'short', x'00ff', 'x'), (2, REPEAT('y', 300000000), 'abc', NULL)`)
  const table = tableOf(snapshot, ref('long_rows', 'shop'))
  const grown = await memoryGrowth(async () => {
    const problem = await problemOf(copySegments(snapshot, table))
    expect([problem.code, problem.params['bytes']]).toEqual(['SOURCE_ROW_TOO_LONG', 300_000_003])
  })
  expect(grown, 'KiB').toBeLessThan(150_000)
})
