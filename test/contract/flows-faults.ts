/**
 * The fault loop for flows: one store call of a whole life of a table fails, before or after it took effect; the run is
 * simply run again. Tables and quarantine must come out as if nothing had happened.
 */
import { expect } from 'vitest'
import type { Flow } from '../../packages/tidemark/src/model/flow.ts'
import { compiled, ENTRY, openTestLake, schemaOf, type TestLake, type Values } from './flows-lake.ts'

const schema = schemaOf({ id: 'long', name: 'string', at: 'long', ...ENTRY })

const upsert = (id: number, seq: number, name: string | null): Values => ({
  id,
  name,
  at: seq,
  _op: 'upsert',
  _seq: seq,
  _row_version: '1',
})
const remove = (id: number, seq: number): Values => ({ id, _op: 'delete', _seq: seq })

/** Three times of new data; each holds a row that breaks the rule. */
const TIMES: readonly (readonly Values[])[] = [
  [upsert(1, 1, 'a'), upsert(2, 1, 'b'), upsert(3, 1, null)],
  [upsert(1, 2, 'A'), remove(2, 2), upsert(4, 2, null), upsert(5, 2, 'e')],
  [upsert(2, 3, 'b again'), upsert(1, 3, null)],
]

const expectations = [{ name: 'named', expression: 'name IS NOT NULL', onViolation: 'drop' as const }]

/** Each kind of flow over one bronze table, named after it. */
const KINDS: Readonly<Record<string, (name: string) => Flow>> = {
  derived: name => ({
    kind: 'derived',
    name: `silver.${name}`,
    target: `silver.${name}`,
    output: 'current',
    source: `bronze.${name}`,
    keys: ['id'],
    transform: [],
    expectations,
  }),
  'auto cdc': name => ({
    kind: 'auto cdc',
    name: `gold.${name}_cdc`,
    target: `gold.${name}`,
    source: `bronze.${name}`,
    query: undefined,
    keys: ['id'],
    sequenceBy: 'at',
    applyAsDeleteWhen: "_op = 'delete'",
    scdType: 2,
    expectations,
  }),
  append: name => ({
    kind: 'append',
    name: `gold.${name}`,
    target: `gold.${name}`,
    query: compiled(`SELECT id, name, _seq FROM bronze.${name}`, { streams: `bronze.${name}` }),
    expectations,
  }),
  'materialized view': name => ({
    kind: 'materialized view',
    name: `gold.${name}`,
    target: `gold.${name}`,
    query: compiled(`SELECT id, name, _seq FROM bronze.${name}`, { reads: [`bronze.${name}`] }),
    expectations,
  }),
}

export const kinds: readonly string[] = Object.keys(KINDS)

export const MODES = ['before', 'after'] as const

interface Fault {
  call: number
  /** Fails before it took effect, or after. */
  mode: (typeof MODES)[number]
}

interface Life {
  rows: unknown
  quarantine: unknown
  /** False when the planned call was beyond the last one. */
  fired: boolean
}

/** New data, run, new data, run, new data, full refresh; a run that fails is run again. */
async function live(lake: TestLake, kind: string, name: string, fault: Fault | undefined): Promise<Life> {
  const flow = KINDS[kind]?.(name)
  if (flow === undefined) throw new Error(`no flow of kind ${kind}`)
  const plan = { call: fault?.call ?? 0, mode: fault?.mode ?? ('before' as const) }
  let used = 0
  let fired = false
  for (const [i, time] of TIMES.entries()) {
    await lake.append(`bronze.${name}`, schema, time)
    const options = { runId: `run${i}`, fullRefresh: i === 2 }
    const counting = lake.fail({ ...plan, call: fired ? 0 : plan.call - used })
    try {
      await lake.run(flow, options)
    } catch (error) {
      if (!/the store failed/.test(chain(error))) throw error
    }
    const reached = counting.heal()
    fired ||= reached.fired
    used += reached.calls
    if (reached.fired) await lake.run(flow, { ...options, runId: `again${i}` })
  }
  const columns = kind === 'auto cdc' ? ['id', 'name', '__START_AT', '__END_AT', '_seq'] : ['id', 'name', '_seq']
  const rows = await lake.rows(flow.target, columns)
  const kept = await lake.rows(`quarantine.${flow.target.replace('.', '_')}`, ['id', '_seq', '_rules'])
  return { rows, quarantine: kept, fired }
}

function chain(error: unknown): string {
  return error instanceof Error ? `${error.message} ${chain(error.cause)}` : ''
}

export interface Faults {
  first: number
  stride: number
  /** The ways in which one call is to fail, each in a life of its own; both when not given. */
  modes?: (call: number) => readonly Fault['mode'][]
}

/** Fail call `first`, `first + stride`, … until no call is left to fail. Gives the number of faults survived. */
export async function surviveFaults(kind: string, { first, stride, modes }: Faults): Promise<number> {
  await using lake = await openTestLake()
  const expected = await live(lake, kind, 'expected', undefined)
  let survived = 0
  for (let call = first; ; call += stride) {
    for (const mode of modes?.(call) ?? MODES) {
      const life = await live(lake, kind, `t${call}_${mode}`, { call, mode })
      if (!life.fired) return survived
      expect({ call, mode, ...life }).toEqual({ call, mode, ...expected, fired: true })
      survived += 1
    }
  }
}
