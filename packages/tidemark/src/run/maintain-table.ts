/** Maintenance of one table of the lake: better files, and no files that nobody needs. */
import { commit, stageOptimize, vacuum, type VacuumResult } from '@tidemark/delta'
import { sessionParquet, sessionRelations } from '../engine/relations.ts'
import { TABLE_BUSY, TABLE_NOT_OURS } from '../errors/run.ts'
import type { Clock, Ids } from '../model/ports.ts'
import { readTable, type TablePlace } from './delta-tables.ts'
import type { Lake } from './lake.ts'
import { toProblem } from './problem-fact.ts'

/** How often it is tried anew when another writer changed what was rewritten. */
const MAX_TRIES = 5

export interface OptimizeOptions {
  zOrderBy: readonly string[] | undefined
  /** The run whose work it is, for the table's history. */
  runId?: string
  signal: AbortSignal
}

export interface Optimized {
  version: bigint
  metrics: Readonly<Record<string, string>>
}

/**
 * Put small and worn files of a table together. Returns what the commit did, undefined when there was nothing to gain. Readers
 * and running steps go on undisturbed; the old files stay until `vacuum`.
 *
 * @throws {TABLE_NOT_OURS} the table is not of this lake
 */
export async function optimizeTable(
  ports: { lake: Lake; clock: Clock; ids: Ids },
  place: TablePlace,
  { zOrderBy, runId, signal }: OptimizeOptions,
): Promise<Optimized | undefined> {
  if (!place.isInLake) throw TABLE_NOT_OURS({ table: place.name })
  const { lake } = ports
  await using session = await lake.engine.session()
  const engine = { parquet: sessionParquet(session), relations: sessionRelations(session, signal) }
  try {
    for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
      const info = runId === undefined ? {} : { runId }
      const staged = await stageOptimize({ snapshot: await readTable(place), zOrderBy, info, ...engine, signal })
      if (staged === undefined) return undefined
      const result = await commit({ ...ports, store: lake.store, logParquet: lake.logParquet }, staged, { signal })
      if (result.kind === 'committed') return { version: result.version, metrics: staged.info.operationMetrics ?? {} }
    }
  } catch (error) {
    throw toProblem(error, place.name)
  }
  throw TABLE_BUSY({ table: place.name, tries: String(MAX_TRIES) })
}

/**
 * Remove the files that no version within the retention needs.
 *
 * @throws {TABLE_NOT_OURS} the table is not of this lake
 */
export async function vacuumTable(
  clock: Clock,
  place: TablePlace,
  options: { dryRun: boolean; signal: AbortSignal },
): Promise<VacuumResult> {
  if (!place.isInLake) throw TABLE_NOT_OURS({ table: place.name })
  try {
    return await vacuum({ ...place.tables, clock }, { tablePath: place.tablePath, among: isTableFile, ...options })
  } catch (error) {
    throw toProblem(error, place.name)
  }
}

/** By its name a file that writers of Delta tables make: rows or deletion vectors. Whatever else lies there is somebody's. */
function isTableFile(path: string): boolean {
  return /\.(?:parquet|bin)$/.test(path)
}
