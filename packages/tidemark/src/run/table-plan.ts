/** What the plan says of one bronze table: pure over its mark, the snapshot's position and what the last run proved. */
import type { Problem } from '../errors/problem.ts'
import { changeLogOf, whyScanned } from '../ingest/listed.ts'
import { type Mark, pendingFromDate } from '../ingest/mark.ts'
import type { ResolvedTable } from '../ingest/resolve.ts'
import { decideSlice } from '../ingest/slice.ts'
import type { Position, SourceSnapshot, SourceTable } from '../sources/source.ts'
import type { PlannedTable } from './plan.ts'

/** What the lake knows of a bronze table. */
export interface TableState {
  version: bigint | undefined
  mark: Mark | undefined
  /** Observation of the last run that looked at this version of the table and found it complete. */
  observed: string | undefined
  /** What is wrong with the table in the lake; the source need not have moved for it to stop the step. */
  problem: Problem | undefined
}

/**
 * One text for everything that proves a table complete: same server, same order of finished transactions, same relation,
 * same settings. Equal texts mean that nothing can have changed in between.
 */
export function observation(table: ResolvedTable, position: Position): string {
  return [position.identity, position.order, table.table.fingerprint, table.settings, table.keys.join(',')].join('|')
}

/** The plan's line for one table. `count` is the exact number of rows in the slice where it was cheap to ask. */
export function planTable(
  table: ResolvedTable,
  state: TableState,
  snapshot: Pick<SourceSnapshot, 'position' | 'changeLog'>,
  count: bigint | undefined,
): PlannedTable {
  const { position } = snapshot
  const { name, guarantee, method, notes } = table
  const line = { name, guarantee, notes, method: `${method} ${formatBytes(table.table.sizeBytes)}` }
  const { problem } = state
  if (problem !== undefined) {
    return { ...line, expect: { kind: 'refused', code: problem.code, reason: problem.message } }
  }
  const fromDate = state.mark === undefined ? undefined : pendingFromDate(table, state.mark)
  if (fromDate !== undefined) {
    const backfill = `from_date ${fromDate}: read once from there`
    return { ...line, notes: [...notes, backfill], expect: { kind: 'whole table', rowEstimate: rows(table.table) } }
  }
  if (table.table.isProvedByOrder && state.observed === observation(table, position)) {
    return { ...line, expect: { kind: 'nothing', why: 'proved: no transaction has finished since' } }
  }
  const { mark } = state
  const decision = decideSlice({ ...table, mark, position })
  switch (decision.kind) {
    case 'nothing':
      return { ...line, expect: { kind: 'nothing', why: 'proved: no transaction has finished since' } }
    case 'covered':
      return { ...line, expect: { kind: 'nothing', why: 'a later run has read past this point' } }
    case 'went back':
      return {
        ...line,
        expect: { kind: 'refused', code: 'SOURCE_WENT_BACK', reason: 'the source stands before the mark' },
      }
    case 'overtaken':
    case 'baseline':
    case 'reload':
      return { ...line, expect: { kind: 'whole table', rowEstimate: rows(table.table) } }
    case 're-baseline':
      return {
        ...line,
        notes: [...notes, `full compare: ${decision.reason}`],
        expect: { kind: 'whole table', rowEstimate: rows(table.table) },
      }
    case 'increment': {
      const since = mark?.asOf
      Object.assign(line, mark === undefined ? {} : listedLine(table, mark, snapshot))
      if (count !== undefined) return { ...line, expect: { kind: 'at most', rows: count, since } }
      return { ...line, expect: { kind: 'whole table', rowEstimate: rows(table.table) } }
    }
  }
}

/** What the line says where the server lists changed keys: how much log is read instead of the table, or why it is not. */
function listedLine(
  table: ResolvedTable,
  mark: Mark,
  snapshot: Pick<SourceSnapshot, 'changeLog'>,
): Partial<Pick<PlannedTable, 'method' | 'notes'>> {
  const log = changeLogOf(snapshot, table)
  if (log === undefined) return {}
  const reason = whyScanned(log, table, mark)
  if (reason !== undefined) return { notes: [...table.notes, `scanned: ${reason}`] }
  return { method: `${log.name} ${formatBytes(log.heldBytes)}` }
}

function rows(table: SourceTable): bigint | undefined {
  return table.rowEstimate
}

/** `41 MB`: powers of 1024, no decimals above ten. */
export function formatBytes(bytes: bigint): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = Number(bytes)
  let unit = 0
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}
