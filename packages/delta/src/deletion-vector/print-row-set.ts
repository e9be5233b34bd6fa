/**
 * From a RowSet to the bytes of a deletion vector: a magic number and a 64-bit roaring bitmap in the portable format
 * (Delta protocol, "Deletion Vector Format"; the roaring format specification). Every container has its smallest form.
 */
import { byteLength, type Container } from './container.ts'
import { BUCKET_KEYS, OFFSETS_FROM, PLAIN_COOKIE, PORTABLE_MAGIC, RUN_COOKIE } from './roaring-format.ts'
import type { RowSet } from './row-set.ts'

interface Bucket {
  key: number
  containers: { key: number; container: Container }[]
}

/** Print the vector's bytes. */
export function printRowSet(rows: RowSet): Uint8Array {
  const buckets = toBuckets(rows)
  const size = buckets.reduce((sum, bucket) => sum + 4 + bucketBytes(bucket), 12)
  const bytes = new Uint8Array(size)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, PORTABLE_MAGIC, true)
  view.setBigUint64(4, BigInt(buckets.length), true)
  let offset = 12
  for (const bucket of buckets) {
    view.setUint32(offset, bucket.key, true)
    printBucket(new DataView(bytes.buffer, offset + 4, bucketBytes(bucket)), bucket)
    offset += 4 + bucketBytes(bucket)
  }
  return bytes
}

function toBuckets(rows: RowSet): Bucket[] {
  const buckets: Bucket[] = []
  for (const [index, container] of rows.containers.entries()) {
    const wholeKey = rows.keys[index] ?? 0
    const key = Math.floor(wholeKey / BUCKET_KEYS)
    if (buckets.at(-1)?.key !== key) buckets.push({ key, containers: [] })
    buckets.at(-1)?.containers.push({ key: wholeKey % BUCKET_KEYS, container })
  }
  return buckets
}

function bucketBytes(bucket: Bucket): number {
  return bucket.containers.reduce((sum, { container }) => sum + byteLength(container), headerBytes(bucket))
}

function headerBytes({ containers }: Bucket): number {
  const count = containers.length
  if (!hasRuns(containers)) return 8 + 8 * count
  return 4 + Math.ceil(count / 8) + 4 * count + (count < OFFSETS_FROM ? 0 : 4 * count)
}

function hasRuns(containers: Bucket['containers']): boolean {
  return containers.some(({ container }) => container.kind === 'run')
}

/** Cookie, which containers are runs, keys and sizes, offsets, containers. */
function printBucket(view: DataView, bucket: Bucket): void {
  const { containers } = bucket
  const count = containers.length
  const runs = hasRuns(containers)
  view.setUint32(0, runs ? RUN_COOKIE | ((count - 1) << 16) : PLAIN_COOKIE, true)
  let offset = 4
  if (runs) {
    for (const [i, { container }] of containers.entries()) {
      if (container.kind !== 'run') continue
      view.setUint8(offset + (i >> 3), view.getUint8(offset + (i >> 3)) | (1 << (i & 7)))
    }
    offset += Math.ceil(count / 8)
  } else {
    view.setUint32(offset, count, true)
    offset += 4
  }
  for (const { key, container } of containers) {
    view.setUint16(offset, key, true)
    view.setUint16(offset + 2, container.size - 1, true)
    offset += 4
  }
  let place = headerBytes(bucket)
  const hasOffsets = offset < place
  for (const { container } of containers) {
    if (hasOffsets) view.setUint32(offset, place, true)
    offset += 4
    printContainer(view, place, container)
    place += byteLength(container)
  }
}

function printContainer(view: DataView, offset: number, container: Container): void {
  switch (container.kind) {
    case 'array':
      return printNumbers(view, offset, container.values)
    case 'bitmap':
      return new Uint8Array(view.buffer, view.byteOffset + offset).set(container.bits)
    case 'run':
      view.setUint16(offset, container.runs.length / 2, true)
      return printNumbers(view, offset + 2, container.runs)
  }
}

function printNumbers(view: DataView, offset: number, numbers: Uint16Array): void {
  for (const [i, number] of numbers.entries()) view.setUint16(offset + 2 * i, number, true)
}
