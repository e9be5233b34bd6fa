/** The row as the source has it now, in a snapshot of its own. */
import type { Session } from '../../engine/engine.ts'
import { sql } from '../../engine/sql.ts'
import type { Problem } from '../../errors/problem.ts'
import { LAKE_NOT_WRITABLE } from '../../errors/run.ts'
import { readersOf } from '../../ingest/context.ts'
import { loadSlice } from '../../ingest/load-slice.ts'
import type { TracedSource } from '../../model/trace.ts'
import type { OpenSource } from '../prepare.ts'
import { problemFact, toProblem } from '../problem-fact.ts'
import { findTable } from '../work-on.ts'
import type { TraceRequest } from './trace-key.ts'

/** Look the row up by its key. A source that cannot be asked leaves the state unknown, with the reason. */
export async function traceSource(
  request: TraceRequest & { session: Session },
  at: { name: string; source: OpenSource | undefined; key: ReadonlyMap<string, string> },
): Promise<{ traced: TracedSource; problem: Problem | undefined }> {
  const { session, signal, lake, ports } = request
  const { name, source, key } = at
  const asked: TracedSource = { state: 'unknown', table: name, asOf: undefined, row: undefined, problem: undefined }
  try {
    const { table, snapshot } = findTable(source === undefined ? [] : [source], name)
    const { position } = snapshot
    const { scratch, discard } = lake
    if (scratch === undefined)
      throw LAKE_NOT_WRITABLE({ lake: 'the temporary folder', reason: 'nothing can be made in it' })
    const slice = { kind: 'keys' as const, columns: [...key.keys()], keys: [[...key.values()]] }
    await snapshot.count({ table: table.table, slice, columns: table.columns, signal })
    if (source?.source === undefined) throw new TypeError(`this is a bug in tidemark: ${name} has no source`)
    const context = { ...readersOf(source.source), ids: ports.ids, scratch, discard, signal }
    const rows = await loadSlice({ ...context, progress: () => undefined }, session, {
      snapshot,
      table: table.table,
      columns: table.columns,
      slice,
    })
    const [row] = await session.rows(sql`SELECT * EXCLUDE (_row_version) FROM ${rows.relation}`, signal)
    const known = { table: `${table.table.schema}.${table.table.table}`, asOf: position.asOf, row, problem: undefined }
    return { traced: { state: row === undefined ? 'absent' : 'present', ...known }, problem: undefined }
  } catch (error) {
    if (signal.aborted) throw error
    const problem = toProblem(error, name)
    return { traced: { ...asked, problem: problemFact(problem, name) }, problem }
  }
}
