import { expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createSqlServerSource } from '../../packages/tidemark/src/sources/sqlserver/sqlserver.ts'
import { problemOf } from '../support/source.ts'
import { FakeSqlServer, server } from '../support/sqlserver-fake.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const orders: EntryOverrides = { schema: 'dbo', table: 'orders' }

async function shop(change: (db: FakeSqlServer) => void): Promise<{ db: FakeSqlServer; at: World }> {
  const db = new FakeSqlServer()
  change(db)
  const source = createSqlServerSource({ name: 'app', connection: server, timezone: 'UTC', open: db.open })
  return { db, at: await createWorld(server, { type: 'sqlserver', source }) }
}

const tracked = (): Promise<{ db: FakeSqlServer; at: World }> =>
  shop(db => {
    db.tracked = { since: 0n, minValid: 0n }
    db.commit({ 1: 'a', 2: 'b', 3: 'c' })
  })
const versioned = (): Promise<{ db: FakeSqlServer; at: World }> =>
  shop(db => {
    db.hasRowVersion = true
    db.commit({ 1: 'a', 2: 'b' })
  })

const live = async (at: World): Promise<string[]> =>
  (await at.live('orders', sql`id`)).map(row => `${String(row['id'])}:${String(row['v'])}`)

/** Statements that read rows since the last look. */
function readsOf(db: FakeSqlServer): string[] {
  const reads = db.statements.filter(one => one.includes('FROM "dbo"."orders"') || one.includes('CHANGETABLE'))
  db.statements = []
  return reads
}

test('tracked changes: a baseline, then only what changed, deletes told by the server', async () => {
  const { db, at } = await tracked()
  expect(await at.ingest(orders)).toMatchObject({ method: 'first full load', ledger: { inserted: 3n } })
  db.commit({ 1: 'A', 4: 'd' })
  db.commit({ 2: null })
  db.commit({ 3: null })
  db.commit({ 3: 'back' })
  readsOf(db)
  const second = await at.ingest(orders)
  expect(second).toMatchObject({ method: 'change tracking', ledger: { read: 3n, inserted: 3n, deletes: 1n } })
  expect(await live(at)).toEqual(['1:A', '3:back', '4:d'])
  const [touch, count, rows, deleted, ...more] = readsOf(db)
  expect(touch).toMatch(/^SELECT TOP \(1\)/)
  for (const one of [count, rows, deleted]) expect(one).toContain('CHANGETABLE(CHANGES "dbo"."orders", 1)')
  expect(more).toEqual([])
  expect(await at.verify(orders)).toMatchObject({ status: 'equal', sourceRows: 3n })
})

test('without a change no row is read', async () => {
  const { db, at } = await tracked()
  await at.ingest(orders)
  readsOf(db)
  expect(await at.ingest(orders)).toMatchObject({ status: 'unchanged', ledger: { read: 0n } })
  expect(readsOf(db)).toHaveLength(2)
})

test('a change committed between the horizon and the snapshot arrives once', async () => {
  const { db, at } = await tracked()
  db.beforeSnapshot = () => {
    db.beforeSnapshot = undefined
    db.commit({ 9: 'between', 1: null })
  }
  await at.ingest(orders)
  expect(await live(at)).toEqual(['2:b', '3:c', '9:between'])
  db.commit({ 2: 'B' })
  expect(await at.ingest(orders)).toMatchObject({ ledger: { read: 2n, inserted: 1n, duplicate: 1n, deletes: 0n } })
  expect(await live(at)).toEqual(['2:B', '3:c', '9:between'])
})

test('lost retention is a re-baseline, in which deletes that nobody tells any more are found', async () => {
  const { db, at } = await tracked()
  await at.ingest(orders)
  db.commit({ 1: null, 2: 'B' })
  db.forget(db.state.tracking)
  db.commit({ 4: 'd' })
  const again = await at.ingest(orders)
  expect(again.method).toBe('full compare: the source no longer keeps the changes since the last run')
  expect(again.ledger).toMatchObject({ inserted: 2n, deletes: 1n })
  expect(await live(at)).toEqual(['2:B', '3:c', '4:d'])
  db.commit({ 4: 'D' })
  expect((await at.ingest(orders)).method).toBe('change tracking')
})

test('the mark of a quiet table moves on before the server forgets', async () => {
  const { db, at } = await tracked()
  await at.ingest(orders)
  const before = await at.mark('orders')
  db.state.tracking += 100n
  expect(await at.ingest(orders)).toMatchObject({ status: 'unchanged', reason: 'nothing new; the horizon was moved' })
  expect((await at.mark('orders')).rowVersions?.horizon).toBe((before.rowVersions?.horizon ?? 0n) + 100n)
  db.forget(100n)
  expect((await at.ingest(orders)).method).toBe('change tracking')
})

test('tracking begun anew counts from the beginning: a re-baseline, not a database that went back', async () => {
  const { db, at } = await tracked()
  for (let n = 0; n < 5; n += 1) db.commit({ 1: `a${n}` })
  await at.ingest(orders)
  db.tracked = undefined
  db.commit({ 2: 'untracked' })
  expect((await at.ingest(orders)).method).toContain('full compare')
  db.tracked = { since: 1n, minValid: 1n }
  db.state.tracking = 1n
  db.state.changes = []
  db.commit({ 3: null }, false)
  expect((await at.ingest(orders)).method).toBe('full compare: the relation changed')
  expect(await live(at)).toEqual(['1:a4', '2:untracked'])
})

test('a database restored over itself is another one, and is compared whole', async () => {
  const { db, at } = await tracked()
  const backup = structuredClone(db.state)
  db.commit({ 1: 'after the backup', 5: 'e' })
  await at.ingest(orders)
  db.state = backup
  db.fork = 'f-2'
  expect((await at.ingest(orders)).method).toBe('full compare: the source is another server, timeline or database')
  expect(await live(at)).toEqual(['1:a', '2:b', '3:c'])
})

test('a database whose versions went back without another sign stops the table', async () => {
  const { db, at } = await tracked()
  const backup = structuredClone(db.state)
  db.commit({ 1: 'after the backup' })
  await at.ingest(orders)
  db.state = backup
  expect((await problemOf(at.ingest(orders))).code).toBe('SOURCE_WENT_BACK')
  expect(await live(at)).toEqual(['1:after the backup', '2:b', '3:c'])
})

test('rows that go another way than the tracked one are found by their number', async () => {
  const { db, at } = await tracked()
  await at.ingest(orders)
  db.commit({ 2: null }, false)
  expect((await at.ingest(orders)).method).toBe('full compare: change tracking does not explain the number of rows')
  expect(await live(at)).toEqual(['1:a', '3:c'])
})

test('without the right to see tracked changes the table is compared whole', async () => {
  const { db, at } = await tracked()
  db.mayTrack = false
  await at.ingest(orders)
  db.commit({ 1: 'A' })
  expect(await at.ingest(orders)).toMatchObject({
    method: 'full compare: rows carry no version',
    ledger: { inserted: 1n },
  })
})

test('rowversion: a row that a transaction still held at the horizon is not lost', async () => {
  const { db, at } = await versioned()
  await at.ingest(orders)
  // An open transaction has 2003; 2004 is committed meanwhile.
  db.minActive = 2003n
  db.state.dbts = 2003n
  db.commit({ 3: 'early' })
  expect(await at.ingest(orders)).toMatchObject({ method: 'rowversion rv', ledger: { inserted: 1n } })
  db.state.rows.set(4, { v: 'late', rv: 2003n })
  db.minActive = undefined
  expect(await at.ingest(orders)).toMatchObject({ ledger: { read: 2n, inserted: 1n, duplicate: 1n } })
  expect(await live(at)).toEqual(['1:a', '2:b', '3:early', '4:late'])
})

test('rowversion: deletes are found by a scan of the keys, and an update back to an old value is an update', async () => {
  const { db, at } = await versioned()
  await at.ingest(orders)
  db.commit({ 1: null, 2: 'B' })
  expect(await at.ingest(orders)).toMatchObject({ ledger: { inserted: 1n, deletes: 1n } })
  db.commit({ 2: 'b' })
  expect(await at.ingest(orders)).toMatchObject({ ledger: { inserted: 1n } })
  expect(await live(at)).toEqual(['2:b'])
})

test('rowversion: a partition switched in brings rows with old versions, and is a re-baseline', async () => {
  const { db, at } = await versioned()
  await at.ingest(orders)
  db.state.rows.set(8, { v: 'loaded long ago', rv: 5n })
  db.storage = 2
  expect((await at.ingest(orders)).method).toBe('full compare: the relation changed')
  expect(await live(at)).toEqual(['1:a', '2:b', '8:loaded long ago'])
})

test('without snapshot isolation nothing is promised, and the reason names the way out', async () => {
  const { at } = await shop(db => {
    db.snapshotIsolation = false
    db.tracked = { since: 0n, minValid: 0n }
    db.commit({ 1: 'a' })
  })
  const refused = await problemOf(at.ingest(orders))
  expect(refused.code).toBe('GUARANTEE_NOT_POSSIBLE')
  expect(refused.message).toContain('ALTER DATABASE [music] SET ALLOW_SNAPSHOT_ISOLATION ON')
  expect(await at.ingest({ ...orders, guarantee: 'best_effort' })).toMatchObject({ ledger: { inserted: 1n } })
})

test('a table altered under the snapshot fails alone; one whose snapshot has ended is not read from another moment', async () => {
  const { db, at } = await tracked()
  db.fail = { number: 3961, ends: false }
  expect((await problemOf(at.ingest(orders))).code).toBe('SOURCE_TABLE_CHANGED')
  const snapshot = await at.snapshot(orders)
  db.fail = { number: 1205, ends: true }
  expect((await problemOf(at.ingest(orders, { snapshot }))).code).toBe('SOURCE_TABLE_LOCKED')
  expect((await problemOf(at.ingest(orders, { snapshot }))).code).toBe('SOURCE_INTERRUPTED')
})
