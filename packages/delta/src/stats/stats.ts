/**
 * The `stats` text of an add action (Delta protocol, "Per-file Statistics"), from the statistics DuckDB returns for a
 * file it wrote. Bounds are text from end to end, and a bound that could be wrong is left out.
 */
import { exactNumber, printJson } from '../json.ts'
import type { DataType, StructType } from '../schema/schema.ts'
import { lowerBound, upperBound } from './stats-bound.ts'

/** How many leaf columns get statistics unless asked for: the protocol's default. */
const INDEXED_LEAVES = 32

/** Text values by DuckDB's names (`min`, `max`, `null_count`, `has_nan`), by quoted column path such as `"a"."b"`. */
export type ColumnStatistics = ReadonlyMap<string, ReadonlyMap<string, string>>

interface Tree {
  [name: string]: object | string
}

/**
 * Build the stats text for one file: counts and bounds of the first 32 leaf columns, and of every column whose top
 * level is in `alwaysColumns`. Arrays and maps count as a leaf but get none: what DuckDB counts for them is not the
 * number of NULL arrays.
 */
export function statsFromColumns(
  schema: StructType,
  numRecords: bigint,
  columnStatistics: ColumnStatistics,
  alwaysColumns: readonly string[] = [],
): string {
  const always = new Set(alwaysColumns)
  const stats = { minValues: {} as Tree, maxValues: {} as Tree, nullCount: {} as Tree }
  for (const [index, leaf] of leavesOf(schema, []).entries()) {
    if (index >= INDEXED_LEAVES && !always.has(leaf.path[0] ?? '')) continue
    const column = columnStatistics.get(leaf.path.map(quote).join('.'))
    if (typeof leaf.type !== 'string' || column === undefined) continue
    const nullCount = column.get('null_count')
    if (nullCount !== undefined && /^\d+$/.test(nullCount)) put(stats.nullCount, leaf.path, exactNumber(nullCount))
    // Engines disagree on where NaN sorts, so a column that holds one has no bounds.
    if (column.get('has_nan') === 'true') continue
    put(stats.minValues, leaf.path, lowerBound(leaf.type, column.get('min')))
    put(stats.maxValues, leaf.path, upperBound(leaf.type, column.get('max')))
  }
  return printJson({ numRecords, ...stats })
}

function leavesOf(struct: StructType, parent: readonly string[]): { path: readonly string[]; type: DataType }[] {
  return struct.fields.flatMap(({ name, type }) => {
    const path = [...parent, name]
    return typeof type !== 'string' && type.type === 'struct' ? leavesOf(type, path) : [{ path, type }]
  })
}

function put(tree: Tree, path: readonly string[], value: object | string | undefined): void {
  if (value === undefined) return
  let place = tree
  for (const name of path.slice(0, -1)) {
    if (!Object.hasOwn(place, name)) define(place, name, {})
    place = place[name] as Tree
  }
  define(place, path.at(-1) ?? '', value)
}

/** Plain assignment would lose a column named `__proto__`. */
function define(tree: Tree, name: string, value: object | string): void {
  Object.defineProperty(tree, name, { value, enumerable: true, configurable: true, writable: true })
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
