/**
 * From the bytes of a deletion vector to a RowSet. Whatever a writer chose is read (arrays, bitmaps, runs); whatever is
 * not a well-formed vector is refused with the reason, since a wrong bit is a wrong row.
 */
import { ARRAY_LIMIT, BITMAP_BYTES, type Container, fromBits } from './container.ts'
import { BUCKET_KEYS, NATIVE_MAGIC, OFFSETS_FROM, PLAIN_COOKIE, PORTABLE_MAGIC, RUN_COOKIE } from './roaring-format.ts'
import { RowSet } from './row-set.ts'

/** The first bucket whose rows a JavaScript number cannot hold. */
const BUCKET_LIMIT = 2 ** 21

/** Parse a vector's bytes, magic number included. Throws TypeError that says what is wrong with them. */
export function parseRowSet(bytes: Uint8Array): RowSet {
  const reader = new Reader(bytes)
  const magic = reader.uint32()
  if (magic === NATIVE_MAGIC) throw new TypeError('it has the native format of early writers, which is not specified')
  if (magic !== PORTABLE_MAGIC) throw new TypeError(`it begins with ${magic} instead of ${PORTABLE_MAGIC}`)
  const bucketCount = reader.uint64()
  const keys: number[] = []
  const containers: Container[] = []
  let previous = -1
  for (let i = 0n; i < bucketCount; i += 1n) {
    const bucket = reader.uint32()
    if (bucket <= previous) throw new TypeError('its buckets are not in order')
    if (bucket >= BUCKET_LIMIT) throw new TypeError('it has a row beyond 2^53')
    parseBucket(reader, bucket, keys, containers)
    previous = bucket
  }
  if (!reader.isAtEnd) throw new TypeError('it has bytes after its end')
  return RowSet.ofContainers(keys, containers)
}

function parseBucket(reader: Reader, bucket: number, keys: number[], containers: Container[]): void {
  const start = reader.offset
  const cookie = reader.uint32()
  const withRuns = (cookie & 0xffff) === RUN_COOKIE
  if (!withRuns && cookie !== PLAIN_COOKIE) throw new TypeError(`a bitmap begins with ${cookie}, which means nothing`)
  const count = withRuns ? (cookie >>> 16) + 1 : reader.uint32()
  if (count > BUCKET_KEYS) throw new TypeError(`a bitmap claims to have ${count} containers`)
  const runFlags = withRuns ? reader.take(Math.ceil(count / 8)) : undefined
  const header = reader.uint16s(2 * count)
  const hasOffsets = !withRuns || count >= OFFSETS_FROM
  const offsets = hasOffsets ? Array.from({ length: count }, () => reader.uint32()) : undefined
  let previous = -1
  for (let i = 0; i < count; i += 1) {
    const key = header[2 * i] ?? 0
    if (key <= previous) throw new TypeError('its containers are not in order')
    if (offsets !== undefined && offsets[i] !== reader.offset - start) {
      throw new TypeError('a container is not where the offset says')
    }
    const size = (header[2 * i + 1] ?? 0) + 1
    const isRun = ((runFlags?.[i >> 3] ?? 0) & (1 << (i & 7))) !== 0
    keys.push(bucket * BUCKET_KEYS + key)
    containers.push(
      isRun ? parseRuns(reader, size) : size > ARRAY_LIMIT ? parseBitmap(reader, size) : parseArray(reader, size),
    )
    previous = key
  }
}

function parseArray(reader: Reader, size: number): Container {
  const values = reader.uint16s(size)
  for (let i = 1; i < size; i += 1) {
    if ((values[i] ?? 0) <= (values[i - 1] ?? 0)) throw new TypeError('the values of an array are not in order')
  }
  return { kind: 'array', size, values }
}

function parseBitmap(reader: Reader, size: number): Container {
  const container = fromBits(reader.take(BITMAP_BYTES).slice())
  if (container?.size !== size) throw new TypeError(`a bitmap of ${container?.size ?? 0} rows claims ${size}`)
  return container
}

/** Writers may leave runs that touch each other; here they become one. */
function parseRuns(reader: Reader, size: number): Container {
  const read = reader.uint16s(2 * reader.uint16())
  const runs: number[] = []
  let total = 0
  let end = -1
  for (let i = 0; i < read.length; i += 2) {
    const [first = 0, more = 0] = [read[i], read[i + 1]]
    if (first < end || first + more > 0xffff) throw new TypeError('the runs of a container overlap or leave it')
    if (first === end) runs[runs.length - 1] = (runs[runs.length - 1] ?? 0) + more + 1
    else runs.push(first, more)
    total += more + 1
    end = first + more + 1
  }
  if (total !== size) throw new TypeError(`a container of ${total} rows claims ${size}`)
  return { kind: 'run', size, runs: Uint16Array.from(runs) }
}

/** Little-endian numbers, one after the other; reading beyond the end is a TypeError. */
class Reader {
  offset = 0
  readonly #bytes: Uint8Array
  readonly #view: DataView

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get isAtEnd(): boolean {
    return this.offset === this.#bytes.length
  }

  uint16(): number {
    return this.#view.getUint16(this.#advance(2), true)
  }

  uint32(): number {
    return this.#view.getUint32(this.#advance(4), true)
  }

  uint64(): bigint {
    return this.#view.getBigUint64(this.#advance(8), true)
  }

  uint16s(count: number): Uint16Array {
    const start = this.#advance(2 * count)
    return Uint16Array.from({ length: count }, (_, i) => this.#view.getUint16(start + 2 * i, true))
  }

  take(length: number): Uint8Array {
    const start = this.#advance(length)
    return this.#bytes.subarray(start, start + length)
  }

  #advance(length: number): number {
    const start = this.offset
    if (start + length > this.#bytes.length) throw new TypeError('it ends too early')
    this.offset = start + length
    return start
  }
}
