/**
 * Rows of SQLite as row groups. A page is taken as it is when the reader can tell of every value that it fits; else it is read
 * once more, and from there on SQLite judges the columns in doubt.
 */
import { isUtf8 } from 'node:buffer'
import { sql } from '../../engine/sql.ts'
import { SOURCE_TEXT_INVALID } from '../../errors/source-table.ts'
import { type RowGroup, tooLongGroup } from '../parquet/segment-layout.ts'
import { MAX_ROW_BYTES } from '../row-limit.ts'
import type { SourceColumn } from '../source.ts'
import { sqliteColumn } from './column.ts'
import { isDoubtful } from './judge-lines.ts'
import { Lines, NULL } from './lines.ts'
import type { RowReading } from './page-sql.ts'
import type { SegmentRows } from './segment-rows.ts'
import type { SqliteSession } from './session.ts'

export interface ReadOptions {
  named: { source: string; table: string }
  chunkBytes: number
  groupBytes: number
  signal: AbortSignal
}

/**
 * The groups; the result is the number of rows that SQLite counted. A row that is too long is passed on as a group without rows.
 *
 * @throws {SOURCE_TEXT_INVALID}
 */
export async function* readGroups(
  session: Pick<SqliteSession, 'query' | 'copyOut'>,
  reading: RowReading,
  rows: SegmentRows,
  { named, chunkBytes, groupBytes, signal }: ReadOptions,
): AsyncGenerator<RowGroup, bigint, undefined> {
  const { columns, pages } = reading
  const lines = new Lines(columns.length)
  const judged = new Set(await judgedFromTheStart(session, columns, signal))
  let after = pages?.after
  let sent = 0n
  for (let isComplete = false; !isComplete; ) {
    const start =
      pages === undefined
        ? ({ kind: 'copy', statement: reading.rows.text } as const)
        : ({ kind: 'pages', statements: pages.statements(judged), after } as const)
    isComplete = true
    for await (const chunk of session.copyOut(start, { chunkBytes, signal })) {
      if (chunk.longestRow > MAX_ROW_BYTES) yield tooLongGroup(chunk.longestRow)
      const unread = isUtf8(chunk.bytes) ? undefined : Buffer.from(chunk.bytes)
      lines.read(chunk.bytes, chunk.rows)
      const doubts = chunk.isJudged ? [] : doubtsOf(lines, columns, judged)
      if (doubts.length > 0) {
        for (const n of doubts) judged.add(n)
        after = chunk.after
        isComplete = false
        break
      }
      if (unread !== undefined) throw invalidText(lines, unread, columns, named)
      rows.take(lines, chunk.longestRow)
      // Given back at once: the garbage collector sees a small object and would wait.
      ;(chunk.bytes.buffer as ArrayBuffer).transfer(0)
      sent += BigInt(chunk.rows)
      if (rows.group.isFull(groupBytes)) {
        yield rows.group.finish()
        rows.group.clear()
      }
    }
  }
  if (!rows.group.isEmpty) yield rows.group.finish()
  return sent
}

/** Doubles come in JSON with all their digits, or as older versions of SQLite print them, with fifteen: these are of no use. */
async function judgedFromTheStart(
  session: Pick<SqliteSession, 'query'>,
  columns: readonly SourceColumn[],
  signal: AbortSignal,
): Promise<number[]> {
  const reals = columns.flatMap((column, n) => (mayBeReal(column) ? [n] : []))
  if (reals.length === 0) return []
  const [[isWhole] = []] = await session.query(ALL_DIGITS, signal)
  return isWhole === '1' ? [] : reals
}

const ALL_DIGITS = sql`SELECT json_array(0.1 + 0.2) = concat('[', printf('%!.17g', 0.1 + 0.2), ']')`

function mayBeReal(column: SourceColumn): boolean {
  const { kind } = sqliteColumn(column).carried.form
  return kind === 'double' || kind === 'decimal'
}

function doubtsOf(lines: Lines, columns: readonly SourceColumn[], judged: ReadonlySet<number>): number[] {
  return columns.flatMap((column, n) =>
    !judged.has(n) && isDoubtful(lines, n, sqliteColumn(column).carried.form) ? [n] : [],
  )
}

/** How much of a row is shown; its first columns are mostly the key. */
const SHOWN = 60
const LINE_FEED = 0x0a

/** The first text that is no UTF-8, and its row as it came. */
function invalidText(
  { bytes, starts, ends, kinds, width }: Lines,
  unread: Buffer,
  columns: readonly SourceColumn[],
  named: { source: string; table: string },
): Error {
  const found = kinds.findIndex((kind, i) => kind !== NULL && !isUtf8(bytes.subarray(starts[i], ends[i])))
  let lineStart = 0
  for (let row = Math.floor(found / width); row > 0; row--) lineStart = unread.indexOf(LINE_FEED, lineStart) + 1
  const lineEnd = unread.indexOf(LINE_FEED, lineStart)
  // Without the bracket that begins it.
  const row = unread.subarray(
    lineStart + 1,
    Math.min(lineEnd < 0 ? unread.length - 1 : lineEnd - 1, lineStart + SHOWN - 1),
  )
  return SOURCE_TEXT_INVALID({ ...named, column: columns[found % width]?.name ?? '', row: row.toString('latin1') })
}
