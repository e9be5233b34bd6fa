/**
 * Of columns in which a read does not see all values that the lake cannot hold: those that a count of the server has to look at
 * after it.
 */
import { type DataFile, parseStats } from '@tidemark/delta'
import type { UnjudgedColumn } from '../sources/direct-read.ts'
import type { SourceColumn } from '../sources/source.ts'
import type { LakeColumn } from './lake-columns.ts'
import { lakeColumnName } from './system-columns.ts'

/**
 * A column in which such a value arrives as 0 has none where no row of the files has a 0; the bounds tell.
 *
 * @param lake how the columns are carried; bounds say nothing of one whose type is not the source's
 */
export function leftToCount(
  unjudged: readonly UnjudgedColumn[],
  files: readonly DataFile[],
  lake: readonly LakeColumn[],
): SourceColumn[] {
  return unjudged.flatMap(({ column, asZero }) => {
    const name = lakeColumnName(column.name)
    const isSame = lake.some(carried => carried.name === name && carried.type === column.deltaType)
    return asZero && isSame && files.every(file => isWithoutZero(file, name)) ? [] : [column]
  })
}

function isWithoutZero({ stats, numRecords }: DataFile, name: string): boolean {
  const { minValues, maxValues, nullCount } = parseStats(stats) ?? {}
  if (nullCount?.[name] === String(numRecords)) return true
  const [min, max] = [minValues?.[name], maxValues?.[name]]
  return (
    typeof min === 'string' &&
    typeof max === 'string' &&
    (isAbove(min) || (max.startsWith('-') && isAbove(max.slice(1))))
  )
}

/** A number as JSON has it, above 0. */
function isAbove(number: string): boolean {
  return /^[0-9.]*[1-9]/.test(number)
}
