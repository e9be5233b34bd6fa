/** `quarantine list` and `quarantine show`: the rows that broke a rule, kept with the reason. */
import type { Snapshot } from '@tidemark/delta'
import type { Command } from 'commander'
import { integer, sql } from '../../engine/sql.ts'
import { Problem } from '../../errors/problem.ts'
import { findTableName, splitTableName } from '../../model/names.ts'
import type { LakeStore } from '../../model/ports.ts'
import { inferColumns, printJsonRows, printTable } from '../../report/table.ts'
import { lineWidth } from '../../report/terminal.ts'
import { listTables, lookAtTable, openTable } from '../../run/lake-tables.ts'
import { limitOption } from '../limit.ts'
import { addProjectOptions, openProjectToLook, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { reportProblems } from '../report-problems.ts'
import { openReaderOf } from '../open-lake.ts'

interface QuarantineOptions extends ProjectOptions {
  json?: true
  limit: number
}

export function addQuarantineCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  const group = program.command('quarantine').description('rejected rows, kept with the reason')
  addProjectOptions(group.command('list').description('rejected rows by table, rule and flow'))
    .option('--json', 'rows as JSON on standard output')
    .action((options: QuarantineOptions) => list(ports, options, at))
  addProjectOptions(group.command('show').description('the rejected rows of one table'))
    .argument('<table>', 'the table the rows were meant for, for example silver.FactStream')
    .addOption(limitOption('how many rows'))
    .option('--json', 'rows as JSON on standard output')
    .action((table: string, options: QuarantineOptions) => show(ports, table, options, at))
}

async function list(ports: CliPorts, options: QuarantineOptions, at: ProjectRoot): Promise<void> {
  const loaded = await openProjectToLook(ports, options, at)
  await using lake = await openReaderOf(ports, loaded)
  await using session = await lake.engine.session()
  const found: Record<string, string | bigint | boolean | null>[] = []
  const problems: Problem[] = []
  for (const name of await listTables(lake.store, ['quarantine'])) {
    const snapshot = await lookAtTable(lake, name)
    if (snapshot instanceof Problem) problems.push(snapshot)
    if (snapshot === undefined || snapshot instanceof Problem) continue
    const table = name.slice('quarantine.'.length).replace('_', '.')
    const rows = await session.rows(sql`SELECT _reason AS reason, _rules AS rules, _flow AS flow, count(*) AS rows \
FROM (${await session.scan(snapshot)}) GROUP BY ALL ORDER BY ALL`)
    found.push(...rows.map(row => ({ table, ...row })))
  }
  const columns = inferColumns(['table', 'reason', 'rules', 'flow', 'rows'], found)
  if (options.json) ports.stdout.write(printJsonRows(columns, found))
  else if (found.length > 0) ports.stdout.write(printTable(columns, found))
  else if (problems.length === 0) ports.stdout.write('Nothing is in quarantine.\n')
  reportProblems(ports, problems)
}

async function show(ports: CliPorts, table: string, options: QuarantineOptions, at: ProjectRoot): Promise<void> {
  const loaded = await openProjectToLook(ports, options, at)
  await using lake = await openReaderOf(ports, loaded)
  await using session = await lake.engine.session()
  const bare = table.replace(/^quarantine\./i, '')
  const name = bare.includes('.') ? splitTableName(bare) : undefined
  const wanted = `quarantine.${name === undefined ? bare : `${name.schema}_${name.table}`}`
  const snapshot = await openQuarantine(lake, wanted, bare)
  const limit = integer(options.limit)
  const rows =
    snapshot === undefined
      ? []
      : await session.rows(sql`SELECT _reason, _rules, * EXCLUDE (_reason, _rules) \
FROM (${await session.scan(snapshot)}) ORDER BY _batch DESC LIMIT ${limit}`)
  const columns = inferColumns(Object.keys(rows[0] ?? {}), rows)
  if (options.json) ports.stdout.write(printJsonRows(columns, rows))
  else if (rows.length === 0) ports.stdout.write(`Nothing of ${table} is in quarantine.\n`)
  else ports.stdout.write(printTable(columns, rows, { width: lineWidth(ports.stdout) }))
}

/**
 * The rows put aside on the way to a table; undefined where there were none.
 *
 * @throws {TABLE_UNKNOWN} the table is not there
 */
async function openQuarantine(lake: LakeStore, wanted: string, table: string): Promise<Snapshot | undefined> {
  const known = await listTables(lake.store)
  if (findTableName(known, wanted) !== undefined) return (await openTable(lake, wanted)).snapshot
  await openTable(lake, table)
  return undefined
}
