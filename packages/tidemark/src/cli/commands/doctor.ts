/** `doctor`: whether sources and lake can be used, by whom, with which rights, and the script that gives the least. */
import type { Command } from 'commander'
import { Problems } from '../../errors/problem.ts'
import { exitCodeOf } from '../../errors/render.ts'
import type { DoctorReport, Finding } from '../../model/finding.ts'
import { doctorText } from '../../report/doctor-lines.ts'
import { printJson } from '../../report/json.ts'
import { examineProject } from '../../run/doctor/examine-project.ts'
import { problemFact } from '../../run/problem-fact.ts'
import { examineSecrets } from '../examine-secrets.ts'
import { addProjectOptions, openProject, type ProjectOptions, type ProjectRoot } from '../open-project.ts'
import type { CliPorts } from '../ports.ts'
import { remoteLakeOf } from '../remote-lake.ts'
import { createSourceOpener } from '../source-opener.ts'

export function addDoctorCommand(program: Command, ports: CliPorts, at: ProjectRoot): void {
  addProjectOptions(
    program.command('doctor').description('look at sources and lake: reachable, as whom, rights missing and in excess'),
  )
    .option('--json', 'one JSON document on standard output')
    .action(async (options: ProjectOptions & { json?: true }) => {
      const loaded = await openProject(ports, options, at)
      const opener = createSourceOpener(ports, loaded)
      const remote = remoteLakeOf(ports, loaded)
      const report = await examineProject(loaded.project, {
        opener,
        remote,
        secrets: () => examineSecrets(loaded),
        signal: ports.signal,
      })
      ports.stdout.write(
        options.json ? `${printJson(toJson(loaded.project.target.name, report))}\n` : doctorText(report),
      )
      const findings = [...report.secrets, ...[...report.sources, report.lake].flatMap(one => one.findings)]
      const problems = findings.flatMap(({ problem }) => problem ?? [])
      if (problems.length > 0) ports.exit(exitCodeOf(new Problems(problems)))
    })
}

function toJson(target: string, { secrets, sources, lake }: DoctorReport): object {
  const findingJson = (finding: Finding): object => ({
    ...finding,
    problem: finding.problem === undefined ? undefined : problemFact(finding.problem, finding.about),
  })
  return {
    target,
    secrets: secrets.map(findingJson),
    sources: sources.map(one => ({ ...one, findings: one.findings.map(findingJson) })),
    lake: { ...lake, findings: lake.findings.map(findingJson) },
  }
}
