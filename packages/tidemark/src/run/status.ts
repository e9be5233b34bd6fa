/** `status`: for every table of the lake, what it holds, how far it is known to be complete, and what happened last. */
import { Problem } from '../errors/problem.ts'
import { countRescuedRows } from '../ingest/rescue.ts'
import type { LakeStore } from '../model/ports.ts'
import { readLatestRuns } from './facts.ts'
import { countRows, listTables, lookAtTable } from './lake-tables.ts'
import { readVerdicts } from './verdicts.ts'

export interface TableStatus {
  table: string
  guarantee: string | undefined
  /** Source time up to which the table is complete; for silver and gold that of the oldest bronze table behind it. */
  asOf: string | undefined
  rows: bigint | undefined
  /** Undefined when the quarantine table cannot be read. */
  quarantined: bigint | undefined
  /** Rows with values in `_rescued_data`, of those in `rows`. */
  rescued: bigint
  /** Outcome of the last step that filled the table. */
  last: { status: string; at: number; code: string | undefined } | undefined
  /** Source time up to which the last verification proved the table right. */
  verified: string | undefined
  /** Why the table, or its quarantine, cannot be read. */
  problem: Problem | undefined
}

const RUNS_SEARCHED = 200
const LAYERS: readonly string[] = ['bronze', 'silver', 'gold']

/**
 * One line a table, layer by layer; a table that the last run tried and never filled has one too, and so has one whose
 * log is broken. Reads the lake alone, never a source.
 */
export async function readStatus(lake: LakeStore): Promise<TableStatus[]> {
  const { store } = lake
  const [filled, runs, verdicts] = await Promise.all([
    listTables(store, LAYERS),
    readLatestRuns(store, RUNS_SEARCHED),
    readVerdicts(store),
  ])
  const tried = (runs[0]?.steps ?? []).filter(({ status }) => status === 'failed').map(({ table }) => table)
  const names = LAYERS.flatMap(layer =>
    [...new Set([...filled, ...tried])].filter(name => name.startsWith(`${layer}.`) || name.startsWith(`${layer} `)),
  )
  return Promise.all(
    names.map(async (table): Promise<TableStatus> => {
      const found = filled.includes(table) ? await lookAtTable(lake, table) : undefined
      const quarantine = await lookAtTable(lake, `quarantine.${table.replace('.', '_')}`)
      const problem = [found, quarantine].find(one => one instanceof Problem)
      const steps = runs.flatMap(run => run.steps.filter(step => step.table === table))
      const last = steps[0]
      const known = steps.find(step => step.asOf !== undefined)
      const snapshot = found instanceof Problem ? undefined : found
      return {
        table,
        guarantee: steps.find(step => step.source !== undefined)?.source?.guarantee,
        asOf: known?.asOf,
        rows: snapshot === undefined ? undefined : countRows(snapshot),
        quarantined: quarantine instanceof Problem ? undefined : quarantine === undefined ? 0n : countRows(quarantine),
        rescued: snapshot === undefined ? 0n : countRescuedRows(snapshot),
        last: last === undefined ? undefined : { status: last.status, at: last.startedAt, code: last.problem?.code },
        verified: verdicts.get(table)?.verifiedThrough,
        problem,
      }
    }),
  )
}
