/**
 * What segments hold of a column, and which values as they stand in the file are surely of its type. All others are judged
 * by SQLite; so what is refused is decided in one place, and most values never get there.
 */
import { LONG_DIGITS, type ParquetType } from '../parquet/segment-layout.ts'

export type ValueForm =
  | { readonly kind: 'long' | 'boolean' | 'double' | 'text' | 'any text' | 'day' | 'moment' | 'hex' }
  | { readonly kind: 'decimal'; readonly precision: number; readonly scale: number }

/** How the values stand in a file. */
export function parquetType(form: ValueForm): ParquetType {
  switch (form.kind) {
    case 'long':
      return 'int64'
    case 'boolean':
      return 'boolean'
    case 'decimal':
      return form.precision > LONG_DIGITS ? 'text' : { precision: form.precision, scale: form.scale }
    case 'hex':
      return 'bytes'
    default:
      return 'text'
  }
}
