/** `validate`: everything that can be known to be wrong without touching a database. */
import type { Command } from 'commander'
import { type Problem, Problems } from '../../errors/problem.ts'
import { plural } from '../../report/numbers.ts'
import { checkFlows, checkRules } from '../../run/check-flows.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { openReaderOf } from '../open-lake.ts'

export function addValidateCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(program.command('validate').description('check the project without touching a database')).action(
    async (options: ProjectOptions) => {
      const loaded = await openProject(ports, options, at, [])
      const { project, unusable } = loaded
      await using lake = await openReaderOf(ports, loaded)
      const rules = await checkRules(lake.engine, project)
      const problems = [...unusable, ...rules, ...(await checkFlows(lake.engine, project).then(() => [], problemsOf))]
      if (problems.length > 0) throw new Problems(problems)
      const flows = project.flows.reduce((sum, source) => sum + source.flows.length + source.datasets.length, 0)
      const counts = [
        plural(project.sources.length, 'source'),
        project.tables.length === 1 ? '1 table entry' : `${project.tables.length} table entries`,
        flows === 1 ? '1 flow or dataset' : `${flows} flows and datasets`,
      ].join(', ')
      ports.stdout.write(`${project.name} (target ${project.target.name}) is valid: ${counts}\n`)
    },
  )
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof Problems) return error.problems
  throw error
}
