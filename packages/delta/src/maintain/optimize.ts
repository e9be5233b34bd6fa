/**
 * OPTIMIZE: the same rows in better files. Small files are put together, worn ones written without their deleted rows,
 * and with Z-order or clustering rows of neighbouring values come to lie in one file.
 */
import type { ParquetWriter, RowOrder } from '../engine/parquet.ts'
import type { Relations } from '../engine/relations.ts'
import { DeltaError } from '../errors.ts'
import type { AddFile, DataFile } from '../log/actions.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { findRowCount } from '../stats/stats-text.ts'
import { or, type Predicate } from '../stats/predicate.ts'
import { evaluate } from '../stats/prune.ts'
import { stageRemoveAndAdd } from '../write/stage.ts'
import { type Extras, type Staged, stageInvalid } from '../write/staged.ts'
import { writeOptionsFor } from '../write/write-options.ts'
import { packFiles, partitionOf } from './pack-files.ts'

/** Size of a file that readers handle well, unless the table says otherwise in `delta.targetFileSize`. */
const TARGET_BYTES = 128n * 1024n * 1024n

export interface OptimizeRequest<Rows, Expr> extends Omit<Extras, 'reads' | 'cdc' | 'checked' | 'info'> {
  snapshot: Snapshot
  parquet: ParquetWriter<Rows>
  relations: Relations<Rows, Expr>
  /** Only the partitions for which it is TRUE; may speak of partition columns alone. */
  where?: Predicate<Expr> | undefined
  /** Lay rows out by these columns; every file of the partitions is rewritten. */
  zOrderBy?: readonly string[] | undefined
  targetFileBytes?: bigint | undefined
  info?: Partial<Extras['info']>
  signal?: AbortSignal | undefined
}

/**
 * Write the better files and stage the commit that exchanges them; undefined when nothing would gain. Readers of the
 * stream of changes do not see it, and commits that only add rows may come between.
 *
 * @throws STAGE_INVALID when `where` speaks of more than partition columns
 * @throws ROWS_DIFFER when the engine did not hand back as many rows as it was given: nothing is committed
 *
 * @example
 * ```ts
 * const staged = await stageOptimize({ snapshot: people, parquet, relations })
 * console.log([staged?.remove.length, staged?.add.length, staged?.dataChange]) // [ 2, 1, false ]
 * ```
 */
export async function stageOptimize<Rows, Expr>(request: OptimizeRequest<Rows, Expr>): Promise<Staged | undefined> {
  const { snapshot, parquet, relations, signal } = request
  const targetFileBytes = request.targetFileBytes ?? targetSize(snapshot)
  const orderBy = rowOrder(request)
  const groups = groupFiles(request, targetFileBytes)
  if (groups.length === 0) return undefined
  const add: DataFile[] = []
  for (const group of groups) {
    signal?.throwIfAborted()
    const files = await parquet.write(await relations.scan(snapshot, group), {
      ...writeOptionsFor(snapshot),
      targetFileBytes,
      orderBy,
      signal,
    })
    checkRowCount(snapshot, group, files)
    add.push(...files)
  }
  const removed = groups.flat()
  return stageRemoveAndAdd(snapshot, {
    ...request,
    remove: removed.map(file => file.path),
    files: add,
    dataChange: false,
    reads: { kind: 'files', files: removed.map(file => file.path), predicate: or() },
    info: {
      operation: 'OPTIMIZE',
      operationParameters: { zOrderBy: JSON.stringify(request.zOrderBy ?? []) },
      operationMetrics: metrics(removed, add),
      ...request.info,
    },
  })
}

/**
 * How many files of a table would be put together, whatever that takes.
 *
 * @example
 * ```ts
 * console.log(smallFileCount(people)) // 2
 * ```
 */
export function smallFileCount(snapshot: Snapshot): number {
  return packFiles(snapshot.files.values(), targetSize(snapshot)).flat().length
}

function groupFiles<Rows, Expr>(request: OptimizeRequest<Rows, Expr>, targetFileBytes: bigint): AddFile[][] {
  const { snapshot, where, zOrderBy } = request
  const files = [...snapshot.files.values()].filter(file => where === undefined || isWanted(snapshot, where, file))
  if (zOrderBy === undefined) return packFiles(files, targetFileBytes)
  return [...Map.groupBy(files, partitionOf).values()]
}

function isWanted<Expr>(snapshot: Snapshot, where: Predicate<Expr>, file: AddFile): boolean {
  const outcome = evaluate(snapshot, where, file.partitionValues)
  if (outcome !== undefined) return outcome === true
  throw stageInvalid(snapshot.tablePath, 'only whole partitions can be optimized, and the condition speaks of more')
}

function rowOrder<Rows, Expr>({ snapshot, zOrderBy }: OptimizeRequest<Rows, Expr>): RowOrder | undefined {
  if (zOrderBy === undefined || zOrderBy.length === 0) return undefined
  const { schema, metaData, tablePath } = snapshot
  for (const column of zOrderBy) {
    if (!schema.fields.some(f => f.name === column)) throw stageInvalid(tablePath, `${column} is not in its schema`)
    if (metaData.partitionColumns.includes(column)) {
      throw stageInvalid(tablePath, `${column} is a partition column, whose rows lie together already`)
    }
  }
  return { columns: zOrderBy, curve: 'z-order' }
}

/** Bytes of `delta.targetFileSize`, which may have a unit; the default when it cannot be read. */
function targetSize({ configuration }: Snapshot): bigint {
  const match = /^(\d{1,15})\s*([kmg]?)b?$/i.exec(configuration['delta.targetFileSize']?.trim() ?? '')
  if (!match?.[1]) return TARGET_BYTES
  const bytes = BigInt(match[1]) << { '': 0n, k: 10n, m: 20n, g: 30n }[match[2]?.toLowerCase() as '' | 'k' | 'm' | 'g']
  return bytes > 0n ? bytes : TARGET_BYTES
}

/** The commit says that the rows are the same, so a difference must never reach it. */
function checkRowCount({ tablePath }: Snapshot, group: readonly AddFile[], files: readonly DataFile[]): void {
  const counts = group.map(({ stats, deletionVector }) => {
    const rows = findRowCount(stats)
    return rows === undefined ? undefined : rows - (deletionVector?.cardinality ?? 0n)
  })
  if (counts.includes(undefined)) return
  const before = counts.reduce((sum: bigint, count) => sum + (count ?? 0n), 0n)
  const after = files.reduce((sum, file) => sum + file.numRecords, 0n)
  if (before === after) return
  const message = `Files of ${tablePath} with ${before} rows came back with ${after}. Nothing was committed.`
  throw new DeltaError('ROWS_DIFFER', message, { tablePath, before, after, files: group.map(file => file.path) })
}

function metrics(removed: readonly AddFile[], added: readonly DataFile[]): Record<string, string> {
  const bytes = (files: readonly { size: bigint }[]): string => String(files.reduce((sum, file) => sum + file.size, 0n))
  return {
    numRemovedFiles: String(removed.length),
    numRemovedBytes: bytes(removed),
    numAddedFiles: String(added.length),
    numAddedBytes: bytes(added),
    numDeletionVectorsRemoved: String(removed.filter(file => file.deletionVector !== undefined).length),
  }
}
