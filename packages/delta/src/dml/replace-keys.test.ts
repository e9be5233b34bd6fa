import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { publish } from '../../test/support/publish.ts'
import { ROW_SCHEMA, type Row, rowRelations, rowWriter, tableRows, testPorts } from '../../test/support/rows.ts'
import { field } from '../schema/schema.ts'
import { stageAppend, stageCreate } from '../write/stage.ts'
import type { Staged } from '../write/staged.ts'
import { stageReplaceKeys } from './replace-keys.ts'

const info = { operation: 'MERGE' }

/** A table with one file for each batch. */
async function makeTable(batches: readonly Row[][]) {
  const store = memoryStore()
  const ports = testPorts(store)
  let names = 0
  const parquet = rowWriter(store, () => `part-${(names += 1)}`)
  let snapshot = await publish(ports, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info }))
  for (const rows of batches) {
    const files = await parquet.write(rows, { tablePath: 't', schema: ROW_SCHEMA })
    snapshot = await publish(ports, stageAppend(snapshot, { files, info }))
  }
  return { store, ports, parquet, relations: rowRelations(store), snapshot }
}

const rowsFrom = (start: number, count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ id: start + i, name: `old ${start + i}` }))

test('an upsert rewrites only the files that hold a key, and is one commit', async () => {
  const table = await makeTable([rowsFrom(0, 3), rowsFrom(10, 3), rowsFrom(20, 3)])
  const rows = [
    { id: 11, name: 'new' },
    { id: 15, name: 'inserted' },
  ]
  const staged = await stageReplaceKeys({ ...table, keys: rows, keyColumns: ['id'], rows, info })
  expect(staged.remove.map(f => f.path)).toEqual(['part-2'])
  const after = await publish(table.ports, staged)
  expect(after.version).toBe(table.snapshot.version + 1n)
  expect([...after.files.keys()]).toEqual(['part-1', 'part-3', 'part-4', 'part-5'])
  expect((await tableRows(table.store, after)).map(r => r.name)).toEqual([
    ...['old 0', 'old 1', 'old 2', 'old 10', 'new', 'old 12', 'inserted', 'old 20', 'old 21', 'old 22'],
  ])
})

test('the engine is asked only about files whose bounds may hold a key', async () => {
  const table = await makeTable([rowsFrom(0, 3), rowsFrom(10, 3), rowsFrom(20, 3)])
  const keys = [{ id: 21, name: '' }]
  await stageReplaceKeys({ ...table, keys, keyColumns: ['id'], info })
  expect(table.relations.asked).toEqual([['part-3']])
  const beyond = [{ id: 99, name: '' }]
  const staged = await stageReplaceKeys({ ...table, keys: beyond, keyColumns: ['id'], rows: beyond, info })
  expect(table.relations.asked).toHaveLength(1)
  expect([staged.remove.length, staged.add.length]).toEqual([0, 1])
})

test('keys without rows are deleted, and a file that becomes empty is not written', async () => {
  const table = await makeTable([rowsFrom(0, 2), rowsFrom(10, 2)])
  const staged = await stageReplaceKeys({ ...table, keys: rowsFrom(0, 2), keyColumns: ['id'], info })
  expect(staged.add).toEqual([])
  expect(await tableRows(table.store, await publish(table.ports, staged))).toEqual(rowsFrom(10, 2))
})

test('nothing to replace stages nothing but what it carries', async () => {
  const table = await makeTable([rowsFrom(0, 2)])
  const txn = [{ appId: 'flow', version: 1n }]
  const staged = await stageReplaceKeys({ ...table, keys: [], keyColumns: ['id'], rows: [], txn, info })
  expect([staged.add, staged.remove, staged.txn]).toEqual([[], [], txn])
})

test('wrong keys and drifted schemas are refused before a file is written', async () => {
  const table = await makeTable([rowsFrom(0, 2)])
  const files = table.store.objects.size
  const replace = (keyColumns: string[], more: object = {}): Promise<Staged> =>
    stageReplaceKeys({ ...table, keys: rowsFrom(0, 1), keyColumns, rows: rowsFrom(0, 1), info, ...more })
  await expect(replace([])).rejects.toMatchObject({ code: 'STAGE_INVALID' })
  await expect(replace(['nothing'])).rejects.toMatchObject({ code: 'STAGE_INVALID' })
  const schema = { type: 'struct', fields: [field('id', 'string')] }
  await expect(replace(['id'], { schema })).rejects.toMatchObject({ code: 'SCHEMA_INCOMPATIBLE' })
  expect(table.store.objects.size).toBe(files)
})

test('any sequence of replacements leaves what a map would hold', async () => {
  const rows = fc.uniqueArray(fc.record({ id: fc.integer({ min: -20, max: 20 }), name: fc.string() }), {
    selector: r => r.id,
    maxLength: 6,
  })
  const step = fc.record({ rows, deleted: fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { maxLength: 3 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async steps => {
      const table = await makeTable([])
      const model = new Map<number, Row>()
      let { snapshot } = table
      for (const { rows: upserts, deleted } of steps) {
        for (const id of deleted) model.delete(id)
        for (const row of upserts) model.set(row.id, row)
        const keys = [...upserts, ...deleted.map(id => ({ id, name: '' }))]
        const request = { ...table, snapshot, keys, keyColumns: ['id'], rows: upserts, info }
        snapshot = await publish(table.ports, await stageReplaceKeys(request))
      }
      expect(await tableRows(table.store, snapshot)).toEqual([...model.values()].sort((a, b) => a.id - b.id))
    }),
    { numRuns: 60 },
  )
})
