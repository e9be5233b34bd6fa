/**
 * Replace rows by key: upsert, delete by key and history in one primitive, as a change that deletes what matches and
 * adds the new rows.
 */
import type { VectorPorts } from '../deletion-vector/write-vectors.ts'
import type { ParquetWriter } from '../engine/parquet.ts'
import type { Relations } from '../engine/relations.ts'
import type { RowChecker } from '../engine/row-checker.ts'
import type { StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { STRICT } from '../write/reads.ts'
import type { Extras, Staged } from '../write/staged.ts'
import { stageChange } from './change.ts'

export interface ReplaceKeysRequest<Rows, Expr = unknown> extends Extras {
  snapshot: Snapshot
  /** Relation whose `keyColumns` name the rows to replace; may name keys the table does not hold, and keys twice. */
  keys: Rows
  keyColumns: readonly string[]
  /** The new rows, with the columns of the schema; left out when the keys are only deleted. */
  rows?: Rows | undefined
  ports: VectorPorts
  parquet: ParquetWriter<Rows>
  relations: Relations<Rows, Expr>
  /** Judges new rows by the table's conditions; see `stageChange`. */
  checker?: RowChecker<Rows> | undefined
  /** The evolved schema of the new rows; see `stageAppend`. */
  schema?: StructType | undefined
  signal?: AbortSignal | undefined
}

/**
 * Write the files and stage the one commit that removes every row whose key is in `keys` and adds `rows`; NULL equals
 * NULL. Only files with a hit are rewritten. Nothing is visible until the staged value is committed.
 *
 * @example
 * ```ts
 * const request = { snapshot: people, keyColumns: ['id'], keys: [{ id: 3 }], rows: [{ id: 3, name: 'Cyd' }] }
 * const staged = await stageReplaceKeys({ ...request, ports, parquet, relations, info: { operation: 'MERGE' } })
 * console.log(staged.remove.map(file => file.path)) // [ 'b' ]
 * ```
 */
export async function stageReplaceKeys<Rows, Expr>(request: ReplaceKeysRequest<Rows, Expr>): Promise<Staged> {
  const { keys, keyColumns, rows, reads = STRICT, ...rest } = request
  const { staged } = await stageChange({
    ...rest,
    reads,
    change: {
      source: { rows: keys, keys: keyColumns.map(column => ({ target: column, source: column })), nullSafe: true },
      matched: [{ kind: 'delete' }],
    },
    append: rows,
    statsColumns: keyColumns,
  })
  return staged
}
