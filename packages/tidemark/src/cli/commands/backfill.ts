/** `backfill`: read a range of one table again, as a run of its own; the mark does not move. */
import type { Command } from 'commander'
import { ledgerText } from '../../report/ledger-text.ts'
import { backfillTable } from '../../run/backfill-table.ts'
import { maxConnectionsOption } from '../max-connections.ts'
import { createSourceOpener } from '../source-opener.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { remoteLakeOf } from '../remote-lake.ts'
import { exitCodeOfRun, reportRun } from '../report-run.ts'

interface BackfillOptions extends ProjectOptions {
  from?: string
  to?: string
  maxConnections?: number
  json?: true
}

export function addBackfillCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program.command('backfill').description('read a range of cdc_col again and append what bronze lacks'),
  )
    .argument('<table>', 'a bronze table')
    .option('--from <value>', 'first value of cdc_col, inclusive')
    .option('--to <value>', 'end of the range, exclusive')
    .addOption(maxConnectionsOption())
    .option('--json', 'one JSON document on standard output when the run ends')
    .action((table: string, options: BackfillOptions) => run(ports, table, options, at))
}

async function run(ports: CliPorts, table: string, options: BackfillOptions, at: ProjectRoot): Promise<void> {
  const loaded = await openProject(ports, options, at, undefined, [table])
  const { clock, ids, processes, signal } = ports
  const opener = createSourceOpener(ports, loaded, options)
  const range = { from: options.from, to: options.to }
  const outcome = await reportRun(ports, loaded, { ...options, work: 'backfill' }, ({ emit, beforeEnd }) =>
    backfillTable(
      { clock, ids, processes, opener, remote: remoteLakeOf(ports, loaded) },
      { project: loaded.project, table, range, emit, beforeEnd, signal },
    ),
  )
  const [result] = outcome.results
  if (!options.json && result?.ledger !== undefined) {
    ports.stdout.write(`${result.table}  ${result.status}  ${ledgerText(result.ledger)}\n`)
  }
  ports.exit(exitCodeOfRun(outcome))
}
