/**
 * What the log says of a column in one file: the partition value, or the bounds and NULL counts of its stats. Whatever is
 * missing or cannot be believed makes the parts wider, never narrower.
 */
import type { AddFile } from '../log/actions.ts'
import type { BoundColumn } from './bound-column.ts'
import type { ColumnParts, ValueRange } from './column-part.ts'
import { StatsText } from './stats-text.ts'

/** The file's columns, each looked up when asked for. */
export function fileParts(file: Pick<AddFile, 'partitionValues' | 'stats'>): (column: BoundColumn) => ColumnParts {
  let stats: StatsText | undefined
  return column => {
    if (column.isPartition) return partitionParts(column, file.partitionValues)
    stats ??= new StatsText(file.stats)
    return statsParts(column, stats)
  }
}

const ANYWHERE: ValueRange = { min: undefined, max: undefined }

/** An empty text is NULL too, by the protocol; a column without an entry may be anything. */
function partitionParts(column: BoundColumn, partitionValues: AddFile['partitionValues']): ColumnParts {
  const [name = ''] = column.physicalPath
  const { order } = column
  const text = Object.hasOwn(partitionValues, name) ? partitionValues[name] : undefined
  if (text === null || text === '') return { values: undefined, hasNaN: false, hasNull: () => true }
  const value = text === undefined ? undefined : order?.parse(text)
  if (value === undefined) return { values: ANYWHERE, hasNaN: mayBeNaN(column), hasNull: () => text === undefined }
  const isNaN = Number.isNaN(value)
  return { values: isNaN ? undefined : { min: value, max: value }, hasNaN: isNaN, hasNull: () => false }
}

function mayBeNaN(column: BoundColumn): boolean {
  return column.order?.hasNaN ?? false
}

/**
 * With a deletion vector `numRecords` and `nullCount` are those of the whole file, so "none" and "all" stay true of the
 * rows that are left, and nothing else is concluded from them. Bounds stay bounds.
 */
function statsParts(column: BoundColumn, stats: StatsText): ColumnParts {
  const path = column.physicalPath
  const minText = stats.find('minValues', path)
  const maxText = stats.find('maxValues', path)
  const nullCount = (): string | undefined => (isCounted(column) ? stats.find('nullCount', path) : undefined)
  const hasNull = (): boolean => nullCount() !== '0'
  if (minText === undefined && maxText === undefined) {
    const nulls = nullCount()
    const isAllNull = nulls !== undefined && /^\d+$/.test(nulls) && nulls === stats.find('numRecords', [])
    return { values: isAllNull ? undefined : ANYWHERE, hasNaN: mayBeNaN(column) && !isAllNull, hasNull }
  }
  return { values: rangeOf(column, minText, maxText), hasNaN: mayBeNaN(column), hasNull }
}

function rangeOf(column: BoundColumn, minText: string | undefined, maxText: string | undefined): ValueRange {
  const { order } = column
  const min = minText === undefined ? undefined : order?.lower(minText)
  const max = maxText === undefined ? undefined : order?.upper(maxText)
  const isTurned = min !== undefined && max !== undefined && order !== undefined && order.compare(min, max) > 0
  return isTurned ? ANYWHERE : { min, max }
}

/** Writers count NULLs of arrays and maps in different ways: some count empty ones and NULL elements as well. */
function isCounted(column: BoundColumn): boolean {
  return typeof column.type === 'string'
}
