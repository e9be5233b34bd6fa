/** Columns of a SQL Server table that drift, as its stand-in answers: what the words of `drift` promise holds for it as well. */
import { describe, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createSqlServerSource } from '../../packages/tidemark/src/sources/sqlserver/sqlserver.ts'
import { problemOf } from '../support/source.ts'
import { FakeSqlServer, server } from '../support/sqlserver-fake.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const orders: EntryOverrides = { schema: 'dbo', table: 'orders' }

const live = async (at: World): Promise<string[]> =>
  (await at.live('orders', sql`id`)).map(row => Object.values(row).map(String).join(' '))

describe.each(['tracked changes', 'rowversion', 'comparing'])('by %s', by => {
  /** `id`, `v` and an integer `n`, with two rows in bronze. */
  async function loaded(): Promise<{ db: FakeSqlServer; at: World; put: FakeSqlServer['commit'] }> {
    const db = new FakeSqlServer()
    if (by === 'tracked changes') db.tracked = { since: 0n, minValid: 0n }
    db.hasRowVersion = by === 'rowversion'
    db.columns = { id: 'int', v: 'nvarchar', n: 'int' }
    db.commit({ 1: 'a' }, db.tracked !== undefined, { n: '10' })
    db.commit({ 2: 'b' }, db.tracked !== undefined, { n: '20' })
    const source = createSqlServerSource({ name: 'app', connection: server, timezone: 'UTC', open: db.open })
    const at = await createWorld(server, { type: 'sqlserver', source })
    await at.ingest(orders)
    return { db, at, put: (rows, isTracked, more) => db.commit(rows, isTracked, more) }
  }
  const isTracked = by === 'tracked changes'

  test('a new column stops the table, is rescued or is added, as the entry says', async () => {
    const { db, at, put } = await loaded()
    db.columns = { ...db.columns, city: 'nvarchar' }
    put({ 3: 'c' }, isTracked, { n: '30', city: 'Oslo' })
    const problem = await problemOf(at.ingest({ ...orders, drift: 'failOnNewColumns' }))
    expect([problem.code, problem.message]).toEqual(['COLUMN_DRIFT', expect.stringContaining('city is new')])
    expect((await at.ingest({ ...orders, drift: 'rescue' })).ledger).toMatchObject({ inserted: 1n, rescued: 1n })
    expect((await at.ingest(orders)).ledger).toMatchObject({ deletes: 0n })
    expect((await at.live('orders', sql`id`)).map(({ id, city }) => [id, city])).toEqual([
      [1n, null],
      [2n, null],
      [3n, 'Oslo'],
    ])
    expect((await at.verify(orders)).status).toBe('equal')
  })

  test('a retyped column keeps what fits and rescues the rest', async () => {
    const { db, at, put } = await loaded()
    db.columns = { ...db.columns, n: 'nvarchar' }
    put({ 3: 'c' }, isTracked, { n: 'thirty' })
    expect((await at.ingest(orders)).ledger).toMatchObject({ inserted: 1n, rescued: 1n, deletes: 0n })
    const rows = await at.live('orders', sql`id`)
    expect(rows.map(({ id, n, _rescued_data }) => [id, n, _rescued_data])).toEqual([
      [1n, 10n, null],
      [2n, 20n, null],
      [3n, null, '{"n":"thirty"}'],
    ])
    expect((await at.verify(orders)).status).toBe('equal')
  })

  test('a dropped column stays with what it has, and new rows have none', async () => {
    const { db, at, put } = await loaded()
    db.columns = { id: 'int', v: 'nvarchar' }
    put({ 3: 'c' }, isTracked)
    await at.ingest(orders)
    expect((await at.live('orders', sql`id`)).map(({ id, n }) => [id, n])).toEqual([
      [1n, 10n],
      [2n, 20n],
      [3n, null],
    ])
    expect((await at.verify(orders)).status).toBe('equal')
  })

  test('a key of another type stops the table and leaves it as it was', async () => {
    const { db, at, put } = await loaded()
    const before = await live(at)
    db.columns = { ...db.columns, id: 'nvarchar' }
    put({ 3: 'c' }, isTracked, { n: '30' })
    expect((await problemOf(at.ingest(orders))).code).toBe('KEY_RETYPED')
    expect(await live(at)).toEqual(before)
    db.columns = { ...db.columns, id: 'int' }
    expect((await at.ingest(orders)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
  })
})
