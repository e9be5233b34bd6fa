/**
 * What makes a row of a target the row it is: the clauses of a flow that decide which rows stand for one another. They
 * are recorded in the target's log. Rows made by other clauses cannot be continued, only made anew.
 */
import type { Snapshot } from '@tidemark/delta'
import { FLOW_DECLARATION_CHANGED } from '../errors/flow-run.ts'
import type { DerivedFlow } from '../model/flow.ts'
import type { BatchRecord, StreamFlow } from './record.ts'

/** Clauses as the user writes them with their values; equal objects mean that a table can be continued. */
type RowIdentity = Readonly<Record<string, string>>

const DOMAIN = 'tidemark.rows'

function rowIdentity(flow: StreamFlow): RowIdentity {
  switch (flow.kind) {
    case 'append':
      return { flow: 'append' }
    case 'auto cdc':
      return {
        flow: 'AUTO CDC',
        KEYS: flow.keys.map(fold).sort().join(', '),
        'SEQUENCE BY': fold(flow.sequenceBy),
        'SCD TYPE': String(flow.scdType),
      }
    case 'derived':
      return { flow: 'the table list', ...keyOf(flow) }
  }
}

/** The key under its last name, and what is done to its values on the way. */
function keyOf({ keys, transform }: DerivedFlow): RowIdentity {
  let names = keys.map(fold)
  const changes: string[] = []
  for (const t of transform) {
    if (t.kind === 'rename') names = names.map(name => (name === fold(t.from) ? fold(t.to) : name))
    else if (t.kind !== 'drop' && t.kind !== 'derive' && names.includes(fold(t.column))) {
      const { kind, column, ...how } = t
      changes.push([kind, fold(column), ...Object.values(how)].join(' '))
    }
  }
  return { key: names.join(', '), 'transform of the key': changes.join('; ') || UNTOUCHED }
}

const UNTOUCHED = 'none'

const fold = (name: string): string => name.toLowerCase()

/** True when a transformation changes values of the key, so that two keys may become one. */
export function isKeyTransformed(flow: DerivedFlow): boolean {
  return keyOf(flow)['transform of the key'] !== UNTOUCHED
}

/** The domain entry that records the identity, for the first commit that has it. */
export function identityDomain(flow: StreamFlow, target: Snapshot): { domain: string; configuration: string }[] {
  const configuration = JSON.stringify(rowIdentity(flow))
  return target.domain(DOMAIN) === configuration ? [] : [{ domain: DOMAIN, configuration }]
}

/**
 * Make sure that a flow can continue its target. `last` stands in for tables made before identities were recorded.
 * @throws {FLOW_DECLARATION_CHANGED} the rows that are there were made by other clauses
 */
export function assertSameIdentity(flow: StreamFlow, target: Snapshot, last: BatchRecord | undefined): void {
  const recorded = target.domain(DOMAIN)
  const before = recorded !== undefined ? (JSON.parse(recorded) as RowIdentity) : last && rowIdentity(last.flow)
  if (before === undefined) return
  const now = rowIdentity(flow)
  const differing = Object.keys({ ...before, ...now }).filter(clause => before[clause] !== now[clause])
  if (differing.length === 0) return
  // Another kind of flow has other clauses altogether; its name says enough.
  const named = differing.includes('flow') ? ['flow'] : differing
  const say = (identity: RowIdentity): string => named.map(clause => `${clause} ${identity[clause]}`).join(', ')
  const { name, target: table, place } = flow
  throw FLOW_DECLARATION_CHANGED(
    { flow: name, table, before: say(before), now: say(now) },
    { place, state: `${table} is unchanged.` },
  )
}
