/** `plan`: what the next run would do, and how sure that is. Reads the sources and the lake, writes nothing. */
import type { Command } from 'commander'
import { renderPlan } from '../../report/plan-lines.ts'
import { printJson } from '../../report/json.ts'
import { lineWidth } from '../../report/terminal.ts'
import { keepToAccepted } from '../../run/accepted-lists.ts'
import { compileFlows } from '../../run/compile-flows.ts'
import { assertOwnLake } from '../../run/lake-owner.ts'
import { listLoaded } from '../../run/loaded.ts'
import { planProject } from '../../run/plan-project.ts'
import { closeSources, openSources } from '../../run/prepare.ts'
import { stillStore } from '../../run/still-store.ts'
import { createSourceOpener } from '../source-opener.ts'
import { acceptListOption } from '../accept-list.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { reportProblems } from '../report-problems.ts'
import { openReaderOf } from '../open-lake.ts'

interface PlanOptions extends ProjectOptions {
  select?: string[]
  fullRefresh?: string[]
  acceptList?: string[]
  json?: true
}

export function addPlanCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(program.command('plan').description('show what the next run would do; writes nothing'))
    .option('-s, --select <tables...>', 'only these tables; name+ adds what follows them')
    .option('--full-refresh <tables...>', 'as if these silver or gold tables were rebuilt')
    .addOption(acceptListOption('as if the changed table list with this SHA-256 were accepted'))
    .option('--json', 'one JSON document on standard output')
    .action((options: PlanOptions) => plan(ports, options, at))
}

async function plan(ports: CliPorts, options: PlanOptions, at: ProjectRoot): Promise<void> {
  const { signal } = ports
  const loaded = await openProject(ports, options, at, ['sources'], options.select)
  await using reader = await openReaderOf(ports, loaded)
  const lake = { ...reader, store: stillStore(reader.store) }
  await assertOwnLake(lake.store, loaded.project)
  const accepted = { hashes: options.acceptList ?? [], record: false }
  const project = await keepToAccepted(lake.store, loaded.project, accepted)
  const sources = await openSources(project, createSourceOpener(ports, loaded), {
    signal,
    tables: options.select,
    loaded: source => listLoaded(lake, source),
  })
  try {
    const { clock, ids } = ports
    const fullRefresh = options.fullRefresh ?? []
    const compiled = await compileFlows({ project, sources, lake, clock, ids, fullRefresh, signal })
    const select = options.select
    const { engine } = reader
    const value = await planProject({
      lake,
      clock,
      sources,
      flows: compiled.flows,
      select,
      engine,
      count: true,
      signal,
    })
    const windows = sources.flatMap(({ config: { name, listed }, snapshot }) =>
      snapshot === undefined
        ? []
        : [
            {
              source: name,
              asOf: snapshot.position.asOf,
              openTransactions: snapshot.position.openTransactions,
              listHash: listed?.hash,
            },
          ],
    )
    if (options.json) {
      const { steps, unfilled } = value
      ports.stdout.write(`${printJson({ target: project.target.name, sources: windows, steps, unfilled })}\n`)
    } else {
      ports.stdout.write(renderPlan(value, { width: lineWidth(ports.stdout), notes: true }))
      for (const { source, asOf, openTransactions, listHash } of windows) {
        const open = openTransactions === undefined ? '' : `, ${openTransactions} open transactions`
        const list = listHash === undefined ? '' : `, by the list with SHA-256 ${listHash}`
        ports.stdout.write(`source ${source}: seen at ${asOf}${open}${list}\n`)
      }
    }
    reportProblems(ports, value.problems)
  } finally {
    await closeSources(sources)
  }
}
