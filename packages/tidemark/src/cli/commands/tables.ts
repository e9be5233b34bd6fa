/** `tables`: what is in the lake. */
import type { Command } from 'commander'
import type { Snapshot } from '@tidemark/delta'
import { Problem } from '../../errors/problem.ts'
import type { LakeStore } from '../../model/ports.ts'
import { printJson } from '../../report/json.ts'
import { printTable } from '../../report/table.ts'
import { countRows, listTables, lookAtTable } from '../../run/lake-tables.ts'
import { problemFact } from '../../run/problem-fact.ts'
import { addProjectOptions, openProjectToLook, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { reportProblems } from '../report-problems.ts'
import { openReaderOf } from '../open-lake.ts'
import { addTableDetails } from './table-details.ts'

export function addTablesCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  const group = program.command('tables').description('the tables of the lake: version, files, rows, columns')
  addTableDetails(group, ports, at)
  addProjectOptions(group)
    .option('--json', 'one JSON document on standard output')
    .action(async (options: ProjectOptions & { json?: true }) => {
      const loaded = await openProjectToLook(ports, options, at)
      await using lake = await openReaderOf(ports, loaded)
      const tables = await Promise.all((await listTables(lake.store)).map(table => describe(lake, table)))
      if (options.json) ports.stdout.write(`${printJson(tables.map(toJson))}\n`)
      else if (tables.length === 0) ports.stdout.write('The lake has no tables yet; tidemark run makes them.\n')
      else ports.stdout.write(printTable(COLUMNS, tables.map(toRow)))
      reportProblems(
        ports,
        tables.flatMap(({ problem }) => problem ?? []),
      )
    })
}

interface TableLine {
  table: string
  snapshot: Snapshot | undefined
  /** Why the table cannot be read. */
  problem: Problem | undefined
}

async function describe(lake: LakeStore, table: string): Promise<TableLine> {
  const found = await lookAtTable(lake, table)
  return found instanceof Problem
    ? { table, snapshot: undefined, problem: found }
    : { table, snapshot: found, problem: undefined }
}

const COLUMNS = [
  { name: 'table' },
  { name: 'version', align: 'right' as const },
  { name: 'files', align: 'right' as const },
  { name: 'rows', align: 'right' as const },
  { name: 'columns', align: 'right' as const },
]

function toRow({ table, snapshot, problem }: TableLine): Record<string, string | bigint | null> {
  if (snapshot === undefined) return { table, version: problem === undefined ? null : 'broken' }
  const { version, files, schema } = snapshot
  return {
    table,
    version,
    files: BigInt(files.size),
    rows: countRows(snapshot) ?? null,
    columns: BigInt(schema.fields.length),
  }
}

function toJson({ table, snapshot, problem }: TableLine): object {
  return {
    table,
    version: snapshot?.version,
    files: snapshot?.files.size,
    rows: snapshot === undefined ? undefined : countRows(snapshot),
    columns: snapshot?.schema.fields.map(({ name, type }) => ({ name, type })) ?? [],
    problem: problem === undefined ? undefined : problemFact(problem, table),
  }
}
