/**
 * ConfigNode: a value the user wrote together with where it stands. YAML and JSON both become this tree; targets are
 * merged and variables replaced on it, so every later problem still points at the text that caused it.
 */
import type { Place } from '../errors/problem.ts'

export type ConfigNode = ScalarNode | ListNode | MapNode

export interface ScalarNode {
  kind: 'scalar'
  value: string | number | boolean | null
  /** The text as written, without quotes: exact where `value` is a number. */
  raw: string
  place: Place
  /** True when a variable was replaced in it: then its type is decided by the key, not by the text. */
  replaced?: boolean
}

export interface ListNode {
  kind: 'list'
  items: readonly ConfigNode[]
  place: Place
}

export interface MapNode {
  kind: 'map'
  entries: readonly MapEntry[]
  place: Place
}

export interface MapEntry {
  key: string
  keyPlace: Place
  value: ConfigNode
}

export type Path = readonly (string | number)[]

/** The entry of a map by key, undefined for anything that is not a map or has no such key. */
export function findEntry(node: ConfigNode | undefined, key: string): MapEntry | undefined {
  return node?.kind === 'map' ? node.entries.find(entry => entry.key === key) : undefined
}

/** The node at a path; undefined when the path leaves the tree. */
export function findNode(node: ConfigNode | undefined, path: Path): ConfigNode | undefined {
  let at = node
  for (const step of path) {
    if (at?.kind === 'list' && typeof step === 'number') at = at.items[step]
    else at = findEntry(at, String(step))?.value
  }
  return at
}

/** The place of the value at a path, or of the nearest value around it that exists. */
export function placeOf(node: ConfigNode, path: Path): Place {
  for (let length = path.length; length > 0; length--) {
    const found = findNode(node, path.slice(0, length))
    if (found !== undefined) return found.place
  }
  return node.place
}

/** The place of the key at a path; the value's place when it is not a key of a map. */
export function keyPlaceOf(node: ConfigNode, path: Path): Place {
  const entry = findEntry(findNode(node, path.slice(0, -1)), String(path.at(-1)))
  return entry?.keyPlace ?? placeOf(node, path)
}

/** The plain value of a tree, for validation. */
export function toValue(node: ConfigNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map(toValue)
    case 'map':
      return Object.fromEntries(node.entries.map(entry => [entry.key, toValue(entry.value)]))
  }
}

/** The text of a scalar as written, trimmed; undefined for lists, maps, null and the empty text. */
export function textOf(node: ConfigNode | undefined): string | undefined {
  if (node?.kind !== 'scalar' || node.value === null) return undefined
  const text = (typeof node.value === 'string' ? node.value : node.raw).trim()
  return text === '' ? undefined : text
}

/** A map without the entries whose key fails the test. */
export function filterEntries(node: MapNode, keep: (key: string) => boolean): MapNode {
  return { ...node, entries: node.entries.filter(entry => keep(entry.key)) }
}

/** Rebuild a tree with every scalar passed through `change`. */
export function mapScalars(
  node: ConfigNode,
  change: (scalar: ScalarNode, path: Path) => ConfigNode,
  path: Path = [],
): ConfigNode {
  switch (node.kind) {
    case 'scalar':
      return change(node, path)
    case 'list':
      return { ...node, items: node.items.map((item, i) => mapScalars(item, change, [...path, i])) }
    case 'map':
      return {
        ...node,
        entries: node.entries.map(entry => ({
          ...entry,
          value: mapScalars(entry.value, change, [...path, entry.key]),
        })),
      }
  }
}

/** `base` with `over` laid on top: maps merge key by key, lists and scalars replace. Null in `over` replaces too. */
export function mergeNodes(base: ConfigNode, over: ConfigNode): ConfigNode {
  if (base.kind !== 'map' || over.kind !== 'map') return over
  const merged = base.entries.map(entry => {
    const other = findEntry(over, entry.key)
    return other === undefined ? entry : { ...other, value: mergeNodes(entry.value, other.value) }
  })
  const added = over.entries.filter(entry => findEntry(base, entry.key) === undefined)
  return { ...base, entries: [...merged, ...added] }
}
