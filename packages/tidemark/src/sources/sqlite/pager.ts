/**
 * Pages of rows, one behind the other, each about as large as was asked for: how many rows one may have follows from how
 * long those before it were. A page holds no more than some megabytes even where a row is much longer than all before it.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type Chunk, MARK, OF_OTHER_CLASS, type PageStatements, type RowNumber } from './messages.ts'

const FIRST_ROWS = 256
const MOST_ROWS = 4096
/** What the rows of a page may have in bytes together. */
const MOST_BYTES = 16 * 1024 * 1024
/** Below all integers of 64 bits; SQLite compares it with them exactly. */
const BEFORE_ALL = -1e19

export class Pager {
  readonly #database: DatabaseSync
  readonly #statements: PageStatements
  readonly #prepared = new Map<string, StatementSync>()
  #after: RowNumber | undefined
  #rows = FIRST_ROWS
  /** Less behind a long row, since others may follow, and slowly more again. */
  #most = MOST_ROWS
  #isJudged = false
  /** Once a row has no number, one after the other is read; judging finds out why. */
  #isByRow = false
  #isAtEnd = false

  constructor(database: DatabaseSync, statements: PageStatements, after: RowNumber | undefined) {
    this.#database = database
    this.#statements = statements
    this.#after = after
  }

  /** The next page; one without rows after the last. */
  next(chunkBytes: number): Chunk {
    for (;;) {
      if (this.#isAtEnd) return this.#chunk(undefined, 0)
      if (this.#rows === 1 || this.#isByRow) return this.#nextRow(chunkBytes)
      const [end] = this.#ask(this.#statements.end, { skipped: this.#rows - 1 })
      if (end === undefined || isNumber(end)) {
        const chunk = this.#nextPage(end)
        if (chunk === undefined) continue
        this.#fit(chunk, chunkBytes)
        return chunk
      }
      this.#isByRow = true
    }
  }

  /** Up to a row, or all that are left; undefined when it has to be tried in another way. */
  #nextPage(end: RowNumber | undefined): Chunk | undefined {
    const statements = this.#isJudged ? this.#statements.judged : this.#statements.lines
    const most = Math.floor(MOST_BYTES / this.#rows)
    const [bytes, rows] =
      end === undefined ? this.#ask(statements.rest, { most }) : this.#ask(statements.upTo, { last: end, most })
    const found = bytes === null ? Buffer.alloc(0) : asBuffer(bytes)
    const mark = markIn(found)
    if (mark === undefined) {
      this.#isAtEnd = end === undefined
      return this.#chunk(found, Number(rows), end)
    }
    if (mark === OF_OTHER_CLASS) this.#isJudged = true
    else {
      this.#rows = Math.max(1, this.#rows >> 3)
      this.#most = Math.max(8, this.#rows)
    }
    return undefined
  }

  #nextRow(chunkBytes: number): Chunk {
    const [line, number] = this.#ask(this.#statements.row)
    if (line === undefined) return this.#chunk(undefined, 0)
    if (!isNumber(number)) throw new TypeError('this is a bug in tidemark: a row that SQLite has judged has no number')
    // Too long to be carried: its length in place of its bytes.
    if (isNumber(line)) return { ...this.#chunk(undefined, 0), longestRow: Number(line) }
    const chunk = this.#chunk(asBuffer(line), 1, number, true)
    this.#fit(chunk, chunkBytes)
    return chunk
  }

  #ask(statement: string, limits: Readonly<Record<string, RowNumber>> = {}): readonly unknown[] {
    let prepared = this.#prepared.get(statement)
    if (prepared === undefined) {
      prepared = this.#database.prepare(statement)
      prepared.setReturnArrays(true)
      prepared.setReadBigInts(true)
      this.#prepared.set(statement, prepared)
    }
    return (prepared.get({ after: this.#after ?? BEFORE_ALL, ...limits }) ?? []) as unknown as readonly unknown[]
  }

  #chunk(bytes: Uint8Array = new Uint8Array(0), rows: number, last?: RowNumber, isJudged = this.#isJudged): Chunk {
    const after = this.#after
    if (last !== undefined) this.#after = last
    return { kind: 'chunk', bytes, rows, longestRow: rows === 1 ? bytes.length : 0, isJudged, after }
  }

  #fit({ bytes, rows }: Chunk, chunkBytes: number): void {
    const fitting = Math.floor((chunkBytes * rows) / Math.max(1, bytes.length))
    this.#rows = Math.max(1, Math.min(fitting, rows * 4, this.#most))
    this.#most = Math.min(MOST_ROWS, Math.ceil((this.#most * 9) / 8))
  }
}

function isNumber(value: unknown): value is RowNumber {
  return typeof value === 'bigint' || typeof value === 'number'
}

function asBuffer(value: unknown): Buffer {
  const bytes = value as Uint8Array
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The first mark among some lines: no line holds a line break. */
function markIn(lines: Buffer): string | undefined {
  const at = lines[0] === MARK.charCodeAt(0) ? 0 : lines.indexOf(`\n${MARK}`) + 1
  if (at === 0 && lines[0] !== MARK.charCodeAt(0)) return undefined
  const end = lines.indexOf('\n', at)
  return lines.toString('latin1', at, end < 0 ? lines.length : end)
}
