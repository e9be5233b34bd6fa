/**
 * How values stand in COPY's binary form, and the Parquet column that each is carried in. A value is copied or its bytes
 * are turned around; none becomes a number or a date of JavaScript's.
 */
import { type Decimal, LONG_DIGITS, type ParquetType } from '../parquet/segment-layout.ts'
import type { TakeValues } from './take-values.ts'
import { takeBytes, takeDocuments } from './wire-bytes.ts'
import { takeDecimal, takeLongDecimal } from './wire-decimal.ts'
import { takeDoubles, takeFloats } from './wire-float.ts'
import { takeBits, takeDays, takeInstants, takeLongs, takeShorts, takeUuids, takeWords } from './wire-words.ts'

/** A value as the server's send function writes it; `text` is what it is when its type has no better form. */
export type Wire =
  | 'bool'
  | 'int2'
  | 'int4'
  /** `oid` and `xid`. */
  | 'uint4'
  /** What a date becomes: days from 1970. */
  | 'days'
  | 'int8'
  | 'float4'
  | 'float8'
  | 'timestamptz'
  | 'uuid'
  | 'text'
  | 'jsonb'
  | 'bytea'
  | Decimal

interface WireForm {
  type: ParquetType
  /** Length of every value; 0 where they differ. */
  bytes: number
  take: TakeValues
}

/** How a form is taken. */
export function wireForm(wire: Wire): WireForm {
  if (typeof wire === 'object') {
    const takeAll = wire.precision > LONG_DIGITS ? takeLongDecimal : takeDecimal
    return { type: wire, bytes: 0, take: (from, places, to) => takeAll(from, places, to, wire) }
  }
  return FORMS[wire]
}

const FORMS: Readonly<Record<Exclude<Wire, Decimal>, WireForm>> = {
  bool: { type: 'boolean', bytes: 1, take: takeBits },
  int2: { type: 'int16', bytes: 2, take: takeShorts },
  int4: { type: 'int32', bytes: 4, take: takeWords },
  uint4: { type: 'uint32', bytes: 4, take: takeWords },
  days: { type: 'int32', bytes: 4, take: takeDays },
  int8: { type: 'int64', bytes: 8, take: takeLongs },
  float4: { type: 'float', bytes: 4, take: takeFloats },
  float8: { type: 'double', bytes: 8, take: takeDoubles },
  timestamptz: { type: 'instant', bytes: 8, take: takeInstants },
  uuid: { type: 'uuid', bytes: 16, take: takeUuids },
  text: { type: 'text', bytes: 0, take: takeBytes },
  jsonb: { type: 'text', bytes: 0, take: takeDocuments },
  bytea: { type: 'bytes', bytes: 0, take: takeBytes },
}
