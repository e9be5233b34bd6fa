import fc from 'fast-check'
import { RoaringBitmap32 } from 'roaring-wasm'
import { expect, test } from 'vitest'
import { parseRowSet } from './parse-row-set.ts'
import { printRowSet } from './print-row-set.ts'
import { PORTABLE_MAGIC } from './roaring-format.ts'
import { RowSet } from './row-set.ts'

/** Scattered rows, dense stretches and neighbours, around the borders of containers and of 32 bits. */
const base = fc.constantFrom(
  0,
  1,
  65_530,
  65_536,
  200_000,
  2 ** 31,
  2 ** 32 - 3,
  2 ** 32,
  2 ** 40,
  2 ** 53 - 1 - 100_000,
)
const stretch = fc
  .record({ base, start: fc.nat(60_000), length: fc.nat(6000), step: fc.constantFrom(1, 2, 3, 61) })
  .map(s => Array.from({ length: s.length }, (_, i) => s.base + s.start + i * s.step))
  .map(rows => rows.filter(Number.isSafeInteger))
/** Few rows close together, where arrays and runs cost about the same. */
const few = fc.array(
  fc.tuple(base, fc.nat(20)).map(([b, n]) => Math.min(b + n, Number.MAX_SAFE_INTEGER)),
  { maxLength: 30 },
)
const scattered = fc.array(fc.tuple(base, fc.nat(70_000)).map(([b, n]) => Math.min(b + n, Number.MAX_SAFE_INTEGER)))
const rowLists = fc.array(fc.oneof(stretch, scattered, few), { maxLength: 3 }).map(parts => parts.flat())
const ascending = (rows: Iterable<number>): number[] => [...new Set(rows)].sort((a, b) => a - b)

/** Long lists are compared as text, which is many times faster. */
function expectRows(actual: Iterable<number>, wanted: Iterable<number>): void {
  expect([...actual].join(' ')).toBe(ascending(wanted).join(' '))
}

/** Another implementation's bytes of a vector: its 32-bit bitmaps in the frame of the Delta protocol. */
function foreignBytes(rows: readonly number[], optimize: boolean): Uint8Array {
  const buckets = new Map<number, RoaringBitmap32>()
  for (const row of ascending(rows)) {
    const key = Math.floor(row / 2 ** 32)
    const bucket = buckets.get(key) ?? new RoaringBitmap32()
    bucket.add(row % 2 ** 32)
    buckets.set(key, bucket)
  }
  const head = Buffer.alloc(12)
  head.writeUInt32LE(PORTABLE_MAGIC, 0)
  head.writeBigUInt64LE(BigInt(buckets.size), 4)
  const parts = [...buckets].flatMap(([key, bitmap]) => {
    const keyBytes = Buffer.alloc(4)
    keyBytes.writeUInt32LE(key)
    if (optimize) bitmap.runOptimize()
    const bytes = Buffer.from(bitmap.serialize('portable'))
    bitmap.dispose()
    return [keyBytes, bytes]
  })
  return Buffer.concat([head, ...parts])
}

/** The rows another implementation reads from bytes whose rows all lie below 2^32. */
function foreignRows(bytes: Uint8Array): number[] {
  const bitmap = RoaringBitmap32.deserialize(bytes.subarray(16), 'portable')
  const rows = bitmap.toArray()
  bitmap.dispose()
  return rows
}

test('a set holds what was put into it, in order and once', () => {
  fc.assert(
    fc.property(rowLists, fc.array(fc.nat(300_000)), (rows, probes) => {
      const set = RowSet.from(rows)
      const model = new Set(rows)
      expectRows(set, rows)
      expect(set.size).toBe(model.size)
      for (const row of [...probes, ...rows.slice(0, 50), ...rows.slice(0, 50).map(r => Math.max(0, r - 1))]) {
        expect(set.has(row)).toBe(model.has(row))
      }
    }),
  )
})

test('union, addition and difference are those of sets, and leave both sides as they were', () => {
  fc.assert(
    fc.property(rowLists, rowLists, (a, b) => {
      const [left, right] = [RowSet.from(a), RowSet.from(b)]
      expectRows(left.union(right), [...a, ...b])
      expectRows(left.add(b), [...a, ...b])
      const gone = new Set(b)
      expectRows(
        left.minus(right),
        a.filter(row => !gone.has(row)),
      )
      expectRows(left, a)
      expectRows(right, b)
    }),
  )
})

test('what is printed is parsed back', () => {
  fc.assert(
    fc.property(rowLists, rows => {
      const set = RowSet.from(rows)
      const parsed = parseRowSet(printRowSet(set))
      expectRows(parsed, rows)
      expect(parsed.size).toBe(set.size)
    }),
  )
})

test('vectors of another implementation are read, with runs and without', () => {
  fc.assert(
    fc.property(rowLists, fc.boolean(), (rows, optimize) => {
      expectRows(parseRowSet(foreignBytes(rows, optimize)), rows)
    }),
  )
})

test('another implementation reads ours, and does not write them smaller', () => {
  const below = rowLists.map(rows => [5, ...rows.filter(row => row < 2 ** 32)])
  fc.assert(
    fc.property(below, rows => {
      const bytes = printRowSet(RowSet.from(rows))
      expectRows(foreignRows(bytes), rows)
      expect(bytes.length).toBeLessThanOrEqual(foreignBytes(rows, true).length)
    }),
  )
})

test('five runs that cost as much as their eleven rows are runs, since that makes the header shorter', () => {
  const rows = [0, 5, 7, 8, 9, 10, 11, 12, 13, 15, 17]
  expect(printRowSet(RowSet.from(rows)).length).toBe(foreignBytes(rows, true).length)
})

test('a million neighbours cost some bytes, every third row of a million a bitmap', () => {
  const million = Array.from({ length: 1_000_000 }, (_, i) => i)
  expect(printRowSet(RowSet.from(million)).length).toBeLessThan(300)
  expect(printRowSet(RowSet.from(million.filter(row => row % 3 === 0))).length).toBeLessThan(16 * 8192 + 300)
})

test('what is no row number is refused', () => {
  for (const row of [-1, 0.5, Number.NaN, 2 ** 53]) expect(() => RowSet.from([row])).toThrow(RangeError)
})

test('bytes that are cut, changed or continued are never read as other rows without an error', () => {
  const rows = [...Array.from({ length: 5000 }, (_, i) => 2 * i), 70_000, 70_001, 70_002, 70_003, 2 ** 33]
  const bytes = printRowSet(RowSet.from(rows))
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), length => {
      expect(() => parseRowSet(bytes.subarray(0, length))).toThrow(TypeError)
    }),
  )
  expect(() => parseRowSet(Buffer.concat([bytes, Buffer.alloc(1)]))).toThrow('bytes after its end')
  // Every damage is found here or changes the number of rows, or is left to the checksum of the file.
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), noise => {
      expect(() => parseRowSet(Buffer.concat([bytes.subarray(0, 4), noise]))).not.toThrow(RangeError)
    }),
  )
})
