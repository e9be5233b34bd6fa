/**
 * A run as the command line tells it: progress, summary and warnings on standard error, events or one document on
 * standard output, and alerts sent once the run has ended.
 */
import type { LoadedProject } from '../config/load-project.ts'
import type { DeliveryReport } from '../alerts/deliver.ts'
import { findProblemKind } from '../errors/catalogue.ts'
import { Problem } from '../errors/problem.ts'
import { exitCodeOf } from '../errors/render.ts'
import { RUN_IN_PROGRESS } from '../errors/run.ts'
import type { RunEvent, StepResult } from '../model/event.ts'
import type { Plan } from '../model/plan.ts'
import type { StepId } from '../model/step.ts'
import { printJson } from '../report/json.ts'
import { printEvent, problemJson, resultJson } from '../report/ndjson.ts'
import { planText } from '../report/plan-lines.ts'
import { type BronzeWork, renderSummary, type RunFinished } from '../report/summary.ts'
import { canRedraw, lineWidth, openTerminalReport, wantsColour, warningText } from '../report/terminal.ts'
import type { BeforeEnd, RunOutcome } from '../run/account.ts'
import { toProblem } from '../run/problem-fact.ts'
import { type Alerting, createAlerting } from './alerting.ts'
import type { CliPorts } from './ports.ts'
import { storeOf } from './open-lake.ts'

/** What goes to standard output, nothing when both are left out; and which work it is, when it is not a whole run. */
export interface RunOutput {
  events?: true
  json?: true
  work?: BronzeWork
  /** The tables that are wanted, where not all are. */
  select?: readonly string[]
}

/** What a run is handed so that it can be told. */
export interface RunHooks {
  emit: (event: RunEvent) => void
  onPlan: (plan: Plan) => void
  beforeEnd: BeforeEnd
}

/** Do a run and tell it. Rejects as `work` does, after everything that is known of the run was told. */
export async function reportRun<Outcome extends RunOutcome>(
  ports: CliPorts,
  loaded: LoadedProject,
  output: RunOutput,
  work: (hooks: RunHooks) => Promise<Outcome>,
): Promise<Outcome> {
  const alerting = createAlerting(ports, loaded)
  const reader = openReader(ports, output, alerting.redact)
  const { emit, onPlan } = reader
  const beforeEnd: BeforeEnd = (store, end, before) => alerting.record(store, end, before)
  try {
    const outcome = await work({ emit, onPlan, beforeEnd }).finally(reader.close)
    reader.summarise(await deliver(ports, loaded, alerting))
    return outcome
  } catch (error) {
    if (reader.finished()) reader.warn(await deliver(ports, loaded, alerting))
    else if (isWorthTelling(error)) reader.warn(await outcomeOf(ports, () => alerting.tell(error)))
    throw error
  }
}

/** 0 when every step succeeded; otherwise the gravest of the failed steps' codes. */
export function exitCodeOfRun({ status, results }: RunOutcome): number {
  if (status === 'succeeded') return 0
  return Math.max(1, ...results.filter(result => result.status === 'failed').map(stepExit))
}

/** A failed step is exit 1, unless every reason lies in the environment. */
function stepExit({ problem }: StepResult): number {
  return problem === undefined ? 1 : (findProblemKind(problem.code)?.exit ?? 1)
}

/** Nothing began: because somebody else is at work, or because a word of the command line is wrong. */
function isWorthTelling(error: unknown): boolean {
  return !(error instanceof Problem && error.code === RUN_IN_PROGRESS.code) && exitCodeOf(error) !== 2
}

/** Alerts are sent after the run has ended: a slow mail server delays the process, never the lake. */
function deliver(ports: CliPorts, loaded: LoadedProject, alerting: Alerting): Promise<string[]> {
  if (loaded.project.alerts.channels.length === 0) return Promise.resolve([])
  return outcomeOf(ports, async () => alerting.deliver(await storeOf(ports, loaded)))
}

/** Warnings of a delivery. That alerts could not be sent never changes how the run went. */
async function outcomeOf({ signal }: CliPorts, send: () => Promise<DeliveryReport>): Promise<string[]> {
  if (signal.aborted) return []
  const problems = await send().then(
    report => report.problems,
    (error: unknown) => (signal.aborted ? [] : [toProblem(error, 'the alerts')]),
  )
  return problems.map(({ code, message }) => `${code}: ${message}`)
}

interface Reader extends Pick<RunHooks, 'emit' | 'onPlan'> {
  /** Stop the live picture. */
  close: () => void
  /** Whether there was a run and it has ended. */
  finished: () => boolean
  /** Summary and document of a run whose steps tell how it went. */
  summarise: (warnings: readonly string[]) => void
  /** Warnings and document of a run that could not go on; its problem is printed by whoever catches it. */
  warn: (warnings: readonly string[]) => void
}

function openReader(ports: CliPorts, output: RunOutput, redact: (text: string) => string): Reader {
  const { stdout, stderr, env, clock, startTicker } = ports
  const colour = wantsColour(stderr, env)
  const live = canRedraw(stderr, env)
  const terminal = openTerminalReport({ stream: stderr, live, colour, now: () => clock.now(), startTicker })
  const startedAt = clock.now()
  let planned = new Map<string, string>()
  let end: RunFinished | undefined
  const states = new Map<StepId, string>()
  const warned: string[] = []
  const announce = (event: RunEvent): RunEvent =>
    event.kind === 'run started'
      ? { ...event, steps: event.steps.map(step => ({ ...step, planned: planned.get(step.id) })) }
      : event
  const document = (warnings: readonly string[]): void => {
    if (end === undefined || !output.json) return
    const { runId, status, results, problem, storage } = end
    const steps = results.map(resultJson)
    const all = [...warned, ...warnings]
    const printed = { runId, status, steps, warnings: all, problem: problemJson(problem), storage }
    stdout.write(`${redact(printJson(printed))}\n`)
  }
  return {
    emit: event => {
      const announced = announce(event)
      if (announced.kind === 'run finished') end = announced
      if (announced.kind === 'warning') warned.push(warningText(announced))
      if (announced.kind === 'step finished' && announced.state !== undefined)
        states.set(announced.result.step, announced.state)
      if (output.events) stdout.write(redact(printEvent(announced)))
      terminal.onEvent(announced)
    },
    onPlan: plan => {
      planned = new Map(plan.steps.map(step => [step.id, planText(step)]))
    },
    close: () => void terminal.close(),
    finished: () => end !== undefined,
    summarise: warnings => {
      if (end === undefined) return
      const width = lineWidth(stderr) ?? 200
      const isPart = output.select !== undefined
      const options = { colour, width, startedAt, warnings, states, steps: live, work: output.work, isPart }
      stderr.write(`\n${renderSummary(end, options)}\n`)
      document(warnings)
    },
    warn: warnings => {
      for (const text of warnings) stderr.write(`warning: ${text}\n`)
      document(warnings)
    },
  }
}
