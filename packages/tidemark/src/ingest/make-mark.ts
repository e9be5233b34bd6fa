/** The mark that a commit of this run carries, and where the next slice of its table begins. */
import type { Position, RowVersionRange } from '../sources/position.ts'
import { keepPass } from './full-pass.ts'
import type { Mark } from './mark.ts'
import { versionsOf } from './slice.ts'
import type { Work } from './work.ts'

export interface MarkFacts {
  liveRows: bigint
  version: bigint
  content: string | undefined
  before: Mark | undefined
  /** Every row of the source was read, so that any `from_date` is done by it. */
  whole: boolean
  /** Everything written since the last full pass was looked at, which a read of every row is too. */
  isPass?: boolean
  /** Where the next slice of a table read by a cursor begins. */
  cursor: Mark['cursor']
  /** Where the list of changed keys goes on; left out where the table is not read by it. */
  listed?: Mark['listed']
  /** An increment by a cursor: whether rows were known by their content alone. */
  knewByContent?: boolean | undefined
  /** Where the source stood before the first row was read; the snapshot's position when left out. */
  position?: Position
}

/** The mark of a commit made at `version` from this run's snapshot. */
export function makeMark(work: Work, decision: { seq: bigint; seqBase: bigint }, facts: MarkFacts): Mark {
  const {
    before,
    whole,
    isPass = whole,
    cursor,
    listed,
    knewByContent,
    position = work.snapshot.position,
    ...rest
  } = facts
  const { identity, history, order, log, asOf } = position
  const { keys, settings, table, fromDate } = work.wanted
  const { seq, seqBase } = decision
  const done = whole && fromDate !== undefined ? [fromDate] : []
  const backfills = [...new Set([...(before?.backfills ?? []), ...done])]
  const { fingerprint } = table
  const versions = versionsOf(position, table)
  const versionsFrom = nextVersionsFrom(work, { position, before, knewByContent, seq })
  return {
    identity,
    ...(history === undefined ? {} : { history }),
    rowVersions: keptVersions(versions),
    cursor,
    fullPass: keepPass(work.wanted, { asOf, versions }, { isPass, before }),
    listed,
    order,
    log,
    asOf,
    seq,
    seqBase,
    ...(versionsFrom === undefined ? {} : { versionsFrom }),
    fingerprint,
    settings,
    keys,
    backfills,
    ...rest,
    runId: work.context.runId,
  }
}

/**
 * From which `_seq` on versions can be compared. Where a server counts them they begin anew on another one, and not on a copy
 * of it; where they are made of a row, whatever is read of it makes others. No slice after one in which all rows were told
 * apart by their versions needs more.
 */
function nextVersionsFrom(
  { wanted }: Work,
  {
    position,
    before,
    knewByContent,
    seq,
  }: Pick<MarkFacts, 'before' | 'knewByContent'> & { position: Position; seq: bigint },
): bigint | undefined {
  if (before === undefined) return undefined
  const { table, settings, reading } = wanted
  const isOther = (before.history ?? before.identity) !== (position.history ?? position.identity)
  const isMadeAnew = before.fingerprint !== table.fingerprint || before.settings !== settings
  if (isOther || (isMadeAnew && !table.hasRowVersion)) return seq
  const isSettled = reading.kind === 'cursor' && !table.hasRowVersion && knewByContent === false
  return isSettled ? undefined : before.versionsFrom
}

function keptVersions(rowVersions: RowVersionRange | undefined): Mark['rowVersions'] {
  return rowVersions && { horizon: rowVersions.horizon, next: rowVersions.next }
}

/** Where the next slice of the table begins, asked in this run's snapshot; what bounds nothing new keeps the earlier bound. */
export async function nextCursor({ wanted, snapshot, context }: Work, before?: Mark): Promise<Mark['cursor']> {
  const { reading, table } = wanted
  if (reading.kind !== 'cursor') return undefined
  const { column, cap } = reading
  const from = await snapshot.cursorHorizon(table, column, cap, context.signal)
  if (from !== undefined) return { column, from }
  return before?.cursor?.column === column ? before.cursor : undefined
}
