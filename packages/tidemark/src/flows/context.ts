/**
 * What every flow is handed: the lake, one session of the engine and the run it works for. Nothing here is global.
 */
import type { ObjectStore } from '@tidemark/delta'
import type { Session } from '../engine/engine.ts'
import { ident, type Sql, sql } from '../engine/sql.ts'
import type { Clock, Ids } from '../model/ports.ts'
import type { Place } from '../errors/problem.ts'
import type { CompiledQuery, TableName } from '../model/flow.ts'

/** What flows need of the portable subset; `createPortableSql` makes one for a session. */
export interface PortableSql {
  /** The engine's SELECT for a checked query, each table reference replaced by its relation. */
  emit(query: CompiledQuery, options: { relation: (table: TableName) => Sql }): Promise<Sql>
  /** The engine's expression; an unknown column is a Problem when `columns` are given. */
  emitExpression(text: string, place: Place | undefined, options: { columns?: readonly string[] }): Promise<Sql>
  /** The same query with columns of types that Delta has. */
  outputTypes(query: Sql): Promise<Sql>
}

export interface FlowContext {
  store: ObjectStore
  /** A session of this step alone; its temporary tables live until the session ends. */
  session: Session
  clock: Clock
  ids: Ids
  runId: string
  portable: PortableSql
  progress: (progress: { rows: bigint; phase: string }) => void
  signal: AbortSignal
  /** Rebuild the target from the layer below. */
  fullRefresh: boolean
}

/** Keep a query's rows in a temporary table of the session and give its name as a relation. */
export async function keepRows(context: FlowContext, hint: string, query: Sql): Promise<Sql> {
  const name = ident(context.session.temporaryName(hint))
  await context.session.run(sql`CREATE TEMP TABLE ${name} AS ${query}`, context.signal)
  return name
}
