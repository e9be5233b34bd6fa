/**
 * The `stats` text of an add action (Delta protocol, "Per-file Statistics"), from the statistics DuckDB returns for a
 * file it wrote. Bounds are text from end to end, and a bound that could be wrong is left out.
 */
import { exactNumber, printJson } from '../json.ts'
import { indexedLeaves, type StatsTarget } from './indexed-columns.ts'
import { lowerBound, upperBound } from './stats-bound.ts'

/**
 * Text values by DuckDB's names (`min`, `max`, `null_count`, `has_nan`), by quoted column path such as `"a"."b"`, with
 * the names that the columns have in the file.
 */
export type ColumnStatistics = ReadonlyMap<string, ReadonlyMap<string, string>>

interface Tree {
  [name: string]: object | string
}

/**
 * Build the stats text for one file: counts and bounds of the columns that `target` says. Arrays and maps have none: what
 * DuckDB counts for them is not the number of NULL arrays.
 *
 * @example
 * ```ts
 * const schema: StructType = { type: 'struct', fields: [field('id', 'long')] }
 * const columns = new Map([['"id"', new Map([['min', '1'], ['max', '9'], ['null_count', '0']])]])
 * const stats = statsFromColumns({ schema }, 5n, columns)
 * console.log(stats) // {"numRecords":5,"minValues":{"id":1},"maxValues":{"id":9},"nullCount":{"id":0}}
 * ```
 */
export function statsFromColumns(target: StatsTarget, numRecords: bigint, columnStatistics: ColumnStatistics): string {
  const stats = { minValues: {} as Tree, maxValues: {} as Tree, nullCount: {} as Tree }
  for (const { physicalPath, type } of indexedLeaves(target)) {
    const column = columnStatistics.get(physicalPath.map(quote).join('.'))
    if (typeof type !== 'string' || column === undefined) continue
    const nullCount = column.get('null_count')
    if (nullCount !== undefined && /^\d+$/.test(nullCount)) put(stats.nullCount, physicalPath, exactNumber(nullCount))
    // Engines disagree on where NaN sorts, so a column that holds one has no bounds.
    if (column.get('has_nan') === 'true') continue
    put(stats.minValues, physicalPath, lowerBound(type, column.get('min')))
    put(stats.maxValues, physicalPath, upperBound(type, column.get('max')))
  }
  return printJson({ numRecords, ...stats })
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
