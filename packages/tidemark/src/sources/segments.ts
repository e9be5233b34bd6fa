/**
 * Finished segment files from a stream of chunks. Files are cut between rows, one is written while the reader works on
 * the one before, and what is not finished when something ends early is removed.
 */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SOURCE_ROW_TOO_LONG, SOURCE_ROWS_LOST } from '../errors/source-table.ts'
import { writeAll } from './write-all.ts'
import type { Segment } from './source.ts'
import { MAX_ROW_BYTES } from './row-limit.ts'
import { WIDE_ROW_BYTES, WIDE_SUFFIX } from './read-csv.ts'

/** What is written to a segment at once: whole rows. */
export interface Piece {
  rows: number
  /** Length of the longest row in bytes. */
  longestRow: number
  /** Give the memory back; left out where nobody uses it again. */
  release?: () => void
}

/** A piece of a source's stream, as it came. */
export interface CopyChunk extends Piece {
  /** The buffer is the reader's until it is released. */
  bytes: Buffer
}

/** What segment files are made of. */
export interface SegmentForm<P extends Piece> {
  /** End of the name of a file; pieces whose ends differ never share one. */
  endOf: (piece: P) => string
  begin: () => SegmentLayout<P>
}

/** The bytes of one file. */
export interface SegmentLayout<P extends Piece> {
  start: Uint8Array
  add: (piece: P) => readonly Uint8Array[]
  end: () => Uint8Array
}

/** How many times the first file of a statement would go into the others. */
const FIRST_SHARE = 4

const NOTHING = new Uint8Array(0)

/** Files of CSV text: chunks as they come. Long and ordinary rows are in files of their own, because they are read differently. */
const CSV: SegmentForm<CopyChunk> = {
  endOf: ({ longestRow }) => (longestRow > WIDE_ROW_BYTES ? WIDE_SUFFIX : '.csv'),
  begin: () => ({ start: NOTHING, add: ({ bytes }) => [bytes], end: () => NOTHING }),
}

export interface SegmentTarget {
  source: string
  /** For messages. */
  table: string
  directory: string
  prefix: string
  segmentBytes: number
  signal: AbortSignal
  /** Stop the source at once; called when the reader leaves before the end. */
  abandon: () => void
}

/** Chunks of this size are written with one call; small segments need smaller ones to be cut at all. */
export function chunkSize(segmentBytes: number): number {
  return Math.max(1, Math.min(1024 * 1024, segmentBytes))
}

/** Write chunks to files of CSV text. */
export function writeSegments(
  chunks: AsyncGenerator<CopyChunk, bigint, undefined>,
  target: SegmentTarget,
): AsyncGenerator<Segment, void, undefined> {
  return writePieces(chunks, CSV, target)
}

/**
 * Write pieces to segment files. At most one finished file waits for the reader: beyond that the source is not read on.
 *
 * @param pieces the next is asked for when the last is written; they give the number of rows that the server counted
 * @throws {SOURCE_ROWS_LOST} the rows written are not the rows the server counted
 * @throws {SOURCE_ROW_TOO_LONG}
 */
export async function* writePieces<P extends Piece>(
  pieces: AsyncGenerator<P, bigint, undefined>,
  form: SegmentForm<P>,
  target: SegmentTarget,
): AsyncGenerator<Segment, void, undefined> {
  const writer = new SegmentWriter(form, target)
  let pending = nextSegment(pieces, writer)
  let complete = false
  try {
    for (;;) {
      const segment = await pending
      target.signal.throwIfAborted()
      complete = segment === undefined
      if (segment === undefined) return
      pending = nextSegment(pieces, writer)
      // A failure is reported when the reader comes back for it, not as an unhandled rejection before.
      pending.catch(() => undefined)
      yield segment
    }
  } finally {
    if (!complete) target.abandon()
    await Promise.all([pending.catch(() => undefined), pieces.return(0n).catch(() => undefined)])
    await writer.discardUnfinished()
  }
}

async function nextSegment<P extends Piece>(
  pieces: AsyncGenerator<P, bigint, undefined>,
  writer: SegmentWriter<P>,
): Promise<Segment | undefined> {
  for (;;) {
    const { value, done } = await pieces.next()
    // A generator gives its result once; asked again it is done with nothing.
    if (done) return await writer.end(value as bigint | undefined)
    const finished = await writer.write(value)
    if (finished !== undefined) return finished
  }
}

interface OpenFile<P extends Piece> {
  file: FileHandle
  path: string
  layout: SegmentLayout<P>
  rows: bigint
  bytes: number
  end: string
}

class SegmentWriter<P extends Piece> {
  readonly #form: SegmentForm<P>
  readonly #target: SegmentTarget
  #open: OpenFile<P> | undefined
  #number = 0
  #received = 0n

  constructor(form: SegmentForm<P>, target: SegmentTarget) {
    this.#form = form
    this.#target = target
  }

  /** Gives the segment when the piece completed one. */
  async write(piece: P): Promise<Segment | undefined> {
    const { table, source } = this.#target
    if (piece.longestRow > MAX_ROW_BYTES) {
      throw SOURCE_ROW_TOO_LONG({ source, table, bytes: piece.longestRow, limit: MAX_ROW_BYTES })
    }
    const end = this.#form.endOf(piece)
    const before = this.#open !== undefined && this.#open.end !== end ? await this.#finish() : undefined
    const current = (this.#open ??= await this.#start(end))
    current.bytes += await writeAll(current, current.layout.add(piece))
    piece.release?.()
    current.rows += BigInt(piece.rows)
    this.#received += BigInt(piece.rows)
    if (before !== undefined) return before
    return current.bytes >= this.#wholeBytes() ? await this.#finish() : undefined
  }

  /** After the last chunk: compares the counts, gives the remaining segment once, then undefined. */
  async end(sent: bigint | undefined): Promise<Segment | undefined> {
    const { source, table } = this.#target
    if (sent !== undefined && sent !== this.#received) {
      throw SOURCE_ROWS_LOST({ source, table, received: this.#received, sent })
    }
    return await this.#finish()
  }

  async discardUnfinished(): Promise<void> {
    if (this.#open === undefined) return
    const { file, path } = this.#open
    this.#open = undefined
    await file.close()
    await rm(path, { force: true })
  }

  /** The first file is smaller, so that the engine soon has something to do beside the source. */
  #wholeBytes(): number {
    const { segmentBytes } = this.#target
    return this.#number === 1 ? segmentBytes / FIRST_SHARE : segmentBytes
  }

  async #start(end: string): Promise<OpenFile<P>> {
    const { directory, prefix } = this.#target
    const path = join(directory, `${prefix}-${this.#number++}${end}`)
    const layout = this.#form.begin()
    const opened = { file: await open(path, 'wx', 0o600), path, layout, rows: 0n, bytes: 0, end }
    this.#open = opened
    opened.bytes += await writeAll(opened, [layout.start])
    return opened
  }

  async #finish(): Promise<Segment | undefined> {
    if (this.#open === undefined) return undefined
    const { file, path, layout, rows } = this.#open
    const bytes = this.#open.bytes + (await writeAll(this.#open, [layout.end()]))
    this.#open = undefined
    await file.close()
    return { path, rows, bytes: BigInt(bytes) }
  }
}
