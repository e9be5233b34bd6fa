/**
 * Parquet as far as segments need it: optional columns, one plain page for each column of a row group, nothing compressed,
 * no statistics. It exists because bytes of COPY's binary form become such pages by copying and turning them around, while
 * any other form that DuckDB reads would have to be printed here and parsed there.
 */
import type { SegmentForm, SegmentLayout } from '../segments.ts'
import { encodeThrift, i32, i64, list, pushVarint, struct, type ThriftField, type ThriftValue, utf8 } from './thrift.ts'
import type { ColumnValues } from './column-values.ts'

export interface Decimal {
  readonly precision: number
  readonly scale: number
}

/** What a column holds; values are in the bytes that Parquet's PLAIN encoding has for it. */
export type ParquetType =
  | 'boolean'
  | 'int16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'float'
  | 'double'
  /** Days from 1970. */
  | 'date'
  /** Microseconds from 1970, in a zone that nobody tells. */
  | 'moment'
  | 'instant'
  | 'uuid'
  | 'text'
  | 'bytes'
  /** Eight bytes up to 18 digits, else sixteen, highest first. */
  | Decimal

export interface ParquetColumn {
  readonly name: string
  readonly type: ParquetType
}

/** Digits that eight bytes hold. */
export const LONG_DIGITS = 18

/** Rows that are written together. `bytes` belong to the reader until the next group is asked for. */
export interface RowGroup {
  readonly bytes: readonly Uint8Array[]
  readonly rows: number
  /** Length of the longest row in bytes, as it came. */
  readonly longestRow: number
  /** Length of each column's bytes, headers included. */
  readonly columnBytes: readonly number[]
}

const MAGIC = Buffer.from('PAR1')
const [PLAIN, RLE] = [i32(0), i32(3)]
const OPTIONAL = i32(1)
/** Parquet's physical types. */
const PHYSICAL = { boolean: 0, int32: 1, int64: 2, float: 4, double: 5, bytes: 6, fixed: 7 } as const

/** The group of some rows: the values of each column, which have to have come for all of them. */
export function rowGroup(columns: readonly ColumnValues[], longestRow: number): RowGroup {
  const pages = columns.map(page)
  const columnBytes = pages.map(parts => parts.reduce((sum, part) => sum + part.length, 0))
  return { bytes: pages.flat(), rows: columns[0]?.rows ?? 0, longestRow, columnBytes }
}

/** What stands for a row that is too long to be carried: its length, and no row. */
export function tooLongGroup(longestRow: number): RowGroup {
  return { bytes: [], rows: 0, longestRow, columnBytes: [] }
}

function page(column: ColumnValues): readonly Uint8Array[] {
  const levels = definitionLevels(column)
  const values = column.written()
  const size = i32(levels.length + values.length)
  const data = struct([1, i32(column.rows)], [2, PLAIN], [3, RLE], [4, RLE])
  return [encodeThrift(struct([1, i32(0)], [2, size], [3, size], [5, data])), levels, values]
}

/** For each row 1 for a value, 0 for NULL: as one run where all are values, else as bits. The length stands in front. */
function definitionLevels(column: ColumnValues): Uint8Array {
  const { rows, nulls } = column
  const head: number[] = [0, 0, 0, 0]
  const bits = nulls === 0 ? Buffer.from([1]) : column.validBits()
  pushVarint(head, nulls === 0 ? rows * 2 : bits.length * 2 + 1)
  const levels = Buffer.concat([Buffer.from(head), bits])
  levels.writeUInt32LE(levels.length - 4)
  return levels
}

/** How files of these columns are written. */
export function parquetForm(columns: readonly ParquetColumn[]): SegmentForm<RowGroup> {
  return { endOf: () => '.parquet', begin: () => parquetLayout(columns) }
}

/** One file, from its first bytes to its footer. */
export function parquetLayout(columns: readonly ParquetColumn[]): SegmentLayout<RowGroup> {
  const groups: ThriftValue[] = []
  let rows = 0
  let offset = MAGIC.length
  return {
    start: MAGIC,
    add: group => {
      const chunks = columns.map((column, n) => {
        const bytes = group.columnBytes[n] ?? 0
        const chunk = columnChunk(column, { rows: group.rows, bytes, offset })
        offset += bytes
        return chunk
      })
      const total = group.columnBytes.reduce((sum, bytes) => sum + bytes, 0)
      groups.push(struct([1, list('struct', chunks)], [2, i64(total)], [3, i64(group.rows)]))
      rows += group.rows
      return group.bytes
    },
    end: () => {
      const root = struct([4, utf8('rows')], [5, i32(columns.length)])
      const schema = list('struct', [root, ...columns.map(element)])
      const footer = encodeThrift(
        struct([1, i32(1)], [2, schema], [3, i64(rows)], [4, list('struct', groups)], [6, utf8('tidemark')]),
      )
      const length = Buffer.alloc(4)
      length.writeUInt32LE(footer.length)
      return Buffer.concat([footer, length, MAGIC])
    },
  }
}

function columnChunk({ name, type }: ParquetColumn, at: { rows: number; bytes: number; offset: number }): ThriftValue {
  const size = i64(at.bytes)
  const names = list('text', [utf8(name)])
  const data: ThriftField[] = [
    [1, i32(physicalOf(type))],
    [2, list('i32', [PLAIN, RLE])],
    [3, names],
    [4, i32(0)],
  ]
  const place: ThriftField[] = [
    [5, i64(at.rows)],
    [6, size],
    [7, size],
    [9, i64(at.offset)],
  ]
  return struct([2, i64(at.offset)], [3, struct(...data, ...place)])
}

function physicalOf(type: ParquetType): number {
  if (typeof type === 'object') return type.precision > LONG_DIGITS ? PHYSICAL.fixed : PHYSICAL.int64
  switch (type) {
    case 'int16':
    case 'uint32':
    case 'date':
      return PHYSICAL.int32
    case 'moment':
    case 'instant':
      return PHYSICAL.int64
    case 'uuid':
      return PHYSICAL.fixed
    case 'text':
      return PHYSICAL.bytes
    default:
      return PHYSICAL[type]
  }
}

function element({ name, type }: ParquetColumn): ThriftValue {
  const physical = physicalOf(type)
  const length: ThriftField[] = physical === PHYSICAL.fixed ? [[2, i32(16)]] : []
  return struct([1, i32(physical)], ...length, [3, OPTIONAL], [4, utf8(name)], ...meaning(type))
}

/** What the physical type stands for: Parquet's converted type, and the logical one where only that says it. */
function meaning(type: ParquetType): ThriftField[] {
  if (typeof type === 'object')
    return [
      [6, i32(5)],
      [7, i32(type.scale)],
      [8, i32(type.precision)],
    ]
  switch (type) {
    case 'text':
      return [[6, i32(0)]]
    case 'uint32':
      return [[6, i32(13)]]
    case 'int16':
      return [[6, i32(16)]]
    case 'date':
      return [[6, i32(6)]]
    case 'moment':
      return [[10, microseconds(false)]]
    case 'instant':
      return [
        [6, i32(10)],
        [10, microseconds(true)],
      ]
    case 'uuid':
      return [[10, struct([14, struct()])]]
    default:
      return []
  }
}

function microseconds(isInstant: boolean): ThriftValue {
  return struct([8, struct([1, { kind: 'boolean', value: isInstant }], [2, struct([2, struct()])])])
}
