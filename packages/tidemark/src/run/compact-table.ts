/**
 * Small files put together as a table grows, so that a table that changes in every run stays quick to read. The rows are
 * committed already: nothing that goes wrong here makes their step fail.
 */
import { readSnapshot, smallFileCount } from '@tidemark/delta'
import { tablePath } from '../model/names.ts'
import type { PlanStep } from '../model/plan.ts'
import { optimizeTable } from './maintain-table.ts'
import { toProblem } from './problem-fact.ts'
import type { RunScope } from './run-project.ts'

/** From so many small files on they are put together: a reader opens them all, a run adds one. */
const SMALL_FILES = 32

/** The table's version when files were put together, undefined when there was no need, or no luck. */
export async function compactTable(scope: RunScope, step: PlanStep): Promise<bigint | undefined> {
  const { lake, ports, request, runId } = scope
  const { signal, emit } = request
  const path = tablePath(step.table)
  try {
    const snapshot = await readSnapshot(lake, { tablePath: path, signal })
    if (snapshot === undefined || smallFileCount(snapshot) < SMALL_FILES) return undefined
    const place = { name: step.table, tables: lake, tablePath: path, isInLake: true }
    const done = await optimizeTable({ ...ports, lake }, place, { zOrderBy: undefined, runId, signal })
    return done?.version
  } catch (error) {
    signal.throwIfAborted()
    const text = `Small files of ${step.table} were not put together: ${toProblem(error, step.table).message}`
    emit({ kind: 'warning', runId, at: ports.clock.now(), step: step.id, text })
    return undefined
  }
}
