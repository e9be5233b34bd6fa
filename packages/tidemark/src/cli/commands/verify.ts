/** `verify`: the proof a user can ask for: source and lake compared in one snapshot, difference by difference. */
import type { Command } from 'commander'
import type { LoadedProject } from '../../config/load-project.ts'
import { plainLine } from '../../errors/plain-text.ts'
import type { Verdict } from '../../ingest/verify.ts'
import { printJson } from '../../report/json.ts'
import { printTable } from '../../report/table.ts'
import { repairTables } from '../../run/repair-tables.ts'
import { verifyTables } from '../../run/verify-tables.ts'
import { createSourceOpener } from '../source-opener.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { remoteLakeOf } from '../remote-lake.ts'
import { exitCodeOfRun, reportRun } from '../report-run.ts'
import { openLakeOf } from '../open-lake.ts'
import { shellWord } from '../../errors/shell-word.ts'

interface VerifyOptions extends ProjectOptions {
  repair?: true
  allowMassRepair?: true
  json?: true
}

export function addVerifyCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program.command('verify').description('compare bronze with the source: count, hash, and the differing keys'),
  )
    .argument('[tables...]', 'bronze tables; all of them when left out')
    .option('--repair', 'correct lost, stale and ghost rows from the source, then compare again')
    .option('--allow-mass-repair', 'with --repair: however many rows differ')
    .option('--json', 'one JSON document on standard output')
    .action((tables: string[], options: VerifyOptions) => verify(ports, tables, options, at))
}

async function verify(ports: CliPorts, tables: string[], options: VerifyOptions, at: ProjectRoot): Promise<void> {
  const loaded = await openProject(ports, options, at)
  const verdicts: Verdict[] = []
  const onVerdict = (verdict: Verdict): void => void verdicts.push(verdict)
  try {
    if (options.repair) await repair(ports, loaded, { tables, options, onVerdict })
    else await compare(ports, loaded, { tables, onVerdict })
  } finally {
    if (options.json) ports.stdout.write(`${printJson(verdicts)}\n`)
    else if (verdicts.length > 0) ports.stdout.write(render(verdicts))
  }
  const wrong = verdicts.filter(({ status }) => status !== 'equal' && status !== 'pending')
  const differing = wrong.filter(({ status }) => status === 'different').map(({ table }) => shellWord(plainLine(table)))
  if (!options.repair && differing.length > 0)
    ports.stderr.write(`next: tidemark verify ${differing.join(' ')} --repair takes what differs from the source\n`)
  if (wrong.length > 0) ports.exit(1)
}

async function compare(
  ports: CliPorts,
  loaded: LoadedProject,
  { tables, onVerdict }: { tables: readonly string[]; onVerdict: (verdict: Verdict) => void },
): Promise<void> {
  const { clock, ids, processes, signal } = ports
  const { project } = loaded
  await using lake = await openLakeOf(ports, loaded)
  const opener = createSourceOpener(ports, loaded)
  const work = {
    ports: { clock, ids, processes, opener, remote: remoteLakeOf(ports, loaded) },
    project,
    lake,
    emit: () => undefined,
    signal,
  }
  await verifyTables(work, tables, onVerdict)
}

async function repair(
  ports: CliPorts,
  loaded: LoadedProject,
  request: { tables: readonly string[]; options: VerifyOptions; onVerdict: (verdict: Verdict) => void },
): Promise<void> {
  const { clock, ids, processes, signal } = ports
  const { tables, options, onVerdict } = request
  const opener = createSourceOpener(ports, loaded)
  const allowMass = options.allowMassRepair === true
  const outcome = await reportRun(ports, loaded, { work: 'repair' }, ({ emit, beforeEnd }) =>
    repairTables(
      { clock, ids, processes, opener, remote: remoteLakeOf(ports, loaded) },
      { project: loaded.project, tables, allowMass, emit, beforeEnd, onVerdict, signal },
    ),
  )
  ports.exit(exitCodeOfRun(outcome))
}

const COLUMNS = [
  { name: 'table' },
  { name: 'verdict' },
  ...['source', 'lake', 'lost', 'stale', 'ghost', 'pending'].map(name => ({ name, align: 'right' as const })),
]

function render(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ table, status, sourceRows, lakeRows, lost, stale, ghost, pending }) => ({
    table,
    verdict: status,
    source: sourceRows,
    lake: lakeRows,
    lost,
    stale,
    ghost,
    pending,
  }))
  const examples = verdicts.flatMap(({ table, examples }) =>
    examples.map(
      ({ kind, key }) => `  ${kind === 'gone' ? 'ghost or deleted since' : kind} in ${plainLine(`${table}: ${key}`)}\n`,
    ),
  )
  const repaired = verdicts.flatMap(({ table, repaired: done }) => {
    if (done === undefined) return []
    const { lost, stale, ghost, version } = done
    return [`  repaired in ${table}: ${lost} lost, ${stale} stale, ${ghost} ghost; version ${version}\n`]
  })
  const different = verdicts.filter(({ status }) => status === 'different').length
  const pending = verdicts.filter(({ status }) => status === 'pending').length
  const equal = verdicts.filter(({ status }) => status === 'equal').length
  const broken = verdicts.filter(({ status }) => status === 'broken').length
  const summary = [
    `${equal} of ${verdicts.length} tables equal the source`,
    ...(pending > 0 ? [`${pending} equal but for rows written since the last run`] : []),
    ...(different > 0 ? [`${different} ${different === 1 ? 'differs' : 'differ'}`] : []),
    ...(broken > 0 ? [`${broken} cannot be read`] : []),
  ]
  return `${printTable(COLUMNS, rows)}${repaired.join('')}${examples.join('')}${summary.join('; ')}\n`
}
