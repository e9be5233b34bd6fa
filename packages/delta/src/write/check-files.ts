/**
 * What new data files must be before a commit may name them: distinct, inside the table, with a value for every
 * partition column, and without NULL where the schema forbids it.
 */

import { DeltaError } from '../errors.ts'
import type { DataFile } from '../log/actions.ts'
import type { StructType } from '../schema/schema.ts'
import { parseStats } from '../stats/parse-stats.ts'

export interface FilesToCheck {
  files: readonly DataFile[]
  schema: StructType
  partitionColumns: readonly string[]
  /** Name of a top-level column in files, partition values and stats. */
  physicalName: (column: string) => string
}

/** Throw STAGE_INVALID naming the first file that does not fit the table. */
export function checkDataFiles(tablePath: string, table: FilesToCheck): void {
  const { physicalName, schema } = table
  const seen = new Set<string>()
  const physical = new Set(schema.fields.map(f => physicalName(f.name)))
  const expected: Expected = {
    unmapped: new Set(schema.fields.map(f => f.name).filter(name => !physical.has(name))),
    required: schema.fields.filter(f => !f.nullable).map(f => physicalName(f.name)),
    partitionKeys: table.partitionColumns.map(physicalName),
  }
  for (const file of table.files) {
    const reason = findFault(file, expected)
    if (reason !== undefined) throw invalid(tablePath, file.path, reason)
    if (seen.has(file.path)) throw invalid(tablePath, file.path, 'is named twice')
    seen.add(file.path)
  }
}

/** What a file has to be like, by physical names. */
interface Expected {
  /** Names of columns that no file may have, since column mapping gave it another one. */
  unmapped: ReadonlySet<string>
  required: readonly string[]
  partitionKeys: readonly string[]
}

function findFault(file: DataFile, { unmapped, required, partitionKeys }: Expected): string | undefined {
  if (file.path.startsWith('/') || file.path.split('/').some(part => part === '' || part === '.' || part === '..')) {
    return 'is not a path inside the table'
  }
  if (file.size < 0n || !Number.isSafeInteger(file.modificationTime)) {
    return 'has a size or modification time that is not a whole number'
  }
  const keys = Object.keys(file.partitionValues)
  if (keys.length !== partitionKeys.length || !partitionKeys.every(column => keys.includes(column))) {
    return `has partition values for (${keys.join(', ')}) but the table has (${partitionKeys.join(', ')})`
  }
  const stats = parseStats(file.stats)
  if (stats?.numRecords !== file.numRecords) return `has ${file.numRecords} rows but its stats do not say so`
  const stray = Object.keys(stats.nullCount).find(column => unmapped.has(column))
  if (stray !== undefined) return `has a column ${stray}, whose name in files is another: its writer did not map names`
  const empty = required.find(column => {
    if (partitionKeys.includes(column)) return (file.partitionValues[column] ?? '') === ''
    const count = stats.nullCount[column]
    return typeof count === 'string' && count !== '0'
  })
  return empty === undefined ? undefined : `has NULL in the column ${empty}, which is not nullable`
}

function invalid(tablePath: string, path: string, reason: string): DeltaError {
  const message = `The data file ${path} of ${tablePath} ${reason}.`
  return new DeltaError('STAGE_INVALID', message, { tablePath, path })
}
