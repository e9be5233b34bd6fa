/** `init`: a project to start from; with a database's URL, its tables, keys and cursors. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { InitTable } from '../../config/init-files.ts'
import { initProject } from '../../config/init-project.ts'
import { typeOfUrl, usualSchema } from '../../config/url-type.ts'
import type { SourceTable } from '../../sources/source.ts'
import type { ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { openSourceUrl } from '../source-opener.ts'

export function addInitCommand(program: Command, ports: CliPorts, _at: ProjectRoot): void {
  program
    .command('init')
    .description('make a project: a commented starter, or one that fits the database of a URL')
    .argument('[url]', 'postgres://, mysql:// or mssql://user:password@host:port/database, or sqlite:path/to.db')
    .option('-p, --project <folder>', 'folder of the new project (default: the working folder)')
    .action((url: string | undefined, options: { project?: string }) => init(ports, url, options))
}

async function init(ports: CliPorts, url: string | undefined, options: { project?: string }): Promise<void> {
  const root = resolve(ports.cwd, options.project ?? '.')
  const database = url === undefined ? undefined : { url, describe: () => describe(ports, url) }
  const written = await initProject({ root, database })
  for (const path of written) ports.stdout.write(`${path}\n`)
  const next = url === undefined ? 'edit tidemark.yml, then tidemark validate' : 'tidemark plan, then tidemark run'
  ports.stderr.write(`next: ${next}\n`)
}

async function describe(ports: CliPorts, url: string): Promise<readonly InitTable[]> {
  const source = await openSourceUrl(ports, { name: 'app', url, timezone: 'UTC' })
  try {
    const listed = await source.listTables(ports.signal)
    // A MySQL account often sees the databases of others; the one of the URL is meant.
    const wanted = typeOfUrl(url) === 'mysql' ? listed.filter(({ schema }) => schema === usualSchema(url)) : listed
    const { tables } = await source.probe(wanted, ports.signal)
    return [...tables.values()].filter((table): table is SourceTable => !(table instanceof Error))
  } finally {
    await source.close()
  }
}
