/**
 * One snapshot of a SQL Server source: a transaction of snapshot isolation on one connection, where the database allows
 * one. A table altered since it began fails aloud.
 */
import type { Sql } from '../../engine/sql.ts'
import { asWanted, refsOf } from '../found-tables.ts'
import { chunkSize, type SegmentTarget, writeSegments } from '../segments.ts'
import {
  type Counted,
  type InTurn,
  type OneReader,
  SequentialSnapshot,
  type StreamedRows,
} from '../sequential-snapshot.ts'
import { serverName } from '../server-address.ts'
import { noLiteral, type WrongLiteral } from '../slice.ts'
import type { CountRow } from '../slice-count.ts'
import type { CursorCap, Segment, Slice, SourceColumn, SourceSnapshot, SourceTable, TableRef } from '../source.ts'
import type { SqlServerConnection } from './address.ts'
import { sqlServerColumn } from './column.ts'
import { boundByClock, type CursorClock, newestStatement, readCursorClock } from './cursor.ts'
import { describeTables } from './describe.ts'
import { tableProblem } from './driver-error.ts'
import { findTables } from './names.ts'
import { flushLog } from './flush-log.ts'
import { beginSnapshot, insideSnapshot, type Standing } from './position.ts'
import type { SqlServerSession } from './session.ts'
import {
  copyDeletedStatement,
  copyKeysStatement,
  copyStatement,
  countStatement,
  formsOf,
  literalsStatement,
  type SqlServerSlice,
  sqlServerSlice,
} from './slice-sql.ts'
import { sqlServerTable } from './to-table.ts'

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
    const refs = refsOf(found)
    const clock = await readCursorClock(session, user, signal)
    const server = { source, server: serverName(connection) }
    const at = { openTransactions: clock.openTransactions, signal }
    const standing = await beginSnapshot(session, server, refs, at)
    const { counters, position } = standing
    const described = await describeTables(session, refs, { source, user, timezone, lockTimeoutMs, counters, signal })
    const facts = { position, tables: asWanted(found, described), openTransactionsHidden: clock.hidden }
    return new SequentialSnapshot(new SqlServerReader({ options, session, standing, clock }), facts)
  } catch (error) {
    await session.close()
    throw error
  }
}

interface ReaderParts {
  options: SnapshotOptions
  session: SqlServerSession
  standing: Standing
  clock: CursorClock
}

class SqlServerReader implements OneReader<SqlServerSlice> {
  readonly source: string
  readonly #parts: ReaderParts

  constructor(parts: ReaderParts) {
    this.source = parts.options.source
    this.#parts = parts
  }

  /** A literal that the server cannot read would end the transaction, so it is asked about first. */
  async slice(
    table: SourceTable,
    slice: Slice,
    columnOf: (name: string) => SourceColumn,
    signal: AbortSignal,
  ): Promise<SqlServerSlice | WrongLiteral> {
    const exact = sqlServerSlice(slice, sqlServerTable(table), columnOf)
    if ('reason' in exact || exact.literals.length === 0) return exact
    const [row] = await this.#parts.session.query(literalsStatement(exact.literals), signal)
    const wrong = exact.literals.find((_, n) => row?.[`l${n}`] !== '1')
    return wrong === undefined ? exact : noLiteral(wrong.column, wrong.literal.value)
  }

  async count(of: Counted<SqlServerSlice>, signal: AbortSignal): Promise<CountRow> {
    const statement = countStatement(sqlServerTable(of.table), of.slice, of.columns, of.cursor?.name)
    const [row = {}] = await this.#parts.session.query(this.#inside(statement), signal)
    return row
  }

  unfitValues(column: SourceColumn): string | undefined {
    return sqlServerColumn(column).unfit?.values
  }

  copy(table: SourceTable, slice: SqlServerSlice, columns: readonly SourceColumn[]): Sql {
    return copyStatement(sqlServerTable(table), slice, columns)
  }

  copyKeys(table: SourceTable, columns: readonly SourceColumn[]): Sql {
    return copyKeysStatement(sqlServerTable(table), columns)
  }

  copyDeleted(table: SourceTable, columns: readonly SourceColumn[], horizon: bigint): Sql {
    return copyDeletedStatement(sqlServerTable(table), columns, horizon)
  }

  segments(statement: Sql, { columns }: StreamedRows, target: SegmentTarget): AsyncGenerator<Segment, void, undefined> {
    const { segmentBytes, signal } = target
    const options = { forms: formsOf(columns), chunkBytes: chunkSize(segmentBytes), signal }
    return writeSegments(this.#parts.session.copyOut(this.#inside(statement), options), target)
  }

  abandon(): void {
    this.#parts.session.abandon()
  }

  boundByClock(column: SourceColumn, cap: Exclude<CursorCap, { kind: 'newest' }>): string | undefined {
    return boundByClock(column, cap, this.#parts.clock, this.#parts.options.timezone)
  }

  async newest(table: SourceTable, column: SourceColumn, signal: AbortSignal): Promise<string | undefined> {
    const [row] = await this.#parts.session.query(this.#inside(newestStatement(table, column)), signal)
    return row?.['bound'] ?? undefined
  }

  /** A table that was altered since, or that is locked, is the fault of nobody else's. */
  explain(error: unknown, table: SourceTable): unknown {
    const { source, connection, lockTimeoutMs } = this.#parts.options
    return tableProblem(error, table, { source, user: connection.user, lockTimeoutMs }) ?? error
  }

  async durable(inTurn: InTurn, signal: AbortSignal): Promise<void> {
    const { options, session, standing } = this.#parts
    const server = { source: options.source, server: serverName(options.connection) }
    await inTurn(() => flushLog(session, server, standing.database, signal))
  }

  async close(): Promise<void> {
    await this.#parts.session.close()
  }

  #inside(statement: Sql): Sql {
    return this.#parts.standing.counters.noSnapshot === undefined ? insideSnapshot(statement) : statement
  }
}
