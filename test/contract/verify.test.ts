/** What verify finds and what repair does: every difference, no false alarm, and nothing but the corrections moved. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createWorld, type World } from '../support/world.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

const entry = { table: 'item', cdcCol: 'at' }

beforeEach(async () => {
  await database.query(`DROP TABLE IF EXISTS item; CREATE TABLE item (id int PRIMARY KEY, name text, at timestamptz);
    INSERT INTO item SELECT g, 'item ' || g, timestamptz '2026-01-01 00:00+00' + g * interval '1 minute'
    FROM generate_series(1, 200) g`)
})

/** One row lost, one stale, one that the source never had. */
async function plantThree(world: World): Promise<void> {
  await world.plant(
    'item',
    sql`SELECT * REPLACE (CASE WHEN id = 2 THEN 'stale' ELSE name END AS name) FROM rows \
WHERE id <> 1 UNION ALL BY NAME SELECT * REPLACE (999 AS id) FROM rows WHERE id = 3`,
  )
}

describe('verify', () => {
  test('tells the bounds of cdc_col on both sides, and up to when the table is proved', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    const verdict = await world.verify(entry)
    expect(verdict.cursor).toEqual({
      column: 'at',
      sourceMin: expect.stringContaining('2026-01-01 00:01:00'),
      sourceMax: expect.stringContaining('2026-01-01 03:20:00'),
      lakeMin: expect.stringContaining('2026-01-01 00:01:00'),
      lakeMax: expect.stringContaining('2026-01-01 03:20:00'),
    })
    expect([verdict.sourceHash, verdict.verifiedThrough]).toEqual([verdict.lakeHash, verdict.asOf])
  })

  test('of a source that has moved on proves the table up to its mark', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    const mark = await world.mark('item')
    await database.query(`UPDATE item SET name = 'moved' WHERE id <= 20; DELETE FROM item WHERE id = 21;
      INSERT INTO item VALUES (1000, 'new', now())`)
    const verdict = await world.verify(entry)
    expect(verdict).toMatchObject({ status: 'pending', pending: 22n, lost: 0n, stale: 0n, ghost: 0n, examples: [] })
    expect(verdict.verifiedThrough).toBe(mark.asOf)
    expect(verdict.sourceHash).toBe(verdict.lakeHash)
  })

  test('finds planted rows beside rows that were written and deleted since, and tells them apart by count', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await plantThree(world)
    await database.query(`DELETE FROM item WHERE id IN (50, 51); UPDATE item SET name = 'x' WHERE id = 60;
      INSERT INTO item VALUES (1000, 'new', now())`)
    const verdict = await world.verify(entry)
    expect(verdict).toMatchObject({ status: 'different', lost: 1n, stale: 1n, ghost: 1n, pending: 4n })
    expect(verdict.examples.map(({ kind, key }) => `${kind} ${key}`)).toEqual([
      'gone 50',
      'gone 51',
      'gone 999',
      'lost 1',
      'stale 2',
    ])
    expect(verdict.verifiedThrough).toBeUndefined()
  })

  test('sees a doubled value that hides a missing one, and a value that moved to another column', async () => {
    await database.query(`ALTER TABLE item ADD COLUMN other text`)
    const world = await createWorld(database)
    await world.ingest(entry)
    await world.plant(
      'item',
      sql`SELECT * REPLACE (CASE WHEN id = 7 THEN NULL ELSE name END AS name, \
CASE WHEN id = 7 THEN name END AS other) FROM rows`,
    )
    expect(await world.verify(entry)).toMatchObject({ status: 'different', stale: 1n, lost: 0n, ghost: 0n })
  })
})

describe('repair', () => {
  test('corrects what differs by one commit above everything, and moves nothing of the mark', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await plantThree(world)
    const before = await world.mark('item')
    const version = await world.version('item')
    const { outcome, found, after } = await world.repair(entry)
    expect(found).toMatchObject({ lost: 1n, stale: 1n, ghost: 1n })
    expect(outcome).toMatchObject({ status: 'changed', versionAfter: (version ?? 0n) + 1n })
    expect(outcome.ledger).toMatchObject({ read: 2n, inserted: 2n, deletes: 1n })
    expect(after).toMatchObject({ status: 'equal', sourceRows: 200n, lakeRows: 200n })
    const mark = await world.mark('item')
    const moved = { seq: mark.seq, seqBase: mark.seqBase, version: (version ?? 0n) + 1n, runId: mark.runId }
    expect(mark).toEqual({ ...before, ...moved, liveRows: 200n })
    expect(mark.seq).toBeGreaterThan(before.seq)
    const corrected = (await world.bronze('item', sql`_seq, id`)).filter(row => row['_seq'] === mark.seq)
    expect(corrected.map(({ id, _op, name }) => [id, _op, name])).toEqual([
      [1n, 'upsert', 'item 1'],
      [2n, 'upsert', 'item 2'],
      [999n, 'delete', null],
    ])
    expect(await world.repair(entry)).toMatchObject({ outcome: { status: 'unchanged' }, found: { status: 'equal' } })
  })

  test('leaves rows written since the mark to the next run, which finds a table it can go on with', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await plantThree(world)
    await database.query(`DELETE FROM item WHERE id IN (50, 51); UPDATE item SET name = 'x' WHERE id = 60;
      INSERT INTO item VALUES (1000, 'new', now())`)
    const { after } = await world.repair(entry)
    expect(after).toMatchObject({ status: 'pending', pending: 2n, lost: 0n, stale: 0n, ghost: 0n })
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 2n, deletes: 0n })
    expect(await world.verify(entry)).toMatchObject({ status: 'equal', sourceRows: 199n, lakeRows: 199n })
    await database.query(`DELETE FROM item WHERE id = 70`)
    expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 0n, deletes: 1n })
    expect(await world.verify(entry)).toMatchObject({ status: 'equal' })
  })

  test('is what a run points to that finds bronze wrong by its counts, and lets the next one go on', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await plantThree(world)
    await database.query(`DELETE FROM item WHERE id = 50`)
    await expect(world.ingest(entry)).rejects.toMatchObject({
      code: 'BRONZE_DIFFERS',
      hint: expect.stringContaining('tidemark verify bronze.item'),
    })
    await world.repair(entry)
    await world.ingest(entry)
    expect(await world.verify(entry)).toMatchObject({ status: 'equal', sourceRows: 199n })
  })

  test('makes a run that has begun with an older snapshot give way', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await plantThree(world)
    const early = await world.snapshot(entry)
    await database.query(`UPDATE item SET name = 'later' WHERE id = 80`)
    await world.repair(entry)
    await expect(world.ingest(entry, { snapshot: early })).rejects.toMatchObject({ code: 'SNAPSHOT_OVERTAKEN' })
    await world.ingest(entry)
    expect(await world.verify(entry)).toMatchObject({ status: 'equal' })
  })

  test('of a suspicious share of the table is refused until it is allowed', async () => {
    const world = await createWorld(database)
    await world.ingest(entry)
    await world.plant('item', sql`SELECT * FROM rows WHERE id > 30`)
    const version = await world.version('item')
    await expect(world.repair(entry)).rejects.toMatchObject({ code: 'REPAIR_SUSPICIOUS' })
    expect(await world.version('item')).toBe(version)
    const { outcome, after } = await world.repair(entry, { allowMass: true })
    expect([outcome.ledger.inserted, after.status]).toEqual([30n, 'equal'])
  })

  test('of up to 20 keys is done unasked, however small the table', async () => {
    const world = await createWorld(database)
    await database.query(`DELETE FROM item WHERE id > 25`)
    await world.ingest(entry)
    await world.plant('item', sql`SELECT * FROM rows WHERE id > 20`)
    expect((await world.repair(entry)).after.status).toBe('equal')
  })

  test('puts a keyless table back as a whole', async () => {
    await database.query(
      `DROP TABLE IF EXISTS log; CREATE TABLE log (line text); INSERT INTO log VALUES ('a'), ('a'), ('b')`,
    )
    const world = await createWorld(database)
    await world.ingest({ table: 'log' })
    await world.plant('log', sql`SELECT * REPLACE ('c' AS line) FROM rows`)
    expect(await world.verify({ table: 'log' })).toMatchObject({ status: 'different' })
    expect((await world.repair({ table: 'log' })).after).toMatchObject({ status: 'equal', lakeRows: 3n })
  })

  test('keeps ghosts of a table that keeps deleted rows', async () => {
    const kept = { ...entry, deletes: 'ignore' as const }
    const world = await createWorld(database)
    await world.ingest(kept)
    await database.query(`DELETE FROM item WHERE id <= 5`)
    await world.ingest(kept)
    await world.plant('item', sql`SELECT * FROM rows WHERE id <> 100`)
    expect((await world.repair(kept)).found).toMatchObject({ lost: 1n, ghost: 0n })
    expect(await world.verify(kept)).toMatchObject({ status: 'equal', sourceRows: 195n, lakeRows: 200n })
  })
})
