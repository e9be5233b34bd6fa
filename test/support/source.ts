/**
 * A PostgreSQL source for tests, and the way its rows take to the lake: COPY, segment files, DuckDB.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { DuckDBInstance } from '@duckdb/node-api'
import { onTestFinished } from 'vitest'
import { type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { Problem } from '../../packages/tidemark/src/errors/problem.ts'
import type { Clock } from '../../packages/tidemark/src/model/ports.ts'
import { createMysqlSource } from '../../packages/tidemark/src/sources/mysql/mysql.ts'
import { createSqliteSource } from '../../packages/tidemark/src/sources/sqlite/sqlite.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import { readHashed, readHashedKeys } from '../../packages/tidemark/src/sources/parquet/hashed-rows.ts'
import { readKeySegments, readSegments } from '../../packages/tidemark/src/sources/postgres/read-segments.ts'
import {
  type Segment,
  type Slice,
  type Source,
  type SourceColumn,
  type SourceSnapshot,
  type SourceTable,
  type TableRef,
  tableKey,
} from '../../packages/tidemark/src/sources/source.ts'
import type { TestDatabase } from './postgres.ts'

/** The real passing of time, as far as a source needs it. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal })
  },
}

/** Nobody aborts. */
export const never: AbortSignal = new AbortController().signal

/** A source on the test's database, closed when the test ends. */
export function openSource(
  database: Pick<TestDatabase, 'host' | 'port' | 'database' | 'user' | 'password'>,
  options: { timezone?: string; maxConnections?: number; lockTimeoutMs?: number } = {},
): Source {
  const { host, port, database: name, user, password } = database
  const connection = { host, port, database: name, user, password }
  const source = createPostgresSource({ name: 'app', connection, timezone: 'UTC', clock: realClock, ...options })
  onTestFinished(() => source.close())
  return source
}

/** The same for a MySQL or MariaDB database. */
export function openMysqlSource(
  database: Pick<TestDatabase, 'host' | 'port' | 'database' | 'user' | 'password'>,
  options: { timezone?: string; lockTimeoutMs?: number } = {},
): Source {
  const { host, port, database: name, user, password } = database
  const connection = { host, port, database: name, user, password }
  const source = createMysqlSource({ name: 'app', connection, timezone: 'UTC', clock: realClock, ...options })
  onTestFinished(() => source.close())
  return source
}

/** The same for a SQLite file. */
export function openSqliteSource(
  path: string,
  options: { timezone?: string; busyTimeoutMs?: number; clock?: Clock } = {},
): Source {
  const source = createSqliteSource({ name: 'app', path, timezone: 'UTC', clock: realClock, ...options })
  onTestFinished(() => source.close())
  return source
}

/** `public.t`, or a schema of its own as first argument. */
export function ref(table: string, schema = 'public'): TableRef {
  return { schema, table }
}

/** The description under a reference; a Problem is thrown. */
export function tableOf(snapshot: Pick<SourceSnapshot, 'tables'>, wanted: TableRef): SourceTable {
  const found = snapshot.tables.get(tableKey(wanted))
  if (found === undefined || found instanceof Problem) throw found ?? new Error(`${wanted.table} was not answered`)
  return found
}

/** The Problem under a reference. */
export function problemAt(snapshot: Pick<SourceSnapshot, 'tables'>, wanted: TableRef): Problem {
  const found = snapshot.tables.get(tableKey(wanted))
  if (!(found instanceof Problem)) throw new Error(`${wanted.table} is no problem`)
  return found
}

/** What a call rejects with, which must be a Problem. */
export async function problemOf(work: Promise<unknown>): Promise<Problem> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (!(outcome instanceof Problem)) throw new Error(`expected a Problem, got ${String(outcome)}`)
  return outcome
}

/** A folder for segments, removed when the test ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-segments-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

export interface ReadOptions {
  slice?: Slice
  columns?: readonly SourceColumn[]
  segmentBytes?: number
  /** A query over the typed rows, run in DuckDB. */
  through?: (rows: Sql) => Sql
}

/** Copy a slice to segment files. */
export async function copySegments(
  snapshot: SourceSnapshot,
  table: SourceTable,
  { slice = { kind: 'all' }, columns = table.columns, segmentBytes = 64 * 1024 * 1024 }: ReadOptions = {},
): Promise<Segment[]> {
  const directory = await temporaryFolder()
  const request = { table, columns, slice, directory, prefix: 'rows', segmentBytes, signal: never }
  return await collect(snapshot.copy(request))
}

/** Rows of a slice as DuckDB has typed them, every value as text; `_row_version` comes first. */
export async function readRows(
  snapshot: SourceSnapshot,
  table: SourceTable,
  options: ReadOptions = {},
): Promise<Record<string, string | null>[]> {
  const segments = await copySegments(snapshot, table, options)
  const files = segments.map(segment => segment.path)
  if (files.length === 0) return []
  const rows = readersOf(table).rows(files, options.columns ?? table.columns)
  return await queryDuckdb(options.through?.(rows) ?? rows)
}

/** How the source of a table reads its segments. */
function readersOf({ columns }: SourceTable): Record<'rows' | 'keys', Source['readSegments']> {
  if (columns.some(column => 'form' in column || 'carried' in column)) return { rows: readHashed, keys: readHashedKeys }
  return { rows: readSegments, keys: readKeySegments }
}

/** The keys of all rows, every value as text. */
export async function readKeys(
  snapshot: SourceSnapshot,
  table: SourceTable,
  columns: readonly SourceColumn[],
  through: (rows: Sql) => Sql = rows => rows,
): Promise<Record<string, string | null>[]> {
  const request = {
    table,
    columns,
    directory: await temporaryFolder(),
    prefix: 'keys',
    segmentBytes: 1024,
    signal: never,
  }
  const segments = await collect(snapshot.copyKeys(request))
  if (segments.length === 0) return []
  const files = segments.map(segment => segment.path)
  return await queryDuckdb(through(readersOf(table).keys(files, columns)))
}

/** Rows of a relation in DuckDB; each value as DuckDB prints it, blobs as hex. */
export async function queryDuckdb(relation: Sql): Promise<Record<string, string | null>[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  const connection = await instance.connect()
  try {
    await connection.run("SET TimeZone = 'UTC'")
    const described = await connection.runAndReadAll(sql`DESCRIBE ${relation}`.text)
    const types = new Map(
      described.getRowObjectsJS().map(row => [String(row['column_name']), String(row['column_type'])]),
    )
    const list = [...types].map(([name, type]) => {
      const quoted = `"${name.replaceAll('"', '""')}"`
      return type === 'BLOB' ? `hex(${quoted}) AS ${quoted}` : `CAST(${quoted} AS VARCHAR) AS ${quoted}`
    })
    const reader = await connection.runAndReadAll(`SELECT ${list.join(', ')} FROM (${relation.text})`)
    return reader.getRowObjectsJS() as Record<string, string | null>[]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
