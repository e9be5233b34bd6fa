import { DuckDBInstance } from '@duckdb/node-api'
import { expect, onTestFinished, test } from 'vitest'
import { integer, join, sql } from '../../engine/sql.ts'
import { versionOfAge } from './version-age.ts'

/** As the server counts: 32 bits with a sign, and ids below 3 are older than anything. */
const ageAt = (now: bigint, xid: bigint): bigint => (xid < 3n ? 2_147_483_647n : BigInt.asIntN(32, now - xid))

test('a version comes of its age as it was, wherever the counter stands and however long the row is frozen', async () => {
  const instance = await DuckDBInstance.create(':memory:')
  onTestFinished(() => instance.closeSync())
  const connection = await instance.connect()
  const xids = [3n, 4n, 754n, 2_147_483_646n, 2_147_483_650n, 4_294_967_295n]
  for (const now of [3n, 755n, 2_147_483_648n, 2_147_483_652n, 4_294_967_295n]) {
    const ages = join(xids.map(xid => sql`(CAST(${integer(ageAt(now, xid))} AS INTEGER))`))
    const version = versionOfAge(sql`age`, ageAt(now, 3n))
    const rows = await connection.runAndReadAll(sql`SELECT ${version} FROM (VALUES ${ages}) v(age)`.text)
    expect(rows.getRows().flat(), String(now)).toEqual(xids.map(String))
  }
})

test('an age that says nothing of the version ends the read', async () => {
  const instance = await DuckDBInstance.create(':memory:')
  onTestFinished(() => instance.closeSync())
  const connection = await instance.connect()
  const version = versionOfAge(sql`age`, 1000n)
  for (const xid of [2n, BigInt.asUintN(32, 1003n - 2_147_483_647n)]) {
    const rows = sql`SELECT ${version} FROM (SELECT CAST(${integer(ageAt(1003n, xid))} AS INTEGER) AS age)`
    await expect(connection.run(rows.text)).rejects.toThrow('no transaction id')
  }
})
