/** `audit`: which changes a copy that somebody else keeps has missed. Needs no project, and writes nothing. */
import type { Command } from 'commander'
import type { LoadedProject } from '../../config/load-project.ts'
import { findProjectFile } from '../../config/project-file.ts'
import type { Audit, Misses } from '../../ingest/audit.ts'
import { plainLine } from '../../errors/plain-text.ts'
import { printJson } from '../../report/json.ts'
import { clockText } from '../../report/plan-lines.ts'
import { countText } from '../../report/numbers.ts'
import { printTable } from '../../report/table.ts'
import { type AuditedTable, auditTable } from '../../run/audit/audit-table.ts'
import { findCopy } from '../../run/audit/open-copy.ts'
import { isElsewhere } from '../../run/delta-tables.ts'
import { isOutsideProject, tableAtAddress, tableOfProject } from '../audited-source.ts'
import { outsideOf } from '../outside-lake.ts'
import {
  addProjectOptions,
  openProject,
  openProjectToLook,
  type ProjectOptions,
  type ProjectRoot,
} from '../open-project.ts'
import type { CliPorts } from '../ports.ts'

interface AuditOptions extends ProjectOptions {
  against: string
  source?: string
  key?: string
  cursor?: string
  ignore?: string
  timezone: string
  json?: true
}

export function addAuditCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program
      .command('audit')
      .description('which changes a copy has missed: a Delta table or Parquet files of any writer'),
  )
    .argument('<table>', 'a table of the source, as schema.table, or a table of the project')
    .requiredOption(
      '--against <path>',
      'the copy: a folder of a Delta table or of Parquet files, by its path or address, or one file',
    )
    .option(
      '--source <source>',
      'an address, a reference to one (env:NAME, file:path, azure-kv:vault/name, aws-sm:name), or a source of the project',
    )
    .option('--key <columns>', 'columns that identify a row, comma separated (default: the primary key)')
    .option('--cursor <column>', 'column by which the copy is kept up to date (default: cdc_col of the project)')
    .option('--ignore <columns>', 'columns that are not compared, comma separated')
    .option('--timezone <zone>', 'zone of timestamps without one, with an address', 'UTC')
    .option('--json', 'one JSON document on standard output')
    .action((table: string, options: AuditOptions) => audit(ports, table, options, at))
}

async function audit(ports: CliPorts, table: string, options: AuditOptions, at: ProjectRoot): Promise<void> {
  const { against, cursor } = options
  const { found, loaded } = await openTable(ports, table, options, at)
  try {
    const copy = await findCopy(against, outsideOf(ports, loaded))
    const keys = options.key === undefined ? undefined : namesOf(options.key)
    const ignore = namesOf(options.ignore ?? '')
    const memory = loaded?.project.engineMemory
    const request = { table: found, copy, keys, cursor, ignore, memory, signal: ports.signal }
    const result = await auditTable(ports, request)
    if (options.json) ports.stdout.write(`${printJson({ against, ...result })}\n`)
    else ports.stdout.write(render(against, result))
    if (result.status === 'different') ports.exit(1)
  } finally {
    await found.source.close()
  }
}

async function openTable(
  ports: CliPorts,
  table: string,
  options: AuditOptions,
  at: ProjectRoot,
): Promise<{ found: AuditedTable; loaded: LoadedProject | undefined }> {
  const { against, source, timezone, project: root = ports.cwd } = options
  if (!isOutsideProject(source)) {
    const loaded = await openProject(ports, options, at, ['sources'])
    return { found: await tableOfProject(ports, loaded, { source, table }), loaded }
  }
  // No project is needed; one that is there says how the store of its lake is opened.
  const isAsked = isElsewhere(against) && (await findProjectFile({ root }).catch(() => undefined)) !== undefined
  const loaded = isAsked ? await openProjectToLook(ports, options, at) : undefined
  return { found: await tableAtAddress(ports, { source, table, timezone }, at), loaded }
}

function namesOf(list: string): string[] {
  return list
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
}

const COLUMNS = [
  { name: 'what', heading: '' },
  { name: 'rows', align: 'right' as const },
  { name: 'ties', heading: 'ties at the mark', align: 'right' as const },
  { name: 'behind', heading: 'behind the mark', align: 'right' as const },
  { name: 'meaning', heading: '' },
]

function render(against: string, result: Audit): string {
  const { table, asOf, missing, stale, ghosts, doubled, versions, sourceRows, copyRows, cursor } = result
  const split = ({ rows, ties, behind }: Misses): Record<string, string> =>
    cursor === undefined
      ? { rows: countText(rows) }
      : { rows: countText(rows), ties: countText(ties), behind: countText(behind) }
  const lines: Record<string, string>[] = [
    { what: 'missing', ...split(missing), meaning: 'the copy does not have them' },
    { what: 'stale', ...split(stale), meaning: 'the copy says something else' },
    { what: 'ghosts', rows: countText(ghosts), meaning: 'the source does not have them' },
    { what: 'doubled', rows: countText(doubled), meaning: 'in the copy more than once' },
  ]
  if (versions > 0n)
    lines.push({ what: 'versions', rows: countText(versions), meaning: 'older rows of a key; no error' })
  const newer = missing.newer + stale.newer
  if (newer > 0n) lines.push({ what: 'newer', rows: countText(newer), meaning: 'not copied yet; no error' })
  const shown = cursor === undefined ? COLUMNS.filter(({ name }) => name !== 'ties' && name !== 'behind') : COLUMNS
  const facts = [
    `${table} against ${against}, at ${clockText(asOf)}: ${countText(sourceRows)} rows, ${countText(copyRows)} in the copy`,
    ...(cursor === undefined
      ? []
      : [`the mark: newest ${cursor.column} of the copy is ${cursor.copyMax ?? 'nothing'}`]),
  ]
  return [
    `${plainLine(headline(result))}\n\n`,
    ...facts.map(fact => `${plainLine(fact)}\n`),
    `\n${printTable(shown, lines)}`,
    ...details(result).map(detail => `${plainLine(detail)}\n`),
  ].join('')
}

/** `FactStream: 279 changes missing, 21 of them ties at the mark`. */
function headline({ table, status, missing, stale, ghosts, doubled, cursor }: Audit): string {
  const name = table.slice(table.indexOf('.') + 1)
  if (status === 'equal') return `${name}: the copy equals the source`
  if (status === 'behind') return `${name}: no change is missing up to the mark`
  const changes = missing.rows + stale.rows
  const ties = missing.ties + stale.ties
  const parts = [
    ...(changes > 0n ? [`${countText(changes)} ${changes === 1n ? 'change' : 'changes'} missing`] : []),
    ...(ties > 0n && cursor !== undefined
      ? [`${countText(ties)} of them ${ties === 1n ? 'a tie' : 'ties'} at the mark`]
      : []),
    ...(ghosts > 0n ? [`${countText(ghosts)} ${ghosts === 1n ? 'ghost' : 'ghosts'}`] : []),
    ...(doubled > 0n ? [`${countText(doubled)} doubled`] : []),
  ]
  return `${name}: ${parts.join(', ')}`
}

function details({ differingColumns, notCompared, examples }: Audit): string[] {
  const columns = differingColumns.map(({ column, rows }) => `${column} (${countText(rows)})`)
  return [
    ...(columns.length > 0 ? ['', `columns that differ in stale rows: ${columns.join(', ')}`] : []),
    ...(notCompared.length > 0
      ? ['', ...notCompared.map(({ column, reason }) => `not compared: ${column} ${reason}`)]
      : []),
    ...(examples.length > 0 ? ['', ...examples.map(({ kind, key }) => `  ${kind}: ${key}`)] : []),
  ]
}
