/**
 * Reading the `stats` text of an add action without loss: numbers stay text, so no digit of a long or decimal is lost.
 */
import { exactNumber, parseJsonNumbers, printJson } from '../json.ts'

/** Values by column name, nested for structs. Numbers are their exact text. */
export interface StatsTree {
  readonly [column: string]: string | boolean | null | StatsTree | readonly unknown[] | undefined
}

export interface Stats {
  readonly numRecords: bigint | undefined
  readonly minValues: StatsTree
  readonly maxValues: StatsTree
  readonly nullCount: StatsTree
  /** False when bounds may be wider than the rows, as with deletion vectors. */
  readonly tightBounds: boolean
}

/**
 * Parse stats; undefined when the text is not a JSON object, since stats are only ever a help.
 *
 * @example
 * ```ts
 * console.log(parseStats('{"numRecords":3,"nullCount":{"id":0}}')?.numRecords) // 3n
 * console.log(parseStats('torn')) // undefined
 * ```
 */
export function parseStats(stats: string | undefined): Stats | undefined {
  if (stats === undefined) return undefined
  let json: unknown
  try {
    json = parseJsonNumbers(stats, text => text)
  } catch {
    return undefined
  }
  if (!isTree(json)) return undefined
  const { numRecords } = json
  return {
    numRecords: typeof numRecords === 'string' && /^\d+$/.test(numRecords) ? BigInt(numRecords) : undefined,
    minValues: treeOf(json['minValues']),
    maxValues: treeOf(json['maxValues']),
    nullCount: treeOf(json['nullCount']),
    tightBounds: json['tightBounds'] !== false,
  }
}

/**
 * The same stats for a file whose rows are fewer than its bounds speak of, because some are deleted (Delta protocol,
 * "Per-file Statistics"). Every other digit stays.
 */
export function looseStats(stats: string): string {
  const json = parseJsonNumbers(stats, exactNumber)
  return printJson({ ...(isTree(json) ? json : {}), tightBounds: false })
}

function treeOf(value: unknown): StatsTree {
  return isTree(value) ? value : {}
}

function isTree(value: unknown): value is StatsTree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
