/**
 * Finished segment files from a stream of chunks. Files are cut between rows, one is written while the reader works on
 * the one before, and what is not finished when something ends early is removed.
 */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { SOURCE_ROW_TOO_LONG, SOURCE_ROWS_LOST } from '../errors/source-table.ts'
import type { Segment } from './source.ts'
import { MAX_ROW_BYTES, WIDE_ROW_BYTES, WIDE_SUFFIX } from './read-csv.ts'

/** A piece of a source's stream of CSV text. */
export interface CopyChunk {
  /** Whole rows. The buffer is the reader's until it is released. */
  bytes: Buffer
  rows: number
  /** Length of the longest row in bytes. */
  longestRow: number
  /** Give the buffer back; left out where nobody uses it again. */
  release?: () => void
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

/**
 * Write chunks to segment files. At most one finished file waits for the reader: beyond that the source is not read on.
 *
 * @throws {SOURCE_ROWS_LOST} the rows written are not the rows the server counted
 * @throws {SOURCE_ROW_TOO_LONG}
 */
export async function* writeSegments(
  chunks: AsyncGenerator<CopyChunk, bigint, undefined>,
  target: SegmentTarget,
): AsyncGenerator<Segment, void, undefined> {
  const writer = new SegmentWriter(target)
  let pending = nextSegment(chunks, writer)
  let complete = false
  try {
    for (;;) {
      const segment = await pending
      target.signal.throwIfAborted()
      complete = segment === undefined
      if (segment === undefined) return
      pending = nextSegment(chunks, writer)
      // A failure is reported when the reader comes back for it, not as an unhandled rejection before.
      pending.catch(() => undefined)
      yield segment
    }
  } finally {
    if (!complete) target.abandon()
    await Promise.all([pending.catch(() => undefined), chunks.return(0n).catch(() => undefined)])
    await writer.discardUnfinished()
  }
}

async function nextSegment(
  chunks: AsyncGenerator<CopyChunk, bigint, undefined>,
  writer: SegmentWriter,
): Promise<Segment | undefined> {
  for (;;) {
    const { value, done } = await chunks.next()
    // A generator gives its result once; asked again it is done with nothing.
    if (done) return await writer.end(value as bigint | undefined)
    const finished = await writer.write(value)
    if (finished !== undefined) return finished
  }
}

interface OpenFile {
  file: FileHandle
  path: string
  rows: bigint
  bytes: number
  wide: boolean
}

/** An error of an open file does not say which: a full disk is told by its place. */
function atPath(error: unknown, path: string): unknown {
  return error instanceof Error ? Object.assign(error, { path }) : error
}

class SegmentWriter {
  readonly #target: SegmentTarget
  #open: OpenFile | undefined
  #number = 0
  #received = 0n

  constructor(target: SegmentTarget) {
    this.#target = target
  }

  /** Gives the segment when the chunk completed one. */
  async write(chunk: CopyChunk): Promise<Segment | undefined> {
    const { table, source, segmentBytes } = this.#target
    if (chunk.longestRow > MAX_ROW_BYTES) {
      throw SOURCE_ROW_TOO_LONG({ source, table, bytes: chunk.longestRow, limit: MAX_ROW_BYTES })
    }
    const wide = chunk.longestRow > WIDE_ROW_BYTES
    // Long and ordinary rows never share a file, because they are read differently.
    const before = this.#open !== undefined && this.#open.wide !== wide ? await this.#finish() : undefined
    const current = (this.#open ??= await this.#start(wide))
    await current.file.writeFile(chunk.bytes).catch((error: unknown) => Promise.reject(atPath(error, current.path)))
    chunk.release?.()
    current.bytes += chunk.bytes.length
    current.rows += BigInt(chunk.rows)
    this.#received += BigInt(chunk.rows)
    if (before !== undefined) return before
    return current.bytes >= segmentBytes ? await this.#finish() : undefined
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

  async #start(wide: boolean): Promise<OpenFile> {
    const { directory, prefix } = this.#target
    const path = join(directory, `${prefix}-${this.#number++}${wide ? WIDE_SUFFIX : '.csv'}`)
    return { file: await open(path, 'wx', 0o600), path, rows: 0n, bytes: 0, wide }
  }

  async #finish(): Promise<Segment | undefined> {
    if (this.#open === undefined) return undefined
    const { file, path, rows, bytes } = this.#open
    this.#open = undefined
    await file.close()
    return { path, rows, bytes: BigInt(bytes) }
  }
}
