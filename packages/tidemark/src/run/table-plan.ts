/** What the plan says of one bronze table: pure over its mark, the snapshot's position and what the last run proved. */
import type { Problem } from '../errors/problem.ts'
import { duePass } from '../ingest/full-pass.ts'
import { changeLogOf, whyScanned } from '../ingest/listed.ts'
import type { Fitted } from '../ingest/drift.ts'
import type { BegunLoad } from '../ingest/load-record.ts'
import { type Mark, pendingFromDate } from '../ingest/mark.ts'
import type { ResolvedTable } from '../ingest/resolve.ts'
import { decideSlice } from '../ingest/slice.ts'
import { formatBytes } from '../model/bytes.ts'
import type { Expectation, WholeReading } from '../model/plan.ts'
import type { Position } from '../sources/position.ts'
import type { SourceSnapshot } from '../sources/source.ts'
import type { PlannedTable } from './plan.ts'

/** What the lake knows of a bronze table. */
export interface TableState {
  version: bigint | undefined
  mark: Mark | undefined
  /** Observation of the last run that looked at this version of the table and found it complete. */
  observed: string | undefined
  /** The table as its rows would go into bronze; undefined when something is wrong. */
  fitted: Fitted<ResolvedTable> | undefined
  /** A first load that was begun. */
  begun?: BegunLoad | undefined
  /** What is wrong with the table in the lake; the source need not have moved for it to stop the step. */
  problem: Problem | undefined
}

/**
 * One text for everything that proves a table complete: same server, same order of finished transactions, same relation,
 * same settings. Equal texts mean that nothing can have changed in between.
 */
export function observation(table: ResolvedTable, position: Position): string {
  const { settings, keys, drift } = table
  const parts = [position.identity, position.order, table.table.fingerprint, settings, keys.join(',')]
  // The default adds nothing, so that proofs from before there was a choice go on.
  return [...parts, ...(drift === 'addNewColumns' ? [] : [drift])].join('|')
}

/** The plan's line for one table. `count` is the exact number of rows in the slice where it was cheap to ask, `now` our own clock. */
export function planTable(
  table: ResolvedTable,
  state: TableState,
  snapshot: Pick<SourceSnapshot, 'position' | 'changeLog'>,
  { count, now }: { count: bigint | undefined; now: number },
): PlannedTable {
  const { position } = snapshot
  const { fitted = table } = state
  const { name, guarantee, method } = table
  const notes = [...table.notes, ...(state.fitted?.drifts ?? [])]
  const line = { name, guarantee, notes, method: `${method} ${formatBytes(table.table.sizeBytes)}` }
  const { problem, version } = state
  const nothing = (why: string): Expectation => ({ kind: 'nothing', why, version })
  if (problem !== undefined) {
    return { ...line, expect: { kind: 'refused', code: problem.code, reason: problem.message } }
  }
  const fromDate = state.mark === undefined ? undefined : pendingFromDate(table, state.mark)
  if (fromDate !== undefined) {
    const backfill = `from_date ${fromDate}: read once from there`
    const expect = { kind: 'whole table' as const, rowEstimate: table.table.rowEstimate }
    return { ...line, notes: [...notes, backfill], expect }
  }
  const { mark } = state
  const isPassDue = mark !== undefined && duePass(table.reading, mark, position) !== undefined
  if (table.table.isProvedByOrder && !isPassDue && state.observed === observation(table, position)) {
    return { ...line, expect: nothing('proved: no transaction has finished since') }
  }
  const decision = decideSlice({ ...fitted, mark, position, now })
  switch (decision.kind) {
    case 'nothing':
      return { ...line, expect: nothing('proved: no transaction has finished since') }
    case 'covered':
      return { ...line, expect: nothing('a later run has read past this point') }
    case 'went back':
      return {
        ...line,
        expect: { kind: 'refused', code: 'SOURCE_WENT_BACK', reason: 'the source stands before the mark' },
      }
    case 'overtaken':
    case 'baseline':
    case 'reload':
      return { ...line, notes: [...notes, ...begunNote(state.begun)], expect: wholeTable(table, 'load') }
    case 're-baseline':
      return { ...line, notes: [...notes, `full compare: ${decision.reason}`], expect: wholeTable(table, 'compare') }
    case 'increment': {
      const since = mark?.asOf
      if (isPassDue) Object.assign(line, { notes: [...notes, 'its full pass is due'] })
      Object.assign(line, mark === undefined ? {} : listedLine({ ...fitted, notes }, mark, snapshot))
      if (count !== undefined) return { ...line, expect: { kind: 'at most', rows: count, since } }
      return { ...line, expect: wholeTable(table, decision.slice.kind === 'since' ? 'scan' : undefined) }
    }
  }
}

function begunNote(begun: BegunLoad | undefined): string[] {
  if (begun === undefined) return []
  const { asOf, done, of } = begun
  return [`a load begun ${asOf} is continued, ${done} of its ${of} parts are read; anew if the table has changed since`]
}

/** The line of a table that is read anew; what stops it stops it all the same. */
export function planReload(table: ResolvedTable, planned: PlannedTable): PlannedTable {
  if (planned.expect.kind === 'refused' && planned.expect.code !== 'SOURCE_WENT_BACK') return planned
  const notes = [...table.notes, 'read anew: versions that exist only in the lake go']
  return {
    ...planned,
    method: `reload ${formatBytes(table.table.sizeBytes)}`,
    notes,
    expect: wholeTable(table, 'load'),
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

/** All rows are looked at; `reading` is left out where an index may spare most of them. */
function wholeTable({ table }: ResolvedTable, reading: WholeReading['reading'] | undefined): Expectation {
  const { rowEstimate, sizeBytes } = table
  return { kind: 'whole table', rowEstimate, ...(reading === undefined ? {} : { reading, bytes: sizeBytes }) }
}
