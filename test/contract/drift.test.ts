/** Columns that drift, by each word of `drift`, from each database to bronze: whatever becomes of them, no value is lost. */
import { describe, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { DRIFTING } from '../support/drifting.ts'
import { problemOf } from '../support/source.ts'
import type { EntryOverrides, World } from '../support/world.ts'

const item: EntryOverrides = { table: 'item' }
const rescue: EntryOverrides = { ...item, drift: 'rescue' }

const live = async (at: World): Promise<unknown[][]> =>
  (await at.live('item', sql`id`)).map(row => Object.values(row).map(value => value && String(value)))

describe.each(DRIFTING.filter(({ isHere }) => isHere))('$name', ({ name, open }) => {
  test('a retyped column keeps what fits, the rest is rescued and counted, and verify finds all of it', async context => {
    const { at, query, retype } = await open(import.meta.url, context)
    await at.ingest(item)
    await retype()
    expect(await at.ingest(item)).toMatchObject({ ledger: { inserted: 0n } })
    await query(`UPDATE item SET n = '21' WHERE id = 2; INSERT INTO item VALUES (4, 'forty', 'd'), (5, '050', 'e')`)
    expect((await at.verify(item)).status).toMatch(/pending|different/)
    expect((await at.ingest(item)).ledger).toMatchObject({ inserted: 3n, rescued: 2n })
    expect(await live(at)).toEqual([
      ['1', '10', 'a', null],
      ['2', '21', 'b', null],
      ['3', null, 'c', null],
      ['4', null, 'd', '{"n":"forty"}'],
      ['5', null, 'e', '{"n":"050"}'],
    ])
    expect(await at.verify(item)).toMatchObject({ status: 'equal', sourceRows: 5n })
    await query(
      `UPDATE item SET n = '40' WHERE id = 4; UPDATE item SET n = NULL WHERE id = 5; DELETE FROM item WHERE id = 1`,
    )
    expect((await at.ingest(item)).ledger).toMatchObject({ inserted: 2n, deletes: 1n })
    expect((await live(at)).slice(2)).toEqual([
      ['4', '40', 'd', null],
      ['5', null, 'e', null],
    ])
    expect(await at.verify(item)).toMatchObject({ status: 'equal' })
  })

  test('rescue changes no column: values of a new one are rescued, and added when the word changes', async context => {
    const { at, query } = await open(import.meta.url, context)
    await at.ingest(rescue)
    await query(`ALTER TABLE item ADD COLUMN city text; UPDATE item SET city = 'Oslo "west"' WHERE id = 1`)
    expect((await at.ingest(rescue)).ledger).toMatchObject({ inserted: 1n, rescued: 1n })
    expect((await live(at))[0]).toEqual(['1', '10', 'a', '{"city":"Oslo \\"west\\""}'])
    expect(await at.verify(rescue)).toMatchObject({ status: 'equal' })
    expect(await at.verify(item)).toMatchObject({ status: 'not comparable' })
    expect((await at.ingest(item)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
    expect((await live(at))[0]).toEqual(['1', '10', 'a', null, 'Oslo "west"'])
    expect(await at.verify(item)).toMatchObject({ status: 'equal' })
  })

  test('none reads no new column, and stops at a type that values may not fit', async context => {
    const { at, query, retype } = await open(import.meta.url, context)
    const none: EntryOverrides = { ...item, drift: 'none' }
    await at.ingest(none)
    await query(`ALTER TABLE item ADD COLUMN city text; UPDATE item SET city = 'Oslo', n = 11 WHERE id = 1`)
    expect((await at.ingest(none)).ledger).toMatchObject({ inserted: 1n })
    expect((await live(at))[0]).toEqual(['1', '11', 'a'])
    expect(await at.verify(none)).toMatchObject({ status: 'equal' })
    await retype()
    const problem = await problemOf(at.ingest(none))
    expect([problem.code, problem.message]).toEqual(['COLUMN_DRIFT', expect.stringContaining('n was')])
  })

  test('failOnNewColumns stops at every change, and says which and what to do', async context => {
    const { at, query, dropName } = await open(import.meta.url, context)
    const strict: EntryOverrides = { ...item, drift: 'failOnNewColumns' }
    await at.ingest(strict)
    await query('ALTER TABLE item ADD COLUMN city text')
    const added = await problemOf(at.ingest(strict))
    expect([added.code, added.message]).toEqual(['COLUMN_DRIFT', expect.stringContaining('city is new')])
    expect(added.hint).toContain('exclude_columns')
    expect(await at.ingest({ ...strict, excludeColumns: ['city'] })).toMatchObject({ ledger: { inserted: 0n } })
    await dropName()
    expect((await problemOf(at.ingest(strict))).message).toContain('name is gone')
    expect(await at.ingest(item)).toMatchObject({ ledger: { inserted: 0n } })
  })

  test('a dropped column stays with what was read, and is NULL in new versions', async context => {
    const { at, query, dropName } = await open(import.meta.url, context)
    await at.ingest(item)
    await dropName()
    expect(await at.ingest(item)).toMatchObject({ ledger: { inserted: 0n } })
    await query('UPDATE item SET n = 22 WHERE id = 2')
    expect((await at.ingest(item)).ledger).toMatchObject({ inserted: 1n })
    expect((await live(at)).slice(0, 2)).toEqual([
      ['1', '10', 'a'],
      ['2', '22', null],
    ])
    expect(await at.verify(item)).toMatchObject({ status: 'equal' })
  })

  test('a type that grows is followed where the entry says so, and a value that came before is then in its column', async context => {
    const { at, query, grow } = await open(import.meta.url, context)
    const growing: EntryOverrides = { ...item, drift: 'addNewColumnsWithTypeWidening' }
    await at.ingest(item)
    await grow()
    await query('UPDATE item SET n = 30000000000 WHERE id = 2')
    await at.ingest(item)
    expect(JSON.stringify((await live(at))[1])).toContain('30000000000')
    expect((await at.ingest(growing)).ledger).toMatchObject({ deletes: 0n })
    await query('UPDATE item SET n = 40000000000 WHERE id = 3')
    expect((await at.ingest(growing)).ledger).toMatchObject({ inserted: 1n })
    const after = await live(at)
    expect(after.map(([, n]) => n)).toEqual(['10', '30000000000', '40000000000'])
    expect(after.flatMap(row => row.slice(3)).filter(Boolean)).toEqual([])
    expect(await at.verify(growing)).toMatchObject({ status: 'equal' })
    expect(await at.ingest(growing)).toMatchObject({ status: 'unchanged' })
  })

  test('a key whose type grows may grow, and is an error that says so where the entry does not', async context => {
    const { at, query, grow } = await open(import.meta.url, context)
    const byN: EntryOverrides = { ...item, primaryKey: ['n'] }
    await query('DELETE FROM item WHERE id = 3')
    await at.ingest(byN)
    await grow()
    await query(`UPDATE item SET name = 'changed' WHERE id = 1; INSERT INTO item VALUES (5, 30000000000, 'e')`)
    const problem = await problemOf(at.ingest(byN))
    expect([problem.code, problem.hint]).toEqual([
      'KEY_RETYPED',
      expect.stringMatching(/addNewColumnsWithTypeWidening.*another name/),
    ])
    const growing: EntryOverrides = { ...byN, drift: 'addNewColumnsWithTypeWidening' }
    expect((await at.ingest(growing)).ledger).toMatchObject({ inserted: 2n, deletes: 0n })
    await query('DELETE FROM item WHERE id = 2')
    expect((await at.ingest(growing)).ledger).toMatchObject({ inserted: 0n, deletes: 1n })
    expect((await at.live('item', sql`n`)).map(({ n }) => String(n))).toEqual(['10', '30000000000'])
    expect(await at.verify(growing)).toMatchObject({ status: 'equal' })
  })

  test('a retyped key or cdc_col is an error with the way out, and so is one that is gone', async context => {
    const { at, query, grow, retype, dropName } = await open(import.meta.url, context)
    const decimals = name === 'sqlite'
    const byName: EntryOverrides = { ...item, primaryKey: ['name'] }
    await at.ingest(byName)
    await grow()
    // What has become a decimal is no cursor at all.
    const [code, hint] = decimals ? ['CDC_COLUMN_NOT_ORDERABLE', 'Choose'] : ['KEY_RETYPED', 'without cdc_col']
    const grown = await problemOf(at.ingest({ ...byName, cdcCol: 'n' }))
    expect([grown.code, grown.hint]).toEqual([code, expect.stringContaining(hint)])
    await retype()
    expect((await problemOf(at.ingest({ ...byName, cdcCol: 'n' }))).code).toBe('CDC_COLUMN_NOT_ORDERABLE')
    await dropName()
    const gone = await problemOf(at.ingest(byName))
    expect([gone.code, gone.hint]).toEqual(['KEY_COLUMN_MISSING', expect.stringContaining('primary_key')])
    await query('ALTER TABLE item DROP COLUMN n')
    const lost = await problemOf(at.ingest({ ...item, cdcCol: 'n' }))
    expect([lost.code, lost.hint]).toEqual(['CDC_COLUMN_MISSING', expect.stringContaining('cdc_col')])
  })
})
