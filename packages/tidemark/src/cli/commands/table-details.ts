/** `tables show`, `tables schema` and `tables history`: one table of the lake, or any Delta table by its path or address. */
import type { Command } from 'commander'
import { type Commit, printType, readHistory, type Snapshot } from '@tidemark/delta'
import { isoInstant } from '../../model/instant.ts'
import { isByPath, pathOf } from '../../model/names.ts'
import { printJson } from '../../report/json.ts'
import { printTable } from '../../report/table.ts'
import { lineWidth } from '../../report/terminal.ts'
import { findTable, pathFolders, readTable, type TablePlace } from '../../run/delta-tables.ts'
import { countRows } from '../../run/lake-tables.ts'
import { limitOption } from '../limit.ts'
import { addProjectOptions, openProjectToLook, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import { openReaderOf } from '../open-lake.ts'
import { outsideOf } from '../outside-lake.ts'
import type { CliPorts } from '../ports.ts'

interface DetailOptions extends ProjectOptions {
  json?: true
  limit: number
}

const TABLE = 'a table of the lake such as silver.DimUser, or delta.`path` with a path or an address'

export function addTableDetails(group: Command, ports: CliPorts, at: ProjectRoot): void {
  const detail = (
    name: string,
    description: string,
    print: (place: TablePlace, options: DetailOptions) => Promise<void>,
  ) =>
    addProjectOptions(group.command(name).description(description))
      .argument('<table>', TABLE)
      .option('--json', 'one JSON document on standard output')
      // The listing has the same options, and takes those it knows wherever they stand.
      .action(async (table: string, _own: DetailOptions, command: Command) => {
        const options = command.optsWithGlobals<DetailOptions>()
        const loaded = await openProjectToLook(ports, options, at)
        const folders = isByPath(table) ? pathFolders([pathOf(table)], ports.cwd) : []
        await using lake = await openReaderOf(ports, loaded, folders)
        await print(await findTable(lake, table, outsideOf(ports, loaded)), options)
      })
  detail('show', 'version, files, rows, protocol and settings of a table', (place, options) =>
    show(ports, place, options),
  )
  detail('schema', 'columns of a table, with their types', (place, options) => schema(ports, place, options))
  detail('history', 'what the latest commits of a table did', (place, options) =>
    history(ports, place, options),
  ).addOption(limitOption('how many commits'))
}

async function show(ports: CliPorts, place: TablePlace, options: DetailOptions): Promise<void> {
  const facts = factsOf(place.name, await readTable(place))
  if (options.json) {
    ports.stdout.write(`${printJson(facts)}\n`)
    return
  }
  const { configuration, features, domains, ...plain } = facts
  const rows = [
    ...Object.entries(plain).map(([fact, value]) => ({
      fact,
      value: Array.isArray(value) ? value.join(', ') : String(value ?? ''),
    })),
    { fact: 'features', value: features.join(', ') },
    { fact: 'domains', value: domains.join(', ') },
    ...Object.entries(configuration).map(([key, value]) => ({ fact: key, value })),
  ]
  ports.stdout.write(printTable([{ name: 'fact' }, { name: 'value' }], rows, { width: lineWidth(ports.stdout) }))
}

function factsOf(table: string, snapshot: Snapshot) {
  const { protocol, metaData, files, configuration } = snapshot
  const marked = [...files.values()].filter(file => file.deletionVector !== undefined)
  return {
    table,
    version: snapshot.version,
    committedAt: snapshot.timestamp === undefined ? null : isoInstant(snapshot.timestamp),
    files: files.size,
    sizeBytes: [...files.values()].reduce((sum, file) => sum + file.size, 0n),
    rows: countRows(snapshot) ?? null,
    filesWithDeletedRows: marked.length,
    partitionColumns: metaData.partitionColumns,
    id: metaData.id,
    protocol: `${protocol.minReaderVersion}, ${protocol.minWriterVersion}`,
    features: [...new Set([...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? [])])].toSorted(),
    domains: [...snapshot.domains.keys()].toSorted(),
    configuration,
  }
}

async function schema(ports: CliPorts, place: TablePlace, options: DetailOptions): Promise<void> {
  const { schema: struct, metaData } = await readTable(place)
  const columns = struct.fields.map(field => ({
    column: field.name,
    type: printType(field.type),
    nullable: field.nullable,
    partition: metaData.partitionColumns.includes(field.name),
    comment: typeof field.metadata['comment'] === 'string' ? field.metadata['comment'] : null,
  }))
  if (options.json) ports.stdout.write(`${printJson(columns)}\n`)
  else {
    const names = ['column', 'type', 'nullable', 'partition', 'comment'].map(name => ({ name }))
    ports.stdout.write(printTable(names, columns, { width: lineWidth(ports.stdout) }))
  }
}

async function history(ports: CliPorts, place: TablePlace, options: DetailOptions): Promise<void> {
  const { version } = await readTable(place)
  const { limit } = options
  const commits = await readHistory(place.tables.store, place.tablePath, { upTo: version, limit })
  const rows = commits.map(commitRow)
  if (options.json) ports.stdout.write(`${printJson(rows)}\n`)
  else {
    const shown = rows.map(({ metrics, parameters: _parameters, ...row }) => ({
      ...row,
      metrics: Object.entries(metrics)
        .map(([name, value]) => `${name} ${value}`)
        .join(', '),
    }))
    const names = ['version', 'time', 'operation', 'run', 'metrics'].map(name => ({ name }))
    ports.stdout.write(printTable(names, shown, { width: lineWidth(ports.stdout) }))
  }
}

/** commitInfo is free JSON of whoever wrote it. */
function commitRow({ version, commitInfo }: Commit) {
  const { timestamp, operation, operationMetrics, operationParameters, engineInfo, runId } = commitInfo ?? {}
  return {
    version,
    time: typeof timestamp === 'number' && timestamp >= 0 ? isoInstant(timestamp) : null,
    operation: operation ?? null,
    run: typeof runId === 'string' ? runId : null,
    engine: engineInfo ?? null,
    parameters: textsOf(operationParameters),
    metrics: textsOf(operationMetrics),
  }
}

function textsOf(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, String(item)]))
}
