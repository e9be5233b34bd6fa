/** `backfill`: read a range of one table again; the mark does not move. */
import type { Command } from 'commander'
import { printJson } from '../../report/json.ts'
import { ledgerText } from '../../report/ledger-text.ts'
import { backfillTable } from '../../run/table-work.ts'
import { createAdapter } from '../adapter.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { openLakeOf } from '../open-lake.ts'

interface BackfillOptions extends ProjectOptions {
  from?: string
  to?: string
  json?: true
}

export function addBackfillCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program.command('backfill').description('read a range of cdc_col again and append what bronze lacks'),
  )
    .argument('<table>', 'a bronze table')
    .option('--from <value>', 'first value of cdc_col, inclusive')
    .option('--to <value>', 'end of the range, exclusive')
    .option('--json', 'one JSON document on standard output')
    .action((table: string, options: BackfillOptions) => run(ports, table, options, at))
}

async function run(ports: CliPorts, table: string, options: BackfillOptions, at: ProjectRoot): Promise<void> {
  const loaded = await openProject(ports, options, at)
  const { clock, ids, processes, signal } = ports
  await using lake = await openLakeOf(ports, loaded.project)
  const adapter = createAdapter(ports, loaded)
  const work = {
    ports: { clock, ids, processes, adapter },
    project: loaded.project,
    lake,
    emit: () => undefined,
    signal,
  }
  const outcome = await backfillTable(work, table, { from: options.from, to: options.to })
  if (options.json) ports.stdout.write(`${printJson({ table, ...outcome })}\n`)
  else {
    ports.stdout.write(`${table}  ${outcome.status}  ${ledgerText(outcome.ledger)}\n`)
    ports.stderr.write('next: tidemark run carries the rows on to silver and gold\n')
  }
}
