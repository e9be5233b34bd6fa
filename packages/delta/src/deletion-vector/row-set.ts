/**
 * RowSet: a set of row numbers of one data file, as an immutable value. It holds them in roaring containers, so that a
 * million neighbouring rows cost a few bytes and a million scattered ones some hundred kilobytes. Row numbers count
 * from 0 and are JavaScript numbers: no file has 2^53 rows.
 */
import {
  ARRAY_LIMIT,
  BITMAP_BYTES,
  type Container,
  fromBits,
  hasValue,
  setBit,
  setBits,
  valuesOf,
} from './container.ts'

const CONTAINER_VALUES = 0x10000

/**
 * A set of row numbers; every operation gives a new one.
 *
 * @example
 * ```ts
 * const rows = RowSet.from([7, 3]).union(RowSet.from([5]))
 * console.log([...rows]) // [ 3, 5, 7 ]
 * console.log([rows.has(4), rows.minus(RowSet.from([3])).size]) // [ false, 2 ]
 * ```
 */
export class RowSet implements Iterable<number> {
  static readonly empty: RowSet = new RowSet([], [])

  /** Number of rows. */
  readonly size: number
  /** Upper bits of each container's rows: their number divided by 65,536. Ascending. */
  readonly keys: readonly number[]
  readonly containers: readonly Container[]

  private constructor(keys: readonly number[], containers: readonly Container[]) {
    this.keys = keys
    this.containers = containers
    this.size = containers.reduce((sum, container) => sum + container.size, 0)
  }

  /** The set of these rows, in any order and with repetitions. Throws RangeError for what is no row number. */
  static from(rows: Iterable<number>): RowSet {
    const builders = new Map<number, Builder>()
    let key = -1
    let builder: Builder | undefined
    for (const row of rows) {
      if (!Number.isSafeInteger(row) || row < 0) throw new RangeError(`${row} is not a row number`)
      const value = row % CONTAINER_VALUES
      const rowKey = (row - value) / CONTAINER_VALUES
      if (builder === undefined || rowKey !== key) {
        key = rowKey
        builder = builders.get(key) ?? { values: [], bits: undefined }
        builders.set(key, builder)
      }
      addValue(builder, value)
    }
    const keys = [...builders.keys()].sort((a, b) => a - b)
    return RowSet.ofContainers(
      keys,
      keys.map(k => finish(builders.get(k))),
    )
  }

  /** The set made of containers with ascending keys; for the reader of the serialized form. */
  static ofContainers(keys: readonly number[], containers: readonly (Container | undefined)[]): RowSet {
    const kept = keys.flatMap((key, i) => {
      const container = containers[i]
      return container === undefined ? [] : [{ key, container }]
    })
    return new RowSet(
      kept.map(k => k.key),
      kept.map(k => k.container),
    )
  }

  has(row: number): boolean {
    const container = this.#find(Math.floor(row / CONTAINER_VALUES))
    return container !== undefined && hasValue(container, row % CONTAINER_VALUES)
  }

  /** All rows, ascending. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (const [index, container] of this.containers.entries()) {
      const base = (this.keys[index] ?? 0) * CONTAINER_VALUES
      for (const value of valuesOf(container)) yield base + value
    }
  }

  /** A set with these rows too. */
  add(rows: Iterable<number>): RowSet {
    return this.union(RowSet.from(rows))
  }

  /** The rows that are in one of the sets, or in both. */
  union(other: RowSet): RowSet {
    if (other.size === 0) return this
    if (this.size === 0) return other
    const keys = [...new Set([...this.keys, ...other.keys])].sort((a, b) => a - b)
    return RowSet.ofContainers(
      keys,
      keys.map(key => combine(this.#find(key), other.#find(key), (a, b) => a | b)),
    )
  }

  /** The rows of this set that are not in the other. */
  minus(other: RowSet): RowSet {
    if (this.size === 0 || other.size === 0) return this
    return RowSet.ofContainers(
      this.keys,
      this.keys.map(key => combine(this.#find(key), other.#find(key), (a, b) => a & ~b)),
    )
  }

  #find(key: number): Container | undefined {
    let low = 0
    let high = this.keys.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.keys[middle] ?? 0) < key) low = middle + 1
      else high = middle
    }
    return this.keys[low] === key ? this.containers[low] : undefined
  }
}

/** Values as they come, until a bitmap takes less room. */
interface Builder {
  values: number[]
  bits: Uint8Array | undefined
}

function addValue(builder: Builder, value: number): void {
  if (builder.bits !== undefined) return setBit(builder.bits, value)
  builder.values.push(value)
  if (builder.values.length > ARRAY_LIMIT) builder.bits = drain(builder)
}

function finish(builder: Builder | undefined): Container | undefined {
  return builder && fromBits(builder.bits ?? drain(builder))
}

function drain(builder: Builder): Uint8Array {
  const bits = new Uint8Array(BITMAP_BYTES)
  for (const value of builder.values) setBit(bits, value)
  builder.values = []
  return bits
}

function combine(
  a: Container | undefined,
  b: Container | undefined,
  byByte: (a: number, b: number) => number,
): Container | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const bits = new Uint8Array(BITMAP_BYTES)
  const others = new Uint8Array(BITMAP_BYTES)
  setBits(bits, a)
  setBits(others, b)
  return fromBits(bits.map((byte, i) => byByte(byte, others[i] ?? 0)))
}
