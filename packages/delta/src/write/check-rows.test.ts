import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, type Row, testPorts } from '../../test/support/rows.ts'
import type { RowChecker } from '../engine/row-checker.ts'
import type { DataFile } from '../log/actions.ts'
import { field, type StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { checkRows } from './check-rows.ts'
import { commit } from './commit.ts'
import { type CreateRequest, stageAppend, stageCreate, stageMetadata, stageRemoveAndAdd } from './stage.ts'
import { settingsWith, stageAlter } from './stage-alter.ts'
import type { Staged } from './staged.ts'

const info = { operation: 'WRITE' }
const POSITIVE = { 'delta.constraints.positive': 'id > 0' }

/** An engine that knows two kinds of condition. */
const checker: RowChecker<readonly Row[]> = {
  countViolations: async (rows, conditions) =>
    conditions.map(({ sql }) => {
      if (sql === 'id > 0') return BigInt(rows.filter(row => row.id <= 0).length)
      if (sql === '`id` IS NOT NULL') return BigInt(rows.filter(row => row.id === null).length)
      return { refused: 'this engine does not know what it means' }
    }),
}

const row = (id: number): Row => ({ id, name: '' })
const request = (rows: Row[], configuration: Record<string, string> = POSITIVE, schema = ROW_SCHEMA) => ({
  tablePath: 't',
  schema,
  configuration,
  rows,
  checker,
})

async function makeTable(parts: Partial<CreateRequest> = {}): Promise<Snapshot> {
  return publish(memoryStore(), stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info, ...parts }))
}

async function publish(store: ReturnType<typeof memoryStore>, staged: Staged): Promise<Snapshot> {
  const result = await commit(testPorts(store), staged)
  if (result.kind === 'conflict') throw new Error(result.reason)
  return result.snapshot
}

test('rows that break a constraint are told with its name and their number', async () => {
  await expect(checkRows(request([row(1), row(0), row(-1)]))).rejects.toMatchObject({
    code: 'CONSTRAINT_VIOLATED',
    message: expect.stringMatching(/2 rows break the constraint positive \(id > 0\)/),
    details: { violations: [{ rowCount: 2n, condition: { name: 'positive' } }] },
  })
  await expect(checkRows(request([row(1)]))).resolves.toHaveLength(1)
  await expect(checkRows(request([row(-1)], {}))).resolves.toEqual([])
})

test('a condition that nothing can check is refused by its name', async () => {
  const { checker: _checker, ...without } = request([row(1)])
  const refused = { code: 'WRITE_REFUSED', message: expect.stringContaining('positive') }
  await expect(checkRows(without)).rejects.toMatchObject(refused)
  const strange = request([row(1)], { 'delta.constraints.strange': 'f(id)' })
  await expect(checkRows(strange)).rejects.toMatchObject({
    code: 'WRITE_REFUSED',
    message: expect.stringMatching(/strange.*does not know/),
  })
})

test('no file comes into a table with a constraint unless its rows were checked for it', async () => {
  const table = await makeTable({ configuration: POSITIVE })
  expect(table.protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 3 })
  const files = [dataFile('a', [row(1)])]
  expect(() => stageAppend(table, { files, info })).toThrow(
    expect.objectContaining({ code: 'WRITE_REFUSED', message: expect.stringContaining('positive') }),
  )
  const checked = await checkRows(request([row(1)]))
  expect(stageAppend(table, { files, checked, info }).add).toEqual(files)
  const others = await checkRows(request([row(1)], { 'delta.constraints.positive': 'id > 0', x: '1' }))
  expect(stageAppend(table, { files, checked: others, info }).add).toEqual(files)
  expect(() => stageAppend(table, { files, checked: [], info })).toThrow(/not checked/)
})

test('rows that only lie elsewhere, or files that come again, were checked when they came', async () => {
  const store = memoryStore()
  const checked = await checkRows(request([row(1)]))
  const files = [dataFile('a', [row(1)])]
  const create = stageCreate({ tablePath: 't', schema: ROW_SCHEMA, configuration: POSITIVE, files, checked, info })
  const table = await publish(store, create)
  const move = { remove: ['a'], files: [dataFile('b', [row(1)])], info }
  expect(() => stageRemoveAndAdd(table, { ...move, dataChange: true })).toThrow(/positive/)
  expect(() => stageRemoveAndAdd(table, { ...move, dataChange: false })).not.toThrow()
  expect(() => stageRemoveAndAdd(table, { ...move, files, dataChange: true })).not.toThrow()
})

test('a new constraint needs all rows of the table checked, and lets no row come in between', async () => {
  const table = await makeTable({ files: [dataFile('a', [row(1)])] })
  const alterations = [{ kind: 'add constraint', name: 'Positive', sql: 'id > 0' }] as const
  expect(() => stageAlter(table, { alterations, info })).toThrow(expect.objectContaining({ code: 'WRITE_REFUSED' }))
  const configuration = settingsWith(table, { Positive: 'id > 0' })
  const checkedTable = await checkRows(request([row(1)], configuration))
  const staged = stageAlter(table, { alterations, checkedTable, info })
  expect(staged.metaData?.configuration).toEqual({ 'delta.constraints.positive': 'id > 0' })
  expect(staged.protocol).toEqual({ minReaderVersion: 1, minWriterVersion: 3 })
  const blind = { alterations, checkedTable, reads: { kind: 'none' } as const, info }
  expect(() => stageAlter(table, blind)).toThrow(/concerns all of its rows/)
  expect(() => stageMetadata(table, { configuration: POSITIVE, info })).toThrow(/not checked/)
  const again = await makeTable({ configuration: POSITIVE })
  expect(() => stageAlter(again, { alterations, info })).toThrow(/already/)
  const dropped = stageAlter(again, { alterations: [{ kind: 'drop constraint', name: 'POSITIVE' }], info })
  expect(dropped.metaData?.configuration).toEqual({})
})

const STRICT: StructType = {
  type: 'struct',
  fields: [field('id', 'long', { nullable: false }), field('name', 'string')],
}

test('a column without NULL is proved by the files, or by checking their rows', async () => {
  const table = await makeTable({ schema: STRICT })
  const uncounted: DataFile = { ...dataFile('a', []), numRecords: 1n, stats: '{"numRecords":1}' }
  expect(() => stageAppend(table, { files: [dataFile('a', [row(1)])], info })).not.toThrow()
  expect(() => stageAppend(table, { files: [uncounted], info })).toThrow(/not null id/)
  const checked = await checkRows(request([row(1)], {}, STRICT))
  expect(() => stageAppend(table, { files: [uncounted], checked, info })).not.toThrow()
  const { checker: _checker, ...without } = request([row(1)], {}, STRICT)
  await expect(checkRows(without)).resolves.toEqual([])
})

test('a partition column without NULL is proved by its value', async () => {
  const table = await makeTable({ schema: STRICT, partitionColumns: ['id'] })
  const partition = (id: string | null) => () =>
    stageAppend(table, { files: [{ ...dataFile('a', []), partitionValues: { id } }], info })
  expect(partition('1')).not.toThrow()
  expect(partition(null)).toThrow(/NULL in the column id/)
  expect(partition('')).toThrow(/NULL in the column id/)
})
