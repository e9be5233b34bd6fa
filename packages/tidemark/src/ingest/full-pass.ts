/**
 * Full passes of a table that other runs read by the index of its cursor alone: when the next one is due, and how it
 * reads. Between two passes nothing is known of deletes and of rows committed behind the cursor; a pass finds both. Pure.
 */
import type { Position, RowVersionRange } from '../sources/position.ts'
import type { Slice, SourceTable } from '../sources/source.ts'
import type { Reading } from './guarantee.ts'
import type { Mark } from './mark.ts'
import { passedMs } from './source-time.ts'

/** What a mark keeps of the last full pass. */
export interface FullPass {
  /** The next pass reads rows written since, inclusive; undefined where every row has to be compared. */
  horizon: bigint | undefined
  /** Time of the source at which it looked, ISO 8601 UTC. */
  asOf: string
}

/** How a pass that is due reads: the rows written since the last one, or all of them and why. */
export type DuePass = { slice: Slice & { kind: 'since' } } | { reason: string }

/**
 * The pass that is due at `position`; undefined where the table has none, or none yet. Passes that are given up end with one
 * more: what the runs since the last one could not see would stay unseen.
 */
export function duePass(reading: Reading, mark: Mark, position: Position): DuePass | undefined {
  if (reading.kind !== 'cursor') return undefined
  const { fullPassMs } = reading
  const { fullPass, rowVersions } = mark
  if (fullPass === undefined) return fullPassMs === undefined ? undefined : { reason: 'no full pass was made yet' }
  if (fullPassMs !== undefined && !hasPassed(fullPassMs, passedMs(fullPass.asOf, position.asOf))) return undefined
  if (fullPass.horizon === undefined || rowVersions === undefined) return { reason: 'its full pass is due' }
  return { slice: { kind: 'since', horizon: fullPass.horizon } }
}

/** Of a clock that was set back nobody knows how long it has been. */
function hasPassed(everyMs: number, ms: number): boolean {
  return ms < 0 || ms >= everyMs
}

/** What the next mark keeps: the pass that this run made, or the last one before it. */
export function keepPass(
  { reading, table }: { reading: Reading; table: Pick<SourceTable, 'hasRowVersion' | 'versionMethod'> },
  at: { asOf: string; versions: RowVersionRange | undefined },
  { isPass, before }: { isPass: boolean; before: Mark | undefined },
): FullPass | undefined {
  if (reading.kind !== 'cursor' || reading.fullPassMs === undefined) return undefined
  if (!isPass) return before?.fullPass
  return { horizon: isScanned(table) ? at.versions?.horizon : undefined, asOf: at.asOf }
}

/** True where the rows carry versions that a scan of the table finds, whatever wrote them. */
export function isScanned({
  hasRowVersion,
  versionMethod,
}: Pick<SourceTable, 'hasRowVersion' | 'versionMethod'>): boolean {
  return hasRowVersion && versionMethod === undefined
}
