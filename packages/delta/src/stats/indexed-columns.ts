/**
 * Which columns of a table have statistics (Delta protocol, "Per-file Statistics"), by the settings that its writers
 * share.
 */
import { type ColumnMapping, physicalName } from '../schema/column-mapping.ts'
import { quoteName } from '../schema/conditions.ts'
import type { DataType, StructType } from '../schema/schema.ts'

/** What decides about statistics; left out parts are as for a plain table. */
export interface StatsTarget {
  readonly schema: StructType
  readonly columnMapping?: ColumnMapping | undefined
  /** Logical names; they have no statistics, and do not count. */
  readonly partitionColumns?: readonly string[] | undefined
  /** The table's settings; `delta.dataSkippingNumIndexedCols` and `delta.dataSkippingStatsColumns` are looked at. */
  readonly configuration?: Readonly<Record<string, string>> | undefined
  /** Top-level columns, by their logical names, that have statistics whatever the settings say. */
  readonly statsColumns?: readonly string[] | undefined
}

/** A column that is no struct. */
export interface Leaf {
  readonly path: readonly string[]
  /** Names as in the files. */
  readonly physicalPath: readonly string[]
  readonly type: DataType
}

/** The setting that names the columns with statistics. */
export const STATS_COLUMNS = 'delta.dataSkippingStatsColumns'

/** How many leaves have statistics when no setting says otherwise: the protocol's default. */
const INDEXED_LEAVES = 32

/**
 * The leaves that have statistics: those in `delta.dataSkippingStatsColumns`, else the first
 * `delta.dataSkippingNumIndexedCols` (-1 for all); and those in `statsColumns`. Arrays and maps count as one leaf.
 */
export function indexedLeaves(target: StatsTarget): Leaf[] {
  const { schema, columnMapping = 'none', partitionColumns = [], configuration = {}, statsColumns = [] } = target
  const data = schema.fields.filter(field => !partitionColumns.includes(field.name))
  const leaves = leavesOf({ type: 'struct', fields: data }, columnMapping, { path: [], physicalPath: [] })
  const named = configuration[STATS_COLUMNS]
  const wanted = named === undefined ? undefined : parseColumns(named)
  const count = indexedCount(configuration['delta.dataSkippingNumIndexedCols'])
  const always = new Set(statsColumns)
  return leaves.filter(({ path }, index) => {
    if (always.has(path[0] ?? '')) return true
    return wanted === undefined ? index < count : wanted.some(column => isWithin(path, column))
  })
}

function leavesOf(
  struct: StructType,
  mapping: ColumnMapping,
  parent: { path: readonly string[]; physicalPath: readonly string[] },
): Leaf[] {
  return struct.fields.flatMap(field => {
    const path = [...parent.path, field.name]
    const physicalPath = [...parent.physicalPath, physicalName(field, mapping)]
    const { type } = field
    const isStruct = typeof type !== 'string' && type.type === 'struct'
    return isStruct ? leavesOf(type, mapping, { path, physicalPath }) : [{ path, physicalPath, type }]
  })
}

function indexedCount(setting: string | undefined): number {
  const count = /^\s*(-?\d+)\s*$/.exec(setting ?? '')?.[1]
  if (count === undefined) return INDEXED_LEAVES
  return Number(count) < 0 ? Infinity : Number(count)
}

/** A list of SQL names such as ``id, s.x, `odd, name` ``; a struct stands for all its leaves, case does not count. */
function parseColumns(list: string): string[][] {
  const columns: string[][] = [[]]
  for (const [, quoted, plain, mark] of list.matchAll(/`((?:[^`]|``)*)`|([^`,.\s]+)|([,.])/g)) {
    if (mark === ',') columns.push([])
    const name = quoted?.replaceAll('``', '`') ?? plain
    if (name !== undefined) columns.at(-1)?.push(name)
  }
  return columns.filter(column => column.length > 0)
}

/**
 * The list after a column was renamed, or dropped where `name` is undefined; null for a list of no columns, which is none.
 */
export function renameStatsColumns(list: string, column: readonly string[], name: string | undefined): string | null {
  const columns = parseColumns(list).flatMap(path => {
    if (!isWithin(path, column)) return [path]
    return name === undefined ? [] : [path.with(column.length - 1, name)]
  })
  if (columns.length === 0) return null
  return columns.map(path => path.map(part => (/^\w+$/.test(part) ? part : quoteName(part))).join('.')).join(',')
}

function isWithin(path: readonly string[], column: readonly string[]): boolean {
  return column.every((name, i) => path[i]?.toLowerCase() === name.toLowerCase())
}
