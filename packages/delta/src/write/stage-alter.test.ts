import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { field, parseSchema, type StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { commit } from './commit.ts'
import { type CreateRequest, stageCreate } from './stage.ts'
import { type Alteration, stageAlter } from './stage-alter.ts'

const info = { operation: 'CHANGE COLUMN' }

async function makeTable(parts: Partial<CreateRequest> = {}): Promise<Snapshot> {
  const staged = stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info, ...parts })
  const result = await commit(testPorts(memoryStore()), staged)
  if (result.kind === 'conflict') throw new Error(result.reason)
  return result.snapshot
}

/** The schema after the alterations. */
function altered(table: Snapshot, ...alterations: Alteration[]): StructType {
  return parseSchema(stageAlter(table, { alterations, info }).metaData?.schemaString ?? '')
}

test('a column may be allowed to be NULL and be commented on, in one commit', async () => {
  const schema: StructType = { type: 'struct', fields: [field('id', 'long', { nullable: false, comment: 'old' })] }
  const table = await makeTable({ schema })
  const id = { column: ['id'] }
  expect(altered(table, { kind: 'allow NULL', ...id }, { kind: 'comment', ...id, comment: 'new' })).toEqual({
    type: 'struct',
    fields: [field('id', 'long', { comment: 'new' })],
  })
  expect(altered(table, { kind: 'comment', ...id, comment: undefined })).toEqual({
    type: 'struct',
    fields: [field('id', 'long', { nullable: false })],
  })
})

test.each<Alteration>([
  { kind: 'rename column', column: ['name'], name: 'other' },
  { kind: 'drop column', column: ['name'] },
  { kind: 'widen type', column: ['id'], type: 'decimal(20,0)' },
])('without the setting for it, files stand against: $kind', async alteration => {
  const table = await makeTable()
  expect(() => stageAlter(table, { alterations: [alteration], info })).toThrow(
    expect.objectContaining({ code: 'WRITE_REFUSED' }),
  )
})

test('settings that name a column go along when it is renamed or dropped', async () => {
  const inner: StructType = { type: 'struct', fields: [field('x', 'long'), field('y.z', 'long')] }
  const schema: StructType = { type: 'struct', fields: [...ROW_SCHEMA.fields, field('s', inner)] }
  const setting = 'delta.dataSkippingStatsColumns'
  const named = { [setting]: 'ID, s.x, `s`.`y.z`, name', 'delta.columnMapping.mode': 'name' }
  const table = await makeTable({ schema, configuration: named })
  const after = (...alterations: Alteration[]): string | undefined =>
    stageAlter(table, { alterations, info }).metaData?.configuration[setting]
  expect(after({ kind: 'rename column', column: ['id'], name: 'a key' })).toBe('`a key`,s.x,s.`y.z`,name')
  expect(after({ kind: 'rename column', column: ['s'], name: 't' })).toBe('ID,t.x,t.`y.z`,name')
  expect(after({ kind: 'drop column', column: ['s', 'y.z'] })).toBe('ID,s.x,name')
  expect(after({ kind: 'drop column', column: ['s'] })).toBe('ID,name')
})

test('a constraint is found however another writer spelled its name', async () => {
  const key = 'delta.constraints.Known'
  const table = await makeTable({ configuration: { [key]: 'id > 0' } })
  const stage = (alteration: Alteration) => stageAlter(table, { alterations: [alteration], info })
  expect(stage({ kind: 'drop constraint', name: 'known' }).metaData?.configuration).toEqual({})
  expect(() => stage({ kind: 'add constraint', name: 'known', sql: 'id > 1' })).toThrow(/constraint known already/)
})

test('what does not exist is told, and nothing is staged', async () => {
  const table = await makeTable()
  const stage = (alteration: Alteration) => () => stageAlter(table, { alterations: [alteration], info })
  expect(stage({ kind: 'allow NULL', column: ['nowhere'] })).toThrow(
    expect.objectContaining({ code: 'SCHEMA_INVALID' }),
  )
  expect(stage({ kind: 'drop constraint', name: 'nothing' })).toThrow(/no constraint nothing/)
})
