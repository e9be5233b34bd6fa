/** What `doctor` found as lines for people: a word, what was looked at, what it is, and what to do about it. Pure. */
import { plainLine } from '../errors/plain-text.ts'
import type { DoctorReport, Finding } from '../model/finding.ts'

/** Every line ends in a newline. Scripts come last, whole, so that they can be copied. */
export function doctorText({ secrets, sources, lake }: DoctorReport): string {
  const all = [...secrets, ...sources.flatMap(({ findings }) => findings), ...lake.findings]
  const sections = [
    ...(secrets.length === 0 ? [] : [section('secrets kept in vaults', secrets)]),
    ...sources.map(({ source, type, findings }) => section(`source ${source} (${type})`, findings)),
    section(`lake ${lake.place}`, lake.findings),
    ...sources.flatMap(({ source, grants }) =>
      grants.length === 0
        ? []
        : [
            `-- the least a login of source ${plainLine(source)} needs, to be run by an administrator\n${grants.map(plainStatement).join('')}`,
          ],
    ),
  ]
  const count = (level: Finding['level']): number => all.filter(one => one.level === level).length
  const problems = count('problem')
  const warnings = count('warning')
  return `${sections.join('\n')}\n${word(problems, 'problem')}, ${word(warnings, 'warning')}\n`
}

function section(heading: string, findings: readonly Finding[]): string {
  return `${plainLine(heading)}\n${findings.map(lines).join('')}`
}

function lines({ level, about, says, remedy }: Finding): string {
  const first = `  ${level.padEnd(7)}  ${about.padEnd(11)}  ${plainLine(says)}\n`
  return remedy === undefined ? first : `${first}           → ${plainLine(remedy)}\n`
}

function plainStatement(statement: string): string {
  return `${plainLine(statement)}\n`
}

function word(count: number, singular: string): string {
  return `${count === 0 ? 'no' : count} ${singular}${count === 1 ? '' : 's'}`
}
