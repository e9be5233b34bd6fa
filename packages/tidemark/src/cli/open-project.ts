/** Options every command about a project shares, and the project they lead to. */
import { type Command, InvalidArgumentError } from 'commander'
import { type LoadedProject, loadProject } from '../config/load-project.ts'
import { renderProblem } from '../errors/render.ts'
import { loadFlows } from '../flows/language/load-flows.ts'
import { wantsColour } from '../report/terminal.ts'
import type { CliPorts } from './ports.ts'

export interface ProjectOptions {
  project?: string
  target?: string
  var: Readonly<Record<string, string>>
}

/** Where the project was found; errors show lines of its files. */
export interface ProjectRoot {
  root: string
}

export function addProjectOptions(command: Command): Command {
  return command
    .option('-p, --project <folder>', 'folder of tidemark.yml (default: the working folder)')
    .option('-t, --target <name>', 'target to use instead of the default one')
    .option('--var <name=value>', 'value of a variable; may be given several times', collectVar, {})
}

function collectVar(text: string, earlier: Record<string, string>): Record<string, string> {
  const equals = text.indexOf('=')
  if (equals < 1) throw new InvalidArgumentError('write it as name=value')
  return { ...earlier, [text.slice(0, equals)]: text.slice(equals + 1) }
}

/** Load and check the project; warnings go to standard error. */
export async function openProject(ports: CliPorts, options: ProjectOptions, at: ProjectRoot): Promise<LoadedProject> {
  const root = options.project ?? ports.cwd
  at.root = root
  const loaded = await loadProject({
    root,
    target: options.target,
    vars: options.var,
    env: ports.env,
    loadFlows,
    signal: ports.signal,
  })
  const colour = wantsColour(ports.stderr, ports.env)
  for (const warning of loaded.warnings) {
    ports.stderr.write(`${renderProblem(warning, { colour, severity: 'warning' })}\n`)
  }
  return loaded
}
