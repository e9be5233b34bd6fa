/**
 * The Parquet files of Delta logs, by DuckDB: checkpoints and sidecars as lines of JSON, both ways. Each call has a
 * connection of its own, so a table can be opened without a session, and beside any number of them.
 */
import { mkdir, open, rm, stat } from 'node:fs/promises'
import { join as joinPath } from 'node:path'
import type { LogParquet, ObjectStore, ParquetCodec, StructType } from '@tidemark/delta'
import { type DuckDBConnection, DuckDBStructType, type DuckDBType, DuckDBTypeId } from '@duckdb/node-api'
import type { Ids } from '../model/ports.ts'
import { fileList } from './file-list.ts'
import { ident, join, type Sql, sql, text } from './sql.ts'
import { toDuckType } from './types.ts'
import { compression } from './write/copy.ts'

export interface LogParquetPorts {
  connect: () => Promise<DuckDBConnection>
  store: ObjectStore
  ids: Ids
  /** Local folder that DuckDB may write; without one nothing is. */
  scratch: string | undefined
}

/** Make the reader and writer of logs that belongs to an engine. */
export function duckdbLogParquet(ports: LogParquetPorts): LogParquet {
  return {
    readRows: (path, { columns, signal }) => readRows(ports, path, columns, signal),
    writeRows: (path, schema, rows, options = {}) => writeRows(ports, path, { schema, rows, ...options }),
  }
}

async function* readRows(
  ports: LogParquetPorts,
  path: string,
  columns: readonly string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly string[]> {
  await using held = await ports.store.hold?.([{ path }], { signal })
  void held
  const connection = await ports.connect()
  const stop = interruptOn(signal, connection)
  try {
    const source = sql`read_parquet(${fileList([ports.store.locate(path)])}, hive_partitioning = false)`
    const shape = await connection.runAndReadAll(sql`SELECT * FROM ${source} LIMIT 0`.text)
    const types = new Map(shape.columnNames().map((name, i) => [name, shape.columnType(i)]))
    const query = rowsQuery(source, types, columns)
    if (query === undefined) return
    const result = await connection.stream(query.text)
    for (;;) {
      const chunk = await result.fetchChunk()
      signal?.throwIfAborted()
      if (chunk === null || chunk.rowCount === 0) return
      yield chunk.getColumnValues(0).map(String)
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    stop()
    connection.closeSync()
  }
}

/** Every row that has one of the wanted columns, as the text of an object; undefined when the file has none of them. */
export function rowsQuery(
  source: Sql,
  types: ReadonlyMap<string, DuckDBType>,
  wanted: readonly string[],
): Sql | undefined {
  const names = [...new Set(wanted.map(path => path.split('.', 1)[0] ?? path))].filter(name => types.has(name))
  if (names.length === 0) return undefined
  const members = names.map(name => {
    const value = jsonValue(ident(name), types.get(name), fieldsOf(name, wanted))
    return sql`${text(`${JSON.stringify(name)}:`)} || to_json(${value})::VARCHAR`
  })
  const present = join(
    names.map(name => sql`${ident(name)} IS NOT NULL`),
    ' OR ',
  )
  return sql`SELECT '{' || concat_ws(',', ${join(members)}) || '}' FROM ${source} WHERE ${present}`
}

/** The wanted fields below a column; undefined when the whole of it is wanted. */
function fieldsOf(name: string, wanted: readonly string[]): readonly string[] | undefined {
  if (wanted.includes(name)) return undefined
  return wanted.filter(path => path.startsWith(`${name}.`)).map(path => path.slice(name.length + 1))
}

/** A value as `to_json` has to be given it: only the wanted fields, numbers that JSON has, and timestamps as ISO 8601. */
function jsonValue(value: Sql, type: DuckDBType | undefined, wanted?: readonly string[]): Sql {
  if (type instanceof DuckDBStructType) return structValue(value, type, wanted)
  switch (type?.typeId) {
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return sql`CASE WHEN isfinite(${value}) THEN ${value} END`
    case DuckDBTypeId.TIMESTAMP:
      return sql`strftime(${value}, '%Y-%m-%dT%H:%M:%S.%f')`
    case DuckDBTypeId.TIMESTAMP_TZ:
      return sql`strftime(${value} AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ')`
    default:
      return value
  }
}

function structValue(value: Sql, type: DuckDBStructType, wanted: readonly string[] | undefined): Sql {
  const kept = type.entryNames.flatMap((name, i) => {
    const inner = wanted === undefined ? undefined : fieldsOf(name, wanted)
    if (wanted !== undefined && inner?.length === 0) return []
    const entry = sql`struct_extract(${value}, ${text(name)})`
    const shown = jsonValue(entry, type.entryTypes[i], inner)
    return [{ name, entry, shown }]
  })
  const isWhole = kept.length === type.entryNames.length && kept.every(({ entry, shown }) => entry === shown)
  if (isWhole) return value
  if (kept.length === 0) return sql`CASE WHEN ${value} IS NOT NULL THEN MAP {} END`
  const fields = join(kept.map(({ name, shown }) => sql`${ident(name)} := ${shown}`))
  return sql`CASE WHEN ${value} IS NOT NULL THEN struct_pack(${fields}) END`
}

async function writeRows(
  ports: LogParquetPorts,
  path: string,
  what: {
    schema: StructType
    rows: AsyncIterable<readonly string[]>
    codec?: ParquetCodec | undefined
    signal?: AbortSignal | undefined
  },
): Promise<{ outcome: 'created' | 'exists'; rowCount: bigint; sizeBytes: bigint }> {
  const { schema, rows, codec = 'zstd', signal } = what
  if (ports.scratch === undefined)
    throw new TypeError('this is a bug in tidemark: an engine without scratch cannot write')
  const folder = joinPath(ports.scratch, ports.ids.uuid())
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const connection = await ports.connect()
  const stop = interruptOn(signal, connection)
  try {
    const [lines, file] = [joinPath(folder, 'rows.json'), joinPath(folder, 'rows.parquet')]
    const sent = await writeLines(lines, rows, signal)
    await connection.run(copyRows(schema, { lines, file, codec }).text)
    const counted = await connection.runAndReadAll(sql`SELECT count(*) FROM read_parquet(${fileList([file])})`.text)
    const rowCount = counted.getRows()[0]?.[0]
    if (rowCount !== sent) throw new Error(`${path} was to hold ${sent} rows but ${String(rowCount)} were read back`)
    const { size } = await stat(file)
    return { outcome: await ports.store.putFile(path, file, { signal }), rowCount, sizeBytes: BigInt(size) }
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    stop()
    connection.closeSync()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Exported for its golden test. */
export function copyRows(
  schema: StructType,
  { lines, file, codec }: { lines: string; file: string; codec: ParquetCodec },
): Sql {
  const columns = join(schema.fields.map(f => sql`${text(f.name)}: ${text(toDuckType(f.type).text)}`))
  return sql`COPY (SELECT * FROM read_json(${fileList([lines])}, hive_partitioning = false, format = 'newline_delimited', columns = {${columns}})) \
TO ${text(file)} (FORMAT parquet, ${compression(codec)})`
}

async function writeLines(
  file: string,
  rows: AsyncIterable<readonly string[]>,
  signal: AbortSignal | undefined,
): Promise<bigint> {
  const handle = await open(file, 'wx', 0o600)
  let count = 0n
  try {
    for await (const chunk of rows) {
      signal?.throwIfAborted()
      if (chunk.length > 0) await handle.appendFile(`${chunk.join('\n')}\n`)
      count += BigInt(chunk.length)
    }
  } finally {
    await handle.close()
  }
  return count
}

function interruptOn(signal: AbortSignal | undefined, connection: DuckDBConnection): () => void {
  signal?.throwIfAborted()
  const interrupt = (): void => connection.interrupt()
  signal?.addEventListener('abort', interrupt, { once: true })
  return () => signal?.removeEventListener('abort', interrupt)
}
