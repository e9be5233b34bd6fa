/** Rows that the server has printed, as CSV chunks of whole lines. Nothing of a value is read as a number or a date. */
import type { CopyChunk } from '../segments.ts'
import type { CsvForm } from './column.ts'

/** Gathers rows into chunks. */
export class CsvChunks {
  readonly #forms: readonly CsvForm[]
  readonly #chunkBytes: number
  readonly #take: (chunk: CopyChunk) => void
  #lines: string[] = []
  #bytes = 0
  #longestRow = 0

  /** @param forms of all columns of the result, in order */
  constructor(forms: readonly CsvForm[], chunkBytes: number, take: (chunk: CopyChunk) => void) {
    this.#forms = forms
    this.#chunkBytes = chunkBytes
    this.#take = take
  }

  /**
   * Append one row.
   *
   * @throws TypeError when a text holds half of a pair of UTF-16, which no file of text can hold
   */
  add(values: readonly (string | null)[]): void {
    let line = ''
    for (const [i, form] of this.#forms.entries()) {
      if (i > 0) line += ','
      const value = values[i] ?? null
      if (value === null) continue
      line += form === 'quoted' ? quoted(value) : value
    }
    line += '\n'
    if (!line.isWellFormed()) throw new TypeError('a text of the row holds half of a UTF-16 pair')
    const bytes = Buffer.byteLength(line)
    this.#lines.push(line)
    this.#bytes += bytes
    if (bytes > this.#longestRow) this.#longestRow = bytes
    if (this.#bytes >= this.#chunkBytes) this.end()
  }

  /** Hand over what is left. */
  end(): void {
    if (this.#lines.length === 0) return
    const chunk = { bytes: Buffer.from(this.#lines.join('')), rows: this.#lines.length, longestRow: this.#longestRow }
    this.#lines = []
    this.#bytes = 0
    this.#longestRow = 0
    this.#take(chunk)
  }
}

function quoted(value: string): string {
  return value.includes('"') ? `"${value.replaceAll('"', '""')}"` : `"${value}"`
}
