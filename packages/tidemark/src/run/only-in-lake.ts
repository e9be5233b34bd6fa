/** What a reload of a bronze table from its source would drop: counted from the table's log, without reading a row. */
import { Problem } from '../errors/problem.ts'
import { markDomain, parseMark } from '../ingest/mark.ts'
import type { LakeStore } from '../model/ports.ts'
import type { Project } from '../model/project.ts'
import { countRows, listTables, lookAtTable } from './lake-tables.ts'
import { isWanted } from './wanted.ts'

export interface OnlyInLake {
  table: string
  /** Row versions that bronze holds, deletes included. */
  versions: bigint
  /**
   * Those that the source does not have any more: older versions of rows, and everything of rows that were deleted. What the
   * source has changed since the last run comes to it. Undefined when the log does not tell.
   */
  onlyInLake: bigint | undefined
}

/** Each table that is in the lake; one that is not has nothing to lose. */
export async function findOnlyInLake(
  lake: LakeStore,
  project: Project,
  wanted: readonly string[],
): Promise<readonly OnlyInLake[]> {
  const names = (await listTables(lake.store, ['bronze'])).filter(name => isWanted(name, wanted))
  const found: OnlyInLake[] = []
  for (const table of names) {
    const snapshot = await lookAtTable(lake, table)
    if (snapshot === undefined || snapshot instanceof Problem) continue
    const versions = countRows(snapshot)
    const domains = project.sources.flatMap(({ name }) => snapshot.domain(markDomain(name)) ?? [])
    const live = domains[0] === undefined ? undefined : liveRowsOf(domains[0])
    const onlyInLake = versions === undefined || live === undefined ? undefined : versions - live
    found.push({ table, versions: versions ?? 0n, onlyInLake })
  }
  return found
}

/** A mark that cannot be read tells nothing here; the run itself says what is wrong with it. */
function liveRowsOf(configuration: string): bigint | undefined {
  try {
    return parseMark(configuration).liveRows
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
