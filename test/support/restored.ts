/** The one story of servers that are put back to an older copy of themselves: table `item (id, v)`, rows 1 and 2 in the copy. */
import { expect } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { problemOf } from './source.ts'
import type { EntryOverrides, World } from './world.ts'

export const item: EntryOverrides = { table: 'item' }

/** Live rows of the lake as `id v`. */
export async function liveItems(at: World): Promise<string[]> {
  return (await at.live('item', sql`id`)).map(row => `${String(row['id'])} ${String(row['v'])}`)
}

/** What is done after the copy was made, and lost by putting it back. */
export const changeItems = (table: string): string =>
  `INSERT INTO ${table} VALUES (3, 'c'); UPDATE ${table} SET v = 'A' WHERE id = 1`

/** The server stands before the lake: the table stops and keeps what it has, and a reload goes on from there. */
export async function expectStoppedUntilReload(
  world: World,
  query: (statement: string) => Promise<unknown>,
  table: string,
): Promise<void> {
  await query(`INSERT INTO ${table} VALUES (4, 'd')`)
  const problem = await problemOf(world.ingest(item))
  expect([problem.code, problem.retry]).toEqual(['SOURCE_WENT_BACK', 'after-change'])
  expect(problem.hint).toContain('--reload-source')
  expect(await liveItems(world)).toEqual(['1 A', '2 b', '3 c'])
  await world.ingest(item, { reload: true, allowMassDelete: true })
  expect(await liveItems(world)).toEqual(['1 a', '2 b', '4 d'])
  expect((await world.verify(item)).status).toBe('equal')
  await query(`UPDATE ${table} SET v = 'last' WHERE id = 4`)
  expect((await world.ingest(item)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
}
