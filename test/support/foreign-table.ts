/**
 * A Delta table as another program may have left it: its log is written line by line, its files by plain queries of a
 * DuckDB of its own. The product only reads it.
 */
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  type DeletionVectorDescriptor,
  LocalStore,
  printSchema,
  readSnapshot,
  type Snapshot,
  type StructType,
} from '@tidemark/delta'
import { DuckDBInstance } from '@duckdb/node-api'
import { onTestFinished } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Engine, Session } from '../../packages/tidemark/src/engine/engine.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'

export interface ForeignTable {
  /** The lake's folder; the table is `t` inside it. */
  readonly root: string
  readonly store: LocalStore
  readonly engine: Engine
  /** One session for the whole test. */
  readonly session: Session
  /** Write a query's rows as a Parquet file; `options` are COPY's. The path is relative to the table, or absolute. */
  write(path: string, query: string, options?: string): Promise<number>
  /** Write the next version: these actions as they are. */
  log(...actions: object[]): Promise<void>
  /** The first version: protocol and metaData. */
  create(schema: StructType, table?: ForeignMetaData): Promise<void>
  snapshot(): Promise<Snapshot>
}

export interface ForeignMetaData {
  readonly protocol?: object
  readonly partitionColumns?: readonly string[]
  readonly configuration?: Readonly<Record<string, string>>
}

/** Read by every writer before feature lists. */
const PLAIN = { minReaderVersion: 1, minWriterVersion: 2 }

/** Reader features as Spark lists them. */
export function features(...names: string[]): object {
  return { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: names, writerFeatures: names }
}

/** @param folders absolute folders beside the lake from which data files may be read */
export async function foreignTable(options: { folders?: readonly string[] } = {}): Promise<ForeignTable> {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-foreign-'))
  const scratch = await mkdtemp(join(tmpdir(), 'tidemark-scratch-'))
  const store = new LocalStore(root)
  const engine = openDuckdb({ store, ids: systemIds, scratch, folders: [root, ...(options.folders ?? [])] })
  const session = await engine.session()
  const writer = await DuckDBInstance.create(':memory:')
  const connection = await writer.connect()
  onTestFinished(async () => {
    await session[Symbol.asyncDispose]()
    await engine.close()
    connection.closeSync()
    writer.closeSync()
    await rm(root, { recursive: true })
    await rm(scratch, { recursive: true })
  })
  let version = 0
  const table: ForeignTable = {
    root,
    store,
    engine,
    session,
    async write(path, query, copyOptions = '') {
      const file = path.startsWith('/') ? path : join(root, 't', path)
      await mkdir(dirname(file), { recursive: true })
      const copy = `COPY (${query}) TO '${file.replaceAll("'", "''")}' (FORMAT parquet${copyOptions && `, ${copyOptions}`})`
      await connection.run("SET TimeZone = 'UTC'")
      await connection.run(copy)
      return (await stat(file)).size
    },
    async log(...actions) {
      const name = `${String(version).padStart(20, '0')}.json`
      await mkdir(join(root, 't/_delta_log'), { recursive: true })
      const lines = actions.map(action => JSON.stringify(action, plainBigint)).join('\n')
      await writeFile(join(root, 't/_delta_log', name), lines)
      version += 1
    },
    create: (schema, { protocol = PLAIN, partitionColumns = [], configuration = {} } = {}) => {
      const format = { provider: 'parquet', options: {} }
      const metaData = { id: 't', format, schemaString: printSchema(schema), partitionColumns, configuration }
      return table.log({ protocol }, { metaData })
    },
    async snapshot() {
      const snapshot = await readSnapshot({ store, logParquet: engine.logParquet }, { tablePath: 't' })
      if (snapshot === undefined) throw new Error('no table')
      return snapshot
    },
  }
  return table
}

/** An add action; `path` is the log's own spelling. */
export function added(
  path: string,
  more: { partitionValues?: object; deletionVector?: DeletionVectorDescriptor | undefined; size?: number } = {},
): object {
  const { partitionValues = {}, size = 1, deletionVector } = more
  return { add: { path, partitionValues, size, modificationTime: 0, dataChange: true, deletionVector } }
}

function plainBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}
