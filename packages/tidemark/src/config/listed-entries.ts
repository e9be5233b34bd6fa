/** What a table list says, entry by entry, in a form that two versions of it can be compared in. Pure. */
import type { ListedEntry } from '../model/project.ts'
import { normaliseEntry, listEntries } from './list-dialect.ts'
import { type ConfigNode, findEntry, textOf, toValue } from './node.ts'

/** The entries in the order of the list. Order of keys, synonyms, blanks and keys of your own make no difference. */
export function listedEntries(list: ConfigNode): ListedEntry[] {
  return listEntries(list).entries.flatMap(node => {
    if (node.kind !== 'map') return []
    const { entry } = normaliseEntry(node)
    const text = (key: string): string => textOf(findEntry(entry, key)?.value) ?? ''
    return [{ table: `${text('schema')}.${text('table')}`, says: JSON.stringify(sorted(toValue(entry))) }]
  })
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const keys = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(keys.map(([key, inner]) => [key, sorted(inner)]))
}
