/** What a finished run says at its end: every step with its ledger, the problems, and what to do next. Pure. */
import { styleText } from 'node:util'
import { plainLine, plainText } from '../errors/plain-text.ts'
import { textWidth } from '../errors/text-width.ts'
import type { ProblemFact, RunEvent, RunStatus, StepResult, StorageUse } from '../model/event.ts'
import type { StepId } from '../model/step.ts'
import { quarantinedRows } from './ledger-text.ts'
import { countText, durationText, megabytesText, plural } from './numbers.ts'
import { resultLine } from './step-line.ts'
import { rowsText } from '../errors/row-count.ts'

export type RunFinished = Extract<RunEvent, { kind: 'run finished' }>

export interface SummaryOptions {
  colour: boolean
  width: number
  /** When the run began, in the clock of its events. */
  startedAt: number
  /** False where the lines of the steps were printed already, one by one. */
  steps?: boolean
  /** Warnings of the run as a whole; those of steps are in the results. */
  warnings?: readonly string[]
  /** What failed steps said of what is written and what is not. */
  states?: ReadonlyMap<StepId, string>
  /** Which command it was, where it was not `run`: what it leaves to do is something else. */
  work?: BronzeWork | undefined
  /** Only some tables were wanted. */
  isPart?: boolean
}

/** Work on bronze alone: silver and gold follow with the next run. */
export type BronzeWork = 'backfill' | 'repair'

/**
 * The summary without a newline at the end; its last line says what to do next. Problems are printed in full below the
 * table, each with its hint.
 */
export function renderSummary(run: RunFinished, options: SummaryOptions): string {
  const { results } = run
  const nameWidth = Math.min(Math.max(8, ...results.map(one => textWidth(one.step))), Math.floor(options.width / 2))
  const style = { colour: options.colour, width: options.width, nameWidth }
  const lines = options.steps === false ? [] : results.map(result => resultLine(result, style))
  const apart = (block: readonly string[]): void => void lines.push(...(lines.length === 0 ? [] : ['']), ...block)
  for (const { problem, steps } of groupProblems(results)) apart(problemLines({ problem, steps }, options))
  const warnings = [...(options.warnings ?? []), ...results.flatMap(stepWarnings)]
  if (warnings.length > 0) apart(warnings.map(text => `${paint('warning', 'yellow', options)}: ${plainLine(text)}`))
  apart([totalsLine(run, options), nextLine(run.status, results, options)])
  return lines.join('\n')
}

/** The command that helps most after this run. */
export function nextLine(
  status: RunStatus,
  results: readonly StepResult[],
  { work, isPart = false }: Pick<SummaryOptions, 'work' | 'isPart'> = {},
): string {
  const failed = results.find(one => one.status === 'failed')
  const code = failed?.problem?.code
  const again =
    work === undefined ? 'tidemark run again: what is done is kept, the rest continues' : 'the same command again'
  if (code !== undefined) return `next: tidemark explain ${plainLine(code)}; then ${again}`
  if (status !== 'succeeded') return `next: ${again}`
  if (work !== undefined) return afterBronzeWork(work, results)
  if (results.some(one => one.ledger !== undefined && quarantinedRows(one.ledger) > 0n)) {
    return 'next: tidemark quarantine list shows the rejected rows and why'
  }
  if (results.length === 0) return 'next: add tables to the table list; there is nothing to run'
  if (results.every(one => one.status === 'unchanged')) return `next: nothing to do: ${whatIsEqual(results, isPart)}`
  return 'next: tidemark status shows every table; tidemark verify compares them with the source'
}

/** No more than the run has proved: a cursor shows what is new, and other tables were not looked at. */
function whatIsEqual(results: readonly StepResult[], isPart: boolean): string {
  if (isPart) return 'nothing is new in the selected tables'
  const isProved = results.every(({ kind, source }) => kind !== 'extract' || source?.guarantee === 'A')
  return isProved ? 'the lake equals what the sources had' : 'nothing new was found in the sources'
}

function afterBronzeWork(work: BronzeWork, results: readonly StepResult[]): string {
  const [rows, none] =
    work === 'backfill'
      ? ['rows', 'nothing to do: bronze has every row of the range']
      : ['corrections', 'nothing to do: there was nothing to correct']
  return results.some(one => one.status === 'changed')
    ? `next: tidemark run carries the ${rows} on to silver and gold`
    : `next: ${none}`
}

function totalsLine(run: RunFinished, options: SummaryOptions): string {
  const count = (status: StepResult['status']): number => run.results.filter(one => one.status === status).length
  const rejected = run.results.reduce(
    (sum, one) => sum + (one.ledger === undefined ? 0n : quarantinedRows(one.ledger)),
    0n,
  )
  const parts = [
    [count('changed'), 'changed'],
    [count('unchanged'), 'unchanged'],
    [count('failed'), 'failed'],
    [count('skipped'), 'skipped'],
  ] as const
  const counts = parts.filter(([steps]) => steps > 0).map(([steps, word]) => `${steps} ${word}`)
  const status = paint(run.status, run.status === 'succeeded' ? 'green' : 'red', options)
  return [
    `run ${plainLine(run.runId)} ${status} in ${durationText(run.at - options.startedAt)}`,
    `${plural(run.results.length, 'step')}${counts.length === 0 ? '' : `: ${counts.join(', ')}`}`,
    ...(rejected === 0n ? [] : [`${rowsText(countText(rejected))} quarantined`]),
    ...(run.storage === undefined ? [] : [storageText(run.storage)]),
  ].join('; ')
}

/** What the run cost in the store of the lake. */
function storageText({ requests, sentBytes, receivedBytes }: StorageUse): string {
  const bytes = `${megabytesText(sentBytes)} up, ${megabytesText(receivedBytes)} down`
  return `${plural(requests, 'request')} to the store, ${bytes}`
}

interface ProblemGroup {
  problem: ProblemFact
  steps: string[]
}

/** A source that cannot be reached is one problem, however many tables wait for it. */
function groupProblems(results: readonly StepResult[]): ProblemGroup[] {
  const groups = new Map<string, ProblemGroup>()
  for (const { step, problem } of results) {
    if (problem === undefined) continue
    const key = JSON.stringify([problem.code, problem.place, problem.message])
    const group = groups.get(key) ?? { problem, steps: [] }
    groups.set(key, group)
    group.steps.push(step)
  }
  return [...groups.values()]
}

/** Steps named before the rest is only counted. */
const STEPS_NAMED = 5

function problemLines({ problem, steps }: ProblemGroup, options: SummaryOptions): string[] {
  const more = steps.length > STEPS_NAMED ? ` and ${plural(steps.length - STEPS_NAMED, 'more step')}` : ''
  const hint = problem.hint === undefined ? undefined : `hint: ${problem.hint}`
  const states = new Set(steps.flatMap(step => options.states?.get(step) ?? []))
  const body = [problem.place, problem.message, hint, ...states]
  return [
    `${paint(`error ${plainLine(problem.code)}`, 'red', options)}: ${plainLine(problem.title)}`,
    `  ${steps.slice(0, STEPS_NAMED).map(plainLine).join(', ')}${more}`,
    ...body.flatMap(text =>
      text === undefined
        ? []
        : plainText(text)
            .split('\n')
            .map(line => `  ${line}`),
    ),
  ]
}

function stepWarnings(result: StepResult): string[] {
  return result.warnings.map(text => `${result.step}: ${text}`)
}

function paint(text: string, style: Parameters<typeof styleText>[0], { colour }: { colour: boolean }): string {
  return colour ? styleText(style, text, { validateStream: false }) : text
}
