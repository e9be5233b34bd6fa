/** The schema of a bronze table: the source's columns, typed for Delta, and ours; and what to do when they drift. */
import { type Drift, evolve, field, type StructType } from '@tidemark/delta'
import { COLUMN_DRIFT, COLUMN_NAMES_COLLIDE, COLUMN_RESERVED } from '../errors/ingest.ts'
import type { SourceColumn, SourceTable } from '../sources/source.ts'
import type { ExtractTable } from './work.ts'
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

/**
 * The table's schema with the source's new nullable columns added. A column that the entry leaves out stays.
 *
 * @throws {COLUMN_DRIFT} a column is gone or has another type
 */
export function followDrift(
  { name: table, table: source, columns, isLeftOut }: Pick<ExtractTable, 'name' | 'table' | 'columns' | 'isLeftOut'>,
  current: StructType,
): StructType {
  const wanted = bronzeSchema(source, columns)
  const wantedNames = new Set(wanted.fields.map(f => f.name.toLowerCase()))
  const absent = current.fields.filter(f => !wantedNames.has(f.name.toLowerCase()) && !isLeftOut(f.name))
  const gone = absent.map(f => `${f.name} is gone`)
  const outcome = evolve(current, wanted)
  const drifts = outcome.kind === 'incompatible' ? outcome.drifts.map(printDrift) : []
  const changes = [...gone, ...drifts]
  if (outcome.kind === 'incompatible' || changes.length > 0) {
    throw COLUMN_DRIFT({ table, changes: changes.join('; ') }, { state: 'Nothing was written.' })
  }
  return outcome.changed ? outcome.schema : current
}

function printDrift({ column, current, wanted }: Drift): string {
  return `${column} was ${current ?? 'absent'} and is now ${wanted}`
}
