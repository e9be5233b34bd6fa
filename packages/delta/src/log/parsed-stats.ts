/**
 * Statistics that a checkpoint keeps as columns (`stats_parsed`) instead of as text.
 */
import { exactNumber, parseJsonNumbers } from '../json.ts'
import { isRecord } from './parse-fields.ts'

/**
 * The `stats` text for a row of a checkpoint, made from its `add.stats_parsed`; undefined when that is NULL. Numbers
 * keep every digit.
 */
export function parsedStats(row: string): string | undefined {
  const json = parseJsonNumbers(row, exactNumber)
  const add = isRecord(json) ? json['add'] : undefined
  const stats = isRecord(add) ? withoutNulls(add['stats_parsed']) : undefined
  return stats === undefined ? undefined : JSON.stringify(stats)
}

/** Columns without a bound are NULL there; in the text they are left out. */
function withoutNulls(value: unknown): unknown {
  if (value == null) return undefined
  if (!isRecord(value) || isRawNumber(value)) return value
  const entries = Object.entries(value).flatMap(([key, item]) => {
    const kept = withoutNulls(item)
    return kept === undefined ? [] : [[key, kept] as const]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

function isRawNumber(value: object): boolean {
  return (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value)
}
