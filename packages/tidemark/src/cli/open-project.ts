/** Options every command about a project shares, and the project they lead to. */
import { type Command, InvalidArgumentError } from 'commander'
import { knownSecrets, type SecretOwner } from '../config/known-secrets.ts'
import { type LoadedProject, loadProject, ProjectProblems } from '../config/load-project.ts'
import { makeRedactor } from '../config/redact.ts'
import { Vaults } from '../config/vaults.ts'
import type { Problem } from '../errors/problem.ts'
import { renderProblem } from '../errors/render.ts'
import { loadFlows } from '../flows/language/load-flows.ts'
import { wantsColour } from '../report/terminal.ts'
import type { CliPorts } from './ports.ts'

export interface ProjectOptions {
  project?: string
  target?: string
  var: Readonly<Record<string, string>>
}

/** Where the project was found; errors show lines of its files, and none of its secrets. */
export interface ProjectRoot {
  root: string
  /** What was written on the command line, by the name that places in it have instead of a file's. */
  typed?: { name: string; text: string }
  /** Masks the secrets of the project, once they are known. */
  redact?: (text: string) => string
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

/**
 * Load and check the project; warnings go to standard error.
 *
 * @param opens whose secrets the command will open beside those of the lake; only they are fetched from vaults
 * @param tables what the command is about, where it was told: of sources that it does not need nothing is fetched
 */
export async function openProject(
  ports: CliPorts,
  options: ProjectOptions,
  at: ProjectRoot,
  opens?: readonly SecretOwner[],
  tables?: readonly string[],
): Promise<LoadedProject> {
  const root = options.project ?? ports.cwd
  at.root = root
  const loaded = await loadProject({
    root,
    target: options.target,
    vars: options.var,
    env: ports.env,
    loadFlows,
    signal: ports.signal,
    vault: new Vaults(ports, ports.signal),
    opens,
    tables,
  }).catch((error: unknown) => {
    if (error instanceof ProjectProblems && error.reachable !== undefined) maskSecrets(at, error.reachable)
    throw error
  })
  maskSecrets(at, loaded)
  warn(ports, loaded.warnings)
  return loaded
}

/**
 * Load a project for a command that looks at the lake alone. What is wrong with lists and flows is told as a warning: whoever
 * looks for the reason of a failure must be able to look.
 */
export async function openProjectToLook(
  ports: CliPorts,
  options: ProjectOptions,
  at: ProjectRoot,
  opens: readonly SecretOwner[] = [],
): Promise<LoadedProject> {
  try {
    return await openProject(ports, options, at, opens)
  } catch (error) {
    const reachable = error instanceof ProjectProblems ? error.reachable : undefined
    if (!(error instanceof ProjectProblems) || reachable === undefined) throw error
    warn(ports, error.problems)
    return reachable
  }
}

function maskSecrets(at: ProjectRoot, loaded: LoadedProject): void {
  at.redact = makeRedactor(knownSecrets(loaded.project, loaded))
}

function warn({ stderr, env }: CliPorts, problems: readonly Problem[]): void {
  const colour = wantsColour(stderr, env)
  for (const problem of problems) stderr.write(`${renderProblem(problem, { colour, severity: 'warning' })}\n`)
}
