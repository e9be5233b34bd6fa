/**
 * Runs by a logical slot that break at each of their calls, of the lake and of the source: the slot is never ahead of what
 * was committed, and the run after it leaves bronze equal to the source, with no version twice.
 */
import type { ObjectStore } from '@tidemark/delta'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { faultyStore } from '../../packages/delta/test/support/faulty-store.ts'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { SourceSnapshot } from '../../packages/tidemark/src/sources/source.ts'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createWorld, type World } from '../support/world.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

/** `item` with twenty rows, and a slot that goes when the test ends. */
async function start(slot: string): Promise<void> {
  await db.query('DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, n int)')
  await db.query('INSERT INTO item SELECT i, 0 FROM generate_series(1, 20) i')
  await db.query(`CREATE PUBLICATION ${slot} FOR TABLE item`)
  await db.query(`SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
  onTestFinished(async () => {
    await db.query(`SELECT pg_drop_replication_slot('${slot}')`)
    await db.query(`DROP PUBLICATION ${slot}`)
  })
}

/** A row comes, one changes, one goes. */
const change = (n: number): Promise<unknown> =>
  db.query(`INSERT INTO item VALUES (${100 + n}, 0); UPDATE item SET n = ${n} WHERE id = ${1 + (n % 10)};
    DELETE FROM item WHERE id = ${99 + n}`)

/** A run that broke off in the middle of reading the slot is still letting go of it on the server. */
async function isHeld(slot: string): Promise<unknown> {
  return (await db.query('SELECT active FROM pg_replication_slots WHERE slot_name = $1', [slot]))[0]?.['active']
}

async function confirmed(slot: string): Promise<bigint> {
  const query = `SELECT pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::text AS at FROM pg_replication_slots WHERE slot_name = $1`
  const [row] = await db.query(query, [slot])
  return BigInt(row?.['at'] ?? '0')
}

const item = { table: 'item' }

/** Break one step after the other, at its n-th call, until there is no n-th; after each the next one makes up for it. */
async function breakEach(slot: string, step: (world: World, n: number) => Promise<boolean>): Promise<number> {
  for (let n = 1; ; n += 1) {
    // A lake of its own each time: how often a store is called depends on how long a log is.
    const world = await createWorld(db, { slot, clock: { ...systemClock, sleep: () => Promise.resolve() } })
    await world.ingest(item)
    await change(n)
    const isBroken = await step(world, n)
    expect((await confirmed(slot)) <= ((await world.mark('item')).listed?.from ?? -1n), `call ${n}`).toBe(true)
    await change(1000 + n)
    await expect.poll(() => isHeld(slot)).toBe('f')
    expect((await world.ingest(item)).method, `call ${n}`).toBe(`slot ${slot}`)
    const lake = (await world.live('item', sql`id`)).map(row => `${String(row['id'])} ${String(row['n'])}`)
    const rows = await db.query('SELECT id, n FROM item')
    expect(lake.sort(), `call ${n}`).toEqual(rows.map(row => `${row['id']} ${row['n']}`).sort())
    const entries = (await world.bronze('item')).map(
      row => `${String(row['id'])} ${String(row['_op'])} ${String(row['_row_version'])}`,
    )
    expect(new Set(entries).size, `call ${n}`).toBe(entries.length)
    if (isBroken) continue
    expect((await world.verify(item)).status).toBe('equal')
    return n
  }
}

test.each(['before', 'after'] as const)('a run whose lake fails at any call, %s it takes effect', async mode => {
  const slot = `lake_fails_${mode}`
  await start(slot)
  const calls = await breakEach(slot, async (world, call) => {
    let fired = false
    const store = (inner: ObjectStore): ObjectStore => faultyStore(inner, { call, mode, onFault: () => (fired = true) })
    const failed = await world.ingest(item, { store }).then(
      () => false,
      () => true,
    )
    // One that died moves no slot.
    if (!failed) await release(await world.snapshot(item), (await world.mark('item')).listed?.from ?? -1n)
    return fired
  })
  expect(calls).toBeGreaterThan(5)
})

test('a run whose source fails at any call, before it takes effect or after it did', async () => {
  const slot = 'source_fails'
  await start(slot)
  const calls = await breakEach(slot, async (world, call) => {
    const snapshot = await world.snapshot(item)
    const broken = failing(snapshot, call)
    await world.ingest(item, { snapshot: broken.snapshot }).catch(() => undefined)
    await release(broken.snapshot, (await world.mark('item')).listed?.from ?? -1n).catch(() => undefined)
    await snapshot.close()
    return broken.fired()
  })
  expect(calls).toBeGreaterThan(6)
})

/** What a run does after its commits. */
async function release({ changeLog }: SourceSnapshot, position: bigint): Promise<void> {
  await changeLog?.release(position, new AbortController().signal)
}

/** The snapshot and its list of changes, whose n-th reading or moving breaks off: before it for an odd n, else after it. */
function failing(snapshot: SourceSnapshot, at: number): { snapshot: SourceSnapshot; fired: () => boolean } {
  const names = ['count', 'copy', 'copyKeys', 'copyGivenKeys', 'durable', 'read', 'release']
  const isBefore = at % 2 === 1
  let calls = 0
  const call = (work: () => unknown): unknown => {
    calls += 1
    const isBroken = calls === at
    const breakOff = (): void => {
      if (isBroken) throw new TypeError('the connection is gone')
    }
    if (isBefore) breakOff()
    const result = work()
    if (!isBroken) return result
    if (result instanceof Promise) return result.then(breakOff)
    return (async function* () {
      yield* result as AsyncIterable<unknown>
      breakOff()
    })()
  }
  const guarded = <T extends object>(inner: T): T =>
    new Proxy(inner, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (name === 'changeLog' && value !== undefined) return guarded(value as object)
        if (typeof value !== 'function') return value
        const bound = value.bind(target) as (...given: unknown[]) => unknown
        return names.includes(String(name)) ? (...given: unknown[]) => call(() => bound(...given)) : bound
      },
    })
  return { snapshot: guarded(snapshot), fired: () => calls >= at }
}
