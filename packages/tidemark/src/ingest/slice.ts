/** Decide what to read from a table, and under which `_seq`. Pure: the mark and the snapshot's position go in. */
import { isoInstant } from '../model/instant.ts'
import type { Position, RowVersionRange } from '../sources/position.ts'
import type { Slice, SourceTable } from '../sources/source.ts'
import { duePass } from './full-pass.ts'
import type { Reading } from './guarantee.ts'
import type { Mark } from './mark.ts'

export type Decision =
  /** Nothing has finished on the server since the mark: nothing to read, proved. */
  | { kind: 'nothing' }
  /** Another run has committed a later snapshot meanwhile; everything this one could see is in the lake. */
  | { kind: 'covered' }
  /** A backfill has committed rows of a later snapshot: an older version must not be laid on top of them. */
  | { kind: 'overtaken' }
  /** The server is at an earlier position than the mark: a restored backup, a lagging copy, a clock that was set back. */
  | { kind: 'went back' }
  | { kind: 'baseline'; seq: bigint; seqBase: bigint }
  /** One full read that appends only what differs, and the deletes. `renews`: the mark must change although no row does. */
  | { kind: 're-baseline'; reason: string; renews: boolean; seq: bigint; seqBase: bigint }
  | { kind: 'increment'; slice: Increment; seq: bigint; seqBase: bigint }
  /** A keyless table: read whole, replaced whole. */
  | { kind: 'reload'; seq: bigint; seqBase: bigint }

/** What an increment reads. */
export type Increment = Slice & { kind: 'since' | 'cursor' }

export interface DecisionInput {
  mark: Mark | undefined
  position: Position
  table: Pick<SourceTable, 'fingerprint' | 'isProvedByOrder' | 'rowVersions'>
  keys: readonly string[]
  settings: string
  reading: Reading
  /** Milliseconds since 1970 by our own clock. */
  now: number
}

/**
 * Decide the slice. The lower bound is the mark's horizon, inclusive; there is no upper bound: whatever the snapshot
 * sees belongs to the slice, and what it does not see waits for the next one.
 *
 * @param input.mark last committed mark, undefined before the first load
 * @returns a decision; `_seq` is strictly above the mark's whenever rows may be written
 */
export function decideSlice(input: DecisionInput): Decision {
  const { mark, position, keys, now } = input
  const keyless = keys.length === 0
  if (mark === undefined) {
    return { ...firstLoad(position), kind: keyless ? 'reload' : 'baseline' }
  }
  const sameServer = mark.identity === position.identity
  const standing = sameServer
    ? standingOf({ position, now }, mark, input.table)
    : standingOfCopy({ position, now }, mark)
  if (standing !== 'current') return { kind: standing }
  const reason = outdated(input, mark, sameServer)
  const pass = reason === undefined ? duePass(input.reading, mark, position) : { reason }
  const slice = pass === undefined ? incrementOf(input.reading, mark) : 'slice' in pass ? pass.slice : undefined
  const isProved = input.table.isProvedByOrder && sameServer && position.order === mark.order
  // What a full pass looks for may have been written before the mark.
  if (pass === undefined && isProved) return { kind: 'nothing' }
  const next = nextSeq(mark, position, sameServer)
  if (keyless) return { kind: 'reload', ...next }
  if (slice !== undefined) return { kind: 'increment', slice, ...next }
  const why = pass !== undefined && 'reason' in pass ? pass.reason : undefined
  return { kind: 're-baseline', reason: why ?? 'rows carry no version', renews: why !== undefined, ...next }
}

/** A load that nothing goes before. */
export function firstLoad(position: Position): Decision & { kind: 'baseline' } {
  return { kind: 'baseline', seq: position.order, seqBase: 0n }
}

/** The slice that continues a mark; undefined when every row has to be looked at. */
export function incrementOf(reading: Reading, { rowVersions, cursor }: Mark): Increment | undefined {
  if (reading.kind === 'row versions' && rowVersions !== undefined) {
    return { kind: 'since', horizon: rowVersions.horizon }
  }
  if (reading.kind === 'cursor' && cursor !== undefined) {
    return { kind: 'cursor', ...cursor, ...(reading.fullPassMs === undefined ? {} : { byIndex: true as const }) }
  }
  return undefined
}

/** `_seq` for rows read at `position`: above everything the table holds. */
export function nextSeq(mark: Mark, position: Position, sameServer: boolean): { seq: bigint; seqBase: bigint } {
  const wanted = (sameServer ? mark.seqBase : mark.seq + 1n) + position.order
  const seq = wanted > mark.seq ? wanted : mark.seq + 1n
  return { seq, seqBase: seq - position.order }
}

/** Where the row versions of a table stand: by a counter of its own where it has one. */
export function versionsOf(position: Position, table: Pick<SourceTable, 'rowVersions'>): RowVersionRange | undefined {
  return table.rowVersions ?? position.rowVersions
}

/** Where a snapshot stands, and what time it is here. */
export interface Moment {
  position: Position
  /** Milliseconds since 1970 by our own clock. */
  now: number
}

/** How a snapshot stands to a mark of the same server; anything but `current` adds nothing to the table. */
export function standingOf(
  { position, now }: Moment,
  mark: Mark,
  table: Pick<SourceTable, 'fingerprint' | 'rowVersions'>,
): 'current' | 'covered' | 'overtaken' | 'went back' {
  // Of a relation that is another one now, a counter of its own may have begun anew.
  const isComparable = mark.fingerprint === table.fingerprint || position.rowVersions !== undefined
  const versions = isComparable ? (mark.rowVersions?.next ?? 0n) : 0n
  const versionsWentBack = (versionsOf(position, table)?.next ?? 0n) < versions
  const isBefore = position.order < mark.order || versionsWentBack || position.log < mark.log
  if (isBefore) return whyBefore({ position, now }, mark)
  return mark.seqBase + position.order < mark.seq ? 'overtaken' : 'current'
}

/** Logs of a server and its copies are told apart by no less: a page header may lie between, after which nothing was written. */
const LOG_MARGIN = 64n

/** How another server stands to the mark: a copy that lags behind would bring back what has changed since. */
function standingOfCopy({ position, now }: Moment, mark: Mark): 'current' | 'covered' | 'went back' {
  const isCopy = mark.history !== undefined && mark.history === position.history
  if (!isCopy || position.log + LOG_MARGIN >= mark.log) return 'current'
  return whyBefore({ position, now }, mark)
}

/** By how much the clocks of two machines may differ. */
const CLOCK_MARGIN_MS = 5 * 60 * 1000

/**
 * A snapshot before the mark is one that another run has overtaken meanwhile. If the mark was made at a time that is still to
 * come, no other run can have done that: the clock of the source was set back, and until it is there again every run would
 * look like an overtaken one.
 */
function whyBefore({ position, now }: Moment, mark: Mark): 'covered' | 'went back' {
  const isOvertaken = mark.asOf > position.asOf && mark.asOf <= isoInstant(now + CLOCK_MARGIN_MS)
  return isOvertaken ? 'covered' : 'went back'
}

/** Why the mark cannot be continued, so that every row has to be looked at and the mark written anew. */
function outdated(
  { position, table, settings, reading }: DecisionInput,
  mark: Mark,
  sameServer: boolean,
): string | undefined {
  if (!sameServer) return 'the source is another server, timeline or database'
  if (mark.fingerprint !== table.fingerprint) return 'the relation changed'
  if (mark.settings !== settings) return 'the entry changed'
  const versions = versionsOf(position, table)
  if (mark.rowVersions === undefined || versions === undefined) return undefined
  const { maxAge, oldest, next } = versions
  if (reading.kind === 'row versions' && oldest !== undefined && mark.rowVersions.horizon < oldest) {
    return 'the source no longer keeps the changes since the last run'
  }
  if (maxAge === undefined) return undefined
  const age = next - (mark.fullPass?.horizon ?? mark.rowVersions.horizon)
  return age >= maxAge ? `the horizon is ${age} transactions old, too many to compare rows with it` : undefined
}
