/**
 * One snapshot of a SQL Server source. It belongs to one connection, so tables are read one after the other; what fails
 * or is left early ends its statement, never the snapshot.
 */
import { SOURCE_KEY_INVALID, SOURCE_RANGE_INVALID } from '../../errors/source-table.ts'
import { Problem } from '../../errors/problem.ts'
import type { Sql } from '../../engine/sql.ts'
import { findColumn } from '../find-column.ts'
import { chunkSize, writeSegments } from '../segments.ts'
import { serverName } from '../server-address.ts'
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
import { Turnstile } from '../turnstile.ts'
import { refuseUnfit } from '../unfit.ts'
import type { SqlServerConnection } from './address.ts'
import { sqlServerColumn } from './column.ts'
import { boundByClock, type CursorClock, newestStatement, readCursorClock } from './cursor.ts'
import { describeTables, sqlServerTable } from './describe.ts'
import { tableProblem } from './driver-error.ts'
import { printName } from '../table-name.ts'
import { findTables } from './names.ts'
import { beginSnapshot, flushLog, insideSnapshot, type Standing } from './position.ts'
import type { SqlServerSession } from './session.ts'
import {
  copyDeletedStatement,
  copyKeysStatement,
  copyStatement,
  countStatement,
  formsOf,
  literalsStatement,
  type SliceSql,
  sliceSql,
  type WrongLiteral,
} from './slice-sql.ts'

export interface SnapshotOptions {
  source: string
  connection: SqlServerConnection
  timezone: string
  lockTimeoutMs: number
  open: (signal: AbortSignal) => Promise<SqlServerSession>
}

/** Look at the open transactions and the horizons, take the snapshot, then describe: a table altered since fails aloud. */
export async function openSqlServerSnapshot(
  options: SnapshotOptions,
  wanted: readonly TableRef[],
  signal: AbortSignal,
): Promise<SourceSnapshot> {
  const { source, connection, timezone, lockTimeoutMs } = options
  const { user } = connection
  const session = await options.open(signal)
  try {
    const found = await findTables(session, source, wanted, signal)
    const refs = [...found.values()].flatMap(one => (one instanceof Problem ? [] : [one]))
    const clock = await readCursorClock(session, user, signal)
    const server = { source, server: serverName(connection) }
    const at = { openTransactions: clock.openTransactions, signal }
    const standing = await beginSnapshot(session, server, refs, at)
    const { counters } = standing
    const described = await describeTables(session, refs, { source, user, timezone, lockTimeoutMs, counters, signal })
    const tables = new Map<string, SourceTable | Problem>()
    for (const [key, one] of found) {
      const result = one instanceof Problem ? one : described.get(tableKey(one))
      if (result !== undefined) tables.set(key, result)
    }
    return new SqlServerSnapshot({ options, session, standing, tables, clock })
  } catch (error) {
    await session.close()
    throw error
  }
}

interface SnapshotParts {
  options: SnapshotOptions
  session: SqlServerSession
  standing: Standing
  tables: ReadonlyMap<string, SourceTable | Problem>
  clock: CursorClock
}

class SqlServerSnapshot implements SourceSnapshot {
  readonly position: Position
  readonly tables: ReadonlyMap<string, SourceTable | Problem>
  readonly openTransactionsHidden: string | undefined
  readonly parallelReads = 1
  readonly #parts: SnapshotParts
  readonly #place = new Turnstile(1)

  constructor(parts: SnapshotParts) {
    this.#parts = parts
    this.position = parts.standing.position
    this.tables = parts.tables
    this.openTransactionsHidden = parts.clock.hidden
  }

  async count({ table, slice, columns, cursor, signal }: CountRequest): Promise<SliceCount> {
    const row = await this.#exclusive(table, signal, async () => {
      const exact = await this.#checkSlice(table, slice, signal)
      const counted = cursor === undefined ? undefined : this.#columnOf(table, cursor).name
      const statement = this.#inside(countStatement(sqlServerTable(table), exact, columns, counted))
      return (await this.#parts.session.query(statement, signal))[0] ?? {}
    })
    refuseUnfit(this.#named(table), columns, row, column => sqlServerColumn(column).unfit?.values)
    const number = (name: string): bigint => BigInt(row[name] ?? '0')
    return { total: number('total'), inSlice: number('in_slice'), withoutCursor: number('without_cursor') }
  }

  copy(request: CopyRequest): AsyncGenerator<Segment, void, undefined> {
    return this.#stream(request, async () => {
      const exact = await this.#checkSlice(request.table, request.slice, request.signal)
      return copyStatement(sqlServerTable(request.table), exact, request.columns)
    })
  }

  copyKeys(request: Omit<CopyRequest, 'slice'>): AsyncGenerator<Segment, void, undefined> {
    const table = sqlServerTable(request.table)
    return this.#stream(request, () => Promise.resolve(copyKeysStatement(table, request.columns)))
  }

  copyDeleted(request: Omit<CopyRequest, 'slice'>, horizon: bigint): AsyncGenerator<Segment, void, undefined> {
    const table = sqlServerTable(request.table)
    return this.#stream(request, () => Promise.resolve(copyDeletedStatement(table, request.columns, horizon)))
  }

  async cursorHorizon(
    table: SourceTable,
    column: string,
    cap: CursorCap,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { clock, options, session } = this.#parts
    const found = this.#columnOf(table, column)
    if (cap.kind !== 'newest') return boundByClock(found, cap, clock, options.timezone)
    const statement = this.#inside(newestStatement(table, found))
    const [row] = await this.#exclusive(table, signal, () => session.query(statement, signal))
    return row?.['bound'] ?? undefined
  }

  async durable(signal: AbortSignal): Promise<void> {
    const { options, session, standing } = this.#parts
    const server = { source: options.source, server: serverName(options.connection) }
    await this.#place.enter(signal)
    try {
      await flushLog(session, server, standing.database, signal)
    } finally {
      this.#place.leave()
    }
  }

  #inside(statement: Sql): Sql {
    return this.#parts.standing.counters.noSnapshot === undefined ? insideSnapshot(statement) : statement
  }

  async close(): Promise<void> {
    await this.#parts.session.close()
  }

  /** For messages. */
  #named(table: SourceTable): { source: string; table: string } {
    return { source: this.#parts.options.source, table: printName(table) }
  }

  async *#stream(
    request: Omit<CopyRequest, 'slice'>,
    prepare: () => Promise<Sql>,
  ): AsyncGenerator<Segment, void, undefined> {
    const { table, columns, directory, prefix, segmentBytes, signal } = request
    const { session } = this.#parts
    await this.#place.enter(signal)
    try {
      const statement = this.#inside(await prepare())
      const options = { forms: formsOf(columns), chunkBytes: chunkSize(segmentBytes), signal }
      const abandon = (): void => session.abandon()
      const target = { ...this.#named(table), directory, prefix, segmentBytes, signal, abandon }
      yield* writeSegments(session.copyOut(statement, options), target)
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
    return findColumn(this.#parts.options.source, table, name)
  }

  /** A literal that the server cannot read would end the transaction, so it is asked about first. */
  async #checkSlice(table: SourceTable, slice: Slice, signal: AbortSignal): Promise<SliceSql> {
    const exact = sliceSql(slice, sqlServerTable(table), name => this.#columnOf(table, name))
    if ('reason' in exact) throw this.#invalid(table, slice, exact)
    if (exact.literals.length === 0) return exact
    const [row] = await this.#parts.session.query(literalsStatement(exact.literals), signal)
    const wrong = exact.literals.find((_, n) => row?.[`l${n}`] !== '1')
    if (wrong === undefined) return exact
    const reason = `${JSON.stringify(wrong.literal.value)} is no ${this.#columnOf(table, wrong.column).sourceType}`
    throw this.#invalid(table, slice, { column: wrong.column, reason })
  }

  #invalid(table: SourceTable, slice: Slice, { column, reason }: WrongLiteral): Problem {
    const named = { ...this.#named(table), reason }
    if (slice.kind === 'keys') return SOURCE_KEY_INVALID({ ...named, columns: slice.columns.join(', ') })
    return SOURCE_RANGE_INVALID({ ...named, column })
  }

  /** A table that was altered since, or that is locked, is the fault of nobody else's. */
  #explain(error: unknown, table: SourceTable): unknown {
    const { source, connection, lockTimeoutMs } = this.#parts.options
    return tableProblem(error, table, { source, user: connection.user, lockTimeoutMs }) ?? error
  }
}
