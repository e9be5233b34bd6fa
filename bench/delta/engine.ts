/** An engine and the ports of @tidemark/delta on a folder, as the measured programs use them. */
import { join } from 'node:path'
import { type CommitPorts, type LogParquet, LocalStore, readSnapshot, type Snapshot } from '@tidemark/delta'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { sessionParquet, sessionRelations } from '../../packages/tidemark/src/engine/relations.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'

export const TABLE = 'orders'

export interface Bench {
  session: Session
  ports: CommitPorts & { logParquet: LogParquet }
  parquet: ReturnType<typeof sessionParquet>
  relations: ReturnType<typeof sessionRelations>
  table: () => Promise<Snapshot>
}

/** Run work on the tables of a folder; DuckDB may hold as much memory as a run gives it. */
export async function withBench<T>(
  folder: string,
  work: (bench: Bench) => Promise<T>,
  memoryLimit = process.env['BENCH_MEMORY'] ?? '150MB',
): Promise<T> {
  const store = new LocalStore(folder)
  const scratch = join(folder, '_tmp')
  const engine = openDuckdb({ store, ids: systemIds, scratch, folders: [folder], memoryLimit, threads: 2 })
  try {
    await using session = await engine.session()
    const ports = { store, logParquet: engine.logParquet, clock: systemClock, ids: systemIds }
    const table = async (): Promise<Snapshot> => {
      const snapshot = await readSnapshot(ports, { tablePath: TABLE })
      if (snapshot === undefined) throw new Error(`there is no table in ${folder}`)
      return snapshot
    }
    return await work({ session, ports, parquet: sessionParquet(session), relations: sessionRelations(session), table })
  } finally {
    await engine.close()
  }
}
