/** How busy others keep a source, asked of real servers, and what a load in parts makes of it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { PhaseProgress } from '../../packages/tidemark/src/model/event.ts'
import type { Clock } from '../../packages/tidemark/src/model/ports.ts'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import { createDatabase, requireRelease, type TestDatabase } from '../support/postgres.ts'
import { never, openSource } from '../support/source.ts'
import { createWorld } from '../support/world.ts'

const ROLE = 'tidemark_sees_little'
let db: TestDatabase

beforeAll(async () => {
  db = await createDatabase(import.meta.url)
  await db.query(`DROP ROLE IF EXISTS ${ROLE}; CREATE ROLE ${ROLE} LOGIN PASSWORD 'little'`)
})
afterAll(async () => {
  await db.query(`DROP OWNED BY ${ROLE}; DROP ROLE ${ROLE}`)
  await db.drop()
})
beforeEach(async () => {
  await db.query(`DROP TABLE IF EXISTS big; CREATE TABLE big (id int PRIMARY KEY, v text);
    INSERT INTO big SELECT n, repeat('x', 100) FROM generate_series(1, 4000) n; GRANT SELECT ON big TO ${ROLE}`)
})

test('sessions of others that are at work are counted anew each time, idle ones and our own are not', async () => {
  const snapshot = await openSource(db).openSnapshot([{ schema: 'public', table: 'big' }], never)
  const atWork = async (): Promise<bigint | undefined> => (await snapshot.workload?.(never))?.atWork
  const quiet = (await atWork()) ?? 0n
  const other = await db.connect()
  await other.query('SELECT 1')
  expect(await atWork()).toBe(quiet)
  const sleeping = other.query('SELECT pg_sleep(600)').catch(() => undefined)
  await expect.poll(atWork).toBe(quiet + 1n)
  await db.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'`)
  await sleeping
  await expect.poll(atWork).toBe(quiet)
  await snapshot.close()
})

test('a login that may not see what others do counts their transactions', async () => {
  const source = openSource({ ...db, user: ROLE, password: 'little' })
  const snapshot = await source.openSnapshot([{ schema: 'public', table: 'big' }], never)
  const workload = async (): Promise<bigint | undefined> => (await snapshot.workload?.(never))?.atWork
  const quiet = (await workload()) ?? 0n
  const other = await db.connect()
  await other.query('BEGIN; SELECT 1')
  expect(await workload()).toBe(quiet + 1n)
  await other.query('ROLLBACK')
  expect(await workload()).toBe(quiet)
  const [{ most } = { most: '' }] = await db.query(`SELECT current_setting('max_connections') AS most`)
  expect((await snapshot.workload?.(never))?.allowed).toBe(BigInt(most ?? '0') / 2n)
  await snapshot.close()
})

test('a big load waits for a busy source, goes on when it is quiet, says both, and is whole', async context => {
  requireRelease(context, 14, 'scans of ranges of blocks')
  const other = await db.connect()
  const sleeping = other.query('SELECT pg_sleep(600)').catch(() => undefined)
  const isAtWork = async (): Promise<unknown> =>
    (await db.query(`SELECT state FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)' AND state = 'active'`))
      .length
  await expect.poll(isAtWork).toBe(1)
  const told: PhaseProgress[] = []
  let sleeps = 0
  const clock: Clock = {
    ...systemClock,
    sleep: async () => {
      sleeps += 1
      if (sleeps !== 4) return
      await db.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(600)'`)
      await sleeping
    },
  }
  const source = createPostgresSource({ name: 'app', connection: db, timezone: 'UTC', clock, busyAbove: 0n })
  const world = await createWorld(db, { chunkBytes: 64n * 1024n, progress: one => told.push(one), source, clock })
  const outcome = await world.ingest({ table: 'big' })
  expect(outcome.method).toMatch(/^first full load in \d+ parts, which waited \d+ s for a busy source$/)
  expect(outcome.ledger).toMatchObject({ inserted: 4000n })
  expect(told.find(({ held }) => held !== undefined)?.held).toMatch(/^\d+ sessions of others at work, more than 0$/)
  expect(told.at(-1)?.held).toBeUndefined()
})
