/** `run`: do what `plan` says, with live progress, facts in the lake, and alerts. */
import { type Command, Option } from 'commander'
import { ProjectProblems } from '../../config/load-project.ts'
import { Problems } from '../../errors/problem.ts'
import { toProblem } from '../../run/problem-fact.ts'
import { recordFailedStart, runProject } from '../../run/run-project.ts'
import { acceptListOption } from '../accept-list.ts'
import { maxConnectionsOption } from '../max-connections.ts'
import { confirmReload } from '../confirm-reload.ts'
import { createSourceOpener } from '../source-opener.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { remoteLakeOf } from '../remote-lake.ts'
import { exitCodeOfRun, reportRun, type RunOutput } from '../report-run.ts'

interface RunOptions extends ProjectOptions, RunOutput {
  select?: string[]
  fullRefresh?: string[]
  reloadSource?: string[]
  yes?: true
  allowMassDelete?: string[]
  acceptList?: string[]
  maxConnections?: number
}

export function addRunCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(program.command('run').description('bring bronze, silver and gold up to date'))
    .option('-s, --select <tables...>', 'only these tables; name+ adds what follows them')
    .option('--full-refresh <tables...>', 'rebuild these silver or gold tables from the layer below')
    .option(
      '--reload-source <tables...>',
      'read these bronze tables anew in place of all they hold; says what is lost, and asks',
    )
    .option('--yes', 'reload without being asked')
    .option('--allow-mass-delete <tables...>', 'accept that most keys of these bronze tables are gone')
    .addOption(acceptListOption('accept the changed table list with this SHA-256; needed in production mode'))
    .addOption(maxConnectionsOption())
    .addOption(new Option('--events', 'every event as one line of JSON on standard output').conflicts('json'))
    .option('--json', 'one JSON document on standard output when the run ends')
    .action((options: RunOptions) => run(ports, options, at))
}

async function run(ports: CliPorts, options: RunOptions, at: ProjectRoot): Promise<void> {
  const { select } = options
  // A reload is asked about before anything is selected.
  const tables = select === undefined ? undefined : [...select, ...(options.reloadSource ?? [])]
  const loaded = await openProject(ports, options, at, undefined, tables).catch((error: unknown) =>
    failToStart(ports, options, error),
  )
  const { clock, ids, processes, signal } = ports
  const { project } = loaded
  const reloadSource = options.reloadSource ?? []
  if (!(await confirmReload(ports, loaded, { tables: reloadSource, yes: options.yes === true }))) {
    ports.stderr.write('Nothing was changed.\n')
    ports.exit(1)
    return
  }
  const outcome = await reportRun(ports, loaded, options, hooks =>
    runProject(
      {
        clock,
        ids,
        processes,
        opener: createSourceOpener(ports, loaded, options),
        remote: remoteLakeOf(ports, loaded),
      },
      {
        ...hooks,
        project,
        select,
        fullRefresh: options.fullRefresh ?? [],
        reloadSource,
        allowMassDelete: options.allowMassDelete ?? [],
        acceptLists: options.acceptList ?? [],
        signal,
      },
    ),
  )
  ports.exit(exitCodeOfRun(outcome))
}

/**
 * A project that cannot be loaded fails the run, and somebody hears of it where the project still says whom to tell: a
 * table list that cannot be fetched must not be a silent failure.
 */
async function failToStart(ports: CliPorts, options: RunOptions, error: unknown): Promise<never> {
  if (!(error instanceof ProjectProblems) || error.reachable === undefined) throw error
  const loaded = error.reachable
  const { clock, ids, processes } = ports
  const { project } = loaded
  return await reportRun(ports, loaded, options, async ({ emit, beforeEnd }) => {
    const remote = remoteLakeOf(ports, loaded)
    await recordFailedStart({ clock, ids, processes, remote }, { project, emit, beforeEnd, error }).catch(
      (reason: unknown) => {
        // What is wrong with the project comes first; that nobody can be told is said with it.
        throw new Problems([...error.problems, toProblem(reason, 'the lake')])
      },
    )
    throw error
  })
}
