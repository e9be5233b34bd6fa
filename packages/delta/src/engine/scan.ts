/**
 * ScanPlan: everything an engine needs to read a table's rows rightly, as a plain value. Which files, which of their
 * rows are deleted, what their partition values are, how their columns are found.
 */
import { readDeletionVectors } from '../deletion-vector/read-vectors.ts'
import type { RowSet } from '../deletion-vector/row-set.ts'
import { DeltaError } from '../errors.ts'
import type { AddFile } from '../log/actions.ts'
import type { Version } from '../log/log-path.ts'
import { type ColumnMapping, checkColumnMapping, columnMappingOf, physicalName } from '../schema/column-mapping.ts'
import type { StructField, StructType } from '../schema/schema.ts'
import { findUnknownChange } from '../schema/widen.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { type PartitionValue, parsePartitionValue } from '../stats/partition-value.ts'
import type { Predicate } from '../stats/predicate.ts'
import { pruneFiles } from '../stats/prune.ts'
import type { ObjectStore } from '../store/store.ts'

export interface ScanFile {
  readonly add: AddFile
  /** In the order of the plan's `partitionColumns`; undefined is NULL. */
  readonly partitionValues: readonly (PartitionValue | undefined)[]
  /** Row numbers of the file that are not part of the table; undefined when all are. */
  readonly deletedRows: RowSet | undefined
}

export interface ScanPlan {
  readonly tablePath: string
  readonly version: Version
  /** Logical columns in the table's order; under column mapping their metadata tells how they are found. */
  readonly schema: StructType
  readonly columnMapping: ColumnMapping
  /** Logical names; their values are not in the files, or not to be taken from there. */
  readonly partitionColumns: readonly string[]
  readonly files: readonly ScanFile[]
}

export interface ScanRequest<Expr> {
  /** Leave out files that certainly hold no matching row; the rows of the others still have to be filtered. */
  readonly predicate?: Predicate<Expr> | undefined
  /** Only these instead of the snapshot's: add paths of the snapshot, or files of other versions as they were added. */
  readonly files?: Iterable<string | AddFile> | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Plan the reading of a snapshot: prune, and load the deletion vectors of the files that are left.
 *
 * @throws FEATURE_UNSUPPORTED when a column's type was changed in a way that is not known
 * @throws STAGE_INVALID when a wanted path is not a file of the snapshot
 * @throws FILE_MISSING or FILE_INVALID when a deletion vector cannot be read
 * @throws LOG_INVALID when a partition value is not one of its column's type
 *
 * @example
 * ```ts
 * const plan = await planScan(ports, people, { predicate: compare('id', '=', '3') })
 * console.log(plan.files.map(({ add, deletedRows }) => [add.path, deletedRows])) // [ [ 'b', undefined ] ]
 * ```
 */
export async function planScan<Expr = never>(
  { store }: { readonly store: ObjectStore },
  snapshot: Snapshot,
  { predicate, files, signal }: ScanRequest<Expr> = {},
): Promise<ScanPlan> {
  const { tablePath, version, schema } = snapshot
  const columnMapping = columnMappingOf(snapshot)
  checkColumnMapping(schema, columnMapping)
  refuseUnknownChange(snapshot)
  const wanted = files === undefined ? [...snapshot.files.values()] : Array.from(files, file => getFile(snapshot, file))
  const kept = predicate === undefined ? wanted : pruneFiles(wanted, snapshot, predicate)
  const requests = kept.flatMap(({ path, deletionVector }) =>
    deletionVector === undefined ? [] : [{ dataFile: path, vector: deletionVector }],
  )
  const deleted = (await readDeletionVectors({ store, tablePath, version, signal }, requests)).values()
  const partitions = partitionFields(snapshot)
  const planned = kept.map(
    (add): ScanFile => ({
      add,
      partitionValues: partitions.map(field => partitionValue(snapshot, add, field, columnMapping)),
      deletedRows: add.deletionVector === undefined ? undefined : deleted.next().value,
    }),
  )
  const partitionColumns = partitions.map(field => field.name)
  return { tablePath, version, schema, columnMapping, partitionColumns, files: planned }
}

/** What an older file holds is not known to be a value of the column's type by now. */
function refuseUnknownChange({ tablePath, version, schema }: Snapshot): void {
  const change = findUnknownChange(schema)
  if (change === undefined) return
  const { column, fromType, toType } = change
  const message =
    `Version ${version} of ${tablePath} cannot be read: its column ${column} was changed from ${fromType} to ${toType}, ` +
    `which this version does not support.`
  throw new DeltaError('FEATURE_UNSUPPORTED', message, { tablePath, version, column, features: ['typeWidening'] })
}

function getFile({ tablePath, version, files }: Snapshot, file: string | AddFile): AddFile {
  if (typeof file !== 'string') return file
  const found = files.get(file)
  if (found !== undefined) return found
  const message = `${file} is not a file of version ${version} of ${tablePath}, so it cannot be read as one.`
  throw new DeltaError('STAGE_INVALID', message, { tablePath, version, file })
}

function partitionFields({ tablePath, schema, metaData }: Snapshot): StructField[] {
  return metaData.partitionColumns.map(column => {
    const field = schema.fields.find(f => f.name === column)
    if (field !== undefined) return field
    const message = `The partition column ${column} of ${tablePath} is not in its schema.`
    throw new DeltaError('LOG_INVALID', message, { tablePath, column })
  })
}

function partitionValue(
  { tablePath, version }: Snapshot,
  { path, partitionValues }: AddFile,
  field: StructField,
  mapping: ColumnMapping,
): PartitionValue | undefined {
  const type = typeof field.type === 'string' ? field.type : field.type.type
  try {
    return parsePartitionValue(type, partitionValues[physicalName(field, mapping)])
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    const message = `The partition column ${field.name} of ${path} in version ${version} of ${tablePath}: ${cause.message}.`
    throw new DeltaError('LOG_INVALID', message, { tablePath, version, file: path, column: field.name }, cause)
  }
}
