/**
 * Finding the column a predicate names: its type, and where the log keeps its values and bounds. Names are matched
 * exactly first, else without regard to case when only one fits.
 */
import { DeltaError } from '../errors.ts'
import type { MetaData, Protocol } from '../log/actions.ts'
import { columnMappingOf, physicalName } from '../schema/column-mapping.ts'
import type { DataType, StructField, StructType } from '../schema/schema.ts'
import { type ColumnPath, printColumn } from './predicate.ts'
import { findOrder, type ValueOrder } from './value-order.ts'

/** What has to be known of a table to read its files' partition values and stats; every snapshot is one. */
export interface TableColumns {
  readonly schema: StructType
  readonly protocol: Protocol
  readonly metaData: Pick<MetaData, 'partitionColumns' | 'configuration'>
}

export interface BoundColumn {
  /** The name as the schema spells it. */
  readonly path: ColumnPath
  readonly type: DataType
  /** Names as in the files, the keys of `partitionValues` and stats. */
  readonly physicalPath: ColumnPath
  readonly isPartition: boolean
  /** How to compare values; undefined when stats and text cannot tell. */
  readonly order: ValueOrder | undefined
}

/** The column of a path. Throws PREDICATE_INVALID when there is none. */
export function bindColumn(table: TableColumns, path: ColumnPath): BoundColumn {
  const { partitionColumns, configuration } = table.metaData
  const mapping = columnMappingOf({ protocol: table.protocol, configuration })
  const fields: StructField[] = []
  let type: DataType = table.schema
  for (const name of path) {
    const field: StructField | undefined =
      typeof type !== 'string' && type.type === 'struct' ? findField(type, name) : undefined
    if (field === undefined) throw unknownColumn(path)
    fields.push(field)
    type = field.type
  }
  const [top] = fields
  const leaf = fields.at(-1)
  if (top === undefined || leaf === undefined) throw unknownColumn(path)
  return {
    path: fields.map(f => f.name),
    type,
    physicalPath: fields.map(f => physicalName(f, mapping)),
    isPartition: fields.length === 1 && partitionColumns.includes(top.name),
    order: orderOf(leaf),
  }
}

/** Strings with a collation are compared by rules that stats do not follow. */
function orderOf(field: StructField): ValueOrder | undefined {
  if (field.metadata['__COLLATIONS'] !== undefined) return undefined
  return findOrder(field.type, { wasFloat: field.metadata['delta.typeChanges'] !== undefined })
}

function findField(struct: StructType, name: string): StructField | undefined {
  const exact = struct.fields.find(f => f.name === name)
  if (exact !== undefined) return exact
  const [first, ...others] = struct.fields.filter(f => f.name.toLowerCase() === name.toLowerCase())
  return others.length === 0 ? first : undefined
}

function unknownColumn(path: ColumnPath): DeltaError {
  const column = printColumn(path)
  return new DeltaError('PREDICATE_INVALID', `There is no column ${column === '' ? '(no name)' : column}.`, { column })
}
