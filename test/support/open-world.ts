/**
 * A small world of ingestion: one database, one lake folder, tables by name. `ingest` does what a run's extract step does;
 * `bronze` reads back through the engine. Tests make one by world.ts, processes of their own open it here.
 */
import { commit, type ObjectStore, readSnapshot, stageOverwrite } from '@tidemark/delta'
import type { Row } from '../../packages/tidemark/src/engine/engine.ts'
import { type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { backfill } from '../../packages/tidemark/src/ingest/backfill.ts'
import { CHUNK_BYTES, type IngestContext, readersOf } from '../../packages/tidemark/src/ingest/context.ts'
import { extract } from '../../packages/tidemark/src/ingest/extract.ts'
import { type Mark, markDomain, parseMark, printMark } from '../../packages/tidemark/src/ingest/mark.ts'
import { type RepairOutcome, repair } from '../../packages/tidemark/src/ingest/repair.ts'
import { type ResolvedTable, resolveTable } from '../../packages/tidemark/src/ingest/resolve.ts'
import { type Verdict, verifyTable } from '../../packages/tidemark/src/ingest/verify.ts'
import type { ExtractOutcome } from '../../packages/tidemark/src/ingest/outcome.ts'
import { tablePath } from '../../packages/tidemark/src/model/names.ts'
import type { Clock } from '../../packages/tidemark/src/model/ports.ts'
import type { SourceConfig, TableEntry } from '../../packages/tidemark/src/model/project.ts'
import { type Lake, openLake } from '../../packages/tidemark/src/run/lake.ts'
import { systemClock, systemIds, systemProcesses } from '../../packages/tidemark/src/run/system.ts'
import { createMysqlSource } from '../../packages/tidemark/src/sources/mysql/mysql.ts'
import { createPostgresSource } from '../../packages/tidemark/src/sources/postgres/postgres.ts'
import { createSqliteSource } from '../../packages/tidemark/src/sources/sqlite/sqlite.ts'
import { type Source, type SourceSnapshot, tableKey } from '../../packages/tidemark/src/sources/source.ts'

const place = { file: 'loop_input.json', line: 1, column: 1 }

export interface Server {
  host: string
  port: number
  user: string
  password: string
  database: string
}

export type EntryOverrides = Partial<Omit<TableEntry, 'table' | 'schema'>> & { table: string; schema?: string }

export interface World {
  lake: Lake
  root: string
  /** Open the source's snapshot for tables and keep it until the test ends. */
  snapshot(...tables: EntryOverrides[]): Promise<SourceSnapshot>
  /** One extract step in a snapshot of its own, or in one taken earlier. */
  ingest(entry: EntryOverrides, options?: IngestOptions): Promise<ExtractOutcome>
  backfill(
    entry: EntryOverrides,
    range: { from?: string; to?: string },
    snapshot?: SourceSnapshot,
  ): Promise<ExtractOutcome>
  /** Verify in a snapshot of its own, or in one taken earlier. */
  verify(entry: EntryOverrides, snapshot?: SourceSnapshot): Promise<Verdict>
  /** Repair in a snapshot of its own, or in one taken earlier; the verdict of the same snapshot afterwards. */
  repair(entry: EntryOverrides, options?: { allowMass?: boolean; snapshot?: SourceSnapshot }): Promise<Repaired>
  /** The mark of a bronze table. */
  mark(table: string): Promise<Mark>
  /** Rows of a bronze table; `{ order: sql`…` }` sorts them. */
  bronze(table: string, order?: Sql): Promise<Row[]>
  /** Newest live row of each key, without our columns. */
  live(table: string, keys: Sql): Promise<Row[]>
  version(table: string): Promise<bigint | undefined>
  /**
   * Replace a bronze table's rows by a query over `rows`. As `ours` the commit renews the mark, so that only the rows
   * are wrong; as `foreign` it looks like what another program would do.
   */
  plant(table: string, query: Sql, as?: 'ours' | 'foreign'): Promise<void>
}

/** What a repair did, and what is left. */
export interface Repaired extends RepairOutcome {
  after: Verdict
}

export interface IngestOptions {
  /** What stands before the lake's store for this step. */
  store?: (inner: ObjectStore) => ObjectStore
  snapshot?: SourceSnapshot
  allowMassDelete?: boolean
  reload?: boolean
}

export interface WorldOptions {
  chunkBytes?: bigint
  progress?: IngestContext['progress']
  warn?: IngestContext['warn']
  clock?: Clock
  /** A source of the test's own, in place of one that connects to the server. */
  source?: Source
  /**
   * Kind of the server; tables are in `public` of a postgres, in the database itself of a mysql. The path of a file is
   * always a SQLite database.
   */
  type?: SourceConfig['type']
  /** Salt of values that masks hash. */
  salt?: () => string
  /** Slot of a postgres that lists changed keys. */
  slot?: string
  /** Zone of the source's times without one. */
  timezone?: string
}

function openServer(
  server: Server | string,
  type: SourceConfig['type'],
  { slot, timezone = 'UTC', clock = systemClock }: WorldOptions,
): { source: Source; schema: string } {
  const parts = { name: 'app', timezone, clock }
  if (typeof server === 'string') return { source: createSqliteSource({ ...parts, path: server }), schema: 'main' }
  if (type === 'mysql') {
    return { source: createMysqlSource({ ...parts, connection: server }), schema: server.database }
  }
  return { source: createPostgresSource({ ...parts, connection: server, slot }), schema: 'public' }
}

/** Open a world on a lake's folder. `atEnd` takes what is to be closed when it is no longer needed. */
export async function openWorld(
  server: Server | string,
  root: string,
  options: WorldOptions & { atEnd: (close: () => Promise<void>) => void },
): Promise<World> {
  const type = typeof server === 'string' ? 'sqlite' : (options.type ?? 'postgres')
  const lake = await openLake(root, { work: 'test', ids: systemIds, processes: systemProcesses })
  const signal = new AbortController().signal
  const config: SourceConfig = {
    name: 'app',
    type,
    connection: typeof server === 'string' ? { url: `sqlite:${server}` } : server,
    timezone: options.timezone ?? 'UTC',
    prefix: '',
    place,
  }
  const opened = openServer(server, type, options)
  const { schema } = opened
  const source = options.source ?? opened.source
  const entryOf = (overrides: EntryOverrides): TableEntry => completeEntry({ schema, ...overrides })
  options.atEnd(async () => {
    await source.close()
    await lake[Symbol.asyncDispose]()
  })
  let runs = 0
  const context = (allowMassDelete = false, reload = false): IngestContext => {
    runs += 1
    const { store, logParquet, engine, scratch, discard } = lake
    const ports = { clock: options.clock ?? systemClock, ids: systemIds, ...readersOf(source) }
    const tell = { progress: options.progress ?? (() => undefined), warn: options.warn ?? (() => undefined) }
    const tables = { store, logParquet, engine, scratch, discard }
    const own = {
      runId: `run-${runs}`,
      source: 'app',
      allowMassDelete,
      reload,
      chunkBytes: options.chunkBytes ?? CHUNK_BYTES,
    }
    return { ...tables, ...ports, ...tell, ...own, signal }
  }
  const resolve = (overrides: EntryOverrides, snapshot: SourceSnapshot): ResolvedTable => {
    const entry = entryOf(overrides)
    const ref = { schema: entry.schema, table: entry.table }
    const table = snapshot.tables.get(tableKey(ref))
    if (table === undefined || table instanceof Error) throw table ?? new Error(`${entry.table} is not in the snapshot`)
    return resolveTable({ entry, ref, name: `bronze.${entry.name ?? entry.table}` }, table, config, {
      source,
      snapshot,
      salt: () => options.salt?.(),
    })
  }
  const open = (...tables: EntryOverrides[]): Promise<SourceSnapshot> =>
    source.openSnapshot(
      tables.map(entryOf).map(({ schema, table }) => ({ schema, table })),
      signal,
    )
  const within = async <T>(
    entry: EntryOverrides,
    given: SourceSnapshot | undefined,
    work: (snapshot: SourceSnapshot, table: ResolvedTable) => Promise<T>,
  ): Promise<T> => {
    const snapshot = given ?? (await open(entry))
    try {
      return await work(snapshot, resolve(entry, snapshot))
    } finally {
      if (given === undefined) await snapshot.close()
    }
  }
  const scan = async (table: string): Promise<Sql> => {
    const snapshot = await readSnapshot(lake, { tablePath: tablePath(`bronze.${table}`) })
    if (snapshot === undefined) throw new Error(`bronze.${table} does not exist`)
    await using session = await lake.engine.session()
    return await session.scan(snapshot)
  }
  const rows = async (query: Sql): Promise<Row[]> => {
    await using session = await lake.engine.session()
    return await session.rows(query)
  }
  return {
    lake,
    root,
    async snapshot(...tables) {
      const snapshot = await open(...tables)
      options.atEnd(() => snapshot.close())
      return snapshot
    },
    ingest: (entry, options = {}) =>
      within(entry, options.snapshot, (snapshot, table) =>
        extract(
          { ...context(options.allowMassDelete, options.reload), store: options.store?.(lake.store) ?? lake.store },
          snapshot,
          table,
        ),
      ),
    backfill: (entry, range, snapshot) =>
      within(entry, snapshot, (at, table) => backfill(context(), at, table, { from: range.from, to: range.to })),
    verify: (entry, snapshot) => within(entry, snapshot, (at, table) => verifyTable(context(), at, table)),
    repair: (entry, { allowMass = false, snapshot } = {}) =>
      within(entry, snapshot, async (at, table) => {
        const repaired = await repair(context(), at, table, { allowMass })
        return { ...repaired, after: await verifyTable(context(), at, table) }
      }),
    mark: async table => {
      const snapshot = await readSnapshot(lake, { tablePath: tablePath(`bronze.${table}`) })
      return parseMark(snapshot?.domain(markDomain('app')) ?? '')
    },
    bronze: async (table, order = sql`ALL`) => rows(sql`SELECT * FROM (${await scan(table)}) ORDER BY ${order}`),
    live: async (table, keys) =>
      rows(sql`SELECT * EXCLUDE (_op, _seq, _row_version, _run_id, _ingested_at) FROM (SELECT * FROM (${await scan(table)}) \
QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY _seq DESC) = 1) WHERE _op = 'upsert' ORDER BY ALL`),
    plant: async (table, query, as = 'ours') => {
      const tablePathOf = tablePath(`bronze.${table}`)
      const current = await readSnapshot(lake, { tablePath: tablePathOf })
      if (current === undefined) throw new Error(`bronze.${table} does not exist`)
      await using session = await lake.engine.session()
      await session.run(sql`CREATE TEMP TABLE rows AS ${await session.scan(current)}`)
      const files = await session.writeParquet(query, { tablePath: tablePathOf, schema: current.schema })
      const domain = markDomain('app')
      const mark = parseMark(current.domain(domain) ?? '')
      const configuration = printMark({ ...mark, version: current.version + 1n })
      const domains = as === 'ours' ? [{ domain, configuration }] : []
      const staged = stageOverwrite(current, { files, domains, info: { operation: 'WRITE' } })
      await commit({ ...lake, clock: systemClock, ids: systemIds }, staged)
    },
    version: async table => (await readSnapshot(lake, { tablePath: tablePath(`bronze.${table}`) }))?.version,
  }
}

function completeEntry(overrides: EntryOverrides & { schema: string }): TableEntry {
  const silver = { transform: [], expectations: [] }
  const read = {
    cdcCol: undefined,
    fromDate: undefined,
    lagMs: undefined,
    fullPassMs: undefined,
    nullCursor: undefined,
    filter: undefined,
    masks: {},
    columns: undefined,
    excludeColumns: [],
    drift: 'addNewColumns' as const,
  }
  const optional = { ...read, primaryKey: undefined, guarantee: undefined }
  const base = { source: 'app', exclude: [], name: undefined, deletes: 'detect' as const, asText: [] }
  return { ...base, ...optional, silver, place, places: {}, ...overrides }
}
