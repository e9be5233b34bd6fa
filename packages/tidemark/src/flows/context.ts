/**
 * What every flow is handed: the lake, one session of the engine and the run it works for. Nothing here is global.
 */
import type { Session } from '../engine/engine.ts'
import { ident, type Sql, sql } from '../engine/sql.ts'
import type { Clock, Ids, LakeStore } from '../model/ports.ts'
import type { PortableSql } from './language/portable/portable-sql.ts'

export interface FlowContext extends LakeStore {
  /** A session of this step alone; its temporary tables live until the session ends. */
  session: Session
  clock: Clock
  ids: Ids
  runId: string
  /** Made for the same session. */
  portable: Pick<PortableSql, 'emit' | 'emitExpression'>
  progress: (progress: { rows: bigint; phase: string }) => void
  /** Tell the user something that stops nothing. */
  warn: (text: string) => void
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
