/** A flow whose declaration changed: what cannot be continued is refused before a batch is decided, and nothing is lost. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decideBatch } from '../../packages/tidemark/src/flows/batch.ts'
import { readTable } from '../../packages/tidemark/src/flows/commit-table.ts'
import { writeRecord } from '../../packages/tidemark/src/flows/record.ts'
import { forecastFlow, type FlowForecast } from '../../packages/tidemark/src/flows/status.ts'
import type { AppendFlow, AutoCdcFlow, DerivedFlow, Flow } from '../../packages/tidemark/src/model/flow.ts'
import { compiled, ENTRY, openTestLake, schemaOf, type TestLake, type Values } from './flows-lake.ts'

let lake: TestLake
beforeAll(async () => {
  lake = await openTestLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

const events = schemaOf({ id: 'long', other: 'long', name: 'string', at: 'long', later: 'long', _seq: 'long' })
const event = (id: number, seq: number, name = `n${seq}`): Values => ({
  id,
  other: id,
  name,
  at: seq,
  later: seq,
  _seq: seq,
})
const place = { file: 'gold/dim.sql', line: 3, column: 1 }
let tables = 0

function autoCdc(flow: Partial<AutoCdcFlow> = {}): AutoCdcFlow {
  tables += 1
  return {
    kind: 'auto cdc',
    name: `dim${tables}`,
    target: `gold.dim${tables}`,
    source: `silver.S${tables}_changes`,
    query: undefined,
    keys: ['id'],
    sequenceBy: 'at',
    applyAsDeleteWhen: undefined,
    scdType: 1,
    expectations: [],
    place,
    ...flow,
  }
}

function append(flow: Pick<AutoCdcFlow, 'target' | 'source'>): AppendFlow {
  const query = compiled(`SELECT * FROM STREAM(${flow.source})`, { streams: flow.source })
  return { kind: 'append', name: `${flow.target}_add`, target: flow.target, expectations: [], query, place }
}

const forecast = (flow: Flow): Promise<FlowForecast> => lake.withContext({}, context => forecastFlow(context, flow))

/** What lies in the lake for a flow: its batches and its target's commits. */
async function traces(flow: Flow): Promise<string[]> {
  const { schema, table } = { schema: flow.target.split('.')[0], table: flow.target.split('.')[1] }
  return [...(await lake.paths('system/batches')), ...(await lake.paths(`${schema}/${table}/_delta_log`))]
}

async function expectRefused(changed: Flow, says: RegExp): Promise<void> {
  const before = await traces(changed)
  await expect(lake.run(changed)).rejects.toMatchObject({
    code: 'FLOW_DECLARATION_CHANGED',
    message: expect.stringMatching(says),
    hint: expect.stringContaining(`--full-refresh ${changed.target}`),
    place,
    state: expect.stringContaining('unchanged'),
  })
  expect(await traces(changed)).toEqual(before)
  const { status } = await forecast(changed)
  expect(status).toMatchObject({ kind: 'refused', problem: { code: 'FLOW_DECLARATION_CHANGED', place } })
}

describe('AUTO CDC', () => {
  test.each<{ what: string; from?: Partial<AutoCdcFlow>; to: Partial<AutoCdcFlow>; says: RegExp }>([
    { what: 'SCD type 1 to 2', to: { scdType: 2 }, says: /made with SCD TYPE 1; flow .* now says SCD TYPE 2\./ },
    { what: 'SCD type 2 to 1', from: { scdType: 2 }, to: { scdType: 1 }, says: /SCD TYPE 2; .* SCD TYPE 1\./ },
    { what: 'the key', to: { keys: ['other'] }, says: /KEYS id; .* KEYS other\./ },
    { what: 'a longer key', to: { keys: ['id', 'other'] }, says: /KEYS id; .* KEYS id, other\./ },
    { what: 'the sequence', to: { sequenceBy: 'later' }, says: /SEQUENCE BY at; .* SEQUENCE BY later\./ },
  ])('refuses to change $what, before a batch is decided and even without new events', async ({ from, to, says }) => {
    const flow = autoCdc(from)
    await lake.append(flow.source, events, [event(1, 1), event(2, 1)])
    await lake.run(flow)
    const changed = { ...flow, ...to }
    await expectRefused(changed, says)
    await lake.append(flow.source, events, [event(1, 2)])
    await expectRefused(changed, says)
    const back = await lake.run(flow)
    expect(back.ledger).toMatchObject({ read: 1n, applied: 1n })
    const rebuilt = await lake.run(changed, { fullRefresh: true })
    expect(rebuilt).toMatchObject({ status: 'changed', ledger: { read: 3n } })
    expect(await lake.run(changed)).toMatchObject({ status: 'unchanged' })
    await expectRefused(flow, /./)
  })

  test('reads clauses as names are read: case and order are no change', async () => {
    const flow = autoCdc({ keys: ['id', 'other'] })
    await lake.append(flow.source, events, [event(1, 1)])
    await lake.run(flow)
    expect(await lake.run({ ...flow, keys: ['OTHER', 'Id'], sequenceBy: 'AT' })).toMatchObject({ status: 'unchanged' })
  })

  test('goes on under another name, and is refused under another name with another key', async () => {
    const flow = autoCdc()
    await lake.append(flow.source, events, [event(1, 1)])
    await lake.run(flow)
    const renamed = { ...flow, name: `${flow.name}_renamed` }
    await expectRefused({ ...renamed, keys: ['other'] }, /KEYS id/)
    expect((await forecast(renamed)).notes).toEqual([expect.stringContaining('reads its stream from the start')])
    await lake.run(renamed)
    expect(await lake.rows(flow.target, ['id', 'name'])).toEqual([{ id: '1', name: 'n1' }])
  })

  test('and an append flow do not follow each other in one table', async () => {
    const flow = autoCdc()
    await lake.append(flow.source, events, [event(1, 1)])
    await lake.run(flow)
    await expectRefused(append(flow), /made with flow AUTO CDC; .* now says flow append\./)
    const other = autoCdc()
    await lake.append(other.source, events, [event(1, 1)])
    await lake.run(append(other))
    await expectRefused(other, /made with flow append; .* now says flow AUTO CDC\./)
  })

  test('reads another stream only from the start', async () => {
    const flow = autoCdc()
    const source = `${flow.source}_2`
    for (const table of [flow.source, source]) await lake.append(table, events, [event(1, 1)])
    await lake.run(flow)
    await expect(lake.run({ ...flow, source })).rejects.toMatchObject({
      code: 'FLOW_DECLARATION_CHANGED',
      message: expect.stringContaining(`STREAM(${flow.source}); flow ${flow.name} now says STREAM(${source})`),
    })
  })

  test('finishes a batch that was decided before the change by the rules that decided it, and then stops', async () => {
    const flow = autoCdc()
    await lake.append(flow.source, events, [event(1, 1)])
    await lake.run(flow)
    await lake.append(flow.source, events, [event(1, 2)])
    await lake.withContext({}, async context => {
      const decision = await decideBatch(context, flow, await readTable(context, flow.target))
      if (decision.kind === 'new') await writeRecord(lake.store, decision.record)
    })
    const changed: AutoCdcFlow = { ...flow, scdType: 2 }
    expect((await forecast(changed)).notes).toEqual(['finishes batch 2 as it was decided'])
    await expect(lake.run(changed)).rejects.toMatchObject({ code: 'FLOW_DECLARATION_CHANGED' })
    expect(await lake.rows(flow.target, ['id', 'name'])).toEqual([{ id: '1', name: 'n2' }])
  })
})

describe('a table of the list', () => {
  const schema = schemaOf({ id: 'string', name: 'string', ...ENTRY })
  const upsert = (id: string, seq: number): Values => ({
    id,
    name: `n${seq}`,
    _op: 'upsert',
    _seq: seq,
    _row_version: String(seq),
    _run_id: 'r',
    _ingested_at: '2026-01-01 00:00:00+00',
  })

  function derived(): DerivedFlow {
    tables += 1
    const name = `T${tables}`
    const names = { name: `silver.${name}`, target: `silver.${name}`, source: `bronze.${name}` }
    return { kind: 'derived', output: 'current', ...names, keys: ['id'], transform: [], expectations: [], place }
  }

  test.each<{ transform: DerivedFlow['transform']; says: RegExp }>([
    {
      transform: [{ kind: 'upper', column: 'ID' }],
      says: /transform of the key none; .* transform of the key upper id/,
    },
    { transform: [{ kind: 'rename', from: 'id', to: 'key' }], says: /key id; .* key key/ },
    { transform: [{ kind: 'replace', column: 'id', find: 'a', with: 'z' }], says: /replace id a z/ },
  ])('is not continued with another key: $transform', async ({ transform, says }) => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert('a', 1), upsert('b', 1)])
    await lake.run(flow)
    const changed = { ...flow, transform }
    await lake.append(flow.source, schema, [upsert('a', 2)])
    await expectRefused(changed, says)
    await lake.run(changed, { fullRefresh: true })
    const key = transform[0]?.kind === 'rename' ? 'key' : 'id'
    expect(await lake.rows(flow.target, [key])).toHaveLength(2)
  })

  test('goes on with new rows after other transformations, and plan says so', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert('a', 1), upsert('b', 1)])
    await lake.run(flow)
    const changed: DerivedFlow = {
      ...flow,
      transform: [{ kind: 'upper', column: 'name' }],
      expectations: [{ name: 'named', expression: 'name IS NOT NULL', onViolation: 'drop' }],
    }
    await lake.append(flow.source, schema, [upsert('a', 2)])
    expect((await forecast(changed)).notes).toEqual([
      `transform changed: it counts for new rows; --full-refresh ${flow.target} applies it to all`,
      `the rules changed: it counts for new rows; --full-refresh ${flow.target} applies it to all`,
    ])
    await lake.run(changed)
    expect(await lake.rows(flow.target, ['id', 'name'])).toEqual([
      { id: 'a', name: 'N2' },
      { id: 'b', name: 'n1' },
    ])
    expect((await forecast(changed)).notes).toEqual([])
  })

  test('is not mixed with what a flow of the same target wrote', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert('a', 1)])
    await lake.run(flow)
    await expectRefused(append(flow), /flow the table list; .* flow append/)
  })

  test('a changed column type leaves no decided batch behind: taken back, the flow goes on', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert('a', 1)])
    await lake.run(flow)
    await lake.append(flow.source, schema, [upsert('b', 2)])
    const before = await traces(flow)
    const retyped: DerivedFlow = {
      ...flow,
      transform: [{ kind: 'derive', column: 'name', expression: 'length(name)' }],
    }
    await expect(lake.run(retyped)).rejects.toMatchObject({ code: 'FLOW_SCHEMA_CHANGED' })
    expect(await traces(flow)).toEqual(before)
    expect((await lake.run(flow)).ledger).toMatchObject({ read: 1n, inserted: 1n })
  })
})
