/** Bronze to silver: one row per key, the newest that keeps the rules, and every rejected row kept aside. */
import { commit, readSnapshot, stageMetadata } from '@tidemark/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { decideBatch } from '../../packages/tidemark/src/flows/batch.ts'
import { readTable } from '../../packages/tidemark/src/flows/commit-table.ts'
import { executeFlow } from '../../packages/tidemark/src/flows/execute.ts'
import { writeRecord } from '../../packages/tidemark/src/flows/record.ts'
import type { DerivedFlow } from '../../packages/tidemark/src/model/flow.ts'
import { tablePath } from '../../packages/tidemark/src/model/names.ts'
import { ENTRY, openTestLake, schemaOf, type TestLake, type Values } from './flows-lake.ts'

let lake: TestLake
beforeAll(async () => {
  lake = await openTestLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

const schema = schemaOf({ id: 'long', name: 'string', age: 'integer', ...ENTRY })
let tables = 0

/** A new bronze table and its derived flow. */
function derived(flow: Partial<DerivedFlow> = {}): DerivedFlow {
  tables += 1
  const name = `T${tables}`
  return {
    kind: 'derived',
    name: `silver.${name}`,
    target: `silver.${name}`,
    output: 'current',
    source: `bronze.${name}`,
    keys: ['id'],
    transform: [],
    expectations: [{ name: 'grown', expression: 'age >= 0', onViolation: 'drop' }],
    ...flow,
  }
}

const upsert = (id: number, seq: number, name: string | null, age: number | null = 1): Values => ({
  id,
  name,
  age,
  _op: 'upsert',
  _seq: seq,
  _row_version: String(seq),
  _run_id: 'r',
  _ingested_at: '2026-01-01 00:00:00+00',
})
const remove = (id: number, seq: number): Values => ({ id, _op: 'delete', _seq: seq, _run_id: 'r' })

describe('silver.t', () => {
  test('holds the newest row of each key, and a second run writes nothing', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert(1, 1, 'a'), upsert(2, 1, 'b'), upsert(1, 2, 'A')])
    const first = await lake.run(flow)
    expect(first.ledger).toMatchObject({ read: 3n, inserted: 2n, superseded: 1n })
    await lake.append(flow.source, schema, [upsert(2, 3, 'B'), remove(1, 3), upsert(3, 3, 'c'), remove(9, 3)])
    const second = await lake.run(flow)
    expect(second.ledger).toMatchObject({ read: 4n, inserted: 1n, updated: 1n, deleted: 1n, filtered: 1n })
    expect(await lake.rows(flow.target, ['id', 'name', '_seq'])).toEqual([
      { id: '2', name: 'B', _seq: '3' },
      { id: '3', name: 'c', _seq: '3' },
    ])
    const third = await lake.run(flow)
    expect(third).toMatchObject({
      status: 'unchanged',
      versionBefore: second.versionAfter,
      versionAfter: second.versionAfter,
    })
  })

  test('stops at a key that somebody else has added a second row of: the ledger would count its change twice', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert(1, 1, 'a'), upsert(2, 1, 'b')])
    await lake.run(flow)
    const columns = schemaOf({ id: 'long', name: 'string', age: 'integer', _seq: 'long' })
    await lake.append(flow.target, columns, [{ id: 1, name: 'again', age: 1, _seq: 1 }])
    await lake.append(flow.source, schema, [upsert(1, 2, 'A'), upsert(1, 3, 'AA'), upsert(2, 2, 'B')])
    await expect(lake.run(flow)).rejects.toMatchObject({ code: 'LEDGER_UNBALANCED' })
    expect(await lake.rows(flow.target, ['name'])).toHaveLength(3)
  })

  test('says so when files were removed that it had not read, and is made anew from what is there', async () => {
    const flow = derived()
    const folder = tablePath(flow.source)
    await lake.append(flow.source, schema, [upsert(1, 1, 'a')])
    await lake.run(flow)
    for (const seq of [2, 3]) await lake.append(flow.source, schema, [upsert(seq, seq, 'b')])
    const files = async () => (await lake.paths(folder)).filter(path => path.endsWith('.parquet'))
    const before = await files()
    await lake.compact(flow.source)
    await lake.append(flow.source, schema, [upsert(4, 4, 'd')])
    const current = await readSnapshot(lake, { tablePath: folder })
    for (const path of before) if (!current?.files.has(path.slice(folder.length + 1))) await lake.store.delete(path)
    await expect(lake.run(flow)).rejects.toMatchObject({
      code: 'FLOW_SOURCE_CLEANED',
      hint: expect.stringContaining(flow.target),
    })
    expect(await lake.rows(flow.target, ['id'])).toEqual([{ id: '1' }])
    await lake.run(flow, { fullRefresh: true })
    expect(await lake.rows(flow.target, ['id'])).toHaveLength(4)
    await lake.append(flow.source, schema, [upsert(5, 5, 'e')])
    expect((await lake.run(flow)).ledger).toMatchObject({ read: 1n, inserted: 1n })
  })

  test('looks for the keys of a batch in the table once, and rewrites what it found there', async () => {
    const flow = derived()
    const columns = schemaOf({ id: 'long', name: 'string', _tidemark_file: 'string', _TIDEMARK_ROW: 'long', ...ENTRY })
    const named = (id: number, seq: number): Values => ({ ...upsert(id, seq, `n${seq}`), _tidemark_file: 'ours' })
    await lake.append(flow.source, columns, [named(1, 1), named(2, 1), named(3, 1), named(4, 1)])
    const rules = { ...flow, expectations: [] }
    await lake.run(rules)
    await lake.append(flow.source, columns, [named(2, 2), remove(3, 2), named(5, 2), named(4, 0), remove(9, 2)])
    const scanned: string[] = []
    await lake.withContext({}, async context => {
      const scan: Session['scan'] = (snapshot, options) => {
        scanned.push(snapshot.tablePath)
        return context.session.scan(snapshot, options)
      }
      const session = new Proxy(context.session, {
        get: (real, name: keyof Session) => {
          const value = name === 'scan' ? scan : real[name]
          return typeof value === 'function' ? value.bind(real) : value
        },
      })
      await executeFlow({ ...context, session }, rules)
    })
    expect(scanned.filter(path => path === tablePath(flow.target))).toHaveLength(2)
    expect(await lake.rows(flow.target, ['id', 'name', '_tidemark_file'])).toEqual(
      [
        ['1', 'n1'],
        ['2', 'n2'],
        ['4', 'n1'],
        ['5', 'n2'],
      ].map(([id, name]) => ({ id, name, _tidemark_file: 'ours' })),
    )
  })

  /** Record the next batch and stop there, as a process that is killed; then compact and clean the source. */
  async function recordThenClean(flow: DerivedFlow): Promise<void> {
    await lake.withContext({}, async context => {
      const decision = await decideBatch(context, flow, await readTable(context, flow.target))
      if (decision.kind !== 'new') throw new Error('there is no new batch')
      await writeRecord(lake.store, decision.record)
    })
    const folder = tablePath(flow.source)
    await lake.compact(flow.source)
    const current = await readSnapshot(lake, { tablePath: folder })
    const files = (await lake.paths(folder)).filter(path => path.endsWith('.parquet'))
    for (const path of files) if (!current?.files.has(path.slice(folder.length + 1))) await lake.store.delete(path)
  }

  test('a batch that was decided but not finished when its files were removed says how it is made anew', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert(1, 1, 'a')])
    await lake.run(flow)
    for (const seq of [2, 3]) await lake.append(flow.source, schema, [upsert(seq, seq, 'b')])
    await recordThenClean(flow)
    await expect(lake.run(flow)).rejects.toMatchObject({ code: 'FLOW_SOURCE_CLEANED' })
    expect(await lake.rows(flow.target, ['id'])).toEqual([{ id: '1' }])
    await lake.run(flow, { fullRefresh: true })
    expect(await lake.rows(flow.target, ['id'])).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }])
    await lake.append(flow.source, schema, [upsert(5, 5, 'e')])
    expect((await lake.run(flow)).ledger).toMatchObject({ read: 1n, inserted: 1n })
  })

  test('a first load that was not finished when its files were removed takes the rows that are there now', async () => {
    const flow = derived()
    for (const seq of [1, 2]) await lake.append(flow.source, schema, [upsert(seq, seq, 'a')])
    await recordThenClean(flow)
    await lake.append(flow.source, schema, [upsert(3, 3, 'c')])
    expect((await lake.run(flow)).ledger).toMatchObject({ read: 3n, inserted: 3n })
    expect(await lake.rows(flow.target, ['id'])).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }])
    expect(await lake.run(flow)).toMatchObject({ status: 'unchanged' })
  })

  test('keeps the newest valid row, counts it as stale, and keeps the rejected one with the reason', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert(1, 1, 'a', 5), upsert(2, 1, 'b', null)])
    await lake.run(flow)
    await lake.append(flow.source, schema, [upsert(1, 2, 'newer', -1)])
    const outcome = await lake.run(flow)
    expect(outcome.ledger).toMatchObject({ read: 1n, quarantined: 1n, staleByRule: 1n })
    expect(await lake.rows(flow.target, ['id', 'name'])).toEqual([{ id: '1', name: 'a' }])
    const quarantine = `quarantine.${flow.target.replace('.', '_')}`
    expect(await lake.rows(quarantine, ['id', 'name', '_rules', '_reason', '_flow', '_batch'])).toEqual([
      { id: '1', name: 'newer', _rules: 'grown', _reason: 'expectation', _flow: flow.name, _batch: '2' },
      { id: '2', name: 'b', _rules: 'grown', _reason: 'expectation', _flow: flow.name, _batch: '1' },
    ])
  })

  test('does not rewrite a row whose columns are the same after the transformations', async () => {
    const flow = derived({ transform: [{ kind: 'upper', column: 'name' }] })
    await lake.append(flow.source, schema, [upsert(1, 1, 'a')])
    await lake.run(flow)
    await lake.append(flow.source, schema, [upsert(1, 2, 'A')])
    expect((await lake.run(flow)).ledger).toMatchObject({ read: 1n, duplicate: 1n })
    expect(await lake.rows(flow.target, ['name', '_seq'])).toEqual([{ name: 'A', _seq: '1' }])
  })

  test('tells rows of one batch apart that differ in text alone, in a number alone, and in nothing', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [
      upsert(1, 1, 'a'),
      upsert(2, 1, 'b'),
      upsert(3, 1, null),
      upsert(4, 1, 'd'),
    ])
    await lake.run(flow)
    const later = [upsert(1, 2, 'a'), upsert(2, 2, 'B'), upsert(3, 2, 'c'), upsert(4, 2, 'd', 2)]
    await lake.append(flow.source, schema, later)
    expect((await lake.run(flow)).ledger).toMatchObject({ read: 4n, duplicate: 1n, updated: 3n })
    expect(await lake.rows(flow.target, ['id', 'name', 'age', '_seq'])).toEqual([
      { id: '1', name: 'a', age: '1', _seq: '1' },
      { id: '2', name: 'B', age: '1', _seq: '2' },
      { id: '3', name: 'c', age: '1', _seq: '2' },
      { id: '4', name: 'd', age: '2', _seq: '2' },
    ])
  })

  test('leaves the target as it was when a rule stops the flow, names the keys, and goes on with a corrected rule', async () => {
    const rule = { name: 'grown', expression: 'age >= 0', onViolation: 'fail' as const }
    const flow = derived({ expectations: [rule] })
    await lake.append(flow.source, schema, [upsert(1, 1, 'a', 5), upsert(7, 1, 'b', -1)])
    await expect(lake.run(flow)).rejects.toMatchObject({
      code: 'FLOW_EXPECTATION_FAILED',
      state: expect.stringContaining('id = 7'),
    })
    expect(await lake.rows(flow.target, ['id'])).toBeUndefined()
    const outcome = await lake.run({ ...flow, expectations: [{ ...rule, onViolation: 'warn' }] })
    expect(outcome.ledger).toMatchObject({ inserted: 2n, warned: 1n })
    expect(outcome.warnings).toEqual(['1 row breaks the rule grown'])
  })

  test('follows new columns of bronze and leaves them NULL in older rows', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert(1, 1, 'a'), upsert(2, 1, 'b')])
    await lake.run(flow)
    const wider = { ...schema, fields: [...schema.fields, ...schemaOf({ city: 'string' }).fields] }
    await lake.append(flow.source, wider, [{ ...upsert(2, 2, 'b'), city: 'Oslo' }])
    await lake.run(flow)
    expect(await lake.rows(flow.target, ['id', 'city'])).toEqual([
      { id: '1', city: null },
      { id: '2', city: 'Oslo' },
    ])
  })

  test('refuses a source that was rewritten, and rebuilds on --full-refresh with its old rejects replaced', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert(1, 1, 'a'), upsert(2, 1, 'b', -1)])
    await lake.run(flow)
    await lake.overwrite(flow.source, schema, [upsert(3, 5, 'c'), upsert(4, 5, 'd', -1)])
    await expect(lake.run(flow)).rejects.toMatchObject({ code: 'FLOW_SOURCE_REWRITTEN' })
    const outcome = await lake.run(flow, { fullRefresh: true, runId: 'refresh' })
    expect(outcome).toMatchObject({
      status: 'changed',
      rewritten: true,
      ledger: { read: 2n, inserted: 1n, quarantined: 1n },
    })
    expect(await lake.rows(flow.target, ['id'])).toEqual([{ id: '3' }])
    expect(await lake.rows(`quarantine.${flow.target.replace('.', '_')}`, ['id'])).toEqual([{ id: '4' }])
    expect(await lake.run(flow)).toMatchObject({ status: 'unchanged' })
  })
})

test('a table that was put back to a time before several batches takes them in again, one after the other', async () => {
  const flow = derived()
  for (let seq = 1; seq <= 4; seq++) {
    await lake.append(flow.source, schema, [upsert(seq, seq, 'a'), upsert(9, seq, `${seq}`), upsert(7, seq, 'b', -1)])
    await lake.run(flow)
  }
  const whole = await lake.rows(flow.target, ['id', 'name', '_seq'])
  const log = (await lake.paths(`${tablePath(flow.target)}/_delta_log`)).filter(path => path.endsWith('.json'))
  for (const path of log.toSorted().slice(-3)) await lake.store.delete(path)
  expect(await lake.rows(flow.target, ['id'])).toEqual([{ id: '1' }, { id: '9' }])
  expect((await lake.run(flow)).ledger).toMatchObject({ read: 9n, inserted: 3n, updated: 3n, quarantined: 3n })
  expect(await lake.rows(flow.target, ['id', 'name', '_seq'])).toEqual(whole)
  expect(await lake.rows(`quarantine.${flow.target.replace('.', '_')}`, ['_seq'])).toHaveLength(4)
  expect(await lake.run(flow)).toMatchObject({ status: 'unchanged' })
})

async function loseRecords(flow: DerivedFlow, from: number): Promise<void> {
  const records = await lake.paths(`system/batches/${flow.name.replace('.', '%2E')}`)
  expect(records.length).toBeGreaterThan(from)
  for (const path of records.slice(from)) await lake.store.delete(path)
}

test.each([
  { gone: 'all', from: 0 },
  { gone: 'the last', from: 1 },
])(
  'a table stops while records of its batches are gone ($gone), and no row is passed over after --full-refresh',
  async ({ from }) => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert(1, 1, 'a'), upsert(2, 1, 'b', -1)])
    await lake.run(flow)
    await lake.append(flow.source, schema, [upsert(1, 2, 'c')])
    await lake.run(flow)
    await loseRecords(flow, from)
    await lake.append(flow.source, schema, [upsert(1, 3, 'd'), upsert(3, 3, 'e', -1)])
    const problem: unknown = await lake.run(flow).catch((error: unknown) => error)
    expect(problem).toMatchObject({ code: 'FLOW_BATCH_MISSING', hint: expect.stringContaining('--full-refresh') })
    await lake.run(flow, { fullRefresh: true, runId: 'refresh' })
    expect(await lake.rows(flow.target, ['id', 'name'])).toEqual([{ id: '1', name: 'd' }])
    await lake.append(flow.source, schema, [upsert(1, 4, 'f')])
    await lake.run(flow)
    expect(await lake.rows(flow.target, ['id', 'name'])).toEqual([{ id: '1', name: 'f' }])
    expect(await lake.rows(`quarantine.${flow.target.replace('.', '_')}`, ['id'])).toEqual([{ id: '2' }, { id: '3' }])
  },
)

test('a table that is made anew, its records gone with it, puts aside every row that it rejects', async () => {
  const flow = derived()
  await lake.append(flow.source, schema, [upsert(1, 1, 'a'), upsert(2, 1, 'b', -1)])
  await lake.run(flow)
  await loseRecords(flow, 0)
  for (const path of await lake.paths(tablePath(flow.target))) await lake.store.delete(path)
  await lake.append(flow.source, schema, [upsert(3, 2, 'c', -1)])
  expect((await lake.run(flow)).ledger).toMatchObject({ inserted: 1n, quarantined: 2n })
  expect(await lake.rows(`quarantine.${flow.target.replace('.', '_')}`, ['id'])).toEqual([{ id: '2' }, { id: '3' }])
})

test('silver.t_changes keeps every valid version with deletes, and rejects nothing twice', async () => {
  const current = derived()
  const changes: DerivedFlow = {
    ...current,
    name: `${current.name}_changes`,
    target: `${current.target}_changes`,
    output: 'changes',
  }
  await lake.append(current.source, schema, [upsert(1, 1, 'a'), upsert(1, 2, 'b', -1), upsert(1, 3, 'c')])
  await lake.append(current.source, schema, [remove(1, 4)])
  const done = await lake.run(changes)
  expect(done.ledger).toMatchObject({ kind: 'append', read: 4n, inserted: 3n, filtered: 1n, quarantined: 0n })
  expect(await lake.rows(changes.target, ['_seq', '_op', 'name'])).toEqual([
    { _seq: '1', _op: 'upsert', name: 'a' },
    { _seq: '3', _op: 'upsert', name: 'c' },
    { _seq: '4', _op: 'delete', name: null },
  ])
  expect(await lake.rows(`quarantine.${changes.target.replace('.', '_')}`, ['id'])).toBeUndefined()
})

test('a rejected row and a broken rule are told by silver.t alone, also when its changes are kept', async () => {
  const rules: DerivedFlow['expectations'] = [
    { name: 'grown', expression: 'age >= 0', onViolation: 'drop' },
    { name: 'named', expression: 'name IS NOT NULL', onViolation: 'warn' },
  ]
  const current = derived({ expectations: rules })
  const changes: DerivedFlow = { ...current, name: 'c', target: `${current.target}_changes`, output: 'changes' }
  await lake.append(current.source, schema, [upsert(1, 1, null), upsert(2, 1, 'b', -1)])
  const [told, kept] = [await lake.run(current), await lake.run(changes)]
  expect(told).toMatchObject({
    ledger: { read: 2n, inserted: 1n, quarantined: 1n, warned: 1n },
    warnings: ['1 row breaks the rule named'],
  })
  expect(kept).toMatchObject({
    ledger: { read: 2n, inserted: 1n, filtered: 1n, quarantined: 0n, warned: 0n },
    warnings: [],
  })
})

test('a keyless table is replaced as a whole, and only when bronze changed', async () => {
  const flow = derived({ keys: [] })
  await lake.append(flow.source, schema, [upsert(1, 1, 'a'), upsert(1, 1, 'a'), upsert(2, 1, 'x', -1)])
  expect((await lake.run(flow)).ledger).toMatchObject({ read: 3n, inserted: 2n, quarantined: 1n })
  expect(await lake.run(flow)).toMatchObject({ status: 'unchanged' })
  await lake.overwrite(flow.source, schema, [upsert(3, 2, 'c')])
  expect((await lake.run(flow)).ledger).toMatchObject({ read: 1n, inserted: 1n })
  expect(await lake.rows(flow.target, ['id'])).toEqual([{ id: '3' }])
  expect(await lake.rows(`quarantine.${flow.target.replace('.', '_')}`, ['id'])).toEqual([])
})

test('a keyless table that gets a key is built anew, and goes on by key', async () => {
  const keyed = derived({ expectations: [] })
  const keyless = { ...keyed, keys: [] }
  await lake.append(keyed.source, schema, [upsert(1, 1, 'a'), upsert(1, 2, 'b')])
  await lake.run(keyless)
  expect(await lake.run(keyed)).toMatchObject({ rewritten: true, ledger: { inserted: 1n, superseded: 1n } })
  await lake.append(keyed.source, schema, [upsert(2, 3, 'c')])
  expect(await lake.run(keyed)).toMatchObject({ rewritten: false, ledger: { read: 1n, inserted: 1n } })
  expect(await lake.rows(keyed.target, ['id', 'name'])).toEqual([
    { id: '1', name: 'b' },
    { id: '2', name: 'c' },
  ])
})

test('tables that others gave column mapping are carried on under their names in files, new columns included', async () => {
  const flow = derived()
  const changes = {
    ...flow,
    name: `${flow.name}_changes`,
    target: `${flow.target}_changes`,
    output: 'changes' as const,
  }
  const keyless = derived({ keys: [] })
  const wide = schemaOf({ id: 'long', name: 'string', age: 'integer', note: 'string', ...ENTRY })
  const noted = (id: number, seq: number): Values => ({ ...upsert(id, seq, `n${seq}`), note: `note ${seq}` })
  await lake.append(flow.source, schema, [upsert(1, 1, 'a'), upsert(2, 1, 'b')])
  await lake.overwrite(keyless.source, schema, [upsert(1, 1, 'a')])
  for (const one of [flow, changes, keyless]) {
    await lake.run(one)
    await lake.withContext({}, async context => {
      const current = await readSnapshot(context, { tablePath: one.target.replace('.', '/') })
      if (current === undefined) throw new Error(`${one.target} was not made`)
      const configuration = { 'delta.columnMapping.mode': 'name' }
      await commit(context, stageMetadata(current, { configuration, info: { operation: 'SET TBLPROPERTIES' } }))
    })
  }
  await lake.append(flow.source, wide, [noted(2, 2), noted(3, 2)])
  await lake.overwrite(keyless.source, wide, [noted(7, 2)])
  for (const one of [flow, changes, keyless]) await lake.run(one)
  const seen = { id: '2', name: 'n2', note: 'note 2' }
  expect(await lake.rows(flow.target, ['id', 'name', 'note'])).toEqual([
    { id: '1', name: 'a', note: null },
    seen,
    { ...seen, id: '3' },
  ])
  expect(await lake.rows(changes.target, ['id', 'name', 'note'])).toEqual([
    { id: '1', name: 'a', note: null },
    { id: '2', name: 'b', note: null },
    seen,
    { ...seen, id: '3' },
  ])
  expect(await lake.rows(keyless.target, ['id', 'name', 'note'])).toEqual([{ ...seen, id: '7' }])
})

test('a key of zero is found whatever its sign, beside keys that have no bounds', async () => {
  const flow = derived({ expectations: [] })
  const floating = schemaOf({ id: 'double', name: 'string', age: 'integer', ...ENTRY })
  const entry = (id: string, seq: number, name: string): Values => ({ ...upsert(0, seq, name), id })
  await lake.append(flow.source, floating, [
    entry('-Infinity', 1, 'least'),
    entry('-0.0', 1, 'a'),
    entry('NaN', 1, 'no'),
  ])
  await lake.run(flow)
  for (const [seq, id] of ['0.0', '-0.0', '0.0'].entries()) {
    await lake.append(flow.source, floating, [entry(id, seq + 2, `b${seq}`)])
    expect((await lake.run(flow)).ledger).toMatchObject({ updated: 1n })
    const found = await lake.rows(flow.target, ['name'], ['_seq'])
    expect(found).toEqual([{ name: 'least' }, { name: 'no' }, { name: `b${seq}` }])
  }
})

test('only the files that can hold a key of the batch are rewritten', async () => {
  const flow = derived()
  for (const [i, id] of [10, 20, 30].entries()) {
    await lake.append(flow.source, schema, [upsert(id, i, 'a'), upsert(id + 1, i, 'a')])
    await lake.run(flow)
  }
  const before = await lake.paths(flow.target.replace('.', '/'))
  await lake.append(flow.source, schema, [upsert(20, 9, 'b')])
  await lake.run(flow)
  const after = await lake.paths(flow.target.replace('.', '/'))
  expect(after.filter(p => p.endsWith('.parquet'))).toHaveLength(before.filter(p => p.endsWith('.parquet')).length + 2)
  expect(await lake.rows(flow.target, ['id', 'name'])).toHaveLength(6)
})

describe('transformations', () => {
  const all = derived({
    transform: [
      { kind: 'rename', from: 'ID', to: 'user_id' },
      { kind: 'trim', column: 'name' },
      { kind: 'replace', column: 'name', find: '-', with: '' },
      { kind: 'cast', column: 'age', type: 'long' },
      { kind: 'derive', column: 'label', expression: "concat(name, '!')" },
      { kind: 'drop', pattern: 'na*' },
    ],
    expectations: [],
  })

  test('apply in order, the key under its new name also for deletes', async () => {
    await lake.append(all.source, schema, [upsert(1, 1, ' a-b '), upsert(2, 1, 'c')])
    await lake.run(all)
    await lake.append(all.source, schema, [remove(2, 2)])
    expect((await lake.run(all)).ledger).toMatchObject({ deleted: 1n })
    expect(await lake.rows(all.target, ['user_id', 'age', 'label'])).toEqual([{ user_id: '1', age: '1', label: 'ab!' }])
  })

  test('a cast that cannot read a value names the column and counts the values', async () => {
    const flow = derived({ transform: [{ kind: 'cast', column: 'name', type: 'integer' }], expectations: [] })
    await lake.append(flow.source, schema, [upsert(1, 1, '12'), upsert(2, 1, 'x')])
    await expect(lake.run(flow)).rejects.toMatchObject({
      code: 'FLOW_CAST_FAILED',
      params: { column: 'name', rows: 1n },
    })
  })

  test.each([
    [{ kind: 'drop', pattern: 'id' } as const, 'FLOW_TRANSFORM_INVALID'],
    [{ kind: 'drop', pattern: 'i*' } as const, 'FLOW_TRANSFORM_INVALID'],
    [{ kind: 'trim', column: 'age' } as const, 'FLOW_TRANSFORM_INVALID'],
    [{ kind: 'rename', from: 'name', to: '_seq' } as const, 'FLOW_TRANSFORM_INVALID'],
    [{ kind: 'upper', column: '_op' } as const, 'FLOW_UNKNOWN_COLUMN'],
    [{ kind: 'upper', column: 'nmae' } as const, 'FLOW_UNKNOWN_COLUMN'],
  ])('refuse %o', async (transform, code) => {
    const flow = derived({ transform: [transform] })
    await lake.append(flow.source, schema, [upsert(1, 1, 'a')])
    await expect(lake.run(flow)).rejects.toMatchObject({ code })
  })
})

test('whatever the batches, silver equals the newest valid entry of each key', { timeout: 120_000 }, async () => {
  const entry = fc.record({
    id: fc.integer({ min: 1, max: 4 }),
    age: fc.constantFrom(-1, null, 1, 2),
    gone: fc.boolean(),
  })
  const batches = fc.array(fc.array(entry, { maxLength: 6 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(batches, async drawn => {
      const flow = derived()
      const model = new Map<string, string>()
      let seq = 0
      let quarantined = 0n
      for (const batch of drawn) {
        const rows = batch.map(e => {
          seq += 1
          return e.gone ? remove(e.id, seq) : upsert(e.id, seq, `n${seq}`, e.age)
        })
        await lake.append(flow.source, schema, rows)
        const { ledger } = await lake.run(flow)
        if (ledger?.kind === 'silver') quarantined += ledger.quarantined
        for (const row of rows) {
          if (row['_op'] === 'delete') model.delete(String(row['id']))
          else if (Number(row['age'] ?? -1) >= 0) model.set(String(row['id']), String(row['name']))
        }
      }
      const rows = (await lake.rows(flow.target, ['id', 'name'])) ?? []
      expect(new Map(rows.map(r => [r['id'], r['name']]))).toEqual(model)
      const kept = (await lake.rows(`quarantine.${flow.target.replace('.', '_')}`, ['id'])) ?? []
      expect(BigInt(kept.length)).toBe(quarantined)
    }),
    { numRuns: 25 },
  )
})
