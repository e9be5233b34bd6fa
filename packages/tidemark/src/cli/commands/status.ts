/** `status`: one line a table, from the lake alone. */
import type { Command } from 'commander'
import { isoInstant } from '../../model/instant.ts'
import { printJson } from '../../report/json.ts'
import { clockText } from '../../report/plan-lines.ts'
import { printTable } from '../../report/table.ts'
import { lineWidth } from '../../report/terminal.ts'
import { problemFact } from '../../run/problem-fact.ts'
import { readStatus, type TableStatus } from '../../run/status.ts'
import { addProjectOptions, openProjectToLook, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { reportProblems } from '../report-problems.ts'
import { openReaderOf } from '../open-lake.ts'

export function addStatusCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program.command('status').description('every table: guarantee, data as of, rows, quarantined, last run, verified'),
  )
    .option('--json', 'one JSON document on standard output')
    .action(async (options: ProjectOptions & { json?: true }) => {
      const loaded = await openProjectToLook(ports, options, at)
      const { project } = loaded
      await using lake = await openReaderOf(ports, loaded)
      const tables = await readStatus(lake)
      const problems = tables.flatMap(({ problem }) => problem ?? [])
      if (options.json)
        ports.stdout.write(`${printJson({ target: project.target.name, tables: tables.map(toJson) })}\n`)
      else if (tables.length === 0) ports.stdout.write('The lake has no tables yet; tidemark run makes them.\n')
      else ports.stdout.write(printTable(columnsFor(tables), tables.map(toRow), { width: lineWidth(ports.stdout) }))
      reportProblems(ports, problems)
    })
}

const COLUMNS = [
  { name: 'table' },
  { name: 'guarantee' },
  { name: 'asOf', heading: 'data as of' },
  { name: 'rows', align: 'right' as const },
  { name: 'quarantined', align: 'right' as const },
  { name: 'rescued', align: 'right' as const },
  { name: 'last', heading: 'last run' },
  { name: 'verified', heading: 'verified through' },
]

/** Rescued values are rare: their column is there when some table has any. */
function columnsFor(tables: readonly TableStatus[]): typeof COLUMNS {
  return tables.some(({ rescued }) => rescued > 0n) ? COLUMNS : COLUMNS.filter(({ name }) => name !== 'rescued')
}

function toRow(status: TableStatus): Record<string, string | bigint | null> {
  const { table, guarantee, asOf, rows, quarantined, rescued, last, verified, problem } = status
  const outcome = last === undefined ? '' : `${last.code ?? last.status}  ${clockText(isoInstant(last.at))}`
  return {
    table,
    guarantee: guarantee ?? '',
    asOf: asOf === undefined ? '' : clockText(asOf),
    rows: rows ?? (problem === undefined ? null : 'broken'),
    quarantined: quarantined ?? 'broken',
    rescued,
    last: outcome,
    verified: verified === undefined ? '' : clockText(verified),
  }
}

function toJson(status: TableStatus): object {
  const { last, problem } = status
  return {
    ...status,
    last: last === undefined ? undefined : { ...last, at: isoInstant(last.at) },
    problem: problem === undefined ? undefined : problemFact(problem, status.table),
  }
}
