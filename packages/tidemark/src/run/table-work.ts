/** One-table work outside a plan: `backfill` and `verify`. Each takes its own snapshot of the source. */
import { type BackfillRange, backfill } from '../ingest/backfill.ts'
import { emptyVerdict, type Verdict, verifyTable } from '../ingest/verify.ts'
import type { ExtractOutcome } from '../ingest/work.ts'
import { STEP_UNKNOWN } from '../errors/run.ts'
import { type Problem, Problems } from '../errors/problem.ts'
import { suggest } from '../config/suggest.ts'
import type { RunEvent } from '../model/event.ts'
import type { Project } from '../model/project.ts'
import { writeRunEnd, writeRunStart } from './facts.ts'
import type { Lake } from './lake.ts'
import { takeLease } from './lease.ts'
import { listLoaded } from './loaded.ts'
import { closeSources, type OpenSource, openSources } from './prepare.ts'
import { isBrokenTable, toProblem } from './problem-fact.ts'
import type { RunPorts } from './run-project.ts'
import { writeVerdict } from './verdicts.ts'
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
  const { project, lake, signal } = work
  const loaded = (source: string): Promise<readonly string[]> => listLoaded(lake, source)
  const sources = await openSources(project, work.ports.adapter, { signal, loaded })
  try {
    assertKnown(sources, names)
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

/**
 * Read a range of one table again and append what bronze lacks, as a run of its own.
 *
 * @throws {RUN_IN_PROGRESS} another run holds the lease
 */
export async function backfillTable(work: TableWork, name: string, range: BackfillRange): Promise<ExtractOutcome> {
  const { ports, project, lake, signal } = work
  const { clock, ids, processes } = ports
  const startedAt = clock.now()
  const runId = ids.runId(startedAt)
  await using lease = await takeLease({ store: lake.store, clock, processes }, runId)
  void lease
  const target = project.target.name
  const sources = await openSources(project, ports.adapter, {
    signal,
    only: known => isWanted(known, [name]),
    loaded: source => listLoaded(lake, source),
  })
  try {
    assertKnown(sources, [name])
    for (const source of sources) assertReadable(source, [name])
    const source = sources.find(({ tables }) => tables.some(t => isWanted(t.name, [name])))
    const table = source?.tables.find(t => isWanted(t.name, [name]))
    if (source?.snapshot === undefined || table === undefined)
      throw new TypeError('this is a bug in tidemark: no table')
    await writeRunStart(lake.store, { runId, startedAt, target, host: processes.host, pid: processes.pid })
    const outcome = await backfill(contextOf(work, source, table.name, runId), source.snapshot, table, range)
    const { status, reason, ledger, versionBefore, versionAfter } = outcome
    const done = { status, reason, ledger, versionBefore, versionAfter, problem: undefined, warnings: [] }
    const step = {
      step: table.name,
      kind: 'extract' as const,
      table: table.name,
      startedAt,
      durationMs: clock.now() - startedAt,
    }
    const end = {
      runId,
      status: 'succeeded' as const,
      startedAt,
      endedAt: clock.now(),
      target,
      steps: [{ ...step, ...done }],
    }
    await writeRunEnd(lake.store, end)
    return outcome
  } finally {
    await closeSources(sources)
  }
}

function contextOf(work: TableWork, source: OpenSource, id: string, runId: string): ReturnType<typeof ingestContext> {
  const { ports, lake, emit, signal } = work
  return ingestContext({ ports, lake, runId, request: { allowMassDelete: [], emit, signal } }, source, { id })
}

function assertKnown(sources: readonly OpenSource[], wanted: readonly string[]): void {
  const known = sources.flatMap(({ tables, refused }) => [...tables, ...refused].map(({ name }) => name))
  const unknown = wanted.filter(name => !known.some(table => isWanted(table, [name])))
  if (unknown.length === 0) return
  throw new Problems(unknown.map(name => STEP_UNKNOWN({ wanted: name, suggestion: suggest(name, known) ?? '' })))
}

function assertReadable({ refused }: OpenSource, names: readonly string[]): void {
  const problems = refused.filter(({ name }) => isWanted(name, names)).map(({ problem }) => problem)
  if (problems.length > 0) throw new Problems(problems)
}

/** `DimUser` and `bronze.DimUser` name the same table, whatever the case; no names mean all. */
function isWanted(table: string, names: readonly string[]): boolean {
  const folded = table.toLowerCase()
  return (
    names.length === 0 || names.some(name => folded === name.toLowerCase() || folded === `bronze.${name.toLowerCase()}`)
  )
}
