/** `query`: one SELECT over the lake's tables, in the sandboxed engine. Only tables the text names are opened. */
import type { ObjectStore } from '@tidemark/delta'
import type { TableAt } from '../flows/language/portable/time-travel.ts'
import type { Row, Session } from '../engine/engine.ts'
import { fileList } from '../engine/file-list.ts'
import { ident, join, raw, type Sql, sql, text } from '../engine/sql.ts'
import { Problem } from '../errors/problem.ts'
import { QUERY_FAILED, TABLE_UNKNOWN } from '../errors/run.ts'
import { splitTableName } from '../model/names.ts'
import { endPath, listRuns } from './facts.ts'
import { findTable, type Outside, type ReadingLake, scanTable } from './delta-tables.ts'
import { findProblem } from './problem-fact.ts'
import { queryReason } from './query-reason.ts'

export interface QueryResult {
  columns: readonly { name: string; type: string }[]
  rows: readonly Row[]
}

/** A query let through the gate: each table it names can be given a relation. */
export interface CheckedQuery {
  /** Tables as written. */
  tables: readonly string[]
  /** What some of those names stand for: a table at a version, or its changes. */
  moments: ReadonlyMap<string, TableAt>
  replaced(relation: (table: string) => Sql): Sql
}

/** What a query may see. */
export interface QueryPlace {
  lake: ReadingLake
  session: Session
  outside: Outside
}

/**
 * Run a checked query. The result is held in memory: a query is for looking, not for exporting a table.
 *
 * @throws {TABLE_UNKNOWN} a named table is not in the lake
 * @throws {DELTA_LOG_UNREADABLE} a table, or a file of it, cannot be read
 * @throws {QUERY_FAILED} the engine refused it
 */
export async function runQuery(at: QueryPlace, query: CheckedQuery, signal: AbortSignal): Promise<QueryResult> {
  const relations = new Map<string, Sql>()
  try {
    for (const table of new Set(query.tables)) relations.set(table, await relationOf(at, query, table))
    const statement = query.replaced(table => sql`(${relations.get(table) ?? sql`SELECT 1 WHERE false`})`)
    return { columns: await at.session.describe(statement), rows: await at.session.rows(statement, signal) }
  } catch (error) {
    if (error instanceof Problem || signal.aborted) throw error
    // A table that cannot be read is no fault of the query.
    const problem = findProblem(error, 'the query')
    if (problem !== undefined) throw problem
    throw QUERY_FAILED(
      { reason: queryReason(error instanceof Error ? error.message : String(error)) },
      { cause: error },
    )
  }
}

async function relationOf(
  { lake, session, outside }: QueryPlace,
  { moments }: CheckedQuery,
  named: string,
): Promise<Sql> {
  const wanted = moments.get(named) ?? { name: named }
  const { name } = wanted
  if (!name.includes('.')) throw TABLE_UNKNOWN({ table: name, suggestion: `silver.${name}` })
  const { schema, table } = splitTableName(name)
  const system = schema.toLowerCase() === 'system' ? SYSTEM_VIEWS[table.toLowerCase()] : undefined
  if (system !== undefined && wanted.at === undefined && wanted.changes === undefined)
    return system(await factsOf(lake.store, session))
  return await scanTable(session, await findTable(lake, name, outside), wanted)
}

const RUN_FIELDS: readonly { name: string; type: string }[] = [
  { name: 'runId', type: 'VARCHAR' },
  { name: 'status', type: 'VARCHAR' },
  { name: 'startedAt', type: 'BIGINT' },
  { name: 'endedAt', type: 'BIGINT' },
  { name: 'target', type: 'VARCHAR' },
  {
    name: 'steps',
    type: `STRUCT(step VARCHAR, kind VARCHAR, "table" VARCHAR, status VARCHAR, ledger JSON, versionBefore BIGINT, \
versionAfter BIGINT, startedAt BIGINT, durationMs BIGINT, reason VARCHAR, problem STRUCT(code VARCHAR, message VARCHAR))[]`,
  },
]

/** Facts as tables: `system.runs`, one row a run, and `system.steps`, one row a step. */
const SYSTEM_VIEWS: Readonly<Record<string, (facts: Sql) => Sql>> = {
  runs: facts => sql`SELECT runId AS run_id, status, epoch_ms(startedAt) AS started_at, epoch_ms(endedAt) AS ended_at, \
target, len(steps) AS steps FROM ${facts} ORDER BY run_id`,
  steps: facts => sql`SELECT runId AS run_id, s.step, s.kind, s."table", s.status, s.ledger, \
s.versionBefore AS version_before, s.versionAfter AS version_after, epoch_ms(s.startedAt) AS started_at, \
s.durationMs AS duration_ms, s.reason, s.problem.code AS problem_code, s.problem.message AS problem_message \
FROM (SELECT runId, unnest(steps) AS s FROM ${facts}) ORDER BY run_id`,
}

async function factsOf(store: ObjectStore, session: Session): Promise<Sql> {
  const facts = (await listRuns(store)).flatMap(({ runId, end }) =>
    end === undefined ? [] : [{ path: endPath(runId), size: BigInt(end.size) }],
  )
  await session.hold(facts)
  const ended = facts.map(({ path }) => store.locate(path))
  if (ended.length === 0) {
    const columns = RUN_FIELDS.map(({ name, type }) => sql`CAST(NULL AS ${raw(type)}) AS ${ident(name)}`)
    return sql`(SELECT ${join(columns)} WHERE false)`
  }
  const columns = RUN_FIELDS.map(({ name, type }) => sql`${ident(name)}: ${text(type)}`)
  return sql`read_json(${fileList(ended)}, columns = {${join(columns)}}, format = 'newline_delimited', \
hive_partitioning = false)`
}
