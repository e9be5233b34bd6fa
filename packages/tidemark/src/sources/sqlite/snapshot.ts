/**
 * One read transaction of a SQLite database on one connection. The clock is read before it begins, so that everything
 * committed by then is seen.
 */
import { open } from 'node:fs/promises'
import { SOURCE_ROW_TOO_LONG, SOURCE_TABLE_UNUSABLE } from '../../errors/source-table.ts'
import { SOURCE_DATABASE_LOCKED, SOURCE_FILE_UNREADABLE } from '../../errors/source.ts'
import { Problem } from '../../errors/problem.ts'
import { raw, type Sql } from '../../engine/sql.ts'
import { isoInstant } from '../../model/instant.ts'
import type { Clock } from '../../model/ports.ts'
import { errorCode, reasonOf } from '../driver-reason.ts'
import { MAX_ROW_BYTES } from '../row-limit.ts'
import { parquetForm } from '../parquet/segment-layout.ts'
import { chunkSize, type SegmentTarget, writePieces } from '../segments.ts'
import {
  type Counted,
  type InTurn,
  type KeyBounds,
  type OneReader,
  SequentialSnapshot,
  type StreamedRows,
} from '../sequential-snapshot.ts'
import type { KeyRange } from '../key-ranges.ts'
import type { WrongLiteral } from '../slice.ts'
import { type CountRow, readCount } from '../slice-count.ts'
import type { Position } from '../position.ts'
import type { CursorCap, Segment, Slice, SourceColumn, SourceSnapshot, SourceTable, TableRef } from '../source.ts'
import { printName } from '../table-name.ts'
import { sqliteColumn } from './column.ts'
import { boundByClock, NO_TRANSACTIONS } from './cursor.ts'
import { describeTable } from './describe.ts'
import { isMisfit, isOfStatement, isTooBig } from './driver-error.ts'
import { findTables } from './names.ts'
import { type RowReading, readKeys, readRows } from './page-sql.ts'
import { readGroups } from './read-rows.ts'
import { GROUP_BYTES, SegmentRows } from './segment-rows.ts'
import { openSqlite, type SqlitePlace, type SqliteSession } from './session.ts'
import {
  boundsStatement,
  countStatement,
  newestStatement,
  rowsInStatement,
  type SqliteSlice,
  sqliteSlice,
} from './slice-sql.ts'

export interface SnapshotOptions extends SqlitePlace {
  timezone: string
  clock: Clock
}

/**
 * Begin the read transaction, then describe.
 *
 * @throws {SOURCE_DATABASE_LOCKED} a writer keeps the file for longer than it is waited for, or replaced it just now
 */
export async function openSqliteSnapshot(
  options: SnapshotOptions,
  wanted: readonly TableRef[],
  signal: AbortSignal,
): Promise<SourceSnapshot> {
  const { source, path, timezone, clock } = options
  const session = await openSqlite(options, signal)
  try {
    const nowUs = BigInt(clock.now()) * 1000n
    await session.execute('BEGIN', signal)
    // A transaction begins with its first read.
    const [[encoding] = []] = await session.query(
      raw('SELECT encoding FROM pragma_encoding, (SELECT count(*) FROM sqlite_schema)'),
      signal,
    )
    if (encoding !== 'UTF-8') {
      throw SOURCE_FILE_UNREADABLE({ source, server: path, reason: `its texts are ${encoding}; only UTF-8 is read` })
    }
    if (!session.file.isInPlace()) {
      throw SOURCE_DATABASE_LOCKED({ source, server: path, reason: 'the file was replaced while it was being opened' })
    }
    const position = positionOf(session, nowUs)
    const tables = new Map<string, SourceTable | Problem>()
    for (const [key, found] of await findTables(session, source, wanted, signal)) {
      const isProblem = found instanceof Problem
      tables.set(key, isProblem ? found : await describeTable(session, found, { source, timezone, signal }))
    }
    const facts = { position, tables, openTransactionsHidden: NO_TRANSACTIONS }
    return new SequentialSnapshot(new SqliteReader(options, session, nowUs), facts)
  } catch (error) {
    await session.close()
    throw error
  }
}

function positionOf({ file }: SqliteSession, nowUs: bigint): Position {
  return {
    identity: `sqlite:${file.identity}`,
    order: nowUs,
    rowVersions: undefined,
    log: file.readCounter(),
    asOf: isoInstant(Number(nowUs / 1000n)).replace('Z', '000Z'),
    openTransactions: undefined,
  }
}

/** The longest text that SQLite makes; a row whose line would be longer is refused by it. */
const SQLITE_MAX_BYTES = 1_000_000_000

class SqliteReader implements OneReader<SqliteSlice, RowReading> {
  readonly source: string
  readonly #options: SnapshotOptions
  readonly #session: SqliteSession
  readonly #nowUs: bigint

  constructor(options: SnapshotOptions, session: SqliteSession, nowUs: bigint) {
    this.source = options.source
    this.#options = options
    this.#session = session
    this.#nowUs = nowUs
  }

  async slice(
    _table: SourceTable,
    slice: Slice,
    columnOf: (name: string) => SourceColumn,
  ): Promise<SqliteSlice | WrongLiteral> {
    return await Promise.resolve(sqliteSlice(slice, columnOf))
  }

  async count({ table, slice, columns, cursor }: Counted<SqliteSlice>, signal: AbortSignal): Promise<CountRow> {
    return await this.#counted(countStatement(table, slice, columns, cursor), columns, signal)
  }

  async #counted(statement: Sql, columns: readonly SourceColumn[], signal: AbortSignal): Promise<CountRow> {
    const [row = []] = await this.#session.query(statement, signal)
    const names = ['total', 'in_slice', 'without_cursor', ...columns.map((_, n) => `unfit_${n}`)]
    return Object.fromEntries(names.map((name, n) => [name, row[n] ?? null]))
  }

  unfitValues(column: SourceColumn): string | undefined {
    return sqliteColumn(column).carried.others
  }

  copy(table: SourceTable, slice: SqliteSlice, columns: readonly SourceColumn[]): RowReading {
    return readRows(table, slice, columns)
  }

  copyKeys(table: SourceTable, columns: readonly SourceColumn[]): RowReading {
    return readKeys(table, columns)
  }

  /** What the reader cannot vouch for is judged by SQLite, which stops at it. */
  copyRefusesUnfit(): boolean {
    return true
  }

  async *segments(
    reading: RowReading,
    { columns, of }: StreamedRows,
    target: SegmentTarget,
  ): AsyncGenerator<Segment, void, undefined> {
    const { source, table, segmentBytes, signal } = target
    const rows = new SegmentRows(columns, of)
    const groups = readGroups(this.#session, reading, rows, {
      named: { source, table },
      chunkBytes: chunkSize(segmentBytes),
      groupBytes: Math.min(GROUP_BYTES, segmentBytes),
      signal,
    })
    try {
      yield* writePieces(groups, parquetForm(rows.described), target)
    } catch (error) {
      if (!(error instanceof Problem) || !isMisfit(error.cause)) throw error
      const counted = await this.#counted(reading.count, columns, signal)
      readCount(counted, { source, table }, columns, column => this.unfitValues(column))
      throw error
    }
  }

  /** The thread reads one chunk ahead and no more: there is nothing to be stopped. */
  abandon(): void {
    return undefined
  }

  boundByClock(column: SourceColumn, cap: Exclude<CursorCap, { kind: 'newest' }>): string | undefined {
    return boundByClock(column, cap, this.#nowUs, this.#options.timezone)
  }

  async newest(table: SourceTable, column: SourceColumn, signal: AbortSignal): Promise<string | undefined> {
    const [[newest] = []] = await this.#session.query(newestStatement(table, column), signal)
    return newest ?? undefined
  }

  /** Values that are no integers make the table one that is not cut; reading it refuses them. */
  async bounds(table: SourceTable, column: SourceColumn, signal: AbortSignal): Promise<KeyBounds | undefined> {
    const [[low, high] = []] = await this.#session.query(boundsStatement(table, column), signal)
    const isInteger = (value: string | null | undefined): value is string => value != null && /^-?\d+$/.test(value)
    return isInteger(low) && isInteger(high) ? { low: BigInt(low), high: BigInt(high) } : undefined
  }

  async rowsIn(table: SourceTable, column: SourceColumn, range: KeyRange, signal: AbortSignal): Promise<bigint> {
    const [[rows] = []] = await this.#session.query(rowsInStatement(table, column, range), signal)
    return BigInt(rows ?? '0')
  }

  /** A row beyond what SQLite itself can hold, and an expression that has no value: of a view, or a generated column. */
  explain(error: unknown, table: SourceTable): unknown {
    const cause = error instanceof Problem ? error.cause : error
    const named = { source: this.source, table: printName(table) }
    if (isOfStatement(cause)) return SOURCE_TABLE_UNUSABLE({ ...named, reason: reasonOf(cause) }, { cause })
    if (!isTooBig(cause)) return error
    return SOURCE_ROW_TOO_LONG({ ...named, bytes: SQLITE_MAX_BYTES, limit: MAX_ROW_BYTES }, { cause })
  }

  /**
   * In WAL mode with `synchronous = NORMAL` a commit is in the log and not yet on the disk. The log is the one file that
   * may be opened beside SQLite: no lock lies on it.
   */
  async durable(_inTurn: InTurn, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    try {
      await using log = await open(`${this.#options.path}-wal`, 'r')
      await log.datasync()
    } catch (error) {
      // No log; or a system on which a reader can force nothing.
      if (!['ENOENT', 'EPERM', 'EACCES', 'EBADF'].includes(errorCode(error))) throw error
    }
  }

  async close(): Promise<void> {
    await this.#session.close()
  }
}
