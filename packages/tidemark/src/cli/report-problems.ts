/** Problems that did not keep a command from the rest of its answer: told after it, and in the exit code. */
import type { Problem } from '../errors/problem.ts'
import { exitCodeOf, renderProblem } from '../errors/render.ts'
import { wantsColour } from '../report/terminal.ts'
import type { CliPorts } from './ports.ts'

/** Show each problem once on standard error; the exit code is the gravest, and stays what it is without any. */
export function reportProblems(ports: CliPorts, problems: Iterable<Problem>): void {
  const shown = new Map([...problems].map(problem => [faultOf(problem), problem]))
  if (shown.size === 0) return
  const colour = wantsColour(ports.stderr, ports.env)
  for (const problem of shown.values()) ports.stderr.write(`${renderProblem(problem, { colour })}\n`)
  ports.exit(Math.max(...[...shown.values()].map(exitCodeOf)))
}

/** The same words about two places of the project are two faults. */
function faultOf({ code, message, place }: Problem): string {
  return [code, message, place?.file, place?.line, place?.column].join(' ')
}
