/** `query`: one SELECT over the lake. */
import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { createPortableSql } from '../../flows/language/portable/portable-sql.ts'
import { QUERY_NAME } from '../../flows/language/portable/user-query.ts'
import { deltaPaths } from '../../flows/language/portable/time-travel.ts'
import { inferColumns, printCsv, printJsonRows, printTable } from '../../report/table.ts'
import { lineWidth } from '../../report/terminal.ts'
import { pathFolders } from '../../run/delta-tables.ts'
import { runQuery } from '../../run/query.ts'
import { addProjectOptions, openProjectToLook, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { openReaderOf } from '../open-lake.ts'
import { outsideOf } from '../outside-lake.ts'

interface QueryOptions extends ProjectOptions {
  json?: true
  csv?: true
}

export function addQueryCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program.command('query').description('one SELECT over the lake, for example "SELECT * FROM silver.DimUser"'),
  )
    .argument('<sql>', 'the SELECT; - reads it from standard input')
    .option('--json', 'rows as JSON on standard output')
    .option('--csv', 'rows as CSV on standard output')
    .action((text: string, options: QueryOptions) => query(ports, text, options, at))
}

async function query(ports: CliPorts, text: string, options: QueryOptions, at: ProjectRoot): Promise<void> {
  const loaded = await openProjectToLook(ports, options, at)
  const wanted = text === '-' ? readFileSync(0, 'utf8') : text
  at.typed = { name: QUERY_NAME, text: wanted }
  await using lake = await openReaderOf(ports, loaded, pathFolders(deltaPaths(wanted), ports.cwd))
  await using session = await lake.engine.session()
  const checked = await createPortableSql(session).checkUserQuery(wanted)
  const { columns, rows } = await runQuery({ lake, session, outside: outsideOf(ports, loaded) }, checked, ports.signal)
  const shown = inferColumns(
    columns.map(column => column.name),
    rows,
  )
  if (options.json) ports.stdout.write(printJsonRows(shown, rows))
  else if (options.csv) ports.stdout.write(printCsv(shown, rows, { guardFormulas: true }))
  else {
    ports.stdout.write(printTable(shown, rows, { width: lineWidth(ports.stdout) }))
    ports.stderr.write(`${rows.length} ${rows.length === 1 ? 'row' : 'rows'}\n`)
  }
}
