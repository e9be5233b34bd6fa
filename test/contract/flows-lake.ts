/**
 * A lake in a temporary folder with a real engine, for tests of flows: bronze is written as ingestion writes it, tables
 * are read back as plain text rows.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import {
  commit,
  LocalStore,
  type ObjectStore,
  readSnapshot,
  type StructType,
  stageAppend,
  stageCreate,
  stageOptimize,
  stageOverwrite,
} from '@tidemark/delta'
import { type FaultPlan, faultyStore } from '../../packages/delta/test/support/faulty-store.ts'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Engine, Row, Session } from '../../packages/tidemark/src/engine/engine.ts'
import { sessionParquet, sessionRelations } from '../../packages/tidemark/src/engine/relations.ts'
import { ident, join, raw, type Sql, sql, text } from '../../packages/tidemark/src/engine/sql.ts'
import { toDuckType } from '../../packages/tidemark/src/engine/types.ts'
import type { FlowContext } from '../../packages/tidemark/src/flows/context.ts'
import { executeFlow } from '../../packages/tidemark/src/flows/execute.ts'
import { createPortableSql } from '../../packages/tidemark/src/flows/language/portable/portable-sql.ts'
import type { FlowOutcome } from '../../packages/tidemark/src/flows/outcome.ts'
import { structOf } from '../../packages/tidemark/src/flows/schema-fit.ts'
import type { Flow } from '../../packages/tidemark/src/model/flow.ts'
import { tablePath } from '../../packages/tidemark/src/model/names.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'

export type Value = string | number | bigint | boolean | null
export type Values = Readonly<Record<string, Value>>

/** Time stands still except when somebody waits, and waiting takes none. */
const clock = { now: () => 1_790_000_000_000, monotonic: () => 0, sleep: () => Promise.resolve() }

export interface TestLake extends AsyncDisposable {
  store: ObjectStore
  engine: Engine
  /** Commit rows to a table as appended data; the first call makes it. */
  append(table: string, schema: StructType, rows: readonly Values[]): Promise<bigint>
  /** Replace a table's rows, as ingestion does for keyless tables. */
  overwrite(table: string, schema: StructType, rows: readonly Values[]): Promise<bigint>
  /** Put the files of a table together, as OPTIMIZE does. */
  compact(table: string): Promise<void>
  /** Execute a flow in a session of its own. */
  run(flow: Flow, options?: RunOptions): Promise<FlowOutcome>
  /** Paths of all objects in a folder. */
  paths(folder: string): Promise<string[]>
  withContext<T>(options: RunOptions, work: (context: FlowContext) => Promise<T>): Promise<T>
  /** From now on one call of the store, the engine's included, fails; `heal` ends it and tells what was reached. */
  fail(plan: FaultPlan): { heal(): { fired: boolean; calls: number } }
  /** All rows of a table as text or NULL, ordered by the given columns; undefined when there is no table. */
  rows(table: string, columns: readonly string[], orderBy?: readonly string[]): Promise<Row[] | undefined>
}

export interface RunOptions {
  runId?: string
  fullRefresh?: boolean
  signal?: AbortSignal
}

export async function openTestLake(): Promise<TestLake> {
  const root = await mkdtemp(joinPath(tmpdir(), 'tidemark-flows-'))
  const healthy = new LocalStore(root)
  let active: ObjectStore = healthy
  const store: ObjectStore = {
    get: (path, options) => active.get(path, options),
    putIfAbsent: (path, bytes, options) => active.putIfAbsent(path, bytes, options),
    put: (path, bytes, options) => active.put(path, bytes, options),
    putFile: (path, localFile, options) => active.putFile(path, localFile, options),
    list: (prefix, options) => active.list(prefix, options),
    delete: path => active.delete(path),
    locate: path => active.locate(path),
  }
  const engine = openDuckdb({
    store,
    ids: systemIds,
    scratch: joinPath(root, '_tmp'),
    folders: [root],
    threads: 2,
  })
  const ports = { store, logParquet: engine.logParquet, clock, ids: systemIds }
  const info = { operation: 'WRITE', runId: 'bronze' }
  const write = async (
    table: string,
    schema: StructType,
    rows: readonly Values[],
    replace: boolean,
  ): Promise<bigint> => {
    const path = tablePath(table)
    await using session = await engine.session()
    const files = await session.writeParquet(valuesRelation(schema, rows), { tablePath: path, schema })
    const current = await readSnapshot(ports, { tablePath: path })
    const staged =
      current === undefined
        ? stageCreate({ tablePath: path, schema, files, info, needsDomainMetadata: true })
        : replace
          ? stageOverwrite(current, { files, schema, info })
          : stageAppend(current, { files, schema, info })
    const result = await commit(ports, staged)
    if (result.kind !== 'committed') throw new Error(`the test lost a race: ${result.reason}`)
    return result.version
  }
  const withContext: TestLake['withContext'] = async (options, work) => {
    await using session = await engine.session()
    return await work({
      store,
      logParquet: engine.logParquet,
      session,
      clock,
      ids: systemIds,
      runId: options.runId ?? 'run',
      portable: createPortableSql(session),
      progress: () => {},
      warn: () => {},
      signal: options.signal ?? new AbortController().signal,
      fullRefresh: options.fullRefresh ?? false,
    })
  }
  const compact: TestLake['compact'] = table =>
    withContext({}, async context => {
      const engine = { parquet: sessionParquet(context.session), relations: sessionRelations(context.session) }
      const snapshot = await readSnapshot(context, { tablePath: tablePath(table) })
      const staged = snapshot && (await stageOptimize({ snapshot, ...engine }))
      if (staged === undefined) throw new Error(`there was nothing to gain in ${table}`)
      const result = await commit(context, staged)
      if (result.kind !== 'committed') throw new Error(`the test lost a race: ${result.reason}`)
    })
  return {
    store,
    engine,
    compact,
    append: (table, schema, rows) => write(table, schema, rows, false),
    overwrite: (table, schema, rows) => write(table, schema, rows, true),
    withContext,
    paths: async folder => {
      const found: string[] = []
      for await (const { path } of healthy.list(folder)) found.push(path)
      return found
    },
    fail: plan => {
      const faulty = faultyStore(healthy, plan)
      active = faulty
      return {
        heal: () => {
          active = healthy
          return { fired: faulty.fired, calls: faulty.calls }
        },
      }
    },
    run: (flow, options = {}) => withContext(options, context => executeFlow(context, flow)),
    rows: async (table, columns, orderBy = columns) => {
      const snapshot = await readSnapshot(ports, { tablePath: tablePath(table) })
      if (snapshot === undefined) return undefined
      await using session = await engine.session()
      return await readRows(session, await session.scan(snapshot), columns, orderBy)
    },
    [Symbol.asyncDispose]: async () => {
      await engine.close()
      await rm(root, { recursive: true, force: true })
    },
  }
}

function readRows(
  session: Session,
  relation: Sql,
  columns: readonly string[],
  orderBy: readonly string[],
): Promise<Row[]> {
  const shown = columns.map(c => sql`CAST(${ident(c)} AS VARCHAR) AS ${ident(c)}`)
  const order = join(orderBy.map(c => sql`t.${ident(c)} NULLS FIRST`))
  return session.rows(sql`SELECT ${join(shown)} FROM (${relation}) t ORDER BY ${order}`)
}

/** Rows as a relation with the schema's columns; a column a row leaves out is NULL. */
export function valuesRelation(schema: StructType, rows: readonly Values[]): Sql {
  const line = (row: Values, condition: Sql): Sql => {
    const cells = schema.fields.map(
      f => sql`CAST(${literal(row[f.name] ?? null)} AS ${toDuckType(f.type)}) AS ${ident(f.name)}`,
    )
    return sql`SELECT ${join(cells)} ${condition}`
  }
  if (rows.length === 0) return line({}, raw('WHERE false'))
  return join(
    rows.map(row => line(row, raw(''))),
    ' UNION ALL ',
  )
}

function literal(value: Value): Sql {
  if (value === null) return raw('NULL')
  if (typeof value === 'string') return text(value)
  return raw(String(value))
}

/** A schema from `name: type` pairs. */
export function schemaOf(columns: Readonly<Record<string, string>>): StructType {
  return structOf(Object.entries(columns).map(([name, type]) => ({ name, type, nullable: true, metadata: {} })))
}

/** What ingestion adds to every bronze table. */
export const ENTRY: Readonly<Record<string, string>> = {
  _op: 'string',
  _seq: 'long',
  _row_version: 'string',
  _run_id: 'string',
  _ingested_at: 'timestamp',
}

const PLACE = { file: 'flows.sql', line: 1, column: 1 }

/** A query as the graph hands it on. */
export function compiled(
  query: string,
  from: { reads?: readonly string[]; streams?: string; volatile?: boolean } = {},
): {
  text: string
  dialect: 'portable'
  place: typeof PLACE
  reads: readonly string[]
  streams: string | undefined
  volatile: boolean
} {
  return {
    text: query,
    dialect: 'portable',
    place: PLACE,
    reads: from.reads ?? [],
    streams: from.streams,
    volatile: from.volatile ?? false,
  }
}
