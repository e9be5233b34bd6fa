/** What the lake says about bronze tables before a run: version, mark, and what the last run proved about them. */
import { type ObjectStore, readSnapshot } from '@tidemark/delta'
import { markDomain, parseMark } from '../ingest/mark.ts'
import type { ResolvedTable } from '../ingest/resolve.ts'
import type { RunEnd } from './facts.ts'
import type { TableState } from './table-plan.ts'

/** States by table name. A table whose log cannot be read is left out: its own step will say why. */
export async function readTableStates(
  store: ObjectStore,
  tables: readonly { source: string; table: ResolvedTable }[],
  lastRuns: readonly RunEnd[],
): Promise<Map<string, TableState>> {
  const proved = lastObservations(lastRuns)
  const states = new Map<string, TableState>()
  await Promise.all(
    tables.map(async ({ source, table }) => {
      const snapshot = await readSnapshot({ store, tablePath: table.tablePath }).catch(() => 'unreadable' as const)
      if (snapshot === 'unreadable') return
      const configuration = snapshot?.domain(markDomain(source))
      const last = proved.get(table.name)
      const observed = last !== undefined && last.version === snapshot?.version ? last.position : undefined
      const mark = configuration === undefined ? undefined : parseMark(configuration)
      states.set(table.name, { version: snapshot?.version, mark, observed })
    }),
  )
  return states
}

/** The newest proof about each table: the version it holds for, and the observation text. Runs come newest first. */
function lastObservations(runs: readonly RunEnd[]): Map<string, { version: bigint; position: string }> {
  const result = new Map<string, { version: bigint; position: string }>()
  for (const run of runs) {
    for (const { table, kind, status, source, versionAfter } of run.steps) {
      if (kind !== 'extract' || result.has(table) || source === undefined || versionAfter === undefined) continue
      if (status === 'changed' || status === 'unchanged')
        result.set(table, { version: versionAfter, position: source.position })
    }
  }
  return result
}
