/** The command line as a whole: one file a command, listed here in the order a newcomer meets them. */
import { Command } from 'commander'
import { addAuditCommand } from './commands/audit.ts'
import { addBackfillCommand } from './commands/backfill.ts'
import { addDoctorCommand } from './commands/doctor.ts'
import { addExplainCommand } from './commands/explain.ts'
import { addInitCommand } from './commands/init.ts'
import { addOptimizeCommand } from './commands/optimize.ts'
import { addPlanCommand } from './commands/plan.ts'
import { addQuarantineCommand } from './commands/quarantine.ts'
import { addQueryCommand } from './commands/query.ts'
import { addRunCommand } from './commands/run.ts'
import { addRunsCommand } from './commands/runs.ts'
import { addStatusCommand } from './commands/status.ts'
import { addTablesCommand } from './commands/tables.ts'
import { addTraceCommand } from './commands/trace.ts'
import { addVacuumCommand } from './commands/vacuum.ts'
import { addValidateCommand } from './commands/validate.ts'
import { addVerifyCommand } from './commands/verify.ts'
import type { ProjectRoot } from './open-project.ts'
import type { CliPorts } from './ports.ts'
import { VERSION } from './version.ts'

/** Build the command line. `at` tells, after parsing, which project folder a command worked on. */
export function createProgram(ports: CliPorts, at: ProjectRoot = { root: ports.cwd }): Command {
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
  const add = [
    addInitCommand,
    addValidateCommand,
    addDoctorCommand,
    addPlanCommand,
    addRunCommand,
    addBackfillCommand,
    addVerifyCommand,
    addAuditCommand,
    addTraceCommand,
    addStatusCommand,
    addRunsCommand,
    addQueryCommand,
    addTablesCommand,
    addOptimizeCommand,
    addVacuumCommand,
    addQuarantineCommand,
    addExplainCommand,
  ]
  for (const addCommand of add) addCommand(program, ports, at)
  return program
}
