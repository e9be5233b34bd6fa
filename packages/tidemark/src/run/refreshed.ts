/** Which tables a full refresh rebuilds: those that are named, and everything that streams from them. */
import { suggest } from '../config/suggest.ts'
import { Problems } from '../errors/problem.ts'
import { FULL_REFRESH_OF_BRONZE, STEP_UNKNOWN } from '../errors/run.ts'
import type { Flow } from '../model/flow.ts'
import type { KnownTable } from './known-tables.ts'
import { inputsOf } from './plan.ts'

/**
 * The targets to rebuild.
 *
 * @throws {Problems} names of no flow
 */
export function refreshedBy(
  flows: readonly Flow[],
  wanted: readonly string[],
  tables: readonly KnownTable[],
): Set<string> {
  const refreshed = new Set<string>()
  const problems = wanted.flatMap(name => {
    const found = flows.filter(flow => flow.target.toLowerCase() === name.toLowerCase())
    for (const flow of found) for (const target of withSibling(flow, flows)) refreshed.add(target)
    if (found.length > 0) return []
    if (tables.some(table => table.name.toLowerCase() === name.toLowerCase()))
      return [FULL_REFRESH_OF_BRONZE({ table: name })]
    return [
      STEP_UNKNOWN({
        wanted: name,
        suggestion:
          suggest(
            name,
            flows.map(flow => flow.target),
          ) ?? '',
      }),
    ]
  })
  if (problems.length > 0) throw new Problems(problems)
  for (const flow of flows) {
    const streamed = flow.kind === 'derived' || flow.kind === 'materialized view' ? [] : inputsOf(flow).slice(0, 1)
    if (streamed.some(input => refreshed.has(input))) refreshed.add(flow.target)
  }
  return refreshed
}

/** A derived silver table and its changes are one declaration: they are rebuilt together. */
function withSibling(flow: Flow, flows: readonly Flow[]): string[] {
  if (flow.kind !== 'derived') return [flow.target]
  return flows.filter(other => other.kind === 'derived' && other.source === flow.source).map(({ target }) => target)
}
