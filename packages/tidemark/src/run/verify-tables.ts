/** `verify`: bronze tables compared with their sources, outside of any run, in a snapshot taken for it. */
import { keepToAccepted } from './accepted-lists.ts'
import { emptyVerdict, type Verdict, verifyTable } from '../ingest/verify.ts'
import { type Problem, Problems } from '../errors/problem.ts'
import type { RunEvent } from '../model/event.ts'
import type { Project } from '../model/project.ts'
import type { Lake } from './lake.ts'
import { listLoaded } from './loaded.ts'
import { closeSources, type OpenSource, openSources } from './prepare.ts'
import { isBrokenTable, toProblem } from './problem-fact.ts'
import type { RunPorts } from './run-project.ts'
import { writeVerdict } from './verdicts.ts'
import { assertKnown, isWanted } from './wanted.ts'
import { ingestContext } from './work-on.ts'

export interface TableWork {
  ports: RunPorts
  project: Project
  lake: Lake
  emit: (event: RunEvent) => void
  signal: AbortSignal
}

/**
 * Compare tables with their source; all of them without names. A table that cannot be compared does not keep the others
 * from it: `onVerdict` has been called for each of them when this rejects, and for a broken table with that verdict.
 *
 * @throws {STEP_UNKNOWN} a name is no bronze table of the project
 * @throws {Problems} of the tables that could not be compared
 */
export async function verifyTables(
  work: TableWork,
  names: readonly string[],
  onVerdict?: (verdict: Verdict) => void,
): Promise<Verdict[]> {
  const { lake, signal } = work
  const project = await keepToAccepted(lake.store, work.project, { hashes: [], record: false })
  const loaded = (source: string): Promise<readonly string[]> => listLoaded(lake, source)
  const sources = await openSources(project, work.ports.opener, { signal, tables: names, loaded })
  try {
    assertKnown(project, sources, names)
    const verdicts: Verdict[] = []
    const problems = new Set<Problem>()
    for (const source of sources) {
      for (const { name, problem } of source.refused) if (isWanted(name, names)) problems.add(problem)
      for (const table of source.tables.filter(t => isWanted(t.name, names))) {
        if (source.snapshot === undefined) continue
        try {
          const verdict = await verifyTable(contextOf(work, source, table.name, 'verify'), source.snapshot, table)
          await writeVerdict(lake.store, verdict)
          verdicts.push(verdict)
          onVerdict?.(verdict)
        } catch (error) {
          if (signal.aborted) throw error
          const problem = toProblem(error, table.name)
          problems.add(problem)
          if (isBrokenTable(problem))
            onVerdict?.({ ...emptyVerdict(table.name, source.snapshot.position.asOf), status: 'broken' })
        }
      }
    }
    if (problems.size > 0) throw new Problems([...problems])
    return verdicts
  } finally {
    await closeSources(sources)
  }
}

function contextOf(work: TableWork, source: OpenSource, id: string, runId: string): ReturnType<typeof ingestContext> {
  const { ports, lake, emit, signal } = work
  return ingestContext({ ports, lake, runId, request: { allowMassDelete: [], emit, signal } }, source, { id })
}
