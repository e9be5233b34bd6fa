/**
 * What the lake says about bronze tables before a run: version, mark, what the last run proved about them, and what will
 * stop them whatever the source says.
 */
import type { Problem } from '../errors/problem.ts'
import { SOURCE_QUERY_FAILED } from '../errors/source.ts'
import { CHUNK_BYTES } from '../ingest/context.ts'
import { fitToBronze } from '../ingest/drift.ts'
import { inspectBronze } from '../ingest/bronze-state.ts'
import { findBegunLoad } from '../ingest/load-record.ts'
import type { ResolvedTable } from '../ingest/resolve.ts'
import type { LakeStore } from '../model/ports.ts'
import type { RunEnd } from './facts.ts'
import { toProblem } from './problem-fact.ts'
import type { TableState } from './table-plan.ts'

/** States by table name, of every table given. */
export async function readTableStates(
  lake: LakeStore & { signal: AbortSignal },
  tables: readonly { source: string; table: ResolvedTable }[],
  lastRuns: readonly RunEnd[],
): Promise<Map<string, TableState>> {
  const proved = lastObservations(lastRuns)
  const states = tables.map(async ({ source, table }): Promise<[string, TableState]> => {
    try {
      const { current, mark } = await inspectBronze({ ...lake, source }, table)
      const last = proved.get(table.name)
      const observed = last !== undefined && last.version === current?.version ? last.position : undefined
      const fitted = fitToBronze(table, current?.schema)
      const begun = current === undefined && isCut(table) ? await findBegunLoad(lake.store, table.tablePath) : undefined
      return [table.name, { version: current?.version, mark, observed, fitted, begun, problem: undefined }]
    } catch (error) {
      if (lake.signal.aborted) throw error
      const problem = atEntry(table, toProblem(error, table.name))
      return [table.name, { version: undefined, mark: undefined, observed: undefined, fitted: undefined, problem }]
    }
  })
  return new Map(await Promise.all(states))
}

/** A smaller table is read in one go. */
const isCut = ({ table }: ResolvedTable): boolean => table.sizeBytes >= 2n * CHUNK_BYTES

/**
 * A problem that the user has to answer is shown at what the list says of the table, and so is a table that the source cannot
 * read: it may be a view that fails.
 */
export function atEntry({ entry }: Pick<ResolvedTable, 'entry'>, problem: Problem): Problem {
  const isOfEntry = problem.retry === 'after-change' || problem.code === SOURCE_QUERY_FAILED.code
  if (problem.place !== undefined || !isOfEntry) return problem
  return problem.at((problem.code === 'KEY_CHANGED' ? entry.places['primary_key'] : undefined) ?? entry.place)
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
