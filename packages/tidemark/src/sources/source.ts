/**
 * Source: a database we read from. Values leave it as text inside CSV segment files; nothing of a row passes through
 * JavaScript. Everything here is read-only.
 */
import type { Problem } from '../errors/problem.ts'
import type { Sql } from '../engine/sql.ts'

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

/** Where a server stands in its own transaction order. */
export interface Position {
  /** Which server, timeline and database this is; opaque, compared by equality. */
  identity: string
  /** Oldest transaction that may still be running: everything below it is decided. 64-bit. */
  xmin: bigint
  /** First transaction id not yet seen by the snapshot. 64-bit. */
  xmax: bigint
  /**
   * Number of finished top-level transactions: xmax minus the running ones. Strictly larger exactly when another
   * transaction has finished in between, so it orders the snapshots of one server, and equal means nothing changed.
   */
  order: bigint
  /** Write-ahead log position, as 64-bit number; may never go back. */
  lsn: bigint
  /** Server time of the snapshot, ISO 8601 UTC with microseconds. */
  asOf: string
  /** Transactions open at that moment. */
  openTransactions: number
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
  /** Statistics of the database, not exact; undefined when never analysed. */
  rowEstimate: bigint | undefined
  sizeBytes: bigint
  /**
   * Hash over everything that can make rows or values appear under an old row version: leaf oids and access methods,
   * columns and types, missing-value defaults, row security.
   */
  fingerprint: string
  /** True when rows carry a usable row version (heap tables and partitions of them). */
  hasRowVersion: boolean
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
  /** Set when the lake's form loses something or needs explaining, for example `array, carried as JSON text`. */
  note: string | undefined
  /** DuckDB expression that types the CSV text; fails loudly on text it cannot represent. */
  decode: (csvColumn: Sql) => Sql
}

/** What one extraction reads. */
export type Slice =
  | { kind: 'all' }
  /**
   * Rows written by transactions not decided at `horizon` (inclusive lower bound, no upper bound). Rows of
   * transactions below `seen` may already be in the lake and are marked as overlap.
   */
  | { kind: 'since'; horizon: bigint; seen: bigint }
  /** A backfill by a column's value, `from` inclusive, `to` exclusive, both text compared by the database. */
  | { kind: 'range'; column: string; from: string | undefined; to: string | undefined }
  /**
   * The rows of a few keys, wherever they stand: each of `keys` holds one text for each of `columns`, compared by the
   * database in the column's own type. The list becomes part of a statement, so it is for hundreds of keys, not more.
   */
  | { kind: 'keys'; columns: readonly string[]; keys: readonly (readonly string[])[] }

export interface SliceCount {
  /** All rows of the table in the snapshot. */
  total: bigint
  /** Rows inside the slice. */
  inSlice: bigint
}

/**
 * A finished CSV file. Columns: overlap flag (0|1), row version, then the table's columns, in order; no header. The
 * source's `readCsv` and `readKeyCsv` read it; its name may matter to them.
 */
export interface Segment {
  path: string
  rows: bigint
  bytes: bigint
}

export interface SourceSnapshot {
  readonly position: Position
  readonly tables: ReadonlyMap<string, SourceTable | Problem>
  /** Count in one scan; also refuses values in the slice that the lake cannot hold, naming column and reason. */
  count(table: SourceTable, slice: Slice, columns: readonly SourceColumn[], signal: AbortSignal): Promise<SliceCount>
  /**
   * Stream the slice into finished segment files in `directory`. After the last one the number of rows is compared
   * with the server's own count; a difference is a Problem. Memory is bounded whatever the size.
   */
  copy(request: CopyRequest): AsyncIterable<Segment>
  /** Like `copy`, for the key columns of all rows, in the order given. The source's `readKeyCsv` knows the form. */
  copyKeys(request: Omit<CopyRequest, 'slice'>): AsyncIterable<Segment>
  /** Resolve once everything the snapshot saw is durable on the server, so that a crash there cannot take it back. */
  durable(signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

export interface CopyRequest {
  table: SourceTable
  columns: readonly SourceColumn[]
  slice: Slice
  /** Existing local folder; file names begin with `<prefix>-<n>` and end in `.csv`. */
  directory: string
  prefix: string
  segmentBytes: number
  signal: AbortSignal
}
