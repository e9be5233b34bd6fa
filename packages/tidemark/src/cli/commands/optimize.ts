/** `optimize`: put small and worn files of a table together, or lay its rows out by Z-order. */
import type { Command } from 'commander'
import { printJson } from '../../report/json.ts'
import { findTable } from '../../run/delta-tables.ts'
import { optimizeTable } from '../../run/maintain-table.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import { openLakeOf } from '../open-lake.ts'
import { outsideOf } from '../outside-lake.ts'
import type { CliPorts } from '../ports.ts'

interface OptimizeCommandOptions extends ProjectOptions {
  zOrder?: string
  json?: true
}

export function addOptimizeCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program.command('optimize').description('put small files of a table together; the rows stay the same'),
  )
    .argument('<table>', 'for example silver.DimUser')
    .option(
      '--z-order <columns>',
      'lay rows out by these columns, separated by commas, so that conditions on them skip files',
    )
    .option('--json', 'one JSON document on standard output')
    .action(async (table: string, options: OptimizeCommandOptions) => {
      const loaded = await openProject(ports, options, at, [])
      await using lake = await openLakeOf(ports, loaded)
      const place = await findTable(lake, table, outsideOf(ports, loaded))
      const zOrderBy = options.zOrder?.split(',').map(column => column.trim())
      const done = await optimizeTable({ ...ports, lake }, place, { zOrderBy, signal: ports.signal })
      if (options.json) ports.stdout.write(`${printJson({ table: place.name, metrics: done?.metrics ?? null })}\n`)
      else if (done === undefined) ports.stdout.write(`${place.name} has no files that would gain.\n`)
      else {
        const { numRemovedFiles, numAddedFiles, numRemovedBytes, numAddedBytes } = done.metrics
        ports.stdout.write(
          `${place.name}: ${numRemovedFiles} files with ${numRemovedBytes} bytes became ${numAddedFiles} with ${numAddedBytes}.\n`,
        )
      }
    })
}
