/**
 * A table that is altered while a run goes on, from each source: between its plan and its snapshot, and under the snapshot.
 * Either the rows are right or the error says what to do; nothing is lost, and the next run goes on.
 */
import { describe, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { ALTERED, type Alteration } from '../support/altering.ts'
import { problemOf } from '../support/source.ts'
import type { EntryOverrides, World } from '../support/world.ts'

const orders: EntryOverrides = { table: 'orders' }

const live = async (at: World, table = 'orders'): Promise<string[]> =>
  (await at.live(table, sql`id`)).map(row => Object.values(row).map(String).join(' '))

/** Rows 1 to 3 were loaded before, 4 is inserted after the alteration. */
const AFTER: readonly (readonly [Alteration, readonly string[]])[] = [
  ['a column dropped', ['1 10 a', '2 20 b', '3 30 c', '4 40 null']],
  ['a column added', ['1 10 a x', '2 20 b x', '3 30 c x', '4 40 d y']],
  ['a column dropped and another of its name and type added', ['1 10 null', '2 20 null', '3 30 null', '4 40 d']],
  ['a column retyped', ['1 10 a null', '2 20 b null', '3 30 c null', '4 null d {"n":"forty"}']],
  ['a column renamed', ['1 10 null a', '2 20 null b', '3 30 null c', '4 40 null d']],
  ['the table dropped and made again', ['1 10 a', '2 20 B', '3 30 c', '4 40 d']],
]
const BEFORE = ['1 10 a', '2 20 b', '3 30 c']

describe.each(ALTERED.filter(({ isHere }) => isHere))('a table of $name', ({ open }) => {
  test.each(AFTER)('with %s between plan and run is read as it is then', async (how, after) => {
    const { at, alter } = await open(import.meta.url)
    await at.ingest(orders)
    const planned = await at.snapshot(orders)
    await planned.close()
    await alter(how)
    expect(await at.ingest(orders)).toMatchObject({ ledger: { read: 4n, deletes: 0n } })
    expect(await live(at)).toEqual(after)
    expect((await at.verify(orders)).status).toBe('equal')
    expect(await at.ingest(orders)).toMatchObject({ ledger: { inserted: 0n, deletes: 0n } })
  })

  test.each(AFTER)(
    'with %s under the snapshot of a run is read as it was, and by the next run as it is',
    async (how, after) => {
      const { at, alter } = await open(import.meta.url)
      const snapshot = await at.snapshot(orders)
      const altered = alter(how)
      expect(await at.ingest(orders, { snapshot })).toMatchObject({ ledger: { inserted: 3n } })
      await snapshot.close()
      await altered
      expect(await live(at)).toEqual(BEFORE)
      await at.ingest(orders)
      expect(await live(at)).toEqual(after)
      expect((await at.verify(orders)).status).toBe('equal')
    },
  )

  test('with another key keeps what it has under the old one, and the way out loads it by the new one', async () => {
    const { at, alter } = await open(import.meta.url)
    const snapshot = await at.snapshot(orders)
    const altered = alter('the key changed')
    await at.ingest(orders, { snapshot })
    await snapshot.close()
    await altered
    const problem = await problemOf(at.ingest(orders))
    expect([problem.code, problem.retry]).toEqual(['KEY_CHANGED', 'after-change'])
    expect(problem.hint).toContain('name')
    expect(await live(at)).toEqual(BEFORE)
    const renamed: EntryOverrides = { ...orders, name: 'orders_by_n' }
    expect((await at.ingest(renamed)).ledger).toMatchObject({ inserted: 4n })
    expect(await live(at, 'orders_by_n')).toEqual([...BEFORE, '4 40 d'])
    expect((await at.verify(renamed)).status).toBe('equal')
  })

  test('that is gone is an error of its own, keeps its rows, and goes on when it is back', async () => {
    const { at, alter } = await open(import.meta.url)
    await at.ingest(orders)
    await alter('the table dropped')
    expect((await problemOf(at.ingest(orders))).code).toBe('SOURCE_TABLE_MISSING')
    expect(await live(at)).toEqual(BEFORE)
    await alter('the table made')
    expect((await at.ingest(orders)).ledger).toMatchObject({ inserted: 2n, deletes: 0n })
    expect(await live(at)).toEqual(['1 10 a', '2 20 B', '3 30 c', '4 40 d'])
  })
})
