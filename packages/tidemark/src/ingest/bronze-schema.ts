/** The schema of a bronze table at its first load: the source's columns, typed for Delta, and ours. */
import { field, type StructType } from '@tidemark/delta'
import { COLUMN_NAMES_COLLIDE, COLUMN_RESERVED } from '../errors/ingest.ts'
import type { SourceColumn, SourceTable } from '../sources/source.ts'
import { isSystemColumn, lakeColumnName, SYSTEM_COLUMNS } from './system-columns.ts'

/**
 * Bronze schema of a source table. Every column is nullable: a delete entry has only its key.
 *
 * @throws {COLUMN_RESERVED} a column is named like one of ours
 * @throws {COLUMN_NAMES_COLLIDE} two names become one in the lake, which ignores case
 */
export function bronzeSchema(table: SourceTable, columns: readonly SourceColumn[]): StructType {
  const label = `${table.schema}.${table.table}`
  const seen = new Map<string, string>()
  const fields = columns.map(column => {
    const name = lakeColumnName(column.name)
    if (isSystemColumn(name)) throw COLUMN_RESERVED({ table: label, column: column.name })
    const earlier = seen.get(name.toLowerCase())
    if (earlier !== undefined) {
      throw COLUMN_NAMES_COLLIDE({ table: label, columns: `"${earlier}" and "${column.name}"`, name })
    }
    seen.set(name.toLowerCase(), column.name)
    return name === column.name
      ? field(name, column.deltaType)
      : field(name, column.deltaType, { comment: `source column ${column.name}` })
  })
  return { type: 'struct', fields: [...fields, ...SYSTEM_COLUMNS] }
}
