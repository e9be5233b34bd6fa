/** `status`: for every table of the lake, what it holds, how far it is known to be complete, and what happened last. */
import type { ObjectStore } from '@tidemark/delta'
import { readSnapshot, type Snapshot } from '@tidemark/delta'
import { tablePath } from '../model/names.ts'
import { readLatestRuns } from './facts.ts'
import { countRows, listTables } from './lake-tables.ts'
import { readVerdicts } from './verdicts.ts'

export interface TableStatus {
  table: string
  guarantee: string | undefined
  /** Source time up to which the table is complete; for silver and gold that of the oldest bronze table behind it. */
  asOf: string | undefined
  rows: bigint | undefined
  quarantined: bigint
  /** Outcome of the last step that filled the table. */
  last: { status: string; at: number; code: string | undefined } | undefined
  /** Source time of the last verification that found no difference. */
  verified: string | undefined
}

const RUNS_SEARCHED = 200
const LAYERS: readonly string[] = ['bronze', 'silver', 'gold']

/**
 * One line a table, layer by layer; a table that the last run tried and never filled has one too. Reads the lake alone,
 * never a source.
 */
export async function readStatus(store: ObjectStore): Promise<TableStatus[]> {
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
      const snapshot = filled.includes(table) ? await open(store, table) : undefined
      const steps = runs.flatMap(run => run.steps.filter(step => step.table === table))
      const last = steps[0]
      const known = steps.find(step => step.asOf !== undefined)
      return {
        table,
        guarantee: steps.find(step => step.source !== undefined)?.source?.guarantee,
        asOf: known?.asOf,
        rows: snapshot === undefined ? undefined : countRows(snapshot),
        quarantined: await countQuarantined(store, table),
        last: last === undefined ? undefined : { status: last.status, at: last.startedAt, code: last.problem?.code },
        verified: verdicts.get(table)?.asOf,
      }
    }),
  )
}

/** A table whose log cannot be read is shown without its rows. */
function open(store: ObjectStore, table: string): Promise<Snapshot | undefined> {
  return readSnapshot({ store, tablePath: tablePath(table) }).catch(() => undefined)
}

async function countQuarantined(store: ObjectStore, table: string): Promise<bigint> {
  const snapshot = await open(store, `quarantine.${table.replace('.', '_')}`)
  return snapshot === undefined ? 0n : (countRows(snapshot) ?? 0n)
}
