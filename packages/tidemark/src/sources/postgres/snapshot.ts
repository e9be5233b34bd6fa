/**
 * One read-only snapshot of a PostgreSQL source, shared by all readers of a run: each reading has a connection of its own
 * in it, and what fails ends that one alone.
 */
import { Problem } from '../../errors/problem.ts'
import type { Sql } from '../../engine/sql.ts'
import type { Clock } from '../../model/ports.ts'
import type { ChangeLog } from '../change-log.ts'
import type { Position } from '../position.ts'
import type {
  CopyRequest,
  CountRequest,
  CursorCap,
  Segment,
  Slice,
  SliceCount,
  SourceColumn,
  SourceSnapshot,
  SourceTable,
  TableChunks,
  TableCount,
  Workload,
} from '../source.ts'
import { readCount } from '../slice-count.ts'
import type { ServerConnection } from '../server-address.ts'
import { findColumn } from '../find-column.ts'
import { postgresColumn, wireOf } from './column.ts'
import { boundStatement, type CursorClock } from './cursor.ts'
import { directReads, type PostgresExtension } from './extension.ts'
import { exactSlice, explainSlice } from './exact-slice.ts'
import { cutIntoBlocks } from './chunks.ts'
import { cutIntoHalves } from './halves.ts'
import { readLock } from './lock.ts'
import { printName } from '../table-name.ts'
import { waitUntilDurable } from './position.ts'
import type { Readers } from './readers.ts'
import { chunkSize, writePieces } from '../segments.ts'
import { type BinaryColumn, GROUP_BYTES, rowGroups } from './binary-rows.ts'
import { keyColumns, rowColumns, segmentForm } from './read-segments.ts'
import type { PostgresSession, TextRow } from './session.ts'
import {
  copyGivenKeysStatement,
  copyKeysStatement,
  copyStatement,
  countStatement,
  countTableStatement,
  isFoundByIndex,
} from './slice-sql.ts'
import { openSlotLog, type SlotState } from './slot.ts'
import { LOOK_ANEW, WORKLOAD } from './workload.ts'

export interface SnapshotOptions {
  source: string
  connection: ServerConnection
  timezone: string
  clock: Clock
  /** Connections at once: one keeps the snapshot, the others read. */
  maxConnections: number
  /** Sessions of others at work with which a big reading still goes on; undefined for half of those the server allows. */
  busyAbove: bigint | undefined
  /** How long one table's lock is waited for. */
  lockTimeoutMs: number
  /** Slot that lists changed keys, and publication of the same name. */
  slot: string | undefined
  /** How DuckDB itself reads tables whole; undefined where it is not to. */
  extension: PostgresExtension | undefined
  open: (signal: AbortSignal) => Promise<PostgresSession>
}

interface SnapshotParts {
  options: SnapshotOptions
  readers: Readers
  position: Position
  tables: ReadonlyMap<string, SourceTable | Problem>
  clock: CursorClock
  /** As `pg_export_snapshot` named it. */
  exported: string
  isStandby: boolean
  isPooled: boolean
}

/** Lives until it is closed. */
export class PostgresSnapshot implements SourceSnapshot {
  readonly position: Position
  readonly tables: ReadonlyMap<string, SourceTable | Problem>
  readonly openTransactionsHidden: string | undefined
  readonly aheadOfUtc: number
  readonly openDirect?: NonNullable<SourceSnapshot['openDirect']>
  changeLog?: ChangeLog
  readonly #options: SnapshotOptions
  readonly #readers: Readers
  readonly #clock: CursorClock
  readonly #isStandby: boolean

  constructor({ options, readers, position, tables, clock, exported, isStandby, isPooled }: SnapshotParts) {
    this.position = position
    this.tables = tables
    this.openTransactionsHidden = clock.hidden
    this.aheadOfUtc = clock.aheadOfUtc
    this.#options = options
    this.#readers = readers
    this.#clock = clock
    this.#isStandby = isStandby
    if (options.extension !== undefined) {
      const halves = (table: SourceTable, signal: AbortSignal): ReturnType<typeof cutIntoHalves> =>
        this.#reading(table, signal, session => cutIntoHalves(session, table, signal))
      this.openDirect = directReads(options.extension, { readers, snapshot: exported, halves, isPooled })
    }
  }

  /** The slot beside this snapshot, looked at before it was taken. */
  async attachSlot(state: SlotState, session: PostgresSession, signal: AbortSignal): Promise<void> {
    const parts = {
      state,
      position: this.position,
      tables: [...this.tables.values()].flatMap(table => (table instanceof Problem ? [] : [table])),
      open: (asked: AbortSignal) => this.#readers.openBeside(asked),
      ask: (statement: Sql, asked: AbortSignal) => this.#asking(statement, asked),
      durable: (asked: AbortSignal) => this.durable(asked),
      copyGivenKeys: (request: Omit<CopyRequest, 'slice'>, keys: readonly (readonly string[])[]) =>
        this.#stream(request, {
          statement: copyGivenKeysStatement(request.table, request.columns, keys),
          columns: keyColumns(request.columns, this.#named(request.table)),
        }),
    }
    this.changeLog = await openSlotLog(parts, session, signal)
  }

  async #asking(statement: Sql, signal: AbortSignal): Promise<TextRow[]> {
    const { session, giveBack } = await this.#readers.acquireKeeper(signal)
    try {
      return await session.query(statement, { signal })
    } finally {
      await giveBack('reusable')
    }
  }

  async count({ table, slice, columns, cursor, signal }: CountRequest): Promise<SliceCount> {
    const exact = this.#exact(table, slice)
    try {
      return await this.#count(table, countStatement(table, exact, columns, cursor), columns, signal)
    } catch (error) {
      throw explainSlice(error, this.#named(table), exact)
    }
  }

  countBeside({ table, slice, cursor, signal }: Omit<CountRequest, 'columns'>): Promise<TableCount> | undefined {
    if (!isFoundByIndex(table, this.#exact(table, slice))) return undefined
    return this.#count(table, countTableStatement(table, cursor), [], signal)
  }

  async #count(
    table: SourceTable,
    statement: Sql,
    columns: readonly SourceColumn[],
    signal: AbortSignal,
  ): Promise<SliceCount> {
    const [row = {}] = await this.#reading(table, signal, session => session.query(statement, { signal }))
    return readCount(row, this.#named(table), columns, column => postgresColumn(column).unfit?.values)
  }

  async *copy(request: CopyRequest): AsyncGenerator<Segment, void, undefined> {
    const { table, columns } = request
    const exact = this.#exact(table, request.slice)
    try {
      yield* this.#stream(request, {
        statement: copyStatement(table, exact, columns),
        columns: rowColumns(table, columns, this.#named(table)),
      })
    } catch (error) {
      throw explainSlice(error, this.#named(request.table), exact)
    }
  }

  /** What is taken in a form of its own is judged with each value; what a mask hides is taken as text, which holds anything. */
  copyRefusesUnfit(columns: readonly SourceColumn[]): boolean {
    return columns.every(column => wireOf(column) !== undefined || postgresColumn(column).unfit === undefined)
  }

  copyKeys(request: Omit<CopyRequest, 'slice'>): AsyncGenerator<Segment, void, undefined> {
    const { table, columns } = request
    const statement = copyKeysStatement(table, columns)
    return this.#stream(request, { statement, columns: keyColumns(columns, this.#named(table)) })
  }

  async cursorHorizon(
    table: SourceTable,
    column: string,
    cap: CursorCap,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { source, timezone } = this.#options
    const at = { cap, clock: this.#clock, timezone }
    const statement = boundStatement(table, findColumn(source, table, column), at)
    if (statement === undefined) return undefined
    const [row] = await this.#reading(table, signal, session => session.query(statement, { signal }))
    return row?.['bound'] ?? undefined
  }

  get parallelReads(): number {
    return this.#options.maxConnections - 1
  }

  async workload(signal: AbortSignal): Promise<Workload> {
    await this.#asking(LOOK_ANEW, signal)
    const [row] = await this.#asking(WORKLOAD, signal)
    const number = (name: string): bigint => BigInt(row?.[name] ?? '0')
    return { atWork: number('at_work'), allowed: this.#options.busyAbove ?? number('most') / 2n }
  }

  cutTable(table: SourceTable, bytes: bigint, signal: AbortSignal): Promise<TableChunks | undefined> {
    return this.#reading(table, signal, session => cutIntoBlocks(session, table, bytes, signal))
  }

  async durable(signal: AbortSignal): Promise<void> {
    // A standby is sent what is on the primary's disk, and applies what is on its own.
    if (this.#isStandby) return
    const { position } = this
    const { clock } = this.#options
    const { session, giveBack } = await this.#readers.acquireKeeper(signal)
    try {
      await waitUntilDurable(session, { position, clock, signal })
    } finally {
      await giveBack('reusable')
    }
  }

  /** For messages. */
  #named(table: SourceTable): { source: string; table: string } {
    return { source: this.#options.source, table: printName(table) }
  }

  async close(): Promise<void> {
    await this.#readers.close()
  }

  /** Work with a reader of the table; one whose work failed is not used again. */
  async #reading<T>(
    table: SourceTable,
    signal: AbortSignal,
    work: (session: PostgresSession) => Promise<T>,
  ): Promise<T> {
    const { session, giveBack } = await this.#readers.acquire(readLock(table), signal)
    let outcome: 'reusable' | 'broken' = 'broken'
    try {
      const result = await work(session)
      outcome = 'reusable'
      return result
    } finally {
      await giveBack(outcome)
    }
  }

  async *#stream(
    request: Omit<CopyRequest, 'slice'>,
    { statement, columns }: { statement: Sql; columns: readonly BinaryColumn[] },
  ): AsyncGenerator<Segment, void, undefined> {
    const { session, giveBack } = await this.#readers.acquire(readLock(request.table), request.signal)
    let outcome: 'reusable' | 'broken' = 'broken'
    try {
      const { directory, prefix, segmentBytes, signal } = request
      const named = this.#named(request.table)
      const abandon = (): void => session.interrupt()
      const chunks = session.copyOut(statement, { chunkBytes: chunkSize(segmentBytes), signal })
      const groups = rowGroups(chunks, columns, Math.min(GROUP_BYTES, segmentBytes))
      const target = { ...named, directory, prefix, segmentBytes, signal, abandon }
      yield* writePieces(groups, segmentForm(columns), target)
      outcome = 'reusable'
    } finally {
      await giveBack(outcome)
    }
  }

  #exact(table: SourceTable, slice: Slice): Slice {
    return exactSlice(slice, table, { source: this.#options.source, position: this.position })
  }
}
