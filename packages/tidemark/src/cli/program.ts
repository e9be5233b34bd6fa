/** The command line as a whole: one file a command, listed here in the order a newcomer meets them. */
import { Command } from 'commander'
import type { ProjectRoot } from './open-project.ts'
import type { CliPorts } from './ports.ts'
import { VERSION } from './version.ts'

type AddCommand = (program: Command, ports: CliPorts, at: ProjectRoot) => void

/** A command is loaded when it is wanted: what the others import is a fifth of the time in which a run starts. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  init: async () => (await import('./commands/init.ts')).addInitCommand,
  validate: async () => (await import('./commands/validate.ts')).addValidateCommand,
  doctor: async () => (await import('./commands/doctor.ts')).addDoctorCommand,
  plan: async () => (await import('./commands/plan.ts')).addPlanCommand,
  run: async () => (await import('./commands/run.ts')).addRunCommand,
  backfill: async () => (await import('./commands/backfill.ts')).addBackfillCommand,
  verify: async () => (await import('./commands/verify.ts')).addVerifyCommand,
  audit: async () => (await import('./commands/audit.ts')).addAuditCommand,
  trace: async () => (await import('./commands/trace.ts')).addTraceCommand,
  status: async () => (await import('./commands/status.ts')).addStatusCommand,
  runs: async () => (await import('./commands/runs.ts')).addRunsCommand,
  query: async () => (await import('./commands/query.ts')).addQueryCommand,
  tables: async () => (await import('./commands/tables.ts')).addTablesCommand,
  optimize: async () => (await import('./commands/optimize.ts')).addOptimizeCommand,
  vacuum: async () => (await import('./commands/vacuum.ts')).addVacuumCommand,
  quarantine: async () => (await import('./commands/quarantine.ts')).addQuarantineCommand,
  explain: async () => (await import('./commands/explain.ts')).addExplainCommand,
}

/**
 * Build the command line. `at` tells, after parsing, which project folder a command worked on.
 *
 * @param first the first word of the command line; when that is a command, no other is loaded
 */
export async function createProgram(
  ports: CliPorts,
  at: ProjectRoot = { root: ports.cwd },
  first?: string,
): Promise<Command> {
  const program = new Command('tidemark')
    .description('Copy operational tables into bronze, silver and gold Delta tables, exactly, and prove it.')
    .version(VERSION)
    .showHelpAfterError('(tidemark --help lists the commands)')
    .exitOverride()
    .configureOutput({
      writeOut: text => void ports.stdout.write(text),
      writeErr: text => void ports.stderr.write(text),
    })
    .addHelpText('after', '\nExit codes: 0 done, 1 a step failed, 2 the project is wrong, 3 the environment is wrong.')
  const only = first !== undefined && Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined
  const wanted = only === undefined ? Object.values(COMMANDS) : [only]
  const loaded = await Promise.all(wanted.map(async load => await load()))
  for (const addCommand of loaded) addCommand(program, ports, at)
  return program
}
