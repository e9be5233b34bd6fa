/** `runs`: the latest runs and their ledgers. */
import type { Command } from 'commander'
import { plainLine } from '../../errors/plain-text.ts'
import { isoInstant } from '../../model/instant.ts'
import { printJson } from '../../report/json.ts'
import { ledgerText } from '../../report/ledger-text.ts'
import { problemJson, resultJson } from '../../report/ndjson.ts'
import { durationText } from '../../report/numbers.ts'
import { clockText } from '../../report/plan-lines.ts'
import { printTable } from '../../report/table.ts'
import { readRuns, type RunEnd } from '../../run/facts.ts'
import { limitOption } from '../limit.ts'
import { addProjectOptions, openProjectToLook, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import { storeOf } from '../open-lake.ts'
import type { CliPorts } from '../ports.ts'
import { reportProblems } from '../report-problems.ts'

interface RunsOptions extends ProjectOptions {
  limit: number
  json?: true
}

export function addRunsCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(program.command('runs').description('the latest runs; with an id, the ledger of each of its steps'))
    .argument('[run-id]', 'a run id, or its beginning')
    .addOption(limitOption('how many runs'))
    .option('--json', 'one JSON document on standard output')
    .action(async (runId: string | undefined, options: RunsOptions) => {
      const loaded = await openProjectToLook(ports, options, at)
      const store = await storeOf(ports, loaded)
      const limit = runId === undefined ? options.limit : 1000
      const { runs: all, problems } = await readRuns(store, limit)
      const runs = runId === undefined ? all : all.filter(run => run.runId.startsWith(runId))
      if (options.json) ports.stdout.write(`${printJson(runs.map(toJson))}\n`)
      else if (runs.length === 0)
        ports.stdout.write(runId === undefined ? 'No run has ended yet.\n' : `No run begins with ${runId}.\n`)
      else if (runId === undefined) ports.stdout.write(printTable(RUN_COLUMNS, runs.map(runRow)))
      else for (const run of runs) ports.stdout.write(stepTable(run))
      reportProblems(ports, problems)
    })
}

const RUN_COLUMNS = [
  { name: 'run' },
  { name: 'started' },
  { name: 'took' },
  { name: 'target' },
  { name: 'status' },
  { name: 'steps', align: 'right' as const },
  { name: 'failed', align: 'right' as const },
]

function runRow(run: RunEnd): Record<string, string | bigint> {
  const failed = run.steps.filter(step => step.status === 'failed').length
  return {
    run: run.runId,
    started: clockText(isoInstant(run.startedAt)),
    took: durationText(run.endedAt - run.startedAt),
    target: run.target,
    status: run.status,
    steps: BigInt(run.steps.length),
    failed: BigInt(failed),
  }
}

function stepTable(run: RunEnd): string {
  const rows = run.steps.map(step => ({
    step: step.step,
    status: step.status,
    version: step.versionAfter ?? null,
    ledger: step.problem?.code ?? (step.ledger === undefined ? (step.reason ?? '') : ledgerText(step.ledger)),
  }))
  const columns = [
    { name: 'step' },
    { name: 'status' },
    { name: 'version', align: 'right' as const },
    { name: 'ledger' },
  ]
  return `${plainLine(run.runId)}  ${plainLine(run.status)}\n${printTable(columns, rows)}`
}

function toJson(run: RunEnd): object {
  const { runId, status, startedAt, endedAt, target, steps, problem } = run
  const when = { startedAt: isoInstant(startedAt), endedAt: isoInstant(endedAt) }
  return { runId, status, ...when, target, steps: steps.map(resultJson), problem: problemJson(problem) }
}
