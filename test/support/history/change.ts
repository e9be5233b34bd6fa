/**
 * What a change of a history at random is: each is there twice, as it is staged on a snapshot and as it changes the model.
 */
import { columnMappingOf, type DataFile, type Snapshot, type Staged, type StructType } from '@tidemark/delta'
import type { Random } from '../../../examples/music/random.ts'
import type { Session } from '../../../packages/tidemark/src/engine/engine.ts'
import type { Sql } from '../../../packages/tidemark/src/engine/sql.ts'
import { type OwnLake, toolsOf } from '../interop/own-lake.ts'
import type { ModelTable } from './model.ts'

/** A change of both sides. */
export interface HistoryChange {
  readonly name: string
  /** Undefined when there is nothing to do. */
  stage(snapshot: Snapshot): Promise<Staged | undefined>
  apply(table: ModelTable): ModelTable
  /** True when columns come, go or change: what was planned before does not fit any more. */
  readonly altersColumns?: boolean
}

export interface HistoryContext {
  readonly random: Random
  readonly lake: OwnLake
  readonly session: Session
  readonly table: ModelTable
  readonly snapshot: Snapshot
}

export type Maker = (context: HistoryContext) => HistoryChange

export const info = (operation: string): { operation: string } => ({ operation })

export async function writeRows(
  { lake, session }: HistoryContext,
  snapshot: Snapshot,
  rows: Sql,
  schema: StructType,
): Promise<DataFile[]> {
  return toolsOf(lake, session).parquet.write(rows, {
    tablePath: snapshot.tablePath,
    schema,
    columnMapping: columnMappingOf(snapshot),
    partitionColumns: snapshot.metaData.partitionColumns,
    configuration: snapshot.configuration,
  })
}
