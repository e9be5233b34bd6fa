/** `verify`: the proof a user can ask for: source and lake compared in one snapshot, difference by difference. */
import type { Command } from 'commander'
import type { Verdict } from '../../ingest/verify.ts'
import { printJson } from '../../report/json.ts'
import { printTable } from '../../report/table.ts'
import { verifyTables } from '../../run/verify-tables.ts'
import { createSourceOpener } from '../source-opener.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { openLakeOf } from '../open-lake.ts'

export function addVerifyCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program.command('verify').description('compare bronze with the source: count, hash, and the differing keys'),
  )
    .argument('[tables...]', 'bronze tables; all of them when left out')
    .option('--json', 'one JSON document on standard output')
    .action((tables: string[], options: ProjectOptions & { json?: true }) => verify(ports, tables, options, at))
}

async function verify(
  ports: CliPorts,
  tables: string[],
  options: ProjectOptions & { json?: true },
  at: ProjectRoot,
): Promise<void> {
  const loaded = await openProject(ports, options, at)
  const { clock, ids, processes, signal } = ports
  await using lake = await openLakeOf(ports, loaded.project)
  const opener = createSourceOpener(ports, loaded)
  const work = {
    ports: { clock, ids, processes, opener },
    project: loaded.project,
    lake,
    emit: () => undefined,
    signal,
  }
  const verdicts: Verdict[] = []
  try {
    await verifyTables(work, tables, verdict => verdicts.push(verdict))
  } finally {
    if (options.json) ports.stdout.write(`${printJson(verdicts)}\n`)
    else if (verdicts.length > 0) ports.stdout.write(render(verdicts))
  }
  if (verdicts.some(({ status }) => status !== 'equal' && status !== 'pending')) ports.exit(1)
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
    examples.map(({ kind, key }) => `  ${kind} in ${table}: ${key}\n`),
  )
  const different = verdicts.filter(({ status }) => status === 'different').length
  const pending = verdicts.filter(({ status }) => status === 'pending').length
  const equal = verdicts.filter(({ status }) => status === 'equal').length
  const broken = verdicts.filter(({ status }) => status === 'broken').length
  const summary = [
    `${equal} of ${verdicts.length} tables equal the source`,
    ...(pending > 0 ? [`${pending} equal but for rows written since the last run`] : []),
    ...(different > 0 ? [`${different} differ`] : []),
    ...(broken > 0 ? [`${broken} cannot be read`] : []),
  ]
  return `${printTable(COLUMNS, rows)}${examples.join('')}${summary.join('; ')}\n`
}
