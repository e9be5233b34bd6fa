/**
 * Starting DuckDB with the sandbox closed: it may touch the folders it is given and nothing else, and its configuration is
 * locked before the first statement of a flow or a user runs.
 */
import { join as joinPath } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { literalPattern } from './file-list.ts'
import { sql, textList } from './sql.ts'

export interface InstanceOptions {
  /** Absolute folder for staging and spilling, owned by one run or reader; without one nothing is spilled or written. */
  scratch: string | undefined
  /** Absolute folders DuckDB may read and write beside it: the lake. */
  folders: readonly string[]
  /** For example `2GB`; DEFAULT_MEMORY when left out. Beyond it DuckDB spills to `scratch`. */
  memoryLimit?: string | undefined
  threads?: number
}

/** What an instance may hold where nothing else is said. */
export const DEFAULT_MEMORY = '1GB'

/**
 * Start an instance.
 *
 * @param spill name of its own folder for spilling, in `scratch`
 * @param prepare what has to happen while the sandbox is still open
 */
export async function startDuckdb(
  options: InstanceOptions,
  spill: string,
  prepare?: (connection: DuckDBConnection) => Promise<void>,
): Promise<DuckDBInstance> {
  const { scratch, threads, memoryLimit } = options
  const instance = await DuckDBInstance.create(':memory:', {
    ...(threads === undefined ? {} : { threads: String(threads) }),
    memory_limit: memoryLimit ?? DEFAULT_MEMORY,
    temp_directory: scratch === undefined ? '' : joinPath(scratch, spill),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    // Memory that is free goes back to the system while the work goes on: a load holds about 30 MiB less.
    allocator_background_threads: 'true',
    preserve_insertion_order: 'false',
    // The system keeps what is read of files: a second copy of it here grows with each file, and spares no time.
    enable_external_file_cache: 'false',
  })
  try {
    const connection = await instance.connect()
    await prepare?.(connection)
    const settings = [
      sql`SET GLOBAL TimeZone = 'UTC'`,
      // A scan looks at each footer twice: for the columns, and for the rows. Sessions may say otherwise of what they read.
      sql`SET GLOBAL parquet_metadata_cache = true`,
      sql`SET GLOBAL allowed_configs = ['parquet_metadata_cache', 'enable_caching_operators']`,
      sql`SET GLOBAL allowed_directories = ${textList(allowed(options))}`,
      sql`SET GLOBAL enable_external_access = false`,
      sql`SET GLOBAL lock_configuration = true`,
    ]
    for (const statement of settings) await connection.run(statement.text)
    connection.closeSync()
    return instance
  } catch (error) {
    instance.closeSync()
    throw error
  }
}

/**
 * A connection whose chunks of rows go on as they come. Behind a filter or a join the engine would put them together to 2,048 rows,
 * which of rows of a megabyte are two gigabytes.
 */
export async function connectTo(instance: DuckDBInstance): Promise<DuckDBConnection> {
  const connection = await instance.connect()
  await connection.run('SET SESSION enable_caching_operators = false')
  return connection
}

/** The folders that may be touched, also as the patterns that mean them: what a reader is told is compared as text. */
function allowed({ folders, scratch }: InstanceOptions): string[] {
  const all = scratch === undefined ? folders : [...folders, scratch]
  return [...new Set([...all, ...all.map(literalPattern)])]
}
