/**
 * What ingestion promises over every source: one table of orders, written by somebody else, whose rows are in bronze as
 * they are in the source after every run. Run for each class of guarantee that the source offers.
 */
import { describe, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { problemOf } from '../support/source.ts'
import type { EntryOverrides, World } from '../support/world.ts'

/** An empty table `orders (id, v)` with a time that its writer sets, and a world that reads it. */
export interface Shop {
  world: World
  /** Write rows in one transaction: inserted, or updated where the key is there. Their time is the server's now. */
  put: (rows: Readonly<Record<number, string>>) => Promise<void>
  remove: (...ids: number[]) => Promise<void>
  /** Rows written by a transaction that stays open until it is told to commit. */
  hold?: (rows: Readonly<Record<number, string>>) => Promise<() => Promise<void>>
}

export interface IngestionClass {
  /** `exact by tracked changes` */
  name: string
  entry: EntryOverrides
  /** How rows are found when it is no first load. */
  method: RegExp
}

export interface IngestionContract {
  name: string
  classes: readonly IngestionClass[]
  open: (by: IngestionClass) => Promise<Shop>
  /** Why no transaction can be held open beside a run; left out where one can. */
  noOpenTransactions?: string
  /** The database lets one transaction write at a time, so that nothing is committed while one is held. */
  oneWriter?: boolean
}

const live = async (at: World): Promise<string[]> =>
  (await at.live('orders', sql`id`)).map(row => `${String(row['id'])}:${String(row['v'])}`)

export function ingestionContract({ name, classes, open, noOpenTransactions, oneWriter }: IngestionContract): void {
  describe.each(classes)(`ingestion from ${name}, $name`, by => {
    const { entry, method } = by
    test('everything first, nothing when nothing is new, then what changed, and what went is a delete', async () => {
      const { world, put, remove } = await open(by)
      await put({ 1: 'a', 2: 'b', 3: 'c', 4: '' })
      expect(await world.ingest(entry)).toMatchObject({ method: 'first full load', ledger: { inserted: 4n } })
      expect(await world.ingest(entry)).toMatchObject({ status: 'unchanged', ledger: { inserted: 0n, deletes: 0n } })
      await put({ 2: 'B', 5: 'e' })
      const second = await world.ingest(entry)
      expect([second.method, second.ledger.inserted]).toEqual([expect.stringMatching(method), 2n])
      await put({ 2: 'b' })
      await remove(1)
      expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
      expect(await live(world)).toEqual(['2:b', '3:c', '4:', '5:e'])
      await put({ 1: 'back' })
      await world.ingest(entry)
      expect(await live(world)).toEqual(['1:back', '2:b', '3:c', '4:', '5:e'])
      expect(await world.verify(entry)).toMatchObject({ status: 'equal', sourceRows: 5n, lakeRows: 5n })
    })

    test.skipIf(noOpenTransactions !== undefined || entry.guarantee === 'best_effort')(
      'rows of a transaction that was open over a run are read by the next one, and once',
      async () => {
        const { world, put, hold } = await open(by)
        if (hold === undefined) throw new Error('the shop holds no transaction')
        if (oneWriter === true) await put({ 2: 'early' })
        const commit = await hold({ 1: 'late' })
        if (oneWriter !== true) await put({ 2: 'early' })
        await world.ingest(entry)
        expect(await live(world)).toEqual(['2:early'])
        await commit()
        expect((await world.ingest(entry)).ledger).toMatchObject({ inserted: 1n })
        expect(await live(world)).toEqual(['1:late', '2:early'])
        expect(await world.bronze('orders')).toHaveLength(2)
      },
    )
  })

  const [first] = classes
  if (first === undefined) return
  const { entry } = first
  describe(`ingestion from ${name}, in every class alike`, () => {
    test('a table that was emptied keeps its rows in the lake until the deletes are allowed', async () => {
      const { world, put, remove } = await open(first)
      const ids = Array.from({ length: 30 }, (_, n) => n + 1)
      await put(Object.fromEntries(ids.map(id => [id, 'a'])))
      await world.ingest(entry)
      await remove(...ids)
      expect((await problemOf(world.ingest(entry))).code).toBe('MASS_DELETE')
      expect(await live(world)).toHaveLength(30)
      expect((await world.ingest(entry, { allowMassDelete: true })).ledger).toMatchObject({ deletes: 30n })
      expect(await live(world)).toEqual([])
    })

    test('deletes that are ignored leave their rows, and new rows still arrive', async () => {
      const { world, put, remove } = await open(first)
      const ignoring: EntryOverrides = { ...entry, deletes: 'ignore' }
      await put({ 1: 'a', 2: 'b' })
      await world.ingest(ignoring)
      await remove(1)
      await put({ 3: 'c' })
      expect((await world.ingest(ignoring)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
      expect(await live(world)).toEqual(['1:a', '2:b', '3:c'])
    })

    test('a snapshot that a later run has overtaken puts nothing old on top', async () => {
      const { world, put } = await open(first)
      await put({ 1: 'a', 2: 'b' })
      await world.ingest(entry)
      await put({ 1: 'older' })
      const slow = await world.snapshot(entry)
      await put({ 1: 'newer', 3: 'c' })
      await world.ingest(entry)
      await world.ingest(entry, { snapshot: slow })
      await world.ingest(entry)
      expect(await live(world)).toEqual(['1:newer', '2:b', '3:c'])
    })
  })
}
