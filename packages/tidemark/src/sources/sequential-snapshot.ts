/**
 * A snapshot that belongs to one connection: tables are read one after the other, and what fails or is left early ends its
 * statement, never the snapshot. What the database says and how is given to it.
 */
import type { Sql } from '../engine/sql.ts'
import type { Problem } from '../errors/problem.ts'
import { findColumn } from './find-column.ts'
import { cutKeys, cuttingColumn, type KeyRange } from './key-ranges.ts'
import type { SegmentTarget } from './segments.ts'
import { invalidSlice, type SliceSql, type WrongLiteral } from './slice.ts'
import { type CountRow, readCount } from './slice-count.ts'
import type { Position } from './position.ts'
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
  Workload,
} from './source.ts'
import { printName } from './table-name.ts'
import { Turnstile } from './turnstile.ts'

/** The connection and the words of one database. No two of its methods are at work at once but those without a signal. */
export interface OneReader<S extends SliceSql, R = Sql> {
  readonly source: string
  /** The slice as a condition; a value that is none of its column's type is found before it can do harm. */
  slice(table: SourceTable, slice: Slice, columnOf: ColumnOf, signal: AbortSignal): Promise<S | WrongLiteral>
  count(of: Counted<S>, signal: AbortSignal): Promise<CountRow>
  /** What values of the column the lake cannot hold; undefined when it holds all. */
  unfitValues(column: SourceColumn): string | undefined
  /** How rows are read: a statement, or what else the source makes of it. */
  copy(table: SourceTable, slice: S, columns: readonly SourceColumn[]): R
  copyKeys(table: SourceTable, columns: readonly SourceColumn[]): R
  copyDeleted?(table: SourceTable, columns: readonly SourceColumn[], horizon: bigint): R
  /** True when values that the lake cannot hold stop the copy itself, whatever a count says; left out where they do not. */
  copyRefusesUnfit?(columns: readonly SourceColumn[]): boolean
  /** The rows of such a reading in segment files, in whichever form the source's own reader takes. */
  segments(reading: R, of: StreamedRows, target: SegmentTarget): AsyncGenerator<Segment, void, undefined>
  /** Stop the statement whose rows are streamed. */
  abandon(): void
  /** The cursor's next lower bound by the clock; undefined when nothing bounds it now. */
  boundByClock(column: SourceColumn, cap: Exclude<CursorCap, { kind: 'newest' }>): string | undefined
  /** The column's highest value. */
  newest(table: SourceTable, column: SourceColumn, signal: AbortSignal): Promise<string | undefined>
  /** The lowest and the highest value of an integer column that leads an index; left out where tables are not cut. */
  bounds?(table: SourceTable, column: SourceColumn, signal: AbortSignal): Promise<KeyBounds | undefined>
  /** About how many rows have keys in a range: cheap, as it is asked for each part and more. Left out where nobody can tell. */
  rowsIn?(table: SourceTable, column: SourceColumn, range: KeyRange, signal: AbortSignal): Promise<bigint>
  /** How busy others keep the server. */
  workload?(signal: AbortSignal): Promise<Workload>
  /** What an error of a statement means to the one table it reads. */
  explain(error: unknown, table: SourceTable): unknown
  /** As the snapshot's; what it asks the server is asked in turn. */
  durable(inTurn: InTurn, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Undefined for a table without rows. */
export interface KeyBounds {
  low: bigint
  high: bigint
}

export interface Counted<S extends SliceSql> {
  table: SourceTable
  slice: S
  columns: readonly SourceColumn[]
  cursor: SourceColumn | undefined
}

export interface StreamedRows {
  table: SourceTable
  columns: readonly SourceColumn[]
  /** What stands in front of the columns: all that a row has, or a constant alone. */
  of: 'rows' | 'keys'
}

/** Finds a column of the table by name. @throws {SOURCE_COLUMN_MISSING} */
export type ColumnOf = (name: string) => SourceColumn
/** Do it when nobody else uses the connection. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

type KeyRequest = Omit<CopyRequest, 'slice'>

interface SnapshotFacts {
  position: Position
  tables: ReadonlyMap<string, SourceTable | Problem>
  openTransactionsHidden: string | undefined
  aheadOfUtc?: number
}

export class SequentialSnapshot<S extends SliceSql, R = Sql> implements SourceSnapshot {
  readonly position: Position
  readonly tables: ReadonlyMap<string, SourceTable | Problem>
  readonly openTransactionsHidden: string | undefined
  readonly aheadOfUtc: number | undefined
  readonly parallelReads = 1
  readonly #reader: OneReader<S, R>
  readonly #place = new Turnstile(1)

  constructor(reader: OneReader<S, R>, { position, tables, openTransactionsHidden, aheadOfUtc }: SnapshotFacts) {
    this.#reader = reader
    this.position = position
    this.tables = tables
    this.openTransactionsHidden = openTransactionsHidden
    this.aheadOfUtc = aheadOfUtc
  }

  async count({ table, slice, columns, cursor, signal }: CountRequest): Promise<SliceCount> {
    const row = await this.#inTurn(table, signal, async () => {
      const exact = await this.#exact(table, slice, signal)
      const counted = cursor === undefined ? undefined : this.#columnOf(table)(cursor)
      return await this.#reader.count({ table, slice: exact, columns, cursor: counted }, signal)
    })
    return readCount(row, this.#named(table), columns, column => this.#reader.unfitValues(column))
  }

  copy(request: CopyRequest): AsyncGenerator<Segment, void, undefined> {
    const { table, slice, columns, signal } = request
    const prepare = async (): Promise<R> => this.#reader.copy(table, await this.#exact(table, slice, signal), columns)
    return this.#stream(request, 'rows', prepare)
  }

  copyRefusesUnfit(columns: readonly SourceColumn[]): boolean {
    return this.#reader.copyRefusesUnfit?.(columns) === true
  }

  copyKeys(request: KeyRequest): AsyncGenerator<Segment, void, undefined> {
    return this.#stream(request, 'keys', () => this.#reader.copyKeys(request.table, request.columns))
  }

  copyDeleted(request: KeyRequest, horizon: bigint): AsyncGenerator<Segment, void, undefined> {
    const { table, columns } = request
    return this.#stream(request, 'keys', () => {
      const statement = this.#reader.copyDeleted?.(table, columns, horizon)
      if (statement === undefined) throw new TypeError('this is a bug in tidemark: this source tracks no deletes')
      return statement
    })
  }

  async cursorHorizon(
    table: SourceTable,
    column: string,
    cap: CursorCap,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const found = this.#columnOf(table)(column)
    if (cap.kind !== 'newest') return this.#reader.boundByClock(found, cap)
    return await this.#inTurn(table, signal, () => this.#reader.newest(table, found, signal))
  }

  async cutTable(table: SourceTable, bytes: bigint, signal: AbortSignal): Promise<TableChunks | undefined> {
    const column = cuttingColumn(table)
    if (column === undefined || this.#reader.bounds === undefined) return undefined
    return await this.#inTurn(table, signal, async () => {
      const reader = this.#reader
      const bounds = await reader.bounds?.(table, column, signal)
      const rowsIn =
        reader.rowsIn && ((range: KeyRange) => reader.rowsIn?.(table, column, range, signal) ?? Promise.resolve(0n))
      return bounds === undefined ? undefined : await cutKeys(table, column, { ...bounds, bytes, rowsIn })
    })
  }

  async workload(signal: AbortSignal): Promise<Workload | undefined> {
    return await this.#alone(signal, async () => this.#reader.workload?.(signal))
  }

  async durable(signal: AbortSignal): Promise<void> {
    await this.#reader.durable(work => this.#alone(signal, work), signal)
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  async *#stream(
    request: KeyRequest,
    of: StreamedRows['of'],
    prepare: () => R | Promise<R>,
  ): AsyncGenerator<Segment, void, undefined> {
    const { table, columns, directory, prefix, segmentBytes, signal } = request
    await this.#place.enter(signal)
    try {
      const abandon = (): void => this.#reader.abandon()
      const target = { ...this.#named(table), directory, prefix, segmentBytes, signal, abandon }
      yield* this.#reader.segments(await prepare(), { table, columns, of }, target)
    } catch (error) {
      throw this.#reader.explain(error, table)
    } finally {
      this.#place.leave()
    }
  }

  async #inTurn<T>(table: SourceTable, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await this.#alone(signal, work)
    } catch (error) {
      throw this.#reader.explain(error, table)
    }
  }

  async #alone<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    await this.#place.enter(signal)
    try {
      return await work()
    } finally {
      this.#place.leave()
    }
  }

  async #exact(table: SourceTable, slice: Slice, signal: AbortSignal): Promise<S> {
    const exact = await this.#reader.slice(table, slice, this.#columnOf(table), signal)
    if ('reason' in exact) throw invalidSlice(this.#named(table), slice, exact)
    return exact
  }

  #columnOf(table: SourceTable): ColumnOf {
    return name => findColumn(this.#reader.source, table, name)
  }

  /** For messages. */
  #named(table: SourceTable): { source: string; table: string } {
    return { source: this.#reader.source, table: printName(table) }
  }
}
