/** One lake name, one table: exact entries are compared here, the matches of patterns when the database is known. */
import { LAKE_NAME_TAKEN } from '../errors/config.ts'
import { Problem } from '../errors/problem.ts'
import { tableName, tablePath } from '../model/names.ts'
import type { TableEntry } from '../model/project.ts'

/** A problem at the second of two entries with one name, and at each name that no folder can have. */
export function checkLakeNames(tables: readonly TableEntry[]): Problem[] {
  const taken = new Map<string, TableEntry>()
  return tables.flatMap(entry => {
    if (entry.name === undefined) return []
    const place = entry.places['name'] ?? entry.places['table'] ?? entry.place
    const first = taken.get(entry.name.toLowerCase())
    if (first !== undefined) {
      const at = `${first.place.file}:${first.place.line}`
      return [LAKE_NAME_TAKEN({ name: entry.name, table: `${entry.schema}.${entry.table}`, first: at }, { place })]
    }
    taken.set(entry.name.toLowerCase(), entry)
    try {
      tablePath(tableName('bronze', entry.name))
      return []
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return [Object.assign(error, { place })]
    }
  })
}
