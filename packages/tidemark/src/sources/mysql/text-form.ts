/**
 * Values as the server prints them, and the Parquet column that each is carried in. Digits become the bytes of a whole number,
 * texts and bytes are copied; nothing is rounded.
 */
import type { ColumnValues } from '../parquet/column-values.ts'
import { type Decimal, LONG_DIGITS, type ParquetType } from '../parquet/segment-layout.ts'
import type { Places } from './places.ts'
import { countLost, takeBytes, takeHex } from './text-bytes.ts'
import { takeBits, takeDecimals, takeIntegers, takeLongDecimals, takeLongs } from './text-numbers.ts'
import { takeDates, takeMoments } from './text-times.ts'

export type TextForm =
  /** `0` or `1`. */
  | 'boolean'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'date'
  | 'moment'
  /** A moment that a zone moves, and that is therefore not on the first or the last day of all. */
  | 'local moment'
  | 'text'
  /** A text, or the byte that stands for one with a lost letter. */
  | 'known text'
  /** Bytes that are carried as hexadecimal digits. */
  | 'hex'
  | 'bytes'
  | Decimal

/** How a form is carried. */
export function parquetType(form: TextForm): ParquetType {
  if (form === 'hex' || form === 'known text') return 'text'
  return form === 'local moment' ? 'moment' : form
}

/** Add values to a column; gives how many of them it cannot hold, 0 when all is well. */
export function takeTexts(form: TextForm, from: DataView, places: Places, to: ColumnValues): number {
  if (typeof form === 'object') {
    return form.precision > LONG_DIGITS
      ? takeLongDecimals(from, places, to, form)
      : takeDecimals(from, places, to, form)
  }
  switch (form) {
    case 'boolean':
      return takeBits(from, places, to)
    case 'int16':
      return takeIntegers(from, places, to, 0x8000)
    case 'int32':
      return takeIntegers(from, places, to, 0x8000_0000)
    case 'int64':
      return takeLongs(from, places, to)
    case 'date':
      return takeDates(from, places, to)
    case 'moment':
      return takeMoments(from, places, to, 0)
    case 'local moment':
      return takeMoments(from, places, to, 1)
    case 'known text':
      return takeBytes(from, places, to) + countLost(from, places)
    case 'text':
    case 'bytes':
      return takeBytes(from, places, to)
    case 'hex':
      return takeHex(from, places, to)
  }
}
