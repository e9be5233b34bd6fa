/**
 * Every operation, with every one of its store calls failing in every way: it happened once or not at all, the table
 * stays readable, and running it again gives exactly the wanted rows.
 */
import { describe, expect, test } from 'vitest'
import {
  type CommitPorts,
  type CommitResult,
  commit,
  isDeltaError,
  type ObjectStore,
  readSnapshot,
  type Snapshot,
  stageAppend,
  stageCreate,
  stageOverwrite,
  stageReplaceKeys,
} from '../src/index.ts'
import { type FaultPlan, faultyStore } from './support/faulty-store.ts'
import { memoryStore } from './support/memory-store.ts'
import { ROW_SCHEMA, type Row, rowRelations, rowWriter, tableRows, testPorts } from './support/rows.ts'

const TABLE = 'silver/people'
const START: Row[] = [
  { id: 1, name: 'one' },
  { id: 2, name: 'two' },
]
const NEW: Row[] = [
  { id: 2, name: 'TWO' },
  { id: 3, name: 'three' },
]

type Operation = (ports: CommitPorts, name: string, signal?: AbortSignal) => Promise<CommitResult>

interface Scenario {
  name: string
  operation: Operation
  /** Rows before; undefined for no table. */
  before: Row[] | undefined
  after: Row[]
}

const info = { operation: 'WRITE' }

async function write(ports: CommitPorts, rows: Row[], name: string, signal?: AbortSignal) {
  const options = { tablePath: TABLE, schema: ROW_SCHEMA, ...(signal ? { signal } : {}) }
  return rowWriter(ports.store, () => name).write(rows, options)
}

async function current(ports: CommitPorts, signal?: AbortSignal): Promise<Snapshot> {
  const snapshot = await readSnapshot(ports, { tablePath: TABLE, signal })
  if (!snapshot) throw new Error('no table')
  return snapshot
}

const create: Operation = async (ports, name, signal) => {
  const files = await write(ports, START, name, signal)
  return commit(ports, stageCreate({ tablePath: TABLE, schema: ROW_SCHEMA, files, info }), { signal })
}

const append: Operation = async (ports, name, signal) => {
  const snapshot = await current(ports, signal)
  return commit(ports, stageAppend(snapshot, { files: await write(ports, NEW, name, signal), info }), { signal })
}

const overwrite: Operation = async (ports, name, signal) => {
  const snapshot = await current(ports, signal)
  return commit(ports, stageOverwrite(snapshot, { files: await write(ports, NEW, name, signal), info }), { signal })
}

const replaceKeys: Operation = async (ports, name, signal) => {
  const snapshot = await current(ports, signal)
  let files = 0
  const staged = await stageReplaceKeys({
    snapshot,
    keys: NEW,
    keyColumns: ['id'],
    rows: NEW,
    parquet: rowWriter(ports.store, () => `${name}-${(files += 1)}`),
    ports,
    relations: rowRelations(ports.store),
    info,
    signal,
  })
  return commit(ports, staged, { signal })
}

const scenarios: Scenario[] = [
  { name: 'create', operation: create, before: undefined, after: START },
  { name: 'append', operation: append, before: START, after: [START[0], START[1], NEW[0], NEW[1]] as Row[] },
  { name: 'overwrite', operation: overwrite, before: START, after: NEW },
  { name: 'replaceKeys', operation: replaceKeys, before: START, after: [START[0], NEW[0], NEW[1]] as Row[] },
]

async function rowsNow(store: ObjectStore): Promise<Row[] | undefined> {
  const snapshot = await readSnapshot({ store }, { tablePath: TABLE })
  return snapshot && tableRows(store, snapshot)
}

/** Run once with the fault; says whether the fault was reached. */
async function runWithFault(scenario: Scenario, plan: Pick<FaultPlan, 'call' | 'mode'>): Promise<boolean> {
  const store = memoryStore()
  if (scenario.before) await create(testPorts(store, '1'), 'start')
  const interrupt = new AbortController()
  const faulty = faultyStore(store, { ...plan, signal: interrupt.signal, onFault: () => abortIfHanging() })
  const abortIfHanging = (): void => (plan.mode === 'hang' ? interrupt.abort() : undefined)
  const outcome = await scenario
    .operation(testPorts(faulty, '2'), 'first', interrupt.signal)
    .catch((error: unknown) => error)
  const seen = await rowsNow(store)
  if (outcome instanceof Error) {
    if (!isDeltaError(outcome, 'COMMIT_UNDECIDED')) expect(seen).toEqual(scenario.before)
  } else {
    expect(outcome).toMatchObject({ kind: 'committed' })
    expect(seen).toEqual(scenario.after)
  }
  if (JSON.stringify(seen) === JSON.stringify(scenario.after)) return faulty.fired
  expect(seen).toEqual(scenario.before)
  expect(await scenario.operation(testPorts(store, '3'), 'second')).toMatchObject({ kind: 'committed' })
  expect(await rowsNow(store)).toEqual(scenario.after)
  return faulty.fired
}

describe.each(scenarios)('$name', scenario => {
  test.each(['before', 'after', 'hang'] as const)('happens once or not at all when a call fails: %s', async mode => {
    let call = 1
    while (await runWithFault(scenario, { call, mode })) call += 1
    // The loop ended because the operation made fewer calls, not because the first one was never reached.
    expect(call).toBeGreaterThan(2)
  })
})
