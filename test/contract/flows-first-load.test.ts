/**
 * The first load of a silver table, and its rebuild: the same rows and the same ledger as batch by batch, without ever
 * holding all of them.
 */
import { commit, readSnapshot, stageMetadata } from '@tidemark/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FlowContext } from '../../packages/tidemark/src/flows/context.ts'
import { executeFlow } from '../../packages/tidemark/src/flows/execute.ts'
import type { FlowOutcome } from '../../packages/tidemark/src/flows/outcome.ts'
import type { DerivedFlow } from '../../packages/tidemark/src/model/flow.ts'
import { tablePath } from '../../packages/tidemark/src/model/names.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { ENTRY, openTestLake, schemaOf, type TestLake, type Values } from './flows-lake.ts'

let lake: TestLake
beforeAll(async () => {
  lake = await openTestLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

const schema = schemaOf({ id: 'string', name: 'string', age: 'integer', ...ENTRY })
let tables = 0

function derived(flow: Partial<DerivedFlow> = {}): DerivedFlow {
  tables += 1
  const names = { name: `silver.F${tables}`, target: `silver.F${tables}`, source: `bronze.F${tables}` }
  const grown = { name: 'grown', expression: 'age >= 0', onViolation: 'drop' as const }
  return { kind: 'derived', output: 'current', ...names, keys: ['id'], transform: [], expectations: [grown], ...flow }
}

const upsert = (id: string | null, seq: number, age: number | null = 1): Values => ({
  id,
  name: `n${seq}`,
  age,
  _op: 'upsert',
  _seq: seq,
  _row_version: String(seq),
  _run_id: 'r',
  _ingested_at: '2026-01-01 00:00:00+00',
})
const remove = (id: string, seq: number): Values => ({ id, _op: 'delete', _seq: seq, _run_id: 'r' })

/** Write the mark of ingestion: what it says of the keys is all that matters here. */
async function mark(table: string, mark: { keys: string[] | undefined; liveRows: bigint }): Promise<void> {
  const snapshot = await readSnapshot(lake, { tablePath: tablePath(table) })
  if (snapshot === undefined) throw new Error(`${table} is not there`)
  const none = { backfills: [], order: '1', log: '1', seq: '1', seqBase: '0', version: '0' }
  const configuration = JSON.stringify({ format: 2, ...none, keys: mark.keys, liveRows: mark.liveRows.toString() })
  const domains = [{ domain: 'tidemark.ingest.app', configuration }]
  const staged = stageMetadata(snapshot, { domains, info: { operation: 'WRITE', runId: 'bronze' } })
  await commit({ store: lake.store, clock: systemClock, ids: systemIds }, staged)
}

/** Run a flow and tell which temporary tables it made: rows that were held at once. */
async function runHolding(flow: DerivedFlow): Promise<{ outcome: FlowOutcome; held: string[] }> {
  const held: string[] = []
  const outcome = await lake.withContext({}, context => {
    const session: FlowContext['session'] = new Proxy(context.session, {
      get: (target, name, receiver): unknown => {
        if (name !== 'run') {
          const value: unknown = Reflect.get(target, name, target)
          return typeof value === 'function' ? (value as () => unknown).bind(target) : value
        }
        void receiver
        return (...[statement, signal]: Parameters<typeof target.run>): Promise<void> => {
          const made = /^CREATE TEMP TABLE "([a-z]+)_\d+"/.exec(statement.text)?.[1]
          if (made !== undefined) held.push(made)
          return target.run(statement, signal)
        }
      },
    })
    return executeFlow({ ...context, session }, flow)
  })
  return { outcome, held }
}

describe('the first load', () => {
  test('holds no row when the mark says that bronze has each key once', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert('a', 1), upsert('b', 1), upsert('c', 1, -1)])
    await mark(flow.source, { keys: ['id'], liveRows: 3n })
    const { outcome, held } = await runHolding(flow)
    expect(held).toEqual([])
    expect(outcome.ledger).toMatchObject({ read: 3n, inserted: 2n, quarantined: 1n, superseded: 0n, filtered: 0n })
    expect(await lake.rows(flow.target, ['id'])).toEqual([{ id: 'a' }, { id: 'b' }])
    expect(await lake.rows(`quarantine.${flow.target.replace('.', '_')}`, ['id'])).toEqual([{ id: 'c' }])
  })

  test.each([
    { why: 'it counts other rows', keys: ['id'], liveRows: 1n, transform: [] },
    { why: 'it is about another key', keys: ['name'], liveRows: 2n, transform: [] },
    { why: 'it cannot be read', keys: undefined, liveRows: 2n, transform: [] },
    { why: 'the key is changed on the way', keys: ['id'], liveRows: 2n, transform: [{ kind: 'upper', column: 'id' }] },
  ] as const)('does not rely on a mark when $why', async ({ keys, liveRows, transform }) => {
    const flow = derived({ transform })
    await lake.append(flow.source, schema, [upsert('a', 1), upsert(transform.length === 0 ? 'a' : 'A', 2)])
    await mark(flow.source, { keys: keys && [...keys], liveRows })
    expect((await runHolding(flow)).outcome.ledger).toMatchObject({ read: 2n, inserted: 1n, superseded: 1n })
    expect(await lake.rows(flow.target, ['name'])).toEqual([{ name: 'n2' }])
  })

  test('holds only the entries of keys that have several', async () => {
    const flow = derived()
    await lake.append(flow.source, schema, [upsert('a', 1), upsert('b', 1), upsert('b', 2), remove('c', 2)])
    const { outcome, held } = await runHolding(flow)
    expect(held).toEqual(['repeated', 'several', 'outcome'])
    expect(outcome.ledger).toMatchObject({ read: 4n, inserted: 2n, superseded: 1n, filtered: 1n })
  })

  test('computes a value that depends on the time once, and judges what it writes', async () => {
    const flow = derived({
      transform: [{ kind: 'derive', column: 'seen', expression: 'current_timestamp()' }],
      expectations: [{ name: 'seen', expression: 'seen IS NOT NULL', onViolation: 'drop' }],
    })
    await lake.append(flow.source, schema, [upsert('a', 1), upsert('b', 1)])
    const { outcome, held } = await runHolding(flow)
    expect(held[0]).toBe('judged')
    expect(outcome.ledger).toMatchObject({ inserted: 2n })
  })

  test('decides no batch when a value cannot be computed, also in a column that no rule looks at', async () => {
    const flow = derived({ transform: [{ kind: 'cast', column: 'name', type: 'integer' }] })
    await lake.append(flow.source, schema, [upsert('a', 1)])
    const before = await lake.paths('system/batches')
    await expect(lake.run(flow)).rejects.toMatchObject({ code: 'FLOW_CAST_FAILED' })
    expect(await lake.paths('system/batches')).toEqual(before)
  })

  test('keeps the changes of a table without holding them', async () => {
    const current = derived()
    const flow: DerivedFlow = { ...current, name: `${current.name}c`, target: `${current.target}c`, output: 'changes' }
    await lake.append(flow.source, schema, [upsert('a', 1), upsert('a', 2, -1), remove('b', 2)])
    const { outcome, held } = await runHolding(flow)
    expect(held).toEqual([])
    expect(outcome.ledger).toMatchObject({ read: 3n, inserted: 2n, filtered: 1n })
  })
})

interface Drawn {
  id: string | null
  age: number | null
  gone: boolean
}

const entries = fc.array(
  fc.record({
    id: fc.constantFrom('a', 'A', 'b', 'c', null),
    age: fc.constantFrom(-1, null, 1, 2),
    gone: fc.boolean(),
  }),
  { maxLength: 12 },
)

test('a rebuild gives the rows of batch by batch, and a ledger that balances', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(entries, fc.boolean(), fc.integer({ min: 1, max: 4 }), async (drawn, folded, size) => {
      const flow = derived({ transform: folded ? [{ kind: 'upper', column: 'id' }] : [] })
      const rows = drawn.map(({ id, age, gone }: Drawn, i) =>
        gone && id !== null ? remove(id, i + 1) : upsert(id, i + 1, age),
      )
      for (let i = 0; i < Math.max(1, rows.length); i += size) {
        await lake.append(flow.source, schema, rows.slice(i, i + size))
        await lake.run(flow)
      }
      const wanted = await lake.rows(flow.target, ['id', 'name', '_seq'])
      const { ledger } = await lake.run(flow, { fullRefresh: true })
      expect(await lake.rows(flow.target, ['id', 'name', '_seq'])).toEqual(wanted)
      const valid = rows.filter(r => r['_op'] === 'delete' || (r['id'] !== null && Number(r['age'] ?? -1) >= 0))
      expect(ledger).toMatchObject({
        read: BigInt(rows.length),
        quarantined: BigInt(rows.length - valid.length),
        inserted: BigInt(wanted?.length ?? 0),
      })
    }),
    { numRuns: 40 },
  )
})
