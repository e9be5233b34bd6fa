/** `run`: do what `plan` says, with live progress, facts in the lake, and alerts. */
import type { Command } from 'commander'
import { ProjectProblems } from '../../config/load-project.ts'
import { findProblemKind } from '../../errors/catalogue.ts'
import { Problem } from '../../errors/problem.ts'
import type { RunEvent, StepResult } from '../../model/event.ts'
import type { Plan } from '../../model/plan.ts'
import { printJson } from '../../report/json.ts'
import { printEvent, resultJson } from '../../report/ndjson.ts'
import { planText } from '../../report/plan-lines.ts'
import { renderSummary } from '../../report/summary.ts'
import { lineWidth, openTerminalReport, wantsColour } from '../../report/terminal.ts'
import { problemFact } from '../../run/problem-fact.ts'
import { recordFailedStart, type RunOutcome, type RunRequest, runProject } from '../../run/run-project.ts'
import { createAdapter } from '../adapter.ts'
import { createAlerting } from '../alerting.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { storeOf } from '../open-lake.ts'

interface RunOptions extends ProjectOptions {
  select?: string[]
  fullRefresh?: string[]
  allowMassDelete?: string[]
  events?: true
  json?: true
}

export function addRunCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(program.command('run').description('bring bronze, silver and gold up to date'))
    .option('-s, --select <tables...>', 'only these tables; name+ adds what follows them')
    .option('--full-refresh <tables...>', 'rebuild these silver or gold tables from the layer below')
    .option('--allow-mass-delete <tables...>', 'accept that most keys of these bronze tables are gone')
    .option('--events', 'every event as one line of JSON on standard output')
    .option('--json', 'one JSON document on standard output when the run ends')
    .action((options: RunOptions) => run(ports, options, at))
}

async function run(ports: CliPorts, options: RunOptions, at: ProjectRoot): Promise<void> {
  const loaded = await openProject(ports, options, at).catch((error: unknown) => failToStart(ports, error))
  const alerting = createAlerting(ports, loaded)
  const reader = openReader(ports, options, alerting.redact)
  const { clock, ids, processes, signal } = ports
  const outcome = await runProject(
    { clock, ids, processes, adapter: createAdapter(ports, loaded) },
    {
      project: loaded.project,
      select: options.select,
      fullRefresh: options.fullRefresh ?? [],
      allowMassDelete: options.allowMassDelete ?? [],
      emit: reader.emit,
      onPlan: plan => reader.planned(plan),
      beforeEnd: (store, end) => alerting.record(store, end),
      signal,
    },
  )
    .finally(() => reader.close())
    .catch(async (error: unknown) => {
      if (isAboutThisRun(error)) await deliverAndWarn(ports, loaded, alerting)
      throw error
    })
  const undelivered = await deliver(ports, loaded, alerting)
  reader.finish(outcome, undelivered)
  ports.exit(exitCode(outcome))
}

/**
 * A project that cannot be loaded fails the run, and somebody hears of it where the project still says whom to tell: a
 * table list that cannot be fetched must not be a silent failure.
 */
async function failToStart(ports: CliPorts, error: unknown): Promise<never> {
  const loaded = error instanceof ProjectProblems ? error.reachable : undefined
  if (loaded === undefined) throw error
  const alerting = createAlerting(ports, loaded)
  const { clock, ids, processes } = ports
  const [first] = error instanceof ProjectProblems ? error.problems : [error]
  const problem = problemFact(first, 'the project')
  const beforeEnd: RunRequest['beforeEnd'] = (store, end) => alerting.record(store, end)
  await recordFailedStart({ clock, ids, processes }, { project: loaded.project, beforeEnd, problem })
  await deliverAndWarn(ports, loaded, alerting)
  throw error
}

/** False when nothing could begin: another run is at work, or the lake is out of reach; then there is nothing to send. */
function isAboutThisRun(error: unknown): boolean {
  return !(error instanceof Problem && (error.code === 'RUN_IN_PROGRESS' || error.code === 'LAKE_NOT_WRITABLE'))
}

async function deliverAndWarn(...args: Parameters<typeof deliver>): Promise<void> {
  for (const text of await deliver(...args)) args[0].stderr.write(`warning: ${text}\n`)
}

/** Alerts are sent after the run has ended: a slow mail server delays the process, never the lake. */
async function deliver(
  ports: CliPorts,
  loaded: Awaited<ReturnType<typeof openProject>>,
  alerting: ReturnType<typeof createAlerting>,
): Promise<string[]> {
  if (loaded.project.alerts.channels.length === 0 || ports.signal.aborted) return []
  const report = await alerting.deliver(await storeOf(loaded.project))
  return report.problems.map(problem => `${problem.code}: ${problem.message}`)
}

interface Reader {
  emit: (event: RunEvent) => void
  planned: (plan: Plan) => void
  finish: (outcome: RunOutcome, warnings: readonly string[]) => void
  close: () => void
}

function openReader(ports: CliPorts, options: RunOptions, redact: (text: string) => string): Reader {
  const { stdout, stderr, env, clock, startTicker } = ports
  const colour = wantsColour(stderr, env)
  const terminal = openTerminalReport({ stream: stderr, colour, now: () => clock.now(), startTicker })
  const startedAt = clock.now()
  let planned = new Map<string, string>()
  const announce = (event: RunEvent): RunEvent =>
    event.kind === 'run started'
      ? { ...event, steps: event.steps.map(step => ({ ...step, planned: planned.get(step.id) })) }
      : event
  return {
    emit: event => {
      const announced = announce(event)
      if (options.events) stdout.write(redact(printEvent(announced)))
      terminal.onEvent(announced)
    },
    planned: plan => {
      planned = new Map(plan.steps.map(step => [step.id, planText(step)]))
    },
    finish: ({ runId, status, results }, warnings) => {
      const finished: RunEvent = { kind: 'run finished', runId, at: clock.now(), status, results }
      const width = lineWidth(stderr) ?? 200
      stderr.write(
        `\n${redact(renderSummary(finished, { colour, width, startedAt, warnings, steps: stderr.isTTY === true }))}\n`,
      )
      if (options.json)
        stdout.write(`${redact(printJson({ runId, status, steps: results.map(resultJson), warnings }))}\n`)
    },
    close: () => void terminal.close(),
  }
}

/** 0 when every step succeeded; otherwise the gravest of the failed steps' codes. */
function exitCode({ status, results }: RunOutcome): number {
  if (status === 'succeeded') return 0
  return Math.max(1, ...results.filter(result => result.status === 'failed').map(stepExit))
}

/** A failed step is exit 1, unless every reason lies in the environment. */
function stepExit({ problem }: StepResult): number {
  return problem === undefined ? 1 : (findProblemKind(problem.code)?.exit ?? 1)
}
