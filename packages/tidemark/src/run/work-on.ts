/** The work behind each kind of step: an extract from a source's snapshot, or a flow. */
import { type ExtractOutcome, joinOutcomes } from '../ingest/outcome.ts'
import { backfill } from '../ingest/backfill.ts'
import { CHUNK_BYTES, type IngestContext, readersOf } from '../ingest/context.ts'
import { extract } from '../ingest/extract.ts'
import type { ResolvedTable } from '../ingest/resolve.ts'
import { readSnapshot } from '@tidemark/delta'
import { Problem } from '../errors/problem.ts'
import { markDomain, parseMark, pendingFromDate } from '../ingest/mark.ts'
import type { SourceSnapshot } from '../sources/source.ts'
import type { StepOutcome, StepsBefore } from './execute.ts'
import { compactTable } from './compact-table.ts'
import type { CompiledFlows } from './compile-flows.ts'
import { runFlow } from './run-flow.ts'
import type { Lake } from './lake.ts'
import type { Expectation, PlanStep, WholeReading } from '../model/plan.ts'
import { stepId } from './plan.ts'
import type { OpenSource } from './prepare.ts'
import type { RunPorts, RunScope } from './run-project.ts'
import { atEntry } from './states.ts'
import { observation } from './table-plan.ts'

/** Do one step of the plan. Rejects with the Problem that stopped it. */
export async function workOn(
  scope: RunScope,
  compiled: CompiledFlows,
  step: PlanStep,
  { isSettled }: StepsBefore,
): Promise<StepOutcome> {
  const expect = isSettled ? expectNow(compiled, step) : step.expect
  if (expect.kind === 'nothing') return untouched(scope, step, expect)
  const outcome = await (step.kind === 'extract' ? extractStep(scope, step) : runFlow(scope, compiled, step))
  if (outcome.status !== 'changed') return outcome
  // Within the step, so that what follows from the table finds the version it will keep.
  return { ...outcome, versionAfter: (await compactTable(scope, step)) ?? outcome.versionAfter }
}

/** What the plan could not promise of a flow whose inputs might still change, it proved once they have not. */
function expectNow({ flows }: CompiledFlows, { id, expect }: PlanStep): Expectation {
  const status = flows.find(({ flow }) => stepId(flow) === id)?.status
  return status?.kind === 'unchanged' ? { kind: 'nothing', why: status.reason, version: status.version } : expect
}

/** The plan proved that there is nothing to do: the lake is not asked again. */
function untouched(
  { sources }: RunScope,
  step: PlanStep,
  { why, version }: Expectation & { kind: 'nothing' },
): StepOutcome {
  const done = { status: 'unchanged' as const, versionBefore: version, versionAfter: version, warnings: [] }
  if (step.kind !== 'extract') return { ...done, reason: why, ledger: undefined }
  const { source, table, snapshot } = findTable(sources, step.table)
  const ledger = { kind: 'extract' as const, read: 0n, inserted: 0n, duplicate: 0n, deletes: 0n }
  return { ...done, reason: `nothing, ${why}`, ledger, ...tell(source, table, snapshot) }
}

async function extractStep(scope: RunScope, step: PlanStep): Promise<StepOutcome> {
  const { source, table, snapshot } = findTable(scope.sources, step.table)
  const context = ingestContext(scope, source, step)
  const outcome = await extract(context, snapshot, table).catch((error: unknown) => {
    throw error instanceof Problem ? atEntry(table, error) : error
  })
  const later = await pendingBackfill(context, snapshot, table)
  const merged = later === undefined ? outcome : joinOutcomes(outcome, later)
  const { status, reason, ledger, versionBefore, versionAfter } = merged
  return {
    status,
    reason,
    ledger,
    versionBefore,
    versionAfter,
    ...tell(source, table, snapshot, { method: outcome.method, whole: wholeReading(step, outcome) }),
    warnings: [],
  }
}

function tell(
  source: OpenSource,
  table: ResolvedTable,
  snapshot: SourceSnapshot,
  did: { method?: string; whole?: WholeReading | undefined } = {},
): Pick<StepOutcome, 'source'> {
  const { position } = snapshot
  const { name } = source.config
  const { guarantee } = table
  const { method = table.method, whole } = did
  return { source: { name, guarantee, method, position: observation(table, position), whole } }
}

/** What the step's duration measures: nothing, where another run has done a part of the work or all of it. */
function wholeReading({ expect }: PlanStep, { ledger, isContinued }: ExtractOutcome): WholeReading | undefined {
  if (expect.kind !== 'whole table' || isContinued === true) return undefined
  const { reading, bytes } = expect
  if (reading === undefined || bytes === undefined) return undefined
  return reading === 'scan' || ledger.read > 0n ? { reading, bytes } : undefined
}

/** A `from_date` that no commit records as done yet is read once, in the same snapshot. */
async function pendingBackfill(
  context: IngestContext,
  snapshot: SourceSnapshot,
  table: ResolvedTable,
): Promise<ExtractOutcome | undefined> {
  if (table.fromDate === undefined) return undefined
  const current = await readSnapshot(context, { tablePath: table.tablePath, signal: context.signal })
  const configuration = current?.domain(markDomain(context.source))
  const from = configuration === undefined ? undefined : pendingFromDate(table, parseMark(configuration))
  return from === undefined ? undefined : backfill(context, snapshot, table, { from, to: undefined })
}

/**
 * The table of a step with its snapshot.
 *
 * @throws {Problem} the table cannot be read
 */
export function findTable(
  sources: readonly OpenSource[],
  name: string,
): { source: OpenSource; table: ResolvedTable; snapshot: SourceSnapshot } {
  for (const source of sources) {
    const refused = source.refused.find(table => table.name === name)
    if (refused !== undefined) throw refused.problem
    const table = source.tables.find(candidate => candidate.name === name)
    if (table !== undefined && source.snapshot !== undefined) return { source, table, snapshot: source.snapshot }
  }
  throw new TypeError(`this is a bug in tidemark: ${name} belongs to no source`)
}

export interface IngestScope {
  ports: RunPorts
  lake: Lake
  runId: string
  request: Pick<RunScope['request'], 'allowMassDelete' | 'emit' | 'signal'> & { reloadSource?: readonly string[] }
}

/** What ingestion is handed for one step; also used by `backfill` and `verify`, which have no plan. */
export function ingestContext(scope: IngestScope, source: OpenSource, step: { id: string }): IngestContext {
  const { ports, lake, runId, request } = scope
  const { store, logParquet, engine, scratch, discard } = lake
  const { clock, ids } = ports
  const progress: IngestContext['progress'] = at =>
    request.emit({ kind: 'step progress', runId, at: clock.now(), step: step.id, ...at })
  const warn: IngestContext['warn'] = text =>
    request.emit({ kind: 'warning', runId, at: clock.now(), step: step.id, text })
  const reload = request.reloadSource?.some(name => same(name, step.id)) === true
  const allowMassDelete = request.allowMassDelete.some(name => same(name, step.id))
  if (source.source === undefined) throw new TypeError(`this is a bug in tidemark: ${step.id} has no source`)
  return {
    store,
    logParquet,
    engine,
    clock,
    ids,
    runId,
    source: source.config.name,
    ...readersOf(source.source),
    scratch,
    discard,
    progress,
    warn,
    allowMassDelete,
    reload,
    chunkBytes: CHUNK_BYTES,
    signal: request.signal,
  }
}

/** `DimUser` and `bronze.DimUser` name the same bronze table, whatever the case. */
function same(wanted: string, name: string): boolean {
  const folded = wanted.toLowerCase()
  return folded === name.toLowerCase() || `bronze.${folded}` === name.toLowerCase()
}
