import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { publish } from '../../test/support/publish.ts'
import { ROW_SCHEMA, type Row, rowRelations, rowWriter, tableRows, testPorts } from '../../test/support/rows.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { compare } from '../stats/predicate.ts'
import { commit } from '../write/commit.ts'
import { stageAppend, stageCreate, stageRemoveAndAdd } from '../write/stage.ts'
import { stageOptimize } from './optimize.ts'

const info = { operation: 'WRITE' }

/** A table with one file for each row. */
async function makeTable(rows: readonly Row[]) {
  const store = memoryStore()
  const ports = testPorts(store)
  let names = 0
  const parquet = rowWriter(store, () => `part-${(names += 1)}`)
  const write = (part: Row[]) => parquet.write(part, { tablePath: 't', schema: ROW_SCHEMA })
  let snapshot = await publish(ports, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info }))
  for (const row of rows) snapshot = await publish(ports, stageAppend(snapshot, { files: await write([row]), info }))
  return { store, ports, parquet, relations: rowRelations(store), snapshot, write }
}

const rows: Row[] = [1, 2, 3, 4].map(id => ({ id, name: `n${id}` }))

test('small files become one, the rows stay, and the commit says that no data changed', async () => {
  const table = await makeTable(rows)
  const staged = await stageOptimize({ ...table, info: { runId: 'r' } })
  if (staged === undefined) throw new Error('nothing was done')
  expect(staged).toMatchObject({ dataChange: false, info: { operation: 'OPTIMIZE', runId: 'r' } })
  expect(staged.info.operationMetrics).toMatchObject({ numRemovedFiles: '4', numAddedFiles: '1' })
  const after = await publish(table.ports, staged)
  expect(after.files.size).toBe(1)
  expect(await tableRows(table.store, after)).toEqual(rows)
  expect(await stageOptimize({ ...table, snapshot: after })).toBeUndefined()
})

test('rows that are appended meanwhile do not disturb it, and a deletion of what it rewrote does', async () => {
  const table = await makeTable(rows)
  const staged = await stageOptimize(table)
  if (staged === undefined) throw new Error('nothing was done')
  const row = { id: 5, name: 'n5' }
  const appended = await publish(
    table.ports,
    stageAppend(table.snapshot, { files: await table.write([row]), reads: { kind: 'none' }, info }),
  )
  const after = await publish(table.ports, staged)
  expect(after.version).toBe(appended.version + 1n)
  expect(await tableRows(table.store, after)).toEqual([...rows, row])

  const again = await stageOptimize({ ...table, snapshot: after })
  if (again === undefined) throw new Error('nothing was done')
  const remove = [...after.files.keys()].slice(0, 1)
  await publish(table.ports, stageRemoveAndAdd(after, { remove, files: [], dataChange: true, info }))
  expect(await commit(table.ports, again)).toMatchObject({ kind: 'conflict' })
})

test('an engine that loses a row is found out before anything is committed', async () => {
  const table = await makeTable(rows)
  const scan = async (snapshot: Snapshot, files: Parameters<typeof table.relations.scan>[1]): Promise<Row[]> =>
    (await table.relations.scan(snapshot, files)).slice(1)
  await expect(stageOptimize({ ...table, relations: { ...table.relations, scan } })).rejects.toMatchObject({
    code: 'ROWS_DIFFER',
  })
})

test('a condition on anything but partitions is refused', async () => {
  const table = await makeTable(rows)
  await expect(stageOptimize({ ...table, where: compare('id', '=', '1') })).rejects.toMatchObject({
    code: 'STAGE_INVALID',
  })
})
