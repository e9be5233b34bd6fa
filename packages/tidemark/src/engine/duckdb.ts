/**
 * The Engine on DuckDB, in process. It may touch the lake's folder and nothing else: external access is closed and the
 * configuration locked before the first statement of a flow or a user runs.
 */
import { mkdir, rm, stat } from 'node:fs/promises'
import { basename, join as joinPath } from 'node:path'
import {
  type DataFile,
  type ObjectStore,
  planScan,
  type ScanPlan,
  type Snapshot,
  type StructType,
  statsFromColumns,
} from '@tidemark/delta'
import { type DuckDBConnection, DuckDBInstance, DuckDBMapValue } from '@duckdb/node-api'
import type { Ids } from '../model/ports.ts'
import { findFullDisk } from './full-disk.ts'
import { duckdbLogParquet } from './duckdb-log.ts'
import {
  type Cell,
  type Engine,
  FILE_COLUMN,
  type ParquetTarget,
  ROW_COLUMN,
  type Row,
  type ScanOptions,
  type Session,
} from './engine.ts'
import { Layouts } from './scan/layouts.ts'
import { locateFile } from './scan/location.ts'
import { type ScanContext, scan } from './scan/scan.ts'
import { ScannedFiles } from './scan/scanned-files.ts'
import { ident, raw, type Sql, sql, text, textList } from './sql.ts'
import { castFields } from './types.ts'

export interface DuckdbOptions {
  store: ObjectStore
  ids: Ids
  /** Absolute folder for staging and spilling, owned by one run or reader; without one nothing is spilled or written. */
  scratch: string | undefined
  /** Absolute folders DuckDB may read and write beside it: the lake. */
  folders: readonly string[]
  /** For example `2GB`. Beyond it DuckDB spills to `scratch`. */
  memoryLimit?: string
  threads?: number
}

/** Rows per row group and groups per file: a data file holds at most about two million rows. */
const ROW_GROUP_ROWS = 122_880
const ROW_GROUPS_PER_FILE = 16

/** Start DuckDB with the sandbox closed. */
export async function openDuckdb(options: DuckdbOptions): Promise<Engine> {
  const { scratch } = options
  const instance = await DuckDBInstance.create(':memory:', {
    ...(options.threads === undefined ? {} : { threads: String(options.threads) }),
    memory_limit: options.memoryLimit ?? '1GB',
    temp_directory: scratch === undefined ? '' : joinPath(scratch, 'spill'),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    preserve_insertion_order: 'false',
  })
  const connection = await instance.connect()
  const settings = [
    sql`SET GLOBAL TimeZone = 'UTC'`,
    // A scan looks at each footer twice: for the columns, and for the rows.
    sql`SET GLOBAL parquet_metadata_cache = true`,
    sql`SET GLOBAL allowed_directories = ${textList([...options.folders, ...(scratch === undefined ? [] : [scratch])])}`,
    sql`SET GLOBAL enable_external_access = false`,
    sql`SET GLOBAL lock_configuration = true`,
  ]
  for (const statement of settings) await connection.run(statement.text)
  connection.closeSync()
  const layouts = new Layouts()
  return {
    logParquet: duckdbLogParquet({ ...options, connect: () => instance.connect() }),
    session: async () => new DuckdbSession(await instance.connect(), options, layouts),
    close: async () => {
      instance.closeSync()
      if (scratch !== undefined) await rm(joinPath(scratch, 'spill'), { recursive: true, force: true })
    },
  }
}

class DuckdbSession implements Session {
  readonly #connection: DuckDBConnection
  readonly #options: DuckdbOptions
  readonly #scanned = new ScannedFiles()
  readonly #scanContext: ScanContext
  #names = 0

  constructor(connection: DuckDBConnection, options: DuckdbOptions, layouts: Layouts) {
    this.#connection = connection
    this.#options = options
    this.#scanContext = {
      places: options,
      layouts,
      scanned: this.#scanned,
      query: async statement => (await connection.runAndReadAll(statement.text)).getRows(),
      temporaryTable: () => ident(this.temporaryName('deleted_rows')),
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
    const { ids, scratch } = this.#options
    if (scratch === undefined) throw new TypeError('this is a bug in tidemark: an engine without scratch cannot write')
    const id = ids.uuid()
    const folder = joinPath(scratch, id)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    try {
      const written = await this.#interruptible(signal, () =>
        this.#connection.runAndReadAll(copyStatement(query, target.schema, folder).text),
      )
      const files: DataFile[] = []
      for (const row of written.getRows()) {
        const [file, count, , , statistics] = row
        if (typeof file !== 'string' || typeof count !== 'bigint' || count === 0n) continue
        files.push(await this.#publish(file, count, toStatistics(statistics), `part-${id}`, target))
      }
      return files
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  locate(snapshot: Snapshot, path: string): string {
    return locateFile(this.#options, snapshot, path)
  }

  async scan(snapshot: Snapshot, { files, ...options }: ScanOptions = {}): Promise<Sql> {
    return await this.scanPlan(await planScan(this.#options, snapshot, { files }), options)
  }

  async scanPlan(plan: ScanPlan, options: Pick<ScanOptions, 'withPlace'> = {}): Promise<Sql> {
    const place = { file: FILE_COLUMN, row: ROW_COLUMN }
    return await scan(this.#scanContext, plan, options.withPlace === true ? place : undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.closeSync()
    await Promise.resolve()
  }

  async #publish(
    file: string,
    count: bigint,
    statistics: ReadonlyMap<string, ReadonlyMap<string, string>>,
    prefix: string,
    target: ParquetTarget,
  ): Promise<DataFile> {
    const name = `${prefix}-${basename(file)}`
    const { size, mtimeMs } = await stat(file)
    await this.#options.store.putFile(`${target.tablePath}/${name}`, file)
    return {
      path: name,
      size: BigInt(size),
      modificationTime: Math.floor(mtimeMs),
      stats: statsFromColumns(target, count, statistics),
      numRecords: count,
      partitionValues: {},
    }
  }

  async #interruptible<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const interrupt = (): void => this.#connection.interrupt()
    signal?.addEventListener('abort', interrupt, { once: true })
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      throw this.#scanned.translate(findFullDisk(error, this.#options) ?? error)
    } finally {
      signal?.removeEventListener('abort', interrupt)
    }
  }
}

/** The COPY that writes one folder of data files and reports their statistics. Exported for its golden test. */
export function copyStatement(query: Sql, schema: StructType, folder: string): Sql {
  return sql`COPY (SELECT ${castFields(schema)} FROM (${query})) TO ${text(folder)} (FORMAT parquet, COMPRESSION zstd, \
COMPRESSION_LEVEL 1, ROW_GROUP_SIZE ${raw(String(ROW_GROUP_ROWS))}, ROW_GROUPS_PER_FILE ${raw(String(ROW_GROUPS_PER_FILE))}, \
FILENAME_PATTERN '{i}', WRITE_EMPTY_FILE false, RETURN_STATS)`
}

function toStatistics(value: unknown): Map<string, Map<string, string>> {
  const result = new Map<string, Map<string, string>>()
  if (!(value instanceof DuckDBMapValue)) return result
  for (const { key, value: inner } of value.entries) {
    if (!(inner instanceof DuckDBMapValue)) continue
    result.set(String(key), new Map(inner.entries.map(entry => [String(entry.key), String(entry.value)])))
  }
  return result
}

function toCell(value: unknown): Cell {
  if (value === null || value === undefined) return null
  if (typeof value === 'boolean' || typeof value === 'string' || typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : String(value)
  return String(value)
}
