/**
 * Names of lake tables and the folders they live in. The folder name says the table name exactly and is safe on every
 * file system and object store; two different names never share a folder.
 */
import { TABLE_NAME_INVALID } from '../errors/names.ts'
import type { TableName } from './flow.ts'

/** The longest folder name in bytes: room for what stores and file systems add to it. */
const MAX_BYTES = 200

const deviceName = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])$/i

/** `schema.table`. The table part may itself hold dots; the schema may not. */
export function tableName(schema: string, table: string): TableName {
  return `${schema}.${table}`
}

const BY_PATH = /^delta\./i

/** True for a table that is named by `delta.` and its path, wherever that leads; a lake has no schema of this name. */
export function isByPath(table: string): boolean {
  return BY_PATH.test(table)
}

/** The path of such a table, out of its backticks. */
export function pathOf(table: string): string {
  return table.replace(BY_PATH, '').replace(/^`([^]*)`$/, '$1')
}

/** Schema and table of a lake name, split at the first dot. Throws TABLE_NAME_INVALID when either is missing. */
export function splitTableName(name: TableName): { schema: string; table: string } {
  const dot = name.indexOf('.')
  const schema = name.slice(0, Math.max(dot, 0))
  const table = name.slice(dot + 1)
  if (schema === '' || table === '') throw TABLE_NAME_INVALID({ name, reason: 'is not of the form schema.table' })
  return { schema, table }
}

/**
 * The folder of a table inside the lake: `bronze.DimUser` is in `bronze/DimUser`. Every byte outside `A-Za-z0-9_=-`
 * is percent-encoded. Throws TABLE_NAME_INVALID for `.`, `..`, device names and names beyond 200 encoded bytes.
 */
export function tablePath(name: TableName): string {
  const { schema, table } = splitTableName(name)
  return `${encodeSegment(schema, name)}/${encodeSegment(table, name)}`
}

/** One file-safe path segment for any name, such as a flow's. Injective; throws like `tablePath`. */
export function fileSafeName(name: string): string {
  return encodeSegment(name, name)
}

/** The table name whose folder is `path`; the inverse of `tablePath`, undefined for a path it never gives. */
export function parseTablePath(path: string): TableName | undefined {
  const [schema, table, ...rest] = path.split('/')
  if (!schema || !table || rest.length > 0) return undefined
  try {
    const name = tableName(decodeURIComponent(schema), decodeURIComponent(table))
    return tablePath(name) === path ? name : undefined
  } catch {
    return undefined
  }
}

/**
 * The table among `known` that `wanted` means: the exact spelling first, else the only one that differs by case alone.
 * Undefined when none fits or several do.
 */
export function findTableName(known: Iterable<TableName>, wanted: TableName): TableName | undefined {
  const folded: TableName[] = []
  for (const name of known) {
    if (name === wanted) return name
    if (name.toLowerCase() === wanted.toLowerCase()) folded.push(name)
  }
  return folded.length === 1 ? folded[0] : undefined
}

function encodeSegment(segment: string, name: string): string {
  if (segment === '.' || segment === '..') throw TABLE_NAME_INVALID({ name, reason: 'is a folder path' })
  if (deviceName.test(segment)) throw TABLE_NAME_INVALID({ name, reason: 'is the name of a device on Windows' })
  if (!segment.isWellFormed()) throw TABLE_NAME_INVALID({ name, reason: 'is not valid Unicode' })
  const encoded = encodeURIComponent(segment).replace(
    /[.!~*'()]/g,
    c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  if (encoded.length > MAX_BYTES) throw TABLE_NAME_INVALID({ name, reason: `needs more than ${MAX_BYTES} bytes` })
  return encoded
}
