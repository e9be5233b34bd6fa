/**
 * A lake in a folder of its own that we write with the product's engine, for tests in which others read it and write it
 * too.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Assignments,
  columnMappingOf,
  commit,
  type CommitPorts,
  LocalStore,
  type LogParquet,
  type ParquetWriter,
  readSnapshot,
  type Relations,
  type Snapshot,
  type Staged,
  stageAppend,
  stageChange,
  type StagedChange,
} from '@tidemark/delta'
import { openDuckdb } from '../../../packages/tidemark/src/engine/duckdb.ts'
import type { Engine, Session } from '../../../packages/tidemark/src/engine/engine.ts'
import { sessionParquet, sessionRelations } from '../../../packages/tidemark/src/engine/relations.ts'
import type { Sql } from '../../../packages/tidemark/src/engine/sql.ts'
import { systemClock, systemIds } from '../../../packages/tidemark/src/run/system.ts'

export interface OwnLake extends AsyncDisposable {
  readonly folder: string
  readonly engine: Engine
  readonly ports: CommitPorts & { logParquet: LogParquet }
  /** Commit, and fail where anything stands in the way. */
  publish(staged: Staged): Promise<Snapshot>
  current(tablePath: string): Promise<Snapshot>
}

export async function openOwnLake(name: string): Promise<OwnLake> {
  const folder = await mkdtemp(join(tmpdir(), `tidemark-${name}-`))
  const store = new LocalStore(folder)
  const engine = openDuckdb({ store, ids: systemIds, scratch: join(folder, '_tmp'), folders: [folder] })
  const ports = { store, logParquet: engine.logParquet, clock: systemClock, ids: systemIds }
  return {
    folder,
    engine,
    ports,
    publish: async staged => {
      const result = await commit(ports, staged)
      if (result.kind === 'conflict') throw new Error(`${result.rule}: ${result.reason}`)
      return result.snapshot
    },
    current: async tablePath => {
      const snapshot = await readSnapshot(ports, { tablePath })
      if (snapshot === undefined) throw new Error(`${tablePath} is not a table`)
      return snapshot
    },
    [Symbol.asyncDispose]: async () => {
      await engine.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** What a change of rows needs beside its request. */
export function toolsOf(
  { ports }: OwnLake,
  session: Session,
): { ports: OwnLake['ports']; parquet: ParquetWriter<Sql>; relations: Relations<Sql, Sql> } {
  return { ports, parquet: sessionParquet(session), relations: sessionRelations(session) }
}

export async function append(lake: OwnLake, session: Session, snapshot: Snapshot, rows: Sql): Promise<Snapshot> {
  const files = await sessionParquet(session).write(rows, {
    tablePath: snapshot.tablePath,
    schema: snapshot.schema,
    columnMapping: columnMappingOf(snapshot),
    partitionColumns: snapshot.metaData.partitionColumns,
  })
  return lake.publish(stageAppend(snapshot, { files, info: { operation: 'WRITE' } }))
}

/** MERGE by `id`: every column of a matched row is replaced, other rows are inserted. */
export function stageUpsert(lake: OwnLake, session: Session, snapshot: Snapshot, source: Sql): Promise<StagedChange> {
  const columns: Assignments<Sql> = new Map(snapshot.schema.fields.map(({ name }) => [name, { source: name }]))
  const change = {
    source: { rows: source, keys: [{ target: 'id', source: 'id' }] },
    matched: [{ kind: 'update' as const, set: columns }],
    notMatched: [{ values: columns }],
  }
  return stageChange({ snapshot, change, info: { operation: 'MERGE' }, ...toolsOf(lake, session) })
}
