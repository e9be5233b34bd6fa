/**
 * The Engine on DuckDB, in process, in instances whose sandbox is closed. Sessions of the lake share one; a session beside
 * an attached database is in another.
 */
import { rm } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import {
  type BegunFiles,
  type ChangePlan,
  type DataFile,
  type HeldObject,
  type LogParquet,
  type ObjectStore,
  planScan,
  type ScanPlan,
  type Snapshot,
} from '@tidemark/delta'
import type { Ids } from '../model/ports.ts'
import { AttachedDatabases } from './attached.ts'
import { connectTo, DEFAULT_MEMORY, type InstanceOptions, startDuckdb } from './duckdb-instance.ts'
import { duckdbLogParquet } from './duckdb-log.ts'
import { duckdbScratch } from './duckdb-scratch.ts'
import {
  type Cell,
  type Engine,
  FILE_COLUMN,
  type ParquetTarget,
  type PlanPlace,
  ROW_COLUMN,
  type Row,
  type ScanOptions,
  type Session,
} from './engine.ts'
import { findFullDisk } from './full-disk.ts'
import { findOutOfMemory } from './out-of-memory.ts'
import { scanChanges } from './scan/changes.ts'
import { DeletedRows } from './scan/deleted-rows.ts'
import { Layouts } from './scan/layouts.ts'
import { locateFile } from './scan/location.ts'
import { type ScanContext, scan } from './scan/scan.ts'
import { ScannedFiles } from './scan/scanned-files.ts'
import { ident, raw, type Sql, sql } from './sql.ts'
import { statisticsCheck } from './write/check-statistics.ts'
import { beginFiles, type WritePorts } from './write/write-files.ts'

export interface DuckdbOptions extends InstanceOptions {
  store: ObjectStore
  ids: Ids
}

const SPILL = 'spill'

/** DuckDB with the sandbox closed. It starts meanwhile; whatever keeps it from that is told to who asks it first. */
export function openDuckdb(options: DuckdbOptions): Engine {
  const { scratch } = options
  const started = startDuckdb(options, SPILL)
  started.catch(() => undefined)
  const attached = new AttachedDatabases(options)
  const shared: Shared = { layouts: new Layouts(), checkStatistics: statisticsCheck() }
  const logParquetOf = (store: ObjectStore): LogParquet =>
    duckdbLogParquet({ ...options, store, connect: async () => await (await started).connect() })
  return {
    logParquet: logParquetOf(options.store),
    logParquetOf,
    session: async () => new DuckdbSession(await connectTo(await started), options, shared),
    sessionBeside: async database => new DuckdbSession(await attached.connect(database), options, shared),
    prepareBeside: extension => void attached.prepare(extension),
    close: async () => {
      await attached.close()
      await started.then(
        instance => instance.closeSync(),
        () => undefined,
      )
      if (scratch !== undefined) await rm(joinPath(scratch, SPILL), { recursive: true, force: true })
    },
  }
}

/** What all sessions of an engine have in common. */
interface Shared {
  readonly layouts: Layouts
  readonly checkStatistics: ReturnType<typeof statisticsCheck>
}

class DuckdbSession implements Session {
  readonly #connection: DuckDBConnection
  readonly #options: DuckdbOptions
  readonly #checkStatistics: Shared['checkStatistics']
  readonly #scanned = new ScannedFiles()
  readonly #scanContext: ScanContext
  readonly #held: AsyncDisposable[] = []
  #names = 0

  constructor(connection: DuckDBConnection, options: DuckdbOptions, { layouts, checkStatistics }: Shared) {
    this.#connection = connection
    this.#options = options
    this.#checkStatistics = checkStatistics
    this.#scanContext = {
      places: options,
      layouts,
      scanned: this.#scanned,
      query: async statement => (await connection.runAndReadAll(statement.text)).getRows(),
      deleted: new DeletedRows(connection, () => this.temporaryName('deleted_rows')),
      hold: objects => this.#keep(options.store, objects),
    }
  }

  async run(statement: Sql, signal?: AbortSignal): Promise<void> {
    await this.#interruptible(signal, () => this.#connection.run(statement.text))
  }

  async rows(query: Sql, signal?: AbortSignal): Promise<Row[]> {
    const reader = await this.#interruptible(signal, () => this.#connection.runAndReadAll(query.text))
    const names = reader.deduplicatedColumnNames()
    return reader.getRows().map(values => Object.fromEntries(names.map((name, i) => [name, toCell(values[i])])))
  }

  async *batches(query: Sql, signal?: AbortSignal): AsyncGenerator<readonly (readonly Cell[])[]> {
    const result = await this.#interruptible(signal, () => this.#connection.stream(query.text))
    for (;;) {
      const chunk = await this.#interruptible(signal, () => result.fetchChunk())
      if (chunk === null || chunk.rowCount === 0) return
      yield chunk.getColumns().map(column => column.map(toCell))
    }
  }

  async count(query: Sql, signal?: AbortSignal): Promise<bigint> {
    const [row] = await this.rows(query, signal)
    const [value] = Object.values(row ?? {})
    if (typeof value !== 'bigint') throw new TypeError(`this is a bug in tidemark: a count gave ${String(value)}`)
    return value
  }

  async describe(query: Sql): Promise<{ name: string; type: string }[]> {
    const rows = await this.rows(sql`DESCRIBE ${query}`)
    return rows.map(row => ({ name: String(row['column_name']), type: String(row['column_type']) }))
  }

  temporaryName(hint: string): string {
    this.#names += 1
    return `${hint}_${this.#names}`
  }

  async writeParquet(query: Sql, target: ParquetTarget, signal?: AbortSignal): Promise<DataFile[]> {
    return await (await this.beginParquet(query, target, signal)).published
  }

  async beginParquet(query: Sql, target: ParquetTarget, signal?: AbortSignal): Promise<BegunFiles> {
    const { store, ids, scratch } = this.#options
    if (scratch === undefined) throw new TypeError('this is a bug in tidemark: an engine without scratch cannot write')
    const ports: WritePorts = {
      store,
      ids,
      scratch: duckdbScratch(scratch),
      query: statement => this.#query(statement, signal),
      temporaryTable: hint => ident(this.temporaryName(hint)),
    }
    await this.#checkStatistics(ports)
    return await beginFiles(ports, query, { ...target, signal })
  }

  async readingOnce<T>(work: () => Promise<T>): Promise<T> {
    await this.#rememberFooters(false)
    try {
      return await work()
    } finally {
      // A session that goes on without them reads more slowly, and that is all.
      await this.#rememberFooters(true).catch(() => undefined)
    }
  }

  async hold(objects: readonly HeldObject[], signal?: AbortSignal): Promise<void> {
    await this.#keep(this.#options.store, objects, signal)
  }

  locate(snapshot: Snapshot, path: string): string {
    return locateFile(this.#options, snapshot, path)
  }

  async scan(snapshot: Snapshot, { files, ...options }: ScanOptions = {}): Promise<Sql> {
    return await this.scanPlan(await planScan(this.#options, snapshot, { files }), options)
  }

  async scanPlan(plan: ScanPlan, options: Pick<ScanOptions, 'withPlace'> & PlanPlace = {}): Promise<Sql> {
    const { withPlace = false, store } = options
    const place = withPlace === true ? { file: FILE_COLUMN, row: ROW_COLUMN } : withPlace
    return await scan(this.#scanContextOf(store), plan, place === false ? undefined : place)
  }

  async scanChanges(plan: ChangePlan, { store }: PlanPlace = {}): Promise<Sql> {
    return await scanChanges(this.#scanContextOf(store), plan)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync()
    for (const held of this.#held.splice(0)) await held[Symbol.asyncDispose]()
  }

  #scanContextOf(store: ObjectStore | undefined): ScanContext {
    if (store === undefined) return this.#scanContext
    const places = { store, folders: this.#options.folders, isForeign: store !== this.#options.store }
    return { ...this.#scanContext, places, hold: objects => this.#keep(store, objects) }
  }

  async #keep(store: ObjectStore, objects: readonly HeldObject[], signal?: AbortSignal): Promise<void> {
    const held = await store.hold?.(objects, { signal })
    if (held !== undefined) this.#held.push(held)
  }

  async #rememberFooters(keep: boolean): Promise<void> {
    await this.#connection.run(sql`SET SESSION parquet_metadata_cache = ${raw(String(keep))}`.text)
  }

  /** Raw rows, as the driver gives them. */
  async #query(statement: Sql, signal?: AbortSignal): Promise<unknown[][]> {
    const reader = await this.#interruptible(signal, () => this.#connection.runAndReadAll(statement.text))
    return reader.getRows()
  }

  async #interruptible<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const interrupt = (): void => this.#connection.interrupt()
    signal?.addEventListener('abort', interrupt, { once: true })
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#translate(error)
    } finally {
      signal?.removeEventListener('abort', interrupt)
    }
  }

  /** The limits of the machine first: their texts name files, too, that are not to blame. */
  #translate(error: unknown): unknown {
    const { memoryLimit = DEFAULT_MEMORY } = this.#options
    return findFullDisk(error, this.#options) ?? findOutOfMemory(error, memoryLimit) ?? this.#scanned.translate(error)
  }
}

function toCell(value: unknown): Cell {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'string' || typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : String(value)
  return String(value)
}
