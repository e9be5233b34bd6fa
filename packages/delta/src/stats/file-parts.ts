/**
 * What the log says of a column in one file: the partition value, or the bounds and NULL counts of its stats. Whatever is
 * missing or cannot be believed makes the parts wider, never narrower.
 */
import type { AddFile } from '../log/actions.ts'
import type { BoundColumn } from './bound-column.ts'
import type { ColumnPart } from './column-part.ts'
import { findText, openStats, type StatsText } from './stats-text.ts'

/** The file's columns, each looked up when asked for; the stats text is taken apart once. */
export function fileParts(
  file: Pick<AddFile, 'partitionValues' | 'stats'>,
): (column: BoundColumn) => readonly ColumnPart[] {
  let stats: StatsText | undefined
  let isOpen = false
  return column => {
    if (column.isPartition) return partitionParts(column, file.partitionValues)
    if (!isOpen) stats = openStats(file.stats)
    isOpen = true
    return stats === undefined ? anyParts(column) : statsParts(column, stats)
  }
}

/** An empty text is NULL too, by the protocol; a column without an entry may be anything. */
function partitionParts(column: BoundColumn, values: AddFile['partitionValues']): readonly ColumnPart[] {
  const [name = ''] = column.physicalPath
  const text = Object.hasOwn(values, name) ? values[name] : undefined
  if (text === undefined) return anyParts(column)
  if (text === null || text === '') return ['null']
  const value = column.order?.parse(text)
  if (value === undefined) return [NOT_NULL, ...nanParts(column)]
  return Number.isNaN(value) ? ['nan'] : [{ min: value, max: value }]
}

const NOT_NULL: ColumnPart = { min: undefined, max: undefined }

function anyParts(column: BoundColumn): readonly ColumnPart[] {
  return ['null', NOT_NULL, ...nanParts(column)]
}

function nanParts(column: BoundColumn): readonly ColumnPart[] {
  return column.order?.hasNaN === true ? ['nan'] : []
}

/**
 * With a deletion vector `numRecords` and `nullCount` are those of the whole file, so "none" and "all" stay true of the
 * rows that are left, and nothing else is concluded from them. Bounds stay bounds.
 */
function statsParts(column: BoundColumn, stats: StatsText): readonly ColumnPart[] {
  const { text } = stats
  const path = column.physicalPath
  const minText = findText(text, stats.minValues, path)
  const maxText = findText(text, stats.maxValues, path)
  const nulls = isCounted(column) ? findText(text, stats.nullCount, path) : undefined
  const isAllNull = isCount(nulls) && nulls === findText(text, stats.numRecords, [])
  const isEmpty = isAllNull && minText === undefined && maxText === undefined
  const values = isEmpty ? [] : [rangeOf(column, minText, maxText), ...nanParts(column)]
  return nulls === '0' ? values : ['null', ...values]
}

function rangeOf(column: BoundColumn, minText: string | undefined, maxText: string | undefined): ColumnPart {
  const { order } = column
  const min = minText === undefined ? undefined : order?.lower(minText)
  const max = maxText === undefined ? undefined : order?.upper(maxText)
  const isTurned = min !== undefined && max !== undefined && order !== undefined && order.compare(min, max) > 0
  return isTurned ? NOT_NULL : { min, max }
}

/** Writers count NULLs of arrays and maps in different ways: some count empty ones and NULL elements as well. */
function isCounted(column: BoundColumn): boolean {
  return typeof column.type === 'string'
}

function isCount(text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text)
}
