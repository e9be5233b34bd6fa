/**
 * Source: a database we read from. Rows leave it inside segment files, as text or as the bytes of their values, and nothing of
 * them is rounded on the way. Everything here is read-only.
 */
import type { Problem } from '../errors/problem.ts'
import type { Engine } from '../engine/engine.ts'
import type { Sql } from '../engine/sql.ts'
import type { ChangeLog } from './change-log.ts'
import type { Position, RowVersionRange } from './position.ts'
import type { DirectRead, DirectRequest } from './direct-read.ts'
import type { Diagnosis, RightsRequest } from './rights.ts'

export interface Source {
  readonly name: string
  /**
   * Look at the database without reading table data: identity, position, and each wanted table's description, in a
   * handful of queries however many tables there are.
   */
  probe(wanted: readonly TableRef[], signal: AbortSignal): Promise<SourceProbe>
  /** Every table and view an ordinary user could list, for `init` and for patterns. */
  listTables(signal: AbortSignal): Promise<readonly TableRef[]>
  /**
   * Lock the wanted tables against rewrites (ACCESS SHARE), then take one read-only snapshot shared by all readers of
   * the run. A table that cannot be locked or described is a Problem in `tables`; the others are usable.
   */
  openSnapshot(wanted: readonly TableRef[], signal: AbortSignal): Promise<SourceSnapshot>
  /** Let an engine get ready to read tables itself, without a connection; left out where nobody asked for such reads. */
  prepareDirect?(engine: Pick<Engine, 'prepareBeside'>): void
  /**
   * The table's columns with some of them carried as the database's own text: for values that the lake's type cannot
   * hold. Names as written in the list; case counts only when it must.
   *
   * @throws {SOURCE_COLUMN_MISSING} a name fits no column
   */
  carryAsText(table: SourceTable, names: readonly string[]): readonly SourceColumn[]
  /** Typed rows of segments written by `copy`, in the engine: `_row_version`, then the columns given to it. */
  readSegments(files: readonly string[], columns: readonly SourceColumn[]): Sql
  /** Typed rows of segments written by `copyKeys`, in the engine: the key columns by name. */
  readKeySegments(files: readonly string[], columns: readonly SourceColumn[]): Sql
  /** Facts about connection, login and rights, for `doctor`; of tables only what `probe` does not say. Writes nothing. */
  diagnose?(request: RightsRequest, signal: AbortSignal): Promise<Diagnosis>
  /** Statements by which an administrator makes a login that may read these tables and nothing else. Asks nobody. */
  grants?(request: RightsRequest): readonly string[]
  close(): Promise<void>
}

export interface TableRef {
  schema: string
  table: string
}

/** `schema.table` as map key: the two names joined by a NUL-free separator that no identifier holds. */
export function tableKey(ref: TableRef): string {
  return `${ref.schema}\u001f${ref.table}`
}

export interface SourceProbe {
  position: Position
  tables: ReadonlyMap<string, SourceTable | Problem>
}

export interface SourceTable {
  schema: string
  /** Exact name in the database. */
  table: string
  kind: 'table' | 'partitioned table' | 'view' | 'materialized view' | 'foreign table'
  columns: readonly SourceColumn[]
  /** Columns of the primary key in key order; empty without one. */
  primaryKey: readonly string[]
  /** Set where rows belong to the table that its primary key does not keep apart: those of tables that inherit from it. */
  isKeyOfPart?: true
  /** Columns by which an index finds rows in order; left out where nobody looked. */
  leadingColumns?: readonly string[]
  /** Statistics of the database, not exact; rows are undefined when never analysed, and indexes are not part of the size. */
  rowEstimate: bigint | undefined
  sizeBytes: bigint
  /**
   * Hash over everything that can make rows or values appear under an old row version: leaf oids and access methods,
   * columns and types, dropped columns, missing-value defaults, row security.
   */
  fingerprint: string
  /**
   * Counts every definition of the database, where the fingerprint cannot tell a column from one that was dropped and added
   * again in its place: part of it for tables that are read by a cursor, which shows no such change.
   */
  definitions?: string
  /** True when rows carry a version by which those written since an earlier snapshot can be found. */
  hasRowVersion: boolean
  /** Where its row versions stand, of a table whose versions the position does not tell. */
  rowVersions?: RowVersionRange
  /** How rows are found by their version, for the plan; `xmin scan` when left out. */
  versionMethod?: string
  /** True when the server tells the keys of rows that went away, as `copyDeleted` gives them; they are of the primary key. */
  tracksDeletes?: boolean
  /**
   * True when an equal `order` of two positions proves that no row changed in between: all rows are written by
   * transactions that the server counts, and a crash takes none of them away.
   */
  isProvedByOrder: boolean
  /** Set by an entry: only rows with a value in this column belong to the table, for every count, read and key scan. */
  onlyWith?: string
  /** Set by an entry: a condition in parentheses that its rows meet, made by `parseFilter`; its columns are those of `t`. */
  filter?: Sql
  /** Why its rows are no part of a snapshot, so that nothing can be promised while others write. Left out when they are. */
  outsideSnapshot?: string
}

export interface SourceColumn {
  name: string
  /** The database's own type name, for example `numeric(10,2)`. */
  sourceType: string
  /** Delta type name: `integer`, `decimal(10,2)`, `timestamp` … */
  deltaType: string
  nullable: boolean
  /** True for types a cursor may have: integers, dates, timestamps. */
  orderable: boolean
  /** Set where values that the source tells apart may be one in the lake: the number 1 and the text `1` of a column with both. */
  mayCoincide?: true
  /** Set for times without a zone: by whose clock they are meant nobody but their writers knows. */
  local?: true
  /** Set when the lake's form loses something or needs explaining, for example `array, carried as JSON text`. */
  note: string | undefined
  /** Set where `decode` hides the value: no version of a row is made of what the source gave. */
  masked?: true
  /** DuckDB expression that types what a segment holds; fails loudly on text it cannot represent. */
  decode: (column: Sql) => Sql
}

/** What one extraction reads. */
export type Slice =
  | { kind: 'all' }
  /**
   * Rows whose version was not decided at `horizon` (inclusive lower bound, no upper bound). Some of them may be in the lake
   * already.
   */
  | { kind: 'since'; horizon: bigint }
  /**
   * Rows whose cursor is at or above `from`, a text that the database rendered and compares in the column's own type;
   * no upper bound. Rows without a cursor belong to every such slice. `byIndex`: rows outside are not even counted, so
   * that an index of the column spares the rest of the table.
   */
  | { kind: 'cursor'; column: string; from: string; byIndex?: true }
  | ChunkSlice
  /**
   * A backfill by a column's value, `from` inclusive, `to` exclusive, both text compared by the database; with `within`
   * only the rows in that stretch, and no others are counted.
   */
  | { kind: 'range'; column: string; from: string | undefined; to: string | undefined; within?: ChunkSlice }
  /**
   * The rows of some keys, wherever they stand: each of `keys` holds one text for each of `columns`, compared by the
   * database in the column's own type. The list becomes part of a statement, so it is for thousands of keys, not more.
   */
  | { kind: 'keys'; columns: readonly string[]; keys: readonly (readonly string[])[] }

/** Rows in a stretch of the table, `from` inclusive, `to` exclusive; undefined is an end of the table. */
export interface ChunkSlice {
  kind: 'chunk'
  from: bigint | undefined
  to: bigint | undefined
  /** The integer column whose values the stretch is of; left out for a stretch of the table's storage. */
  column?: string
  /** The partition whose storage the stretch is of. */
  partition?: TableRef
  /** How much of the table it is, beside the other stretches of it; for estimates. */
  share?: bigint
}

/** A table cut into stretches that together hold each of its rows once. */
export interface TableChunks {
  /** What the rows are stored in; when it changes, rows may have moved from any stretch to any other. */
  storage: string
  chunks: readonly ChunkSlice[]
}

export interface SliceCount {
  /**
   * All rows that belong to the table in the snapshot. For a chunk, a range `within` one and a cursor's slice `byIndex` it is the
   * number of the slice, so that nobody scans a whole table for a part; for `keys` it is, too, where there is a `changeLog`.
   */
  total: bigint
  /** Rows inside the slice. */
  inSlice: bigint
  /** Rows without a value in the cursor asked about, of those that the filter lets through; 0 when none was. */
  withoutCursor: bigint
}

/** What is counted of a table beside a slice of it. */
export type TableCount = Omit<SliceCount, 'inSlice'>

/** What bounds the cursor of rows that may still be committed behind this snapshot. */
export type CursorCap =
  /** The server's clock when the oldest open transaction began: for cursors that the server's clock sets. */
  | { kind: 'open transactions' }
  /** The server's clock less a lag that no transaction and no application's clock exceeds. */
  | { kind: 'lag'; ms: number }
  /** The highest cursor in the table: bounds nothing that is still open. */
  | { kind: 'newest' }

/**
 * A finished file, CSV without a header or Parquet. Columns: a constant in CSV, row version where rows carry one, then the table's
 * columns, in order. The source's `readSegments` and `readKeySegments` read it; its name may matter to them.
 */
export interface Segment {
  path: string
  rows: bigint
  bytes: bigint
}

export interface SourceSnapshot {
  readonly position: Position
  readonly tables: ReadonlyMap<string, SourceTable | Problem>
  /**
   * Count in one scan, or where an index leads to the slice by that; also refuses values in the slice that the lake cannot
   * hold, naming column and reason.
   */
  count(request: CountRequest): Promise<SliceCount>
  /**
   * Count the table alone, on a connection that leaves another one free to copy the slice meanwhile. Undefined where no index
   * leads to the slice: one scan then counts both, and a slice without rows is not scanned for again. Left out by a source
   * that does one thing at a time.
   */
  countBeside?(request: Omit<CountRequest, 'columns'>): Promise<TableCount> | undefined
  /**
   * Stream the slice into finished segment files in `directory`. After the last one the number of rows is compared
   * with the server's own count; a difference is a Problem. Memory is bounded whatever the size.
   */
  copy(request: CopyRequest): AsyncIterable<Segment>
  /**
   * True when `copy` itself refuses all values of these columns that the lake cannot hold, so that a slice need not be
   * counted before; left out by a source that never does.
   */
  copyRefusesUnfit?(columns: readonly SourceColumn[]): boolean
  /**
   * Read a slice inside the engine instead, from the same snapshot; left out where nobody asked for it. Gives the reason
   * when it cannot be, once for a table, and undefined after that.
   */
  openDirect?(request: DirectRequest): Promise<DirectRead | string | undefined>
  /** Like `copy`, for the key columns of all rows, in the order given; read by the source's `readKeySegments`. */
  copyKeys(request: Omit<CopyRequest, 'slice'>): AsyncIterable<Segment>
  /** Like `copyKeys`, for keys of rows that went away at `horizon` or later, of a table that `tracksDeletes`. */
  copyDeleted?(request: Omit<CopyRequest, 'slice'>, horizon: bigint): AsyncIterable<Segment>
  /**
   * The cursor from which the next slice has to read, inclusive, as opaque text of the column's own type. Undefined when
   * nothing bounds it now (a prepared transaction, an empty table): the earlier bound stays.
   */
  cursorHorizon(table: SourceTable, column: string, cap: CursorCap, signal: AbortSignal): Promise<string | undefined>
  /** Why a cursor cannot be capped by the open transactions here, for the user; undefined when it can. */
  readonly openTransactionsHidden: string | undefined
  /**
   * By how many seconds the clock that the server shows to its own writers is ahead of UTC, without summer time; left out
   * where nobody can tell, or where it has no zone.
   */
  readonly aheadOfUtc?: number | undefined
  /**
   * Cut a table into stretches of about `bytes`, for readers side by side and for loads that are continued later;
   * undefined when it cannot be read by stretches without scanning all of it. Left out by a source that never can.
   */
  cutTable?(table: SourceTable, bytes: bigint, signal: AbortSignal): Promise<TableChunks | undefined>
  /** How many reads the source serves side by side. */
  readonly parallelReads: number
  /** How busy others keep the server; left out, or undefined, where nobody can tell. */
  workload?(signal: AbortSignal): Promise<Workload | undefined>
  /** The server's own list of changed keys; left out where none was asked for. */
  readonly changeLog?: ChangeLog
  /** Resolve once everything the snapshot saw is durable on the server, so that a crash there cannot take it back. */
  durable(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** How many sessions of others are at work, and with how many a big reading still goes on. */
export interface Workload {
  atWork: bigint
  allowed: bigint
}

export interface CountRequest {
  table: SourceTable
  slice: Slice
  /** Columns whose values are looked at; none for the numbers alone. */
  columns: readonly SourceColumn[]
  /** Column whose NULLs are counted. */
  cursor?: string | undefined
  signal: AbortSignal
}

export interface CopyRequest {
  table: SourceTable
  columns: readonly SourceColumn[]
  slice: Slice
  /** Existing local folder; file names begin with `<prefix>-<n>`. */
  directory: string
  prefix: string
  segmentBytes: number
  signal: AbortSignal
}
