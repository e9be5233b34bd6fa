/**
 * Engine: where relational work is done. An engine gives sessions; a session's temporary tables are its own, so steps
 * that run side by side do not see each other's.
 */
import type {
  AddFile,
  BegunFiles,
  ChangePlan,
  DataFile,
  HeldObject,
  LogParquet,
  ObjectStore,
  ScanPlan,
  Snapshot,
  WriteOptions,
} from '@tidemark/delta'
import type { Sql } from './sql.ts'

/** A cell of a small result: integers of any size are bigint, everything that is not text or boolean comes as text. */
export type Cell = string | bigint | boolean | null
export type Row = Readonly<Record<string, Cell>>

export interface Engine {
  session(): Promise<Session>
  /**
   * A session in an instance of its own in which a database is attached. Only statements of our own making run there.
   *
   * @throws the engine's own error where the extension or the database cannot be had
   */
  sessionBeside(database: AttachedDatabase): Promise<Session>
  /** Get ready for such a session, without a connection to the database. What fails is told to who asks for the session. */
  prepareBeside(extension: ExtensionOf): void
  /** Reads and writes the Parquet files of table logs, without a session. */
  readonly logParquet: LogParquet
  /** The same for tables of another store, which must hold its objects in a folder that the engine may read. */
  logParquetOf(store: ObjectStore): LogParquet
  close(): Promise<void>
}

/** The extension by which DuckDB reads a database itself. */
export interface ExtensionOf {
  /** Under which statements know the database; one for each source. */
  readonly name: string
  /** The extension's file; undefined for the one that is installed. */
  readonly file: string | undefined
}

/** A PostgreSQL database that DuckDB reads itself. */
export interface AttachedDatabase extends ExtensionOf {
  /** What libpq is told, nothing of it secret. */
  readonly options: Readonly<Record<string, string>>
  /** What stays apart from any text. */
  readonly login: Readonly<Partial<Record<'host' | 'port' | 'database' | 'user' | 'password', string>>>
}

export interface Session extends AsyncDisposable {
  /** Run a statement for its effect. An abort interrupts it and rejects with the signal's reason. */
  run(statement: Sql, signal?: AbortSignal): Promise<void>
  /** All rows of a small result. */
  rows(query: Sql, signal?: AbortSignal): Promise<Row[]>
  /** The rows of a result of any size, as batches of columns. Nothing else may run in the session meanwhile. */
  batches(query: Sql, signal?: AbortSignal): AsyncIterable<readonly (readonly Cell[])[]>
  /** The single bigint of a one-row, one-column query, such as a count. */
  count(query: Sql, signal?: AbortSignal): Promise<bigint>
  /** Names and DuckDB types of a query's columns, without running it. */
  describe(query: Sql): Promise<{ name: string; type: string }[]>
  /** A name for a temporary table that nothing else in the session uses. */
  temporaryName(hint: string): string
  /**
   * Write a query's rows as Parquet data files of a table and publish them under final unique names; no rows, no file.
   * The files become part of the table only when a commit names them. Columns are cast to `schema`, in its order; what
   * rows have besides is left out.
   *
   * @throws STAGE_INVALID for a NULL where the schema forbids it, and for values that no reader would understand
   */
  writeParquet(query: Sql, target: ParquetTarget, signal?: AbortSignal): Promise<DataFile[]>
  /**
   * The same in two halves: it resolves when the rows are written on this machine, and `published` when their files are in
   * the lake. The session can do other work meanwhile.
   */
  beginParquet(query: Sql, target: ParquetTarget, signal?: AbortSignal): Promise<BegunFiles>
  /** Do work whose files nobody will look at again: nothing of them is kept in memory, which would grow with their number. */
  readingOnce<T>(work: () => Promise<T>): Promise<T>
  /** Bring objects of the lake to where its store locates them; they stay as long as the session. */
  hold(objects: readonly HeldObject[], signal?: AbortSignal): Promise<void>
  /** The value of `FILE_COLUMN` for a file of a snapshot, given by its add path. */
  locate(snapshot: Snapshot, path: string): string
  /**
   * A relation over a Delta table's rows: the columns of its schema, in its order and exactly its types, without deleted
   * rows; what a file lacks is NULL. It holds as long as the session.
   *
   * @throws a DeltaError naming file, version and table for a file that is missing, damaged or outside the lake
   */
  scan(snapshot: Snapshot, options?: ScanOptions): Promise<Sql>
  /** The same over a plan that was made and pruned before. */
  scanPlan(plan: ScanPlan, options?: Pick<ScanOptions, 'withPlace'> & PlanPlace): Promise<Sql>
  /** The changed rows of a plan, with `_change_type`, `_commit_version` and `_commit_timestamp`. */
  scanChanges(plan: ChangePlan, options?: PlanPlace): Promise<Sql>
}

/** What `writeParquet` writes: see `WriteOptions` of @tidemark/delta. */
export type ParquetTarget = Omit<WriteOptions, 'signal'>

/** What the engine opened for a row, as `Session.locate` gives it: constant over a file, so it costs nothing to carry. */
export const FILE_COLUMN = '_tidemark_file'
/** Number of the row in its file, from 0, deleted rows counted too. */
export const ROW_COLUMN = '_tidemark_row'

export interface ScanOptions {
  /** Only these files instead of all of the snapshot's: add paths, or files of other versions as they were added. */
  files?: Iterable<string | AddFile> | undefined
  /** Adds the columns `FILE_COLUMN` and `ROW_COLUMN`, or ones of other names: where a row physically lies. */
  withPlace?: boolean | PlaceColumns
}

/** The store that the table of a plan lies in: the engine's own when left out. */
export interface PlanPlace {
  store?: ObjectStore | undefined
}

/** Names of the columns that tell where a row physically lies; a table whose own are called so needs others. */
export interface PlaceColumns {
  /** The file's location. */
  readonly file: string
  readonly row: string
}
