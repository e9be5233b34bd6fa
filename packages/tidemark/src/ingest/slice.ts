/** Decide what to read from a table, and under which `_seq`. Pure: the mark and the snapshot's position go in. */
import type { Position, Slice, SourceTable } from '../sources/source.ts'
import type { Mark } from './mark.ts'

export type Decision =
  /** Nothing has finished on the server since the mark: nothing to read, proved. */
  | { kind: 'nothing' }
  /** Another run has committed a later snapshot meanwhile; everything this one could see is in the lake. */
  | { kind: 'covered' }
  /** A backfill has committed rows of a later snapshot: an older version must not be laid on top of them. */
  | { kind: 'overtaken' }
  /** The server is at an earlier position than the mark: a restored backup or a lagging copy. */
  | { kind: 'went back' }
  | { kind: 'baseline'; seq: bigint; seqBase: bigint }
  /** One full read that appends only what differs, and the deletes. `renews`: the mark must change although no row does. */
  | { kind: 're-baseline'; reason: string; renews: boolean; seq: bigint; seqBase: bigint }
  | { kind: 'increment'; slice: Slice & { kind: 'since' }; seq: bigint; seqBase: bigint }
  /** A keyless table: read whole, replaced whole. */
  | { kind: 'reload'; seq: bigint; seqBase: bigint }

export interface DecisionInput {
  mark: Mark | undefined
  position: Position
  table: Pick<SourceTable, 'fingerprint' | 'hasRowVersion'>
  keys: readonly string[]
  settings: string
}

/** Transaction ids are compared by age in 32 bits, so a horizon must be less than 2^31 transactions old. */
const MAX_AGE = 2n ** 31n

/**
 * Decide the slice. The lower bound is the mark's horizon, inclusive; there is no upper bound: whatever the snapshot
 * sees belongs to the slice, and what it does not see waits for the next one.
 *
 * @param input.mark last committed mark, undefined before the first load
 * @returns a decision; `_seq` is strictly above the mark's whenever rows may be written
 */
export function decideSlice({ mark, position, table, keys, settings }: DecisionInput): Decision {
  const keyless = keys.length === 0
  if (mark === undefined) {
    return { kind: keyless ? 'reload' : 'baseline', seq: position.order, seqBase: 0n }
  }
  const sameServer = mark.identity === position.identity
  const standing = sameServer ? standingOf(position, mark) : 'current'
  if (standing !== 'current') return { kind: standing }
  const reason = outdated({ mark, position, table, keys, settings }, sameServer)
  const full = reason ?? (table.hasRowVersion ? undefined : 'rows carry no version')
  if (full === undefined && sameServer && position.order === mark.order) return { kind: 'nothing' }
  const next = nextSeq(mark, position, sameServer)
  if (keyless) return { kind: 'reload', ...next }
  if (full !== undefined) return { kind: 're-baseline', reason: full, renews: reason !== undefined, ...next }
  return { kind: 'increment', slice: { kind: 'since', horizon: mark.xmin, seen: mark.xmax }, ...next }
}

/** `_seq` for rows read at `position`: above everything the table holds. */
export function nextSeq(mark: Mark, position: Position, sameServer: boolean): { seq: bigint; seqBase: bigint } {
  const wanted = (sameServer ? mark.seqBase : mark.seq + 1n) + position.order
  const seq = wanted > mark.seq ? wanted : mark.seq + 1n
  return { seq, seqBase: seq - position.order }
}

/** How a snapshot stands to a mark of the same server; anything but `current` adds nothing to the table. */
export function standingOf(position: Position, mark: Mark): 'current' | 'covered' | 'overtaken' | 'went back' {
  const isBefore = position.order < mark.order || position.xmax < mark.xmax || position.lsn < mark.lsn
  if (isBefore) return mark.asOf > position.asOf ? 'covered' : 'went back'
  return mark.seqBase + position.order < mark.seq ? 'overtaken' : 'current'
}

/** Why the mark cannot be continued, so that every row has to be looked at and the mark written anew. */
function outdated({ mark, position, table, settings }: DecisionInput, sameServer: boolean): string | undefined {
  if (mark === undefined) return undefined
  if (!sameServer) return 'the source is another server, timeline or database'
  if (mark.fingerprint !== table.fingerprint) return 'the relation changed'
  if (mark.settings !== settings) return 'the entry changed'
  if (position.xmax - mark.xmin >= MAX_AGE) return 'the horizon is older than 2^31 transactions'
  return undefined
}
