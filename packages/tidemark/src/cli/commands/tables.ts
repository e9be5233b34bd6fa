/** `tables`: what is in the lake. A table whose log cannot be read is listed without its facts, and its problem follows. */
import type { Command } from 'commander'
import { readSnapshot } from '@tidemark/delta'
import { tablePath } from '../../model/names.ts'
import { type Problem, Problems } from '../../errors/problem.ts'
import { printJson } from '../../report/json.ts'
import { printTable } from '../../report/table.ts'
import { countRows, listTables } from '../../run/lake-tables.ts'
import { toProblem } from '../../run/problem-fact.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { openLakeFor } from '../work-folder.ts'

export function addTablesCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(program.command('tables').description('the tables of the lake: version, files, rows, columns'))
    .option('--json', 'one JSON document on standard output')
    .action(async (options: ProjectOptions & { json?: true }) => {
      const { project } = await openProject(ports, options, at)
      await using lake = await openLakeFor(ports, project)
      const names = await listTables(lake.store)
      const problems: Problem[] = []
      const tables = await Promise.all(
        names.map(async table => {
          const snapshot = await readSnapshot({ store: lake.store, tablePath: tablePath(table) }).catch(
            (error: unknown) => void problems.push(toProblem(error, table)),
          )
          const columns = snapshot?.schema.fields.map(({ name, type }) => ({ name, type })) ?? []
          const rows = snapshot === undefined ? undefined : countRows(snapshot)
          return { table, version: snapshot?.version, files: snapshot?.files.size, rows, columns }
        }),
      )
      if (options.json) ports.stdout.write(`${printJson(tables)}\n`)
      else if (tables.length === 0) ports.stdout.write('The lake has no tables yet; tidemark run makes them.\n')
      else ports.stdout.write(printTable(COLUMNS, tables.map(toRow)))
      if (problems.length > 0) throw new Problems(problems)
    })
}

const COLUMNS = [
  { name: 'table' },
  { name: 'version', align: 'right' as const },
  { name: 'files', align: 'right' as const },
  { name: 'rows', align: 'right' as const },
  { name: 'columns', align: 'right' as const },
]

function toRow(table: {
  table: string
  version: bigint | undefined
  files: number | undefined
  rows: bigint | undefined
  columns: readonly object[]
}): Record<string, string | bigint | null> {
  const { version, files, rows, columns } = table
  return {
    table: table.table,
    version: version ?? null,
    files: files === undefined ? null : BigInt(files),
    rows: rows ?? null,
    columns: BigInt(columns.length),
  }
}
