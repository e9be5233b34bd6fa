/**
 * DuckDB's syntax tree as JSON, read without loss: every number keeps its source text, so an integer beyond 2^53 stays
 * what the user wrote. Nodes are plain records; whoever reads one names the fields it knows.
 */
export type Json = null | boolean | string | readonly Json[] | { readonly [key: string]: Json }
export type Node = { readonly [key: string]: Json }

/** Parse JSON with every number as its source text. */
export function parseLossless(json: string): Json {
  const keep = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' ? (context?.source ?? String(value)) : value
  return JSON.parse(json, keep) as Json
}

export function isNode(value: Json | undefined): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A value's items: those of a list, or the value itself. */
export function itemsOf(value: Json | undefined): readonly Json[] {
  if (value === undefined) return []
  return isList(value) ? value : [value]
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** A child node; an empty one where there is none, so that reading on gives nothing. */
export function child(node: Node, key: string): Node {
  const value = node[key]
  return isNode(value) ? value : {}
}

export function hasChild(node: Node, key: string): boolean {
  return isNode(node[key])
}

export function children(node: Node, key: string): readonly Node[] {
  const value = node[key]
  return Array.isArray(value) ? value.filter(isNode) : []
}

export function str(node: Node, key: string): string {
  const value = node[key]
  return typeof value === 'string' ? value : ''
}

export function strings(node: Node, key: string): readonly string[] {
  const value = node[key]
  return Array.isArray(value) ? value.filter(v => typeof v === 'string') : []
}

export function flag(node: Node, key: string): boolean {
  return node[key] === true
}

/** Byte offset of a node in the text DuckDB parsed; of its first child that has one, when it has none itself. */
export function locationOf(node: Node): number | undefined {
  const own = node['query_location']
  if (typeof own === 'string') return Number(own)
  for (const value of Object.values(node)) {
    for (const item of itemsOf(value)) {
      const found = isNode(item) ? locationOf(item) : undefined
      if (found !== undefined) return found
    }
  }
  return undefined
}
