/**
 * The values of one column of a row group while they come: their bytes one after another, and a bit for each row that has
 * one. The memory is used again for the next group.
 */

/** A table may have two thousand columns and few rows. */
const FIRST_BYTES = 4 * 1024
/** A buffer that one long value has made larger is not kept for others. */
const KEPT_BYTES = 16 * 1024 * 1024

export class ColumnValues {
  /** Rows so far, those without a value too. */
  rows = 0
  nulls = 0
  /** Bytes so far. */
  filled = 0
  view: DataView = new DataView(new ArrayBuffer(FIRST_BYTES))
  /** The same memory. */
  bytes: Uint8Array = new Uint8Array(this.view.buffer)
  #valid: Uint8Array = new Uint8Array(FIRST_BYTES / 8).fill(0xff)

  /** Room for this many bytes more; `view` and `bytes` may be others afterwards. */
  reserve(more: number): void {
    const needed = this.filled + more
    if (needed <= this.bytes.length) return
    const bytes = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    bytes.set(this.bytes.subarray(0, this.filled))
    this.#use(bytes)
  }

  /** Row `row` has no value. */
  setNull(row: number): void {
    const at = row >> 3
    if (at >= this.#valid.length) this.#growValid(at + 1)
    this.#valid[at] = (this.#valid[at] ?? 0) & ~(1 << (row & 7))
    this.nulls += 1
  }

  /** The bytes of all values. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.filled)
  }

  /** A bit for each row, the first in the lowest; those behind the last row mean nothing. */
  validBits(): Uint8Array {
    const length = (this.rows + 7) >> 3
    if (length > this.#valid.length) this.#growValid(length)
    return this.#valid.subarray(0, length)
  }

  /** Begin anew. */
  clear(): void {
    if (this.nulls > 0) this.#valid.fill(0xff)
    if (this.bytes.length > KEPT_BYTES) this.#use(new Uint8Array(FIRST_BYTES))
    this.rows = 0
    this.nulls = 0
    this.filled = 0
  }

  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
  }

  #growValid(length: number): void {
    const valid = new Uint8Array(Math.max(length, this.#valid.length * 2)).fill(0xff)
    valid.set(this.#valid)
    this.#valid = valid
  }
}
