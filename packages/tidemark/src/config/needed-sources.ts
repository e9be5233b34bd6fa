/** Which sources a command needs that works on named tables: of the others no secret is fetched and nothing is asked. */
import type { Project } from '../model/project.ts'

/**
 * The names of the sources that have the tables; undefined where the list alone does not tell, so that all are needed: a
 * name that is no table of an exact entry may be of a flow, or brought by a pattern.
 *
 * @param names tables of bronze or silver, with or without their layer, and with `+` or without
 */
export function neededSources(
  { tables }: Pick<Project, 'tables'>,
  names: readonly string[],
): ReadonlySet<string> | undefined {
  const needed = new Set<string>()
  for (const written of names) {
    const wanted = written.replace(/\+$/, '').toLowerCase()
    const entry = tables.find(({ name }) => {
      const own = name?.toLowerCase()
      return own !== undefined && [own, `bronze.${own}`, `silver.${own}`].includes(wanted)
    })
    if (entry === undefined) return undefined
    needed.add(entry.source)
  }
  if (needed.size === 0) return undefined
  // What a pattern brings may be read by what follows, and only its source tells what that is.
  if (names.some(written => written.endsWith('+')))
    for (const { name, source } of tables) if (name === undefined) needed.add(source)
  return needed
}
