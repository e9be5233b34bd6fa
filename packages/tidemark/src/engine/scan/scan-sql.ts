/**
 * From a scan plan to one query: files of the same layout are one list, layouts are put together with UNION ALL. The
 * columns are the table's, in its order, in exactly its types.
 */
import { DeltaError, type ScanFile, type ScanPlan, type StructField } from '@tidemark/delta'
import { readComparable } from '../comparable-column.ts'
import type { PlaceColumns } from '../engine.ts'
import { fileList } from '../file-list.ts'
import { ident, join, raw, type Sql, sql } from '../sql.ts'
import { emptyRelation } from '../types.ts'
import { type Constant, commonValue, constantsRelation } from './constants.ts'
import type { Layout } from './layouts.ts'
import { findColumn, nullOf, project } from './project.ts'

/** Files that are read as one list. */
export interface ScanGroup {
  readonly layout: Layout
  readonly locations: readonly string[]
  readonly files: readonly ScanFile[]
  /** A table of deleted rows: `file`, the number in the list, and `row`, the number in the file. */
  readonly deleted: Sql | undefined
}

/** The query of a whole plan. Throws FILE_INVALID when a file's columns cannot be the table's. */
export function scanSql(plan: ScanPlan, groups: readonly ScanGroup[], place: PlaceColumns | undefined): Sql {
  if (groups.length > 0)
    return join(
      groups.map(group => groupSql(plan, group, place)),
      ' UNION ALL ',
    )
  const placed =
    place === undefined
      ? raw('')
      : sql`, CAST(NULL AS VARCHAR) AS ${ident(place.file)}, CAST(NULL AS BIGINT) AS ${ident(place.row)}`
  return sql`SELECT *${placed} FROM (${emptyRelation(plan.schema)})`
}

function groupSql(plan: ScanPlan, group: ScanGroup, place: PlaceColumns | undefined): Sql {
  refuseWithoutIds(plan, group)
  const joined: Constant[] = []
  const constant = (value: Constant): Sql => {
    const common = commonValue(value)
    if (common !== undefined) return common
    joined.push(value)
    return raw(`c.v${joined.length - 1}`)
  }
  const columns = plan.schema.fields.map(
    field => sql`${columnSql(plan, group, field, constant)} AS ${ident(field.name)}`,
  )
  // The file's name is one value for all its rows, and so costs nothing to carry along.
  if (place !== undefined)
    columns.push(sql`f.filename AS ${ident(place.file)}, f.file_row_number AS ${ident(place.row)}`)
  // Columns get names of our own, so that none of them hides the number of the file or of the row.
  const names = join(group.layout.columns.map((_, i) => columnName(i)))
  const list = fileList(group.locations)
  const constants =
    joined.length === 0
      ? raw('')
      : sql` JOIN ${constantsRelation(group.files.length, joined)} AS c ON c.file = f.file_index`
  const deleted =
    group.deleted === undefined
      ? raw('')
      : sql` ANTI JOIN ${group.deleted} AS d ON d.file = f.file_index AND d.row = f.file_row_number`
  return sql`SELECT ${join(columns)} FROM read_parquet(${list}, hive_partitioning = false) AS f(${names})${constants}${deleted}`
}

function columnSql(plan: ScanPlan, group: ScanGroup, field: StructField, constant: (value: Constant) => Sql): Sql {
  const position = plan.partitionColumns.indexOf(field.name)
  if (position >= 0) return constant({ type: field.type, values: group.files.map(f => f.partitionValues[position]) })
  const found = findColumn(group.layout.columns, field, plan.columnMapping)
  if (found === undefined) return nullOf(field.type)
  try {
    const read = project(field.type, found.column.shape, sql`f.${columnName(found.index)}`, plan.columnMapping)
    return readComparable(read, field.type)
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw wrongColumn(plan, group, field, cause)
  }
}

/** Reading such a file by id would give NULL for every value in it. */
function refuseWithoutIds({ columnMapping, tablePath, version }: ScanPlan, { layout, files }: ScanGroup): void {
  if (columnMapping !== 'id' || layout.columns.some(column => column.fieldId !== undefined)) return
  const file = files[0]?.add.path
  const message = `The data file ${file} of version ${version} of ${tablePath} has no field ids, by which its columns would be found.`
  throw new DeltaError('FILE_INVALID', message, { tablePath, version, file })
}

function columnName(index: number): Sql {
  return raw(`c${index}`)
}

function wrongColumn(
  { tablePath, version }: ScanPlan,
  group: ScanGroup,
  field: StructField,
  cause: TypeError,
): DeltaError {
  const file = group.files[0]?.add.path
  const message = `Column ${field.name} of ${file} in version ${version} of ${tablePath} ${cause.message}.`
  return new DeltaError('FILE_INVALID', message, { tablePath, version, file, column: field.name }, cause)
}
