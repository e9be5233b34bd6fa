/**
 * How far a cursor can be trusted. SQLite has no clock of its own and shows no open transaction, so what bounds a cursor
 * is a lag that the entry states, counted from this machine's clock.
 */
import type { CursorCap, SourceColumn } from '../source.ts'
import { localBound, printLocal } from '../local-time.ts'

/** Why class B is not to be had here. */
export const NO_TRANSACTIONS =
  'SQLite has no clock of its own and shows no open transaction: the application sets every time'

/**
 * The next lower bound by the clock; undefined when nothing bounds it. Texts with a zone of their own are compared in UTC,
 * the others as they read in the source's zone: the earlier of the two bounds is below both.
 */
export function boundByClock(
  column: Pick<SourceColumn, 'deltaType'>,
  cap: Exclude<CursorCap, { kind: 'newest' }>,
  nowUs: bigint,
  timezone: string,
): string | undefined {
  if (cap.kind !== 'lag' || column.deltaType !== 'timestamp') return undefined
  const second = (nowUs - BigInt(cap.ms) * 1000n) / 1_000_000n
  const [local, utc] = [localBound(second, timezone), printLocal(second, 'UTC')]
  return local < utc ? local : utc
}
