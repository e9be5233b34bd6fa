/** `vacuum`: remove files of tables that no version within the retention needs. */
import { removeLeftTemporaries } from '@tidemark/delta'
import type { Command } from 'commander'
import type { LoadedProject } from '../../config/load-project.ts'
import { plainLine } from '../../errors/plain-text.ts'
import { Problem } from '../../errors/problem.ts'
import { NEEDS_YES } from '../../errors/run.ts'
import { isoInstant } from '../../model/instant.ts'
import { printJson } from '../../report/json.ts'
import { plural } from '../../report/numbers.ts'
import { printTable } from '../../report/table.ts'
import { findTable } from '../../run/delta-tables.ts'
import { sweepEndedLoads } from '../../run/ended-loads.ts'
import { listTables } from '../../run/lake-tables.ts'
import { vacuumTable } from '../../run/maintain-table.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import { openLakeOf, openReaderOf } from '../open-lake.ts'
import { outsideOf } from '../outside-lake.ts'
import type { CliPorts } from '../ports.ts'
import { remoteLakeOf } from '../remote-lake.ts'
import { reportProblems } from '../report-problems.ts'

/** What is being written now is younger than this by far. */
const TEMPORARY_AGE_MS = 24 * 60 * 60 * 1000

interface VacuumOptions extends ProjectOptions {
  dryRun?: true
  yes?: true
  json?: true
}

interface Cleaned {
  table: string
  files: bigint
  bytes: bigint
  paths: readonly string[]
}

export function addVacuumCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program
      .command('vacuum')
      .description('remove files that no version within the retention (7 days, unless a table says otherwise) needs'),
  )
    .argument('[table]', 'for example silver.DimUser; all tables of the lake when left out')
    .option('--dry-run', 'only say what would be removed')
    .option('--yes', 'needed where the target is in production mode')
    .option('--json', 'one JSON document on standard output')
    .action((table: string | undefined, options: VacuumOptions) => clean(ports, table, options, at))
}

async function clean(
  ports: CliPorts,
  wanted: string | undefined,
  options: VacuumOptions,
  at: ProjectRoot,
): Promise<void> {
  const loaded = await openProject(ports, options, at, [])
  const { project } = loaded
  const dryRun = options.dryRun === true
  if (!dryRun && project.target.mode === 'production' && options.yes !== true) {
    throw NEEDS_YES({ what: 'vacuum removes files for good', target: project.target.name })
  }
  await using lake = dryRun ? await openReaderOf(ports, loaded) : await openLakeOf(ports, loaded)
  const names = wanted === undefined ? await listTables(lake.store) : [wanted]
  const cleaned: Cleaned[] = []
  const problems: Problem[] = []
  for (const name of names) {
    try {
      const place = await findTable(lake, name, outsideOf(ports, loaded))
      const { removed, sizeBytes } = await vacuumTable(ports.clock, place, { dryRun, signal: ports.signal })
      cleaned.push({ table: place.name, files: BigInt(removed.length), bytes: sizeBytes, paths: removed })
    } catch (error) {
      // One broken table does not keep the others from being cleaned.
      if (!(error instanceof Problem) || wanted !== undefined) throw error
      problems.push(error)
    }
  }
  const uploads =
    wanted === undefined && names.length > 0
      ? await giveUpUploads(ports, loaded, { dryRun }).catch(keepProblem(problems))
      : []
  const { clock, signal } = ports
  const loads = wanted === undefined ? await sweepEndedLoads(lake, { now: clock.now(), dryRun, signal }) : []
  const isWholeFolder = wanted === undefined && project.remote === undefined
  const before = clock.now() - TEMPORARY_AGE_MS
  const temporary = isWholeFolder ? await removeLeftTemporaries(project.lake, { before, dryRun }) : []
  if (options.json) ports.stdout.write(`${printJson({ dryRun, tables: cleaned, uploads, loads, temporary })}\n`)
  else {
    const columns = [
      { name: 'table' },
      { name: 'files', align: 'right' as const },
      { name: 'bytes', align: 'right' as const },
    ]
    const rows = cleaned.map(({ table, files, bytes }) => ({ table, files, bytes }))
    ports.stdout.write(printTable(columns, rows))
    if (uploads.length > 0) ports.stderr.write(`${uploadsText(uploads)}\n`)
    if (temporary.length > 0)
      ports.stderr.write(`${plural(temporary.length, 'temporary file')} of processes that were killed\n`)
    if (loads.length > 0) ports.stderr.write(`${loadsText(loads)}\n`)
    if (dryRun) ports.stderr.write('Nothing was removed; these are the files that would be.\n')
  }
  reportProblems(ports, problems)
}

interface GivenUp {
  path: string
  started: string
}

/** Only a lake in a store has any. */
async function giveUpUploads(
  ports: CliPorts,
  loaded: LoadedProject,
  { dryRun }: { dryRun: boolean },
): Promise<readonly GivenUp[]> {
  const { clock, signal } = ports
  const given = await remoteLakeOf(ports, loaded)?.giveUpUploads({ now: clock.now(), dryRun, signal })
  return (given ?? []).map(({ path, startedAt }) => ({ path, started: isoInstant(startedAt) }))
}

/** Who may not list uploads has cleaned the tables all the same. */
function keepProblem(problems: Problem[]): (error: unknown) => readonly GivenUp[] {
  return error => {
    if (!(error instanceof Problem)) throw error
    problems.push(error)
    return []
  }
}

function loadsText(loads: readonly string[]): string {
  return ['records of loads that no run goes on with', ...loads.map(of => `  ${plainLine(of)}`)].join('\n')
}

function uploadsText(uploads: readonly GivenUp[]): string {
  const lines = uploads.map(({ path, started }) => `  ${plainLine(path)}, begun ${started}`)
  return ['uploads that were never finished', ...lines].join('\n')
}
