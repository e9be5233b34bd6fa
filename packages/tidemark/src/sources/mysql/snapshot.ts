/**
 * One read-only snapshot of a MySQL source. It belongs to one connection, so tables are read one after the other; what
 * fails or is left early ends its statement, never the snapshot.
 */
import { SOURCE_KEY_INVALID, SOURCE_RANGE_INVALID } from '../../errors/source-table.ts'
import { Problem } from '../../errors/problem.ts'
import { type Sql, sql } from '../../engine/sql.ts'
import type { Clock } from '../../model/ports.ts'
import { findColumn } from '../find-column.ts'
import { chunkSize, writeSegments } from '../segments.ts'
import { type ServerConnection, serverName } from '../server-address.ts'
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
  tableKey,
} from '../source.ts'
import { refuseUnfit } from '../unfit.ts'
import { Turnstile } from '../turnstile.ts'
import { mysqlColumn } from './column.ts'
import { boundByClock, type CursorClock, newestStatement, readCursorClock } from './cursor.ts'
import { describeTables } from './describe.ts'
import { lockTables, tableProblem } from './lock.ts'
import { printName } from '../table-name.ts'
import { findTables } from './names.ts'
import { beginSnapshot } from './position.ts'
import type { MysqlSession, TextRow } from './session.ts'
import {
  copyKeysStatement,
  copyStatement,
  countStatement,
  formsOf,
  momentsOf,
  momentsStatement,
  type SliceSql,
  sliceSql,
  type WrongLiteral,
} from './slice-sql.ts'

export interface SnapshotOptions {
  source: string
  connection: ServerConnection
  timezone: string
  clock: Clock
  lockTimeoutMs: number
  open: (signal: AbortSignal) => Promise<MysqlSession>
}

/** Look at the open transactions, take the snapshot, lock, then describe. */
export async function openMysqlSnapshot(
  options: SnapshotOptions,
  wanted: readonly TableRef[],
  signal: AbortSignal,
): Promise<SourceSnapshot> {
  const { source, connection, timezone, lockTimeoutMs } = options
  const { user } = connection
  const session = await options.open(signal)
  try {
    const clock = await readCursorClock(session, user, signal)
    const server = { source, server: serverName(connection) }
    const position = await beginSnapshot(session, server, clock.openTransactions, signal)
    const found = await findTables(session, source, wanted, signal)
    const refs = [...found.values()].flatMap(one => (one instanceof Problem ? [] : [one]))
    const locked = await lockTables(session, refs, { source, user, lockTimeoutMs, signal })
    const usable = refs.filter(ref => !locked.has(tableKey(ref)))
    const described = await describeTables(session, usable, { source, user, timezone, signal })
    const tables = new Map<string, SourceTable | Problem>()
    for (const [key, one] of found) {
      const name = one instanceof Problem ? '' : tableKey(one)
      const result = one instanceof Problem ? one : (locked.get(name) ?? described.get(name))
      if (result !== undefined) tables.set(key, result)
    }
    return new MysqlSnapshot({ options, session, position, tables, clock })
  } catch (error) {
    await session.close()
    throw error
  }
}

interface SnapshotParts {
  options: SnapshotOptions
  session: MysqlSession
  position: Position
  tables: ReadonlyMap<string, SourceTable | Problem>
  clock: CursorClock
}

class MysqlSnapshot implements SourceSnapshot {
  readonly position: Position
  readonly tables: ReadonlyMap<string, SourceTable | Problem>
  readonly openTransactionsHidden: string | undefined
  readonly parallelReads = 1
  readonly #options: SnapshotOptions
  readonly #session: MysqlSession
  readonly #clock: CursorClock
  readonly #takenMs: number
  readonly #place = new Turnstile(1)

  constructor({ options, session, position, tables, clock }: SnapshotParts) {
    this.#options = options
    this.#session = session
    this.#clock = clock
    this.#takenMs = options.clock.monotonic()
    this.openTransactionsHidden = clock.hidden
    this.position = position
    this.tables = tables
  }

  async count({ table, slice, columns, cursor, signal }: CountRequest): Promise<SliceCount> {
    const row = await this.#exclusive(table, signal, async () => {
      const exact = await this.#checkSlice(table, slice, signal)
      const counted = cursor === undefined ? undefined : this.#columnOf(table, cursor).name
      return (await this.#session.query(countStatement(table, exact, columns, counted), signal))[0] ?? {}
    })
    refuseUnfit(this.#named(table), columns, row, column => mysqlColumn(column).unfit?.values)
    const number = (name: string): bigint => BigInt(row[name] ?? '0')
    return { total: number('total'), inSlice: number('in_slice'), withoutCursor: number('without_cursor') }
  }

  copy(request: CopyRequest): AsyncGenerator<Segment, void, undefined> {
    return this.#stream(request, async () => {
      const exact = await this.#checkSlice(request.table, request.slice, request.signal)
      return copyStatement(request.table, exact, request.columns)
    })
  }

  copyKeys(request: Omit<CopyRequest, 'slice'>): AsyncGenerator<Segment, void, undefined> {
    return this.#stream(request, () => Promise.resolve(copyKeysStatement(request.table, request.columns)))
  }

  async cursorHorizon(
    table: SourceTable,
    column: string,
    cap: CursorCap,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const found = this.#columnOf(table, column)
    if (cap.kind !== 'newest') return boundByClock(found, cap, this.#clock, this.#options.timezone)
    const statement = newestStatement(table, found.name)
    const [row] = await this.#exclusive(table, signal, () => this.#session.query(statement, signal))
    return row?.['bound'] ?? undefined
  }

  /** A server that does not write its log at every commit does so once in a stated time; twice that is waited for. */
  async durable(signal: AbortSignal): Promise<void> {
    const names = sql`'innodb_flush_log_at_trx_commit', 'innodb_flush_log_at_timeout'`
    await this.#place.enter(signal)
    let rows: TextRow[]
    try {
      rows = await this.#session.query(sql`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`, signal)
    } finally {
      this.#place.leave()
    }
    const variables = new Map(rows.map(row => [row['variable_name'] ?? '', Number(row['value'])]))
    if (variables.get('innodb_flush_log_at_trx_commit') === 1) return
    const { clock } = this.#options
    const wait = 2000 * (variables.get('innodb_flush_log_at_timeout') ?? 1) - (clock.monotonic() - this.#takenMs)
    if (wait > 0) await clock.sleep(wait, signal)
  }

  /** For messages. */
  #named(table: SourceTable): { source: string; table: string } {
    return { source: this.#options.source, table: printName(table) }
  }

  async close(): Promise<void> {
    await this.#session.close()
  }

  async *#stream(
    request: Omit<CopyRequest, 'slice'>,
    prepare: () => Promise<Sql>,
  ): AsyncGenerator<Segment, void, undefined> {
    const { table, columns, directory, prefix, segmentBytes, signal } = request
    await this.#place.enter(signal)
    try {
      const statement = await prepare()
      const options = { forms: formsOf(columns), chunkBytes: chunkSize(segmentBytes), signal }
      const named = this.#named(table)
      const abandon = (): void => this.#session.abandon()
      const chunks = this.#session.copyOut(statement, options)
      yield* writeSegments(chunks, { ...named, directory, prefix, segmentBytes, signal, abandon })
    } catch (error) {
      throw this.#explain(error, table)
    } finally {
      this.#place.leave()
    }
  }

  async #exclusive<T>(table: SourceTable, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#place.enter(signal)
    try {
      return await work()
    } catch (error) {
      throw this.#explain(error, table)
    } finally {
      this.#place.leave()
    }
  }

  #columnOf(table: SourceTable, name: string): SourceColumn {
    return findColumn(this.#options.source, table, name)
  }

  async #checkSlice(table: SourceTable, slice: Slice, signal: AbortSignal): Promise<SliceSql> {
    const columnOf = (name: string): SourceColumn => this.#columnOf(table, name)
    const exact = sliceSql(slice, columnOf)
    if ('reason' in exact) throw this.#invalid(table, slice, exact)
    const moments = momentsOf(slice, columnOf)
    if (moments.length === 0) return exact
    const [row] = await this.#session.query(momentsStatement(moments), signal)
    const wrong = moments.find((_, n) => row?.[`m${n}`] == null)
    if (wrong === undefined) return exact
    throw this.#invalid(table, slice, { ...wrong, reason: `${JSON.stringify(wrong.reason)} is no day of the calendar` })
  }

  #invalid(table: SourceTable, slice: Slice, { column, reason }: WrongLiteral): Problem {
    const named = { ...this.#named(table), reason }
    if (slice.kind === 'keys') return SOURCE_KEY_INVALID({ ...named, columns: slice.columns.join(', ') })
    return SOURCE_RANGE_INVALID({ ...named, column })
  }

  /** A table that was altered since, or that is locked, is the fault of nobody else's. */
  #explain(error: unknown, table: SourceTable): unknown {
    const { source, connection, lockTimeoutMs } = this.#options
    return tableProblem(error, table, { source, user: connection.user, lockTimeoutMs }) ?? error
  }
}
