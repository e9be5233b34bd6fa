/**
 * Container: up to 65,536 positions that share their upper bits, in the smallest of roaring's three forms. A container
 * is never changed once it is made, and never empty. Its bytes are those of the serialized form, so a bitmap is read
 * without a copy and means the same on every machine.
 */

export type Container =
  /** Ascending, without repetition. */
  | { readonly kind: 'array'; readonly size: number; readonly values: Uint16Array }
  /** 8,192 bytes; bit `v & 7` of byte `v >> 3` stands for the value `v`. */
  | { readonly kind: 'bitmap'; readonly size: number; readonly bits: Uint8Array }
  /** Pairs of a run's first value and the number of values after it; ascending, and no two runs touch. */
  | { readonly kind: 'run'; readonly size: number; readonly runs: Uint16Array }

/** Bytes of a bitmap. */
export const BITMAP_BYTES = 8192

/** The most values the format allows in an array; more of them are a bitmap, or runs. */
export const ARRAY_LIMIT = 4096

/** Whether a value is in the container. */
export function hasValue(container: Container, value: number): boolean {
  switch (container.kind) {
    case 'array':
      return container.values[countBefore(container.values, 1, value)] === value
    case 'bitmap':
      return ((container.bits[value >> 3] ?? 0) & (1 << (value & 7))) !== 0
    case 'run': {
      const { runs } = container
      const index = countBefore(runs, 2, value)
      if (runs[2 * index] === value) return true
      return index > 0 && value - (runs[2 * index - 2] ?? 0) <= (runs[2 * index - 1] ?? 0)
    }
  }
}

/** All values, ascending. */
export function* valuesOf(container: Container): Generator<number, void, undefined> {
  switch (container.kind) {
    case 'array':
      yield* container.values
      return
    case 'bitmap':
      for (const [index, byte] of container.bits.entries()) {
        for (let bit = 0, rest = byte; rest !== 0; bit += 1, rest >>= 1) if (rest & 1) yield 8 * index + bit
      }
      return
    case 'run':
      for (let i = 0; i < container.runs.length; i += 2) {
        const first = container.runs[i] ?? 0
        const last = first + (container.runs[i + 1] ?? 0)
        for (let value = first; value <= last; value += 1) yield value
      }
  }
}

/** Set the container's values in a bitmap of `BITMAP_BYTES`. */
export function setBits(bits: Uint8Array, container: Container): void {
  if (container.kind === 'bitmap') {
    for (const [index, byte] of container.bits.entries()) bits[index] = (bits[index] ?? 0) | byte
  } else {
    for (const value of valuesOf(container)) setBit(bits, value)
  }
}

/** Set one value in a bitmap of `BITMAP_BYTES`. */
export function setBit(bits: Uint8Array, value: number): void {
  bits[value >> 3] = (bits[value >> 3] ?? 0) | (1 << (value & 7))
}

/** The smallest container with the values of a bitmap, which it may keep; undefined when there are none. */
export function fromBits(bits: Uint8Array): Container | undefined {
  let size = 0
  let runCount = 0
  let carry = 0
  for (const byte of bits) {
    size += popCount(byte)
    // A run begins at each bit whose lower neighbour is not set.
    runCount += popCount(byte & ~((byte << 1) | carry))
    carry = byte >> 7
  }
  if (size === 0) return undefined
  // Runs also where they cost the same as an array: the header of a bitmap that has some is shorter, while it is small.
  if (runBytes(runCount) <= plainBytes(size)) return toRuns(bits, size, runCount)
  if (size > ARRAY_LIMIT) return { kind: 'bitmap', size, bits }
  const values = new Uint16Array(size)
  let index = 0
  for (const value of valuesOf({ kind: 'bitmap', size, bits })) values[index++] = value
  return { kind: 'array', size, values }
}

/** Bytes of a container in the serialized form, its header not counted. */
export function byteLength(container: Container): number {
  return container.kind === 'run' ? runBytes(container.runs.length / 2) : plainBytes(container.size)
}

function runBytes(runCount: number): number {
  return 2 + 4 * runCount
}

function plainBytes(size: number): number {
  return size <= ARRAY_LIMIT ? 2 * size : BITMAP_BYTES
}

function toRuns(bits: Uint8Array, size: number, runCount: number): Container {
  const runs = new Uint16Array(2 * runCount)
  let index = -2
  let previous = -2
  for (const value of valuesOf({ kind: 'bitmap', size, bits })) {
    if (value === previous + 1) {
      runs[index + 1] = (runs[index + 1] ?? 0) + 1
    } else {
      index += 2
      runs[index] = value
    }
    previous = value
  }
  return { kind: 'run', size, runs }
}

/** How many items of `stride` numbers begin with less than `value`. */
function countBefore(items: Uint16Array, stride: 1 | 2, value: number): number {
  let low = 0
  let high = items.length / stride
  while (low < high) {
    const middle = (low + high) >> 1
    if ((items[middle * stride] ?? 0) < value) low = middle + 1
    else high = middle
  }
  return low
}

function popCount(byte: number): number {
  let count = 0
  for (let rest = byte & 0xff; rest !== 0; rest &= rest - 1) count += 1
  return count
}
