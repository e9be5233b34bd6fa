/**
 * Pruning: leaving out files that certainly hold none of the wanted keys. Bounds are compared only for types whose
 * order here is the order of every engine that wrote them; everything else keeps the file.
 */
import type { AddFile } from '../log/actions.ts'
import type { StructType } from '../schema/schema.ts'
import { compareBytes } from '../store/store-path.ts'
import { parseStats, type Stats } from './parse-stats.ts'

/** What values a key column has among the wanted keys. Bounds are inclusive text; undefined when all are NULL. */
export interface KeyRange {
  min: string | undefined
  max: string | undefined
  hasNull: boolean
}

type Compare = (a: string, b: string) => number

/** The files that may hold a row whose key lies in all the ranges. Columns without a range do not narrow anything. */
export function pruneByKeys(
  files: readonly AddFile[],
  schema: StructType,
  ranges: ReadonlyMap<string, KeyRange>,
): AddFile[] {
  const columns = schema.fields.flatMap(f => {
    const range = ranges.get(f.name)
    return range && typeof f.type === 'string' ? [{ name: f.name, type: f.type, range }] : []
  })
  return files.filter(file => {
    const stats = parseStats(file.stats)
    return stats === undefined || columns.every(c => mayOverlap(stats, c.name, c.type, c.range))
  })
}

function mayOverlap(stats: Stats, column: string, type: string, range: KeyRange): boolean {
  const nulls = stats.nullCount[column]
  if (range.hasNull && nulls !== '0') return true
  if (range.min === undefined || range.max === undefined) return !range.hasNull
  const isAllNull = typeof nulls === 'string' && stats.numRecords !== undefined && nulls === String(stats.numRecords)
  if (isAllNull && stats.tightBounds) return false
  const compare = comparison(type)
  const min = boundOf(stats.minValues[column], type)
  const max = boundOf(stats.maxValues[column], type)
  if (!compare || !isComparable(range.min, type) || !isComparable(range.max, type)) return true
  if (min !== undefined && compare(range.max, min) < 0) return false
  return max === undefined || max.endsWith('\ufffd') || compare(range.min, max) <= 0
}

function comparison(type: string): Compare | undefined {
  switch (type) {
    case 'byte':
    case 'short':
    case 'integer':
    case 'long':
      return compareIntegers
    case 'string':
    case 'date':
      // Code points, the order of UTF-8 bytes; JavaScript's own `<` is not.
      return compareBytes
    default:
      return undefined
  }
}

function boundOf(value: unknown, type: string): string | undefined {
  return typeof value === 'string' && isComparable(value, type) ? value : undefined
}

/**
 * Dates order as text only with four-digit years. A string with half a surrogate pair was cut by a writer that counts
 * otherwise.
 */
function isComparable(value: string, type: string): boolean {
  if (type === 'string') return value.isWellFormed()
  if (type === 'date') return /^\d{4}-\d\d-\d\d$/.test(value)
  return /^-?\d+$/.test(value)
}

function compareIntegers(a: string, b: string): number {
  const [x, y] = [BigInt(a), BigInt(b)]
  return x < y ? -1 : x > y ? 1 : 0
}
