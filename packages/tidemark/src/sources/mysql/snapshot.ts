/**
 * One read-only snapshot of a MySQL source: a consistent read on one connection, with the wanted tables locked against
 * changes of their definition.
 */
import { type Sql, sql } from '../../engine/sql.ts'
import type { Clock } from '../../model/ports.ts'
import { gatherGroups } from '../parquet/gather-groups.ts'
import { chunkSize, type SegmentTarget, writePieces } from '../segments.ts'
import {
  type Counted,
  type InTurn,
  type KeyBounds,
  type OneReader,
  SequentialSnapshot,
  type StreamedRows,
} from '../sequential-snapshot.ts'
import { type ServerConnection, serverName } from '../server-address.ts'
import { noDay, type WrongLiteral } from '../slice.ts'
import type { CountRow } from '../slice-count.ts'
import {
  type CursorCap,
  type Segment,
  type Slice,
  type SourceColumn,
  type SourceSnapshot,
  type SourceTable,
  type TableRef,
  type Workload,
} from '../source.ts'
import { mysqlColumn } from './column.ts'
import { boundByClock, type CursorClock, newestStatement, readCursorClock } from './cursor.ts'
import { lockAndDescribe } from './lock-and-describe.ts'
import { tableProblem } from './lock.ts'
import { beginSnapshot } from './position.ts'
import type { KeyRange } from '../key-ranges.ts'
import { refusesUnfit, segmentForm, textRows } from './row-segments.ts'
import type { MysqlSession } from './session.ts'
import {
  boundsStatement,
  copyKeysStatement,
  copyStatement,
  countStatement,
  estimateStatement,
  type MysqlSlice,
  mysqlSlice,
  momentsStatement,
} from './slice-sql.ts'
import { GROUP_BYTES } from './text-rows.ts'

export interface SnapshotOptions {
  source: string
  connection: ServerConnection
  timezone: string
  clock: Clock
  /** Sessions of others at work with which a big reading still goes on; undefined for half of those the server allows. */
  busyAbove: bigint | undefined
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
    const tables = await lockAndDescribe(session, wanted, { source, user, timezone, lockTimeoutMs, signal })
    const { hidden: openTransactionsHidden, aheadOfUtc } = clock
    const facts = { position, tables, openTransactionsHidden, aheadOfUtc }
    return new SequentialSnapshot(new MysqlReader(options, session, clock), facts)
  } catch (error) {
    await session.close()
    throw error
  }
}

class MysqlReader implements OneReader<MysqlSlice> {
  readonly source: string
  readonly #options: SnapshotOptions
  readonly #session: MysqlSession
  readonly #clock: CursorClock
  readonly #takenMs: number

  constructor(options: SnapshotOptions, session: MysqlSession, clock: CursorClock) {
    this.source = options.source
    this.#options = options
    this.#session = session
    this.#clock = clock
    this.#takenMs = options.clock.monotonic()
  }

  async slice(
    _table: SourceTable,
    slice: Slice,
    columnOf: (name: string) => SourceColumn,
    signal: AbortSignal,
  ): Promise<MysqlSlice | WrongLiteral> {
    const exact = mysqlSlice(slice, columnOf)
    if ('reason' in exact || exact.moments.length === 0) return exact
    const [row] = await this.#session.query(momentsStatement(exact.moments), signal)
    const wrong = exact.moments.find((_, n) => row?.[`m${n}`] == null)
    return wrong === undefined ? exact : noDay(wrong.column, wrong.written)
  }

  async count({ table, slice, columns, cursor }: Counted<MysqlSlice>, signal: AbortSignal): Promise<CountRow> {
    const [row = {}] = await this.#session.query(countStatement(table, slice, columns, cursor?.name), signal)
    return row
  }

  unfitValues(column: SourceColumn): string | undefined {
    return mysqlColumn(column).unfit?.values
  }

  copy(table: SourceTable, slice: MysqlSlice, columns: readonly SourceColumn[]): Sql {
    return copyStatement(table, slice, columns)
  }

  copyKeys(table: SourceTable, columns: readonly SourceColumn[]): Sql {
    return copyKeysStatement(table, columns)
  }

  segments(
    statement: Sql,
    { columns, of }: StreamedRows,
    target: SegmentTarget,
  ): AsyncGenerator<Segment, void, undefined> {
    const { segmentBytes, signal } = target
    const chunks = this.#session.copyOut(statement, { chunkBytes: chunkSize(segmentBytes), signal })
    const rows = textRows(columns, of, target)
    return writePieces(
      gatherGroups(chunks, rows, Math.min(GROUP_BYTES, segmentBytes)),
      segmentForm(columns, of),
      target,
    )
  }

  copyRefusesUnfit(columns: readonly SourceColumn[]): boolean {
    return refusesUnfit(columns)
  }

  abandon(): void {
    this.#session.abandon()
  }

  boundByClock(column: SourceColumn, cap: Exclude<CursorCap, { kind: 'newest' }>): string | undefined {
    return boundByClock(column, cap, this.#clock, this.#options.timezone)
  }

  async newest(table: SourceTable, { name }: SourceColumn, signal: AbortSignal): Promise<string | undefined> {
    const [row] = await this.#session.query(newestStatement(table, name), signal)
    return row?.['bound'] ?? undefined
  }

  async bounds(table: SourceTable, column: SourceColumn, signal: AbortSignal): Promise<KeyBounds | undefined> {
    const [row] = await this.#session.query(boundsStatement(table, column), signal)
    const [low, high] = [row?.['low'], row?.['high']]
    return low == null || high == null ? undefined : { low: BigInt(low), high: BigInt(high) }
  }

  async rowsIn(table: SourceTable, column: SourceColumn, range: KeyRange, signal: AbortSignal): Promise<bigint> {
    const [row] = await this.#session.query(estimateStatement(table, column, range), signal)
    return BigInt(row?.['rows'] ?? '0')
  }

  /** The server tells everybody how many of its sessions run a statement; this one is ours. */
  async workload(signal: AbortSignal): Promise<Workload> {
    const number = async (statement: Sql): Promise<bigint> => {
      const [row] = await this.#session.query(statement, signal)
      return BigInt(row?.['value'] ?? '0')
    }
    const running = await number(sql`SHOW GLOBAL STATUS LIKE 'Threads_running'`)
    const { busyAbove } = this.#options
    const allowed = busyAbove ?? (await number(sql`SHOW GLOBAL VARIABLES LIKE 'max_connections'`)) / 2n
    return { atWork: running - 1n, allowed }
  }

  /** A table that was altered since, or that is locked, is the fault of nobody else's. */
  explain(error: unknown, table: SourceTable): unknown {
    const { source, connection, lockTimeoutMs } = this.#options
    return tableProblem(error, table, { source, user: connection.user, lockTimeoutMs }) ?? error
  }

  /** A server that does not write its log at every commit does so once in a stated time; twice that is waited for. */
  async durable(inTurn: InTurn, signal: AbortSignal): Promise<void> {
    const names = sql`'innodb_flush_log_at_trx_commit', 'innodb_flush_log_at_timeout'`
    const asked = sql`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`
    const rows = await inTurn(() => this.#session.query(asked, signal))
    const variables = new Map(rows.map(row => [row['variable_name'] ?? '', Number(row['value'])]))
    if (variables.get('innodb_flush_log_at_trx_commit') === 1) return
    const { clock } = this.#options
    const wait = 2000 * (variables.get('innodb_flush_log_at_timeout') ?? 1) - (clock.monotonic() - this.#takenMs)
    if (wait > 0) await clock.sleep(wait, signal)
  }

  async close(): Promise<void> {
    await this.#session.close()
  }
}
