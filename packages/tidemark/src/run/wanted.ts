/** Bronze tables named on the command line, for work on single tables. */
import { suggest } from '../config/suggest.ts'
import { Problems } from '../errors/problem.ts'
import { STEP_UNKNOWN } from '../errors/run.ts'
import { hiddenTables } from './known-tables.ts'
import { isPattern } from '../ingest/resolve.ts'
import { splitTableName, tableName } from '../model/names.ts'
import type { Project } from '../model/project.ts'
import type { OpenSource } from './prepare.ts'

/** `DimUser` and `bronze.DimUser` name the same table, whatever the case; no names mean all. */
export function isWanted(table: string, names: readonly string[]): boolean {
  const folded = table.toLowerCase()
  return (
    names.length === 0 || names.some(name => folded === name.toLowerCase() || folded === `bronze.${name.toLowerCase()}`)
  )
}

/**
 * Refuse names of no bronze table, with the nearest one, spelled with its layer if the name was.
 *
 * @throws {STEP_UNKNOWN} for each; the problem of a source that may have the table and cannot be asked
 */
export function assertKnown(project: Project, sources: readonly OpenSource[], wanted: readonly string[]): void {
  const opened = sources.flatMap(({ tables, refused }) => [...tables, ...refused].map(({ name }) => name))
  const unknown = wanted.filter(name => !opened.some(table => isWanted(table, [name])))
  if (unknown.length === 0) return
  const hidden = hiddenTables(sources)
  if (hidden !== undefined) throw hidden
  const written = project.tables.filter(entry => !isPattern(entry))
  const known = [...opened, ...written.map(({ name, table }) => tableName('bronze', name ?? table))]
  const suggestion = (name: string): string => {
    const below = `bronze.${name.replace(/^[^.]*\./, '')}`
    const named = name.includes('.') ? known : known.map(table => splitTableName(table).table)
    return known.find(table => isWanted(table, [below])) ?? suggest(name, named) ?? ''
  }
  const layer = 'bronze' as const
  throw new Problems(unknown.map(name => STEP_UNKNOWN({ wanted: name, suggestion: suggestion(name), layer })))
}
