/** AUTO CDC: events in any order and any batches end in the rows a ten-line model gives. */
import { writeCheckpoint } from '@tidemark/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AutoCdcFlow } from '../../packages/tidemark/src/model/flow.ts'
import { tablePath } from '../../packages/tidemark/src/model/names.ts'
import { openTestLake, schemaOf, type TestLake, type Values } from './flows-lake.ts'

let lake: TestLake
beforeAll(async () => {
  lake = await openTestLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

const schema = schemaOf({ id: 'long', name: 'string', at: 'long', _op: 'string', _seq: 'long', _at: 'timestamp' })
let tables = 0

function autoCdc(scdType: 1 | 2, flow: Partial<AutoCdcFlow> = {}): AutoCdcFlow {
  tables += 1
  return {
    kind: 'auto cdc',
    name: `gold.d${tables}_cdc`,
    target: `gold.d${tables}`,
    source: `silver.S${tables}_changes`,
    query: undefined,
    keys: ['id'],
    sequenceBy: 'at',
    applyAsDeleteWhen: "_op = 'delete'",
    scdType,
    expectations: [],
    ...flow,
  }
}

interface Event {
  id: number
  seq: number
  /** NULL for a delete found by a key scan. */
  at: number | null
  /** When a delete was seen. */
  seen: number
  name: string | null
}

const row = ({ id, seq, at, name }: Omit<Event, 'seen'>): Values => ({
  id,
  name,
  at,
  _seq: seq,
  _op: name === null ? 'delete' : 'upsert',
})

interface Version {
  at: number
  end: number | null
  name: string
  open: boolean
}

/** Versions of one key: the last event of each sequence, closed by the next; a scanned delete closes the newest known. */
function model(events: readonly Event[], timed: boolean): Version[] {
  const points = new Map<number, { name: string | null; closed: number | undefined }>()
  for (const { at, name, seen } of events) {
    const newest = Math.max(...points.keys())
    const point = points.get(newest)
    if (at !== null) points.set(at, { name, closed: undefined })
    else if (point !== undefined) point.closed ??= timed ? Math.max(seen, newest) : newest
  }
  const order = [...points].sort(([a], [b]) => a - b)
  return order.flatMap(([at, { name, closed }], i) => {
    const next = order[i + 1]?.[0]
    const ends = [closed, next].filter(end => end !== undefined)
    const end = ends.length === 0 ? null : Math.min(...ends)
    return name === null ? [] : [{ at, end, name, open: end === null }]
  })
}

const eventOf = fc.record({
  id: fc.integer({ min: 1, max: 2 }),
  at: fc.option(fc.integer({ min: 1, max: 5 }), { freq: 4 }),
  seen: fc.integer({ min: 1, max: 7 }),
  gone: fc.boolean(),
})
/** Batches of events; `_seq` grows with arrival, sequences come in any order, ties included. */
const batchesOf = fc.array(fc.array(eventOf, { maxLength: 6 }), { minLength: 1, maxLength: 4 })

type Drawn = readonly (readonly { id: number; at: number | null; seen: number; gone: boolean }[])[]

function number(batches: Drawn): Event[][] {
  let seq = 0
  return batches.map(batch =>
    batch.map(({ id, at, seen, gone }) => {
      seq += 1
      return { id, seq, at, seen, name: gone || at === null ? null : `n${seq}` }
    }),
  )
}

const day = (n: number): string => `2026-01-0${n}`
const dated = schemaOf({ id: 'long', name: 'string', at: 'date', _op: 'string', _seq: 'long', _at: 'timestamp' })

describe.each([
  { scdType: 1, timed: false },
  { scdType: 2, timed: false },
  { scdType: 2, timed: true },
] as const)('SCD type $scdType, sequence is a date: $timed', ({ scdType, timed }) => {
  const shown = (n: number | null): string | null => (n === null ? null : timed ? day(n) : String(n))
  const written = (event: Event): Values =>
    timed ? { ...row(event), at: shown(event.at), _at: `${day(event.seen)} 00:00:00+00` } : row(event)

  test('equals the model for any events in any batches', { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(batchesOf, async drawn => {
        const flow = autoCdc(scdType)
        const batches = number(drawn)
        for (const batch of batches) {
          await lake.append(flow.source, timed ? dated : schema, batch.map(written))
          const { ledger } = await lake.run(flow)
          if (ledger !== undefined) expect(ledger).toMatchObject({ read: BigInt(batch.length), quarantined: 0n })
        }
        const expected = [1, 2].flatMap(id => {
          const versions = model(
            batches.flat().filter(e => e.id === id),
            timed,
          )
          const visible = scdType === 2 ? versions : versions.filter(v => v.open)
          return visible.map(v => [String(id), v.name, shown(v.at), ...(scdType === 2 ? [shown(v.end)] : [])])
        })
        const columns = scdType === 2 ? ['id', 'name', '__START_AT', '__END_AT'] : ['id', 'name', 'at']
        const order = scdType === 2 ? ['id', '__START_AT'] : ['id']
        const rows = (await lake.rows(flow.target, columns, order)) ?? []
        expect(rows.map(r => columns.map(c => r[c]))).toEqual(expected)
      }),
      { numRuns: 25 },
    )
  })
})

test('a repeated key with an earlier sequence does not replace the current row', async () => {
  const flow = autoCdc(1)
  await lake.append(flow.source, schema, [row({ id: 1, seq: 1, at: 5, name: 'new' })])
  await lake.run(flow)
  await lake.append(flow.source, schema, [row({ id: 1, seq: 2, at: 3, name: 'late' })])
  expect((await lake.run(flow)).ledger).toMatchObject({ read: 1n, applied: 0n, ignored: 1n })
  expect(await lake.rows(flow.target, ['name'])).toEqual([{ name: 'new' }])
})

test('two runners at once end in the rows of one', async () => {
  const flow = autoCdc(2)
  for (let seq = 1; seq <= 6; seq += 2) {
    await lake.append(flow.source, schema, [
      row({ id: 1, seq, at: 10 - seq, name: `n${seq}` }),
      row({ id: 1, seq: seq + 1, at: 9 - seq, name: null }),
    ])
    await Promise.all(['a', 'b'].map(runId => lake.run(flow, { runId })))
  }
  expect(await lake.rows(flow.target, ['name', '__START_AT', '__END_AT'], ['__START_AT'])).toEqual([
    { name: 'n5', __START_AT: '5', __END_AT: '6' },
    { name: 'n3', __START_AT: '7', __END_AT: '8' },
    { name: 'n1', __START_AT: '9', __END_AT: null },
  ])
})

test('a source without _seq orders ties by the commit that added the row', async () => {
  const plain = schemaOf({ id: 'long', name: 'string', at: 'long' })
  for (const scdType of [1, 2] as const) {
    const flow = autoCdc(scdType, { applyAsDeleteWhen: undefined })
    await lake.append(flow.source, plain, [{ id: 1, name: 'first', at: 5 }])
    await lake.append(flow.source, plain, [{ id: 1, name: 'second', at: 5 }])
    await lake.run(flow)
    expect(await lake.rows(flow.target, ['name', '_seq'])).toEqual([{ name: 'second', _seq: '1' }])
    await lake.append(flow.source, plain, [{ id: 1, name: 'third', at: 5 }])
    await lake.run(flow)
    expect(await lake.rows(flow.target, ['name', '_seq'])).toEqual([{ name: 'third', _seq: '2' }])
  }
})

test('a table put into fewer files, or whose log was cleaned, is read as before', async () => {
  const plain = schemaOf({ id: 'long', name: 'string', at: 'long' })
  const flow = autoCdc(1, { applyAsDeleteWhen: undefined })
  const ids = Array.from({ length: 20 }, (_, i) => i)
  // The newest name of each key is neither the first nor the last one by itself.
  for (const name of ['b', 'c', 'a'])
    await lake.append(
      flow.source,
      plain,
      ids.map(id => ({ id, name, at: 5 })),
    )
  const newest = ids.map(() => ({ name: 'a', _seq: '2' }))
  const path = tablePath(flow.source)
  await lake.compact(flow.source)
  await lake.run(flow)
  expect(await lake.rows(flow.target, ['name', '_seq'])).toEqual(newest)
  await lake.withContext({}, context => writeCheckpoint(context, { tablePath: path }))
  for (const version of [0, 1]) await lake.store.delete(`${path}/_delta_log/${String(version).padStart(20, '0')}.json`)
  await lake.run(flow, { fullRefresh: true })
  expect(await lake.rows(flow.target, ['id'])).toHaveLength(ids.length)
})

test('rows without key or sequence, and rows that break a rule, are kept aside with the reason', async () => {
  const flow = autoCdc(2, { expectations: [{ name: 'named', expression: "name <> ''", onViolation: 'drop' }] })
  await lake.append(flow.source, schema, [
    { id: null, name: 'a', at: 1, _op: 'upsert', _seq: 1 },
    { id: 1, name: 'b', at: null, _op: 'upsert', _seq: 2 },
    { id: 1, name: '', at: 3, _op: 'upsert', _seq: 3 },
    { id: 1, name: 'c', at: 4, _op: 'upsert', _seq: 4 },
  ])
  expect((await lake.run(flow)).ledger).toMatchObject({ read: 4n, applied: 1n, quarantined: 3n })
  expect(await lake.rows(`quarantine.${flow.target.replace('.', '_')}`, ['_seq', '_reason', '_rules'])).toEqual([
    { _seq: '1', _reason: 'null key', _rules: null },
    { _seq: '2', _reason: 'null sequence', _rules: null },
    { _seq: '3', _reason: 'expectation', _rules: 'named' },
  ])
})

test('a delete found by a key scan ends the version at the time it was seen, unless a later version starts before', async () => {
  const timed = schemaOf({ id: 'long', at: 'timestamp', _op: 'string', _seq: 'long', _at: 'timestamp' })
  const flow = autoCdc(2)
  const upsert = (id: number, at: string, seq: number): Values => ({
    id,
    at: `2026-01-${at} 00:00:00+00`,
    _op: 'upsert',
    _seq: seq,
  })
  const scan = (id: number, at: string, seq: number): Values => ({
    id,
    _at: `2026-01-${at} 00:00:00+00`,
    _op: 'delete',
    _seq: seq,
  })
  await lake.append(flow.source, timed, [upsert(1, '01', 1), upsert(2, '01', 1), upsert(3, '09', 1)])
  await lake.append(flow.source, timed, [scan(1, '05', 2), scan(2, '05', 2), scan(3, '05', 2), scan(4, '05', 2)])
  await lake.append(flow.source, timed, [upsert(2, '03', 3)])
  expect((await lake.run(flow)).ledger).toMatchObject({ read: 8n, applied: 7n, ignored: 1n })
  const rows = await lake.rows(flow.target, ['id', '__START_AT', '__END_AT'], ['id', '__START_AT'])
  expect(rows?.map(r => Object.values(r).map(v => (v === null ? v : String(v).slice(0, 10))))).toEqual([
    ['1', '2026-01-01', '2026-01-05'],
    ['2', '2026-01-01', '2026-01-03'],
    ['2', '2026-01-03', null],
    ['3', '2026-01-09', '2026-01-09'],
  ])
})

test('--full-refresh rebuilds history from the source and forgets earlier tombstones', async () => {
  const flow = autoCdc(2)
  await lake.append(flow.source, schema, [
    row({ id: 1, seq: 1, at: 1, name: 'a' }),
    row({ id: 1, seq: 2, at: 4, name: null }),
  ])
  await lake.run(flow)
  await lake.overwrite(flow.source, schema, [
    row({ id: 1, seq: 1, at: 1, name: 'a' }),
    row({ id: 1, seq: 3, at: 2, name: 'b' }),
  ])
  await expect(lake.run(flow)).rejects.toMatchObject({ code: 'FLOW_SOURCE_REWRITTEN' })
  expect(await lake.run(flow, { fullRefresh: true })).toMatchObject({ rewritten: true })
  expect(await lake.rows(flow.target, ['name', '__START_AT', '__END_AT'])).toEqual([
    { name: 'a', __START_AT: '1', __END_AT: '2' },
    { name: 'b', __START_AT: '2', __END_AT: null },
  ])
})
