/** Gold: append flows, views, rebuilds and what streams from them, and two runners at once. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forecastFlow } from '../../packages/tidemark/src/flows/status.ts'
import type { AppendFlow, Flow, MaterializedViewFlow } from '../../packages/tidemark/src/model/flow.ts'
import { compiled, openTestLake, schemaOf, type TestLake } from './flows-lake.ts'

let lake: TestLake
beforeAll(async () => {
  lake = await openTestLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

const schema = schemaOf({ id: 'long', country: 'string', plays: 'long' })

function view(
  name: string,
  query: string,
  reads: readonly string[],
  more: { volatile?: boolean } = {},
): MaterializedViewFlow {
  return { kind: 'materialized view', name, target: name, query: compiled(query, { reads, ...more }), expectations: [] }
}

function append(
  name: string,
  target: string,
  query: string,
  streams: string,
  reads: readonly string[] = [],
): AppendFlow {
  return { kind: 'append', name, target, query: compiled(query, { streams, reads }), expectations: [] }
}

const status = (flow: Flow): Promise<{ kind: string; rows?: bigint }> =>
  lake.withContext({}, async context => (await forecastFlow(context, flow)).status)

describe('materialized views', () => {
  test('are skipped while definition and inputs are unchanged, and computed again after either changes', async () => {
    const flow = view('gold.v1', 'SELECT country, sum(plays) AS plays FROM silver.f1 GROUP BY country', ['silver.f1'])
    expect(await status(flow)).toMatchObject({ kind: 'follows' })
    await lake.append('silver.f1', schema, [
      { id: 1, country: 'NO', plays: 2n ** 53n },
      { id: 2, country: 'NO', plays: 1 },
    ])
    expect(await status(flow)).toMatchObject({ kind: 'at most', rows: 2n })
    const first = await lake.run(flow)
    expect(first.ledger).toEqual({ kind: 'materialized view', rowsIn: 2n, rowsOut: 1n, quarantined: 0n, warned: 0n })
    expect(await lake.rows(flow.target, ['country', 'plays'])).toEqual([{ country: 'NO', plays: '9007199254740993' }])
    expect(await status(flow)).toMatchObject({ kind: 'unchanged' })
    expect(await lake.run(flow)).toMatchObject({ status: 'unchanged', versionAfter: first.versionAfter })
    const moved = { ...flow, query: { ...flow.query, place: { file: 'other.sql', line: 9, column: 1 } } }
    expect(await lake.run(moved)).toMatchObject({ status: 'unchanged' })
    await lake.append('silver.f1', schema, [{ id: 3, country: 'SE', plays: 1 }])
    expect(await lake.run(flow)).toMatchObject({ status: 'changed' })
  })

  test('take on the columns of a changed definition, other types included', async () => {
    await lake.append('silver.f2', schema, [{ id: 1, country: 'NO', plays: 3 }])
    await lake.run(view('gold.v2', 'SELECT id, plays FROM silver.f2', ['silver.f2']))
    await lake.run(view('gold.v2', 'SELECT CAST(plays AS STRING) AS plays FROM silver.f2', ['silver.f2']))
    expect(await lake.rows('gold.v2', ['plays'])).toEqual([{ plays: '3' }])
    await expect(lake.rows('gold.v2', ['id'])).rejects.toThrow('id')
  })

  test('with current_date() and kin are computed every time', async () => {
    await lake.append('silver.f3', schema, [{ id: 1, country: 'NO', plays: 3 }])
    const flow = view('gold.v3', 'SELECT id, current_date() AS day FROM silver.f3', ['silver.f3'], { volatile: true })
    await lake.run(flow)
    expect(await lake.run(flow)).toMatchObject({ status: 'changed' })
  })

  test('keep what they show when a rule stops them, and hold only the present rejects', async () => {
    const rule = { name: 'positive', expression: 'plays > 0' }
    const flow = view('gold.v4', 'SELECT id, plays FROM silver.f4', ['silver.f4'])
    const dropping: Flow = { ...flow, expectations: [{ ...rule, onViolation: 'drop' }] }
    await lake.append('silver.f4', schema, [
      { id: 1, plays: 1 },
      { id: 2, plays: 0 },
    ])
    expect((await lake.run(dropping)).ledger).toMatchObject({ rowsIn: 2n, rowsOut: 1n, quarantined: 1n })
    await lake.append('silver.f4', schema, [{ id: 3, plays: null }])
    await lake.run(dropping)
    expect(await lake.rows('quarantine.gold_v4', ['id'])).toEqual([{ id: '2' }, { id: '3' }])
    const failing: Flow = { ...flow, expectations: [{ ...rule, onViolation: 'fail' }] }
    await expect(lake.run(failing)).rejects.toMatchObject({ code: 'FLOW_EXPECTATION_FAILED', params: { rows: 2n } })
    expect(await lake.rows('gold.v4', ['id'])).toEqual([{ id: '1' }])
  })

  test('stop with the kind of the engine’s error when a row cannot be computed, values left out of the message', async () => {
    await lake.append('silver.f5', schema, [
      { id: 1, plays: 2n ** 63n - 1n },
      { id: 2, plays: 1 },
    ])
    const flow = view('gold.v5', 'SELECT sum(plays) AS plays FROM silver.f5', ['silver.f5'])
    const problem: unknown = await lake.run(flow).catch((error: unknown) => error)
    expect(problem).toMatchObject({ code: 'FLOW_COMPUTE_FAILED' })
    expect(String(problem)).not.toContain('9223372036854775807')
    expect(await lake.rows('gold.v5', ['plays'])).toBeUndefined()
  })
})

test('two runners of one view at once leave what the newest inputs give', async () => {
  const flow: Flow = {
    ...view('gold.v6', 'SELECT id, plays FROM silver.f6', ['silver.f6']),
    expectations: [{ name: 'positive', expression: 'plays > 0', onViolation: 'drop' }],
  }
  for (let id = 1; id <= 4; id++) {
    await lake.append('silver.f6', schema, [
      { id, plays: 1 },
      { id: -id, plays: 0 },
    ])
    await Promise.all(['a', 'b', 'c'].map(runId => lake.run(flow, { runId })))
    expect(await lake.rows('gold.v6', ['id'])).toHaveLength(id)
    expect(await lake.rows('quarantine.gold_v6', ['id'])).toHaveLength(id)
  }
  expect(await lake.run(flow)).toMatchObject({ status: 'unchanged' })
})

describe('append flows', () => {
  test('read each row of the stream once and other tables at their current version', async () => {
    const users = schemaOf({ id: 'long', name: 'string' })
    const flow = append(
      'gold.a1',
      'gold.a1',
      'SELECT f.id, u.name FROM STREAM(silver.g1) f JOIN silver.u1 u ON f.id = u.id',
      'silver.g1',
      ['silver.u1'],
    )
    await lake.append('silver.g1', schema, [{ id: 1 }])
    await lake.append('silver.u1', users, [{ id: 1, name: 'before' }])
    await lake.run(flow)
    await lake.overwrite('silver.u1', users, [{ id: 1, name: 'after' }])
    expect(await lake.run(flow)).toMatchObject({ status: 'unchanged' })
    await lake.append('silver.g1', schema, [{ id: 1 }])
    expect(await status(flow)).toMatchObject({ kind: 'at most', rows: 1n })
    expect((await lake.run(flow)).ledger).toMatchObject({ read: 1n, inserted: 1n })
    expect(await lake.rows('gold.a1', ['name'])).toEqual([{ name: 'after' }, { name: 'before' }])
  })

  test('two runners of one flow at once process each batch once', async () => {
    const flow: Flow = {
      ...append('gold.a2', 'gold.a2', 'SELECT id FROM STREAM(silver.g2)', 'silver.g2'),
      expectations: [{ name: 'some', expression: 'id > 0', onViolation: 'drop' }],
    }
    for (let round = 0; round < 5; round++) {
      await lake.append('silver.g2', schema, [{ id: round + 1 }, { id: -round }])
      const outcomes = await Promise.all(['a', 'b', 'c'].map(runId => lake.run(flow, { runId })))
      expect(outcomes.filter(o => o.status === 'changed')).toHaveLength(1)
    }
    expect((await lake.rows('gold.a2', ['id']))?.map(r => r['id'])).toEqual(['1', '2', '3', '4', '5'])
    expect(await lake.rows('quarantine.gold_a2', ['id'])).toHaveLength(5)
  })

  test('a batch that was decided is finished by the rules that decided it', async () => {
    const flow = append('gold.a3', 'gold.a3', "SELECT id, 'old' AS rule FROM STREAM(silver.g3)", 'silver.g3')
    await lake.append('silver.g3', schema, [{ id: 1 }])
    await lake.run(flow)
    await lake.append('silver.g3', schema, [{ id: 2 }])
    let decided = false
    for (let call = 1; !decided; call++) {
      const fault = lake.fail({ call, mode: 'after' })
      await lake.run(flow).catch(() => undefined)
      fault.heal()
      const paths = await lake.paths('system/batches/gold%2Ea3')
      decided = paths.length === 2
    }
    const changed = append('gold.a3', 'gold.a3', "SELECT id, 'new' AS rule FROM STREAM(silver.g3)", 'silver.g3')
    await lake.append('silver.g3', schema, [{ id: 3 }])
    await lake.run(changed)
    expect(await lake.rows('gold.a3', ['id', 'rule'])).toEqual([
      { id: '1', rule: 'old' },
      { id: '2', rule: 'old' },
      { id: '3', rule: 'new' },
    ])
  })
})

describe('--full-refresh', () => {
  test('reaches what streams from the table in the same run, without being told', async () => {
    const first = append('gold.b1', 'gold.b1', 'SELECT id FROM STREAM(silver.h1)', 'silver.h1')
    const second = append('gold.b2', 'gold.b2', 'SELECT id FROM STREAM(gold.b1)', 'gold.b1')
    await lake.append('silver.h1', schema, [{ id: 1 }])
    await lake.run(first)
    await lake.run(second)
    await lake.overwrite('silver.h1', schema, [{ id: 2 }])
    expect(await lake.run(first, { fullRefresh: true })).toMatchObject({ rewritten: true })
    expect(await lake.run(second)).toMatchObject({ rewritten: true, ledger: { read: 1n } })
    expect(await lake.rows('gold.b2', ['id'])).toEqual([{ id: '2' }])
  })

  test('rebuilds a table that two flows fill once, with the rows of both', async () => {
    const north = append('north', 'gold.c1', "SELECT id, 'n' AS side FROM STREAM(silver.n1)", 'silver.n1')
    const south = append('south', 'gold.c1', "SELECT id, 's' AS side FROM STREAM(silver.s1)", 'silver.s1')
    await lake.append('silver.n1', schema, [{ id: 1 }])
    await lake.append('silver.s1', schema, [{ id: 2 }])
    for (const flow of [north, south]) await lake.run(flow)
    const both = [
      { id: '1', side: 'n' },
      { id: '2', side: 's' },
    ]
    expect(await lake.rows('gold.c1', ['id', 'side'])).toEqual(both)
    for (const flow of [north, south]) await lake.run(flow, { fullRefresh: true, runId: 'refresh' })
    expect(await lake.rows('gold.c1', ['id', 'side'])).toEqual(both)
    await lake.run(north, { fullRefresh: true, runId: 'only north' })
    await lake.run(south, { runId: 'next' })
    expect(await lake.rows('gold.c1', ['id', 'side'])).toEqual(both)
    for (const flow of [north, south]) expect(await lake.run(flow)).toMatchObject({ status: 'unchanged' })
  })

  test('may change the type of a column, which an ordinary run refuses', async () => {
    await lake.append('silver.t1', schema, [{ id: 1, plays: 7 }])
    await lake.run(append('gold.d1', 'gold.d1', 'SELECT plays FROM STREAM(silver.t1)', 'silver.t1'))
    const changed = append(
      'gold.d1',
      'gold.d1',
      'SELECT CAST(plays AS STRING) AS plays FROM STREAM(silver.t1)',
      'silver.t1',
    )
    await lake.append('silver.t1', schema, [{ id: 2, plays: 8 }])
    await expect(lake.run(changed)).rejects.toMatchObject({ code: 'FLOW_SCHEMA_CHANGED' })
    await lake.run(changed, { fullRefresh: true, runId: 'refresh' })
    expect(await lake.rows('gold.d1', ['plays'])).toEqual([{ plays: '7' }, { plays: '8' }])
  })
})

test('a target whose folder was deleted is made again from the start', async () => {
  const flow = append('gold.e1', 'gold.e1', 'SELECT id FROM STREAM(silver.k1)', 'silver.k1')
  await lake.append('silver.k1', schema, [{ id: 1 }])
  await lake.run(flow)
  await lake.append('silver.k1', schema, [{ id: 2 }])
  await lake.run(flow)
  for (const path of await lake.paths('gold/e1')) await lake.store.delete(path)
  await lake.run(flow)
  expect(await lake.rows('gold.e1', ['id'])).toEqual([{ id: '1' }, { id: '2' }])
})

test('a table is never made in a folder that holds files of somebody else', async () => {
  await lake.store.put('gold/f1/report.csv', new TextEncoder().encode('x'))
  await lake.append('silver.l1', schema, [{ id: 1 }])
  const flow = append('gold.f1', 'gold.f1', 'SELECT id FROM STREAM(silver.l1)', 'silver.l1')
  await expect(lake.run(flow)).rejects.toMatchObject({ code: 'FLOW_TARGET_FOREIGN' })
})
