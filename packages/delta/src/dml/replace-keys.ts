/**
 * Replace rows by key: upsert, delete by key and history in one primitive. Copy-on-write over the files that hold one
 * of the keys; the relational work and the Parquet writing are done by what the caller passes in.
 */

import type { ParquetWriter } from '../engine/parquet.ts'
import type { Relations } from '../engine/relations.ts'
import { DeltaError } from '../errors.ts'
import type { AddFile, DataFile, Txn } from '../log/actions.ts'
import type { StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { pruneByKeys } from '../stats/prune.ts'
import { evolvedSchema, stageRemoveAndAdd } from '../write/stage.ts'
import type { CommitDetails, DomainChange, Staged } from '../write/staged.ts'

export interface ReplaceKeysRequest<Rows> {
  snapshot: Snapshot
  /** Relation whose `keyColumns` name the rows to replace; may name keys the table does not hold. */
  keys: Rows
  keyColumns: string[]
  /** The new rows, with the columns of the schema; left out when the keys are only deleted. */
  rows?: Rows | undefined
  parquet: ParquetWriter<Rows>
  relations: Relations<Rows>
  txn?: readonly Txn[] | undefined
  domains?: readonly DomainChange[] | undefined
  info: CommitDetails
  /** The evolved schema of the new rows; see `stageAppend`. */
  schema?: StructType | undefined
  signal?: AbortSignal | undefined
}

/**
 * Write the files and stage the one commit that removes every row whose key is in `keys` and adds `rows`. Only files
 * with a hit are rewritten. Nothing is visible until the staged value is committed.
 */
export async function stageReplaceKeys<Rows>(request: ReplaceKeysRequest<Rows>): Promise<Staged> {
  const { snapshot, keys, keyColumns, relations, signal } = request
  checkKeyColumns(snapshot, keyColumns)
  const schema = evolvedSchema(snapshot, request.schema)
  const hits = await findHits(request)
  signal?.throwIfAborted()
  const options = {
    tablePath: snapshot.tablePath,
    schema,
    statsColumns: keyColumns,
    ...(signal === undefined ? {} : { signal }),
  }
  const files: DataFile[] = []
  if (hits.length > 0) {
    const kept = await relations.withoutKeys(hits, keys, keyColumns)
    files.push(...(await request.parquet.write(kept, options)))
  }
  if (request.rows !== undefined) files.push(...(await request.parquet.write(request.rows, options)))
  const { txn, domains, info } = request
  const remove = hits.map(file => file.path)
  return stageRemoveAndAdd(snapshot, { remove, files, dataChange: true, schema, txn, domains, info })
}

async function findHits<Rows>(request: ReplaceKeysRequest<Rows>): Promise<AddFile[]> {
  const { snapshot, keys, keyColumns, relations } = request
  const all = [...snapshot.files.values()]
  if (all.length === 0) return []
  const ranges = await relations.keyRange?.(keys, keyColumns)
  const candidates = ranges === undefined ? all : pruneByKeys(all, snapshot, ranges)
  if (candidates.length === 0) return []
  const hits = new Set(await relations.findFiles(candidates, keys, keyColumns))
  return candidates.filter(file => hits.has(file.path))
}

/** Partition values are not in the files, and rewriting would have to split rows by them. */
function checkKeyColumns(snapshot: Snapshot, keyColumns: readonly string[]): void {
  const { tablePath, schema, metaData } = snapshot
  if (keyColumns.length === 0) throw invalid(tablePath, 'it names no key column')
  const unknown = keyColumns.find(column => !schema.fields.some(f => f.name === column))
  if (unknown !== undefined) throw invalid(tablePath, `the key column ${unknown} is not in its schema`)
  if (metaData.partitionColumns.length > 0) throw invalid(tablePath, 'it is partitioned')
}

function invalid(tablePath: string, reason: string): DeltaError {
  return new DeltaError('STAGE_INVALID', `Rows cannot be replaced by key in ${tablePath}: ${reason}.`, { tablePath })
}
