/** One lake name, one table: exact entries are compared here, the matches of patterns when the database is known. */
import { LAKE_NAME_TAKEN } from '../errors/list.ts'
import { type Place, Problem } from '../errors/problem.ts'
import { tableName, tablePath } from '../model/names.ts'
import type { TableEntry } from '../model/project.ts'

/** A problem at the second of two entries with one name: which table is meant is for the user to say. */
export function checkLakeNames(tables: readonly TableEntry[]): Problem[] {
  const taken = new Map<string, TableEntry>()
  return tables.flatMap(entry => {
    if (entry.name === undefined) return []
    const first = taken.get(entry.name.toLowerCase())
    if (first === undefined) {
      taken.set(entry.name.toLowerCase(), entry)
      return []
    }
    const at = `${first.place.file}:${first.place.line}`
    const params = { name: entry.name, table: `${entry.schema}.${entry.table}`, first: at }
    return [LAKE_NAME_TAKEN(params, { place: namePlace(entry) })]
  })
}

/** A problem at each name that no folder can have. It is the entry's own: the other tables can go on. */
export function findUnusableNames(tables: readonly TableEntry[]): Problem[] {
  return tables.flatMap(entry => {
    try {
      if (entry.name !== undefined) tablePath(tableName('bronze', entry.name))
      return []
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      return [error.at(namePlace(entry))]
    }
  })
}

/** Where an entry's lake name comes from. */
export function namePlace({ places, place }: TableEntry): Place {
  return places['name'] ?? places['table'] ?? place
}
