/** `trace`: one row followed from the source through bronze and silver to the history tables. */
import { type Command, InvalidArgumentError } from 'commander'
import { printJson } from '../../report/json.ts'
import { lineWidth } from '../../report/terminal.ts'
import { renderTrace } from '../../report/trace-lines.ts'
import { traceKey } from '../../run/trace/trace-key.ts'
import { createSourceOpener } from '../source-opener.ts'
import { openReaderOf } from '../open-lake.ts'
import { addProjectOptions, openProjectToLook, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { reportProblems } from '../report-problems.ts'

type TraceOptions = ProjectOptions & { json?: true }

export function addTraceCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program
      .command('trace')
      .description(
        'one row: as it is in the source, its versions in bronze, what silver made of each, its history in gold',
      ),
  )
    .argument('<table>', 'a table of bronze or silver, with or without the layer')
    .argument('<key...>', 'column=value for each column of the key', collectKey)
    .option('--json', 'one JSON document on standard output')
    .action((table: string, key: ReadonlyMap<string, string>, options: TraceOptions) =>
      trace(ports, { table, key }, options, at),
    )
}

function collectKey(text: string, earlier: ReadonlyMap<string, string> | undefined): ReadonlyMap<string, string> {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('write it as column=value')
  return new Map([...(earlier ?? []), [text.slice(0, equals), text.slice(equals + 1)]])
}

async function trace(
  ports: CliPorts,
  wanted: { table: string; key: ReadonlyMap<string, string> },
  options: TraceOptions,
  at: ProjectRoot,
): Promise<void> {
  const loaded = await openProjectToLook(ports, options, at, ['sources'])
  const { clock, ids, signal } = ports
  await using lake = await openReaderOf(ports, loaded)
  const opener = createSourceOpener(ports, loaded)
  const { project } = loaded
  const found = await traceKey({ ports: { clock, ids, opener }, project, lake, ...wanted, signal })
  if (options.json) ports.stdout.write(`${printJson(found.trace)}\n`)
  else ports.stdout.write(renderTrace(found.trace, { width: lineWidth(ports.stdout) }))
  reportProblems(ports, found.problems)
}
