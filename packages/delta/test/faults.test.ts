/**
 * Every operation, with every one of its store calls failing in every way: it happened once or not at all, the table
 * stays readable, nothing it wrote was taken away, and running it again gives exactly what it should.
 */
import { describe, expect, test } from 'vitest'
import { isDeltaError } from '../src/index.ts'
import { type FaultPlan, faultyStore } from './support/faulty-store.ts'
import { type MemoryStore, memoryStore } from './support/memory-store.ts'
import { moreScenarios } from './support/more-operations.ts'
import { begin, observe, run, type Scenario, scenarios, TABLE } from './support/operations.ts'
import { testPorts } from './support/rows.ts'

/** What the table is before and, when all goes well, afterwards. */
async function goal(scenario: Scenario): Promise<{ before: object | undefined; after: object | undefined }> {
  const store = memoryStore()
  await begin(scenario, store)
  const before = await observe(store)
  const attempt = { ports: testPorts(store, '2'), name: 'first', signal: undefined }
  expect(await run(scenario, attempt, store)).toMatchObject({ kind: 'committed' })
  return { before, after: await observe(store) }
}

/** Run once with the fault; says whether the fault was reached. */
async function runWithFault(
  scenario: Scenario,
  plan: Pick<FaultPlan, 'call' | 'mode'>,
  after: object | undefined,
): Promise<boolean> {
  const store = memoryStore()
  await begin(scenario, store)
  const interrupt = new AbortController()
  const onFault = (): void => (plan.mode === 'hang' ? interrupt.abort() : undefined)
  const faulty = faultyStore(store, { ...plan, signal: interrupt.signal, onFault })
  const attempt = { ports: testPorts(faulty, '2'), name: 'first', signal: interrupt.signal }
  const outcome = await run(scenario, attempt, store).catch((error: unknown) => error)
  const seen = await observe(store)
  const happened = hasCommit(store, '2')
  if (outcome instanceof Error) {
    if (!isDeltaError(outcome, 'COMMIT_UNDECIDED')) expect(happened).toBe(false)
  } else {
    expect(outcome).toMatchObject({ kind: 'committed' })
    expect(happened).toBe(true)
  }
  expect(store.counts.delete).toBe(0)
  if (happened) {
    expect(seen).toEqual(after)
    return faulty.fired
  }
  await expectSecondRun(scenario, store)
  return faulty.fired
}

/** What did not happen can be done: the rows are those of one run, whatever the first left behind. */
async function expectSecondRun(scenario: Scenario, store: MemoryStore): Promise<void> {
  const again = { ports: testPorts(store, '3'), name: 'second', signal: undefined }
  expect(await run({ ...scenario, between: async () => {} }, again, store)).toMatchObject({ kind: 'committed' })
  expect(await observe(store)).toMatchObject({ rows: scenario.rows })
}

/** True when the log has a commit of the writer with this seed; throws when it has two. */
function hasCommit(store: MemoryStore, seed: string): boolean {
  const txnId = `-${seed.padStart(12, '0')}"`
  const commits = [...store.objects].filter(([path, bytes]) => {
    const isCommit = path.startsWith(`${TABLE}/_delta_log/`) && path.endsWith('.json')
    const text = isCommit ? new TextDecoder().decode(bytes) : ''
    return text.slice(0, text.indexOf('\n')).includes(`"txnId":"`) && text.slice(0, text.indexOf('\n')).includes(txnId)
  })
  expect(commits.length).toBeLessThan(2)
  return commits.length === 1
}

describe.each([...scenarios, ...moreScenarios])('$name', scenario => {
  test.each(['before', 'after', 'hang'] as const)('happens once or not at all when a call fails: %s', async mode => {
    const { before, after } = await goal(scenario)
    expect(after).not.toEqual(before)
    expect(after).toMatchObject({ rows: scenario.rows })
    let call = 1
    while (await runWithFault(scenario, { call, mode }, after)) call += 1
    // The loop ended because the operation made fewer calls, not because the first one was never reached.
    expect(call).toBeGreaterThan(2)
  })
})
