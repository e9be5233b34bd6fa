/**
 * One read transaction of a SQLite database. It belongs to one connection, so tables are read one after the other; what
 * fails or is left early ends its statement, never the snapshot.
 */
import { open } from 'node:fs/promises'
import { SOURCE_KEY_INVALID, SOURCE_RANGE_INVALID, SOURCE_ROW_TOO_LONG } from '../../errors/source-table.ts'
import { SOURCE_DATABASE_LOCKED, SOURCE_FILE_UNREADABLE } from '../../errors/source.ts'
import { Problem } from '../../errors/problem.ts'
import { raw, type Sql } from '../../engine/sql.ts'
import { isoInstant } from '../../model/instant.ts'
import type { Clock } from '../../model/ports.ts'
import { errorCode } from '../driver-reason.ts'
import { findColumn } from '../find-column.ts'
import { MAX_ROW_BYTES } from '../read-csv.ts'
import { chunkSize, writeSegments } from '../segments.ts'
import {
  type CopyRequest,
  type CountRequest,
  type CursorCap,
  type Position,
  type Segment,
  type Slice,
  type SliceCount,
  type SourceColumn,
  type SourceSnapshot,
  type SourceTable,
  type TableRef,
} from '../source.ts'
import { Turnstile } from '../turnstile.ts'
import { refuseUnfit } from '../unfit.ts'
import { sqliteColumn } from './column.ts'
import { boundByClock, NO_TRANSACTIONS } from './cursor.ts'
import { describeTable } from './describe.ts'
import { isTooBig } from './driver-error.ts'
import { findTables, printName } from './names.ts'
import { openSqlite, type SqlitePlace, type SqliteSession } from './session.ts'
import {
  copyKeysStatement,
  copyStatement,
  countStatement,
  newestStatement,
  type SliceSql,
  sliceSql,
} from './slice-sql.ts'
import { validChunks } from './valid-text.ts'

export interface SnapshotOptions extends SqlitePlace {
  timezone: string
  clock: Clock
}

/**
 * Begin the read transaction, then describe. The clock is read before, so that everything committed by then is seen.
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
    return new SqliteSnapshot({ options, session, position, tables, nowUs })
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

interface SnapshotParts {
  options: SnapshotOptions
  session: SqliteSession
  position: Position
  tables: ReadonlyMap<string, SourceTable | Problem>
  nowUs: bigint
}

class SqliteSnapshot implements SourceSnapshot {
  readonly position: Position
  readonly tables: ReadonlyMap<string, SourceTable | Problem>
  readonly openTransactionsHidden = NO_TRANSACTIONS
  readonly parallelReads = 1
  readonly #options: SnapshotOptions
  readonly #session: SqliteSession
  readonly #nowUs: bigint
  readonly #place = new Turnstile(1)

  constructor({ options, session, position, tables, nowUs }: SnapshotParts) {
    this.#options = options
    this.#session = session
    this.#nowUs = nowUs
    this.position = position
    this.tables = tables
  }

  async count({ table, slice, columns, cursor, signal }: CountRequest): Promise<SliceCount> {
    const exact = this.#checkSlice(table, slice)
    const counted = cursor === undefined ? undefined : this.#columnOf(table, cursor)
    const [row = []] = await this.#exclusive(signal, () =>
      this.#session.query(countStatement(table, exact, columns, counted), signal),
    )
    const [total, inSlice, withoutCursor, ...unfit] = row
    const found = Object.fromEntries(unfit.map((count, n) => [`unfit_${n}`, count]))
    refuseUnfit(this.#named(table), columns, found, column => sqliteColumn(column).carried.others)
    const number = (count: string | null | undefined): bigint => BigInt(count ?? '0')
    return { total: number(total), inSlice: number(inSlice), withoutCursor: number(withoutCursor) }
  }

  copy(request: CopyRequest): AsyncGenerator<Segment, void, undefined> {
    const { table, slice, columns } = request
    return this.#stream(request, () => copyStatement(table, this.#checkSlice(table, slice), columns))
  }

  copyKeys(request: Omit<CopyRequest, 'slice'>): AsyncGenerator<Segment, void, undefined> {
    return this.#stream(request, () => copyKeysStatement(request.table, request.columns))
  }

  async cursorHorizon(
    table: SourceTable,
    column: string,
    cap: CursorCap,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const found = this.#columnOf(table, column)
    if (cap.kind !== 'newest') return boundByClock(found, cap, this.#nowUs, this.#options.timezone)
    const [[newest] = []] = await this.#exclusive(signal, () =>
      this.#session.query(newestStatement(table, found), signal),
    )
    return newest ?? undefined
  }

  /**
   * In WAL mode with `synchronous = NORMAL` a commit is in the log and not yet on the disk. The log is the one file that
   * may be opened beside SQLite: no lock lies on it.
   */
  async durable(signal: AbortSignal): Promise<void> {
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

  async *#stream(request: Omit<CopyRequest, 'slice'>, prepare: () => Sql): AsyncGenerator<Segment, void, undefined> {
    const { table, columns, directory, prefix, segmentBytes, signal } = request
    const statement = prepare()
    const named = this.#named(table)
    await this.#place.enter(signal)
    try {
      const read = this.#session.copyOut(statement, { chunkBytes: chunkSize(segmentBytes), signal })
      const chunks = validChunks(read, named, columns)
      const abandon = (): void => undefined
      yield* writeSegments(chunks, { ...named, directory, prefix, segmentBytes, signal, abandon })
    } catch (error) {
      const cause = error instanceof Problem ? error.cause : error
      if (!isTooBig(cause)) throw error
      throw SOURCE_ROW_TOO_LONG({ ...named, bytes: SQLITE_MAX_BYTES, limit: MAX_ROW_BYTES }, { cause })
    } finally {
      this.#place.leave()
    }
  }

  async #exclusive<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#place.enter(signal)
    try {
      return await work()
    } finally {
      this.#place.leave()
    }
  }

  /** For messages. */
  #named(table: SourceTable): { source: string; table: string } {
    return { source: this.#options.source, table: printName(table) }
  }

  #columnOf(table: SourceTable, name: string): SourceColumn {
    return findColumn(this.#options.source, table, name)
  }

  #checkSlice(table: SourceTable, slice: Slice): SliceSql {
    const exact = sliceSql(slice, name => this.#columnOf(table, name))
    if ('condition' in exact) return exact
    const named = this.#named(table)
    if (slice.kind === 'keys') {
      throw SOURCE_KEY_INVALID({ ...named, columns: slice.columns.join(', '), reason: exact.reason })
    }
    throw SOURCE_RANGE_INVALID({ ...named, ...exact })
  }
}

/** The longest text that SQLite makes; a row whose line would be longer is refused by it. */
const SQLITE_MAX_BYTES = 1_000_000_000
