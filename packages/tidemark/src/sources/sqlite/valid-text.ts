/**
 * SQLite keeps any bytes as a text. Here chunks are looked at before they are written, so that bytes that are no UTF-8
 * are an error with a place and never become other characters.
 */
import { isUtf8 } from 'node:buffer'
import { SOURCE_TEXT_INVALID } from '../../errors/source-table.ts'
import type { CopyChunk } from '../segments.ts'
import type { SourceColumn } from '../source.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const LINE_FEED = 0x0a
/** How much of a row is shown; its first columns are mostly the key. */
const SHOWN = 60

/** The chunks, all of them valid. @throws {SOURCE_TEXT_INVALID} */
export async function* validChunks(
  chunks: AsyncGenerator<CopyChunk, bigint, undefined>,
  named: { source: string; table: string },
  columns: readonly SourceColumn[],
): AsyncGenerator<CopyChunk, bigint, undefined> {
  try {
    for (;;) {
      const next = await chunks.next()
      if (next.done === true) return next.value
      const { bytes } = next.value
      if (!isUtf8(bytes)) {
        const { field, line } = findInvalid(bytes)
        // Before the columns stands the overlap flag.
        throw SOURCE_TEXT_INVALID({ ...named, column: columns[field - 1]?.name ?? '', row: shown(line) })
      }
      yield next.value
    }
  } finally {
    await chunks.return(0n)
  }
}

/** The first field that is no UTF-8, counted from 0, and its line. */
function findInvalid(bytes: Buffer): { field: number; line: Buffer } {
  let lineStart = 0
  let fieldStart = 0
  let field = 0
  let isQuoted = false
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i]
    if (byte === QUOTE) isQuoted = !isQuoted
    if (isQuoted || (byte !== COMMA && byte !== LINE_FEED)) continue
    if (!isUtf8(bytes.subarray(fieldStart, i))) return { field, line: bytes.subarray(lineStart) }
    fieldStart = i + 1
    field = byte === COMMA ? field + 1 : 0
    if (byte === LINE_FEED) lineStart = i + 1
  }
  return { field, line: bytes.subarray(lineStart) }
}

function shown(line: Buffer): string {
  const end = line.indexOf(LINE_FEED)
  return line.subarray(2, Math.min(end < 0 ? line.length : end, SHOWN)).toString('latin1')
}
