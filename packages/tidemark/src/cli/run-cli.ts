/** Run one command line. Never rejects: what goes wrong is printed with its way out and becomes the exit code. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { CommanderError } from 'commander'
import { maskLiteralSecrets } from '../config/redact.ts'
import { Problems } from '../errors/problem.ts'
import { exitCodeOf, renderProblem } from '../errors/render.ts'
import { type TerminalStream, wantsColour } from '../report/terminal.ts'
import { findProblem } from '../run/problem-fact.ts'
import type { ProjectRoot } from './open-project.ts'
import type { CliPorts } from './ports.ts'
import { createProgram } from './program.ts'

export async function runCli(args: readonly string[], given: CliPorts): Promise<void> {
  const project: ProjectRoot = { root: given.cwd }
  const ports = { ...given, stderr: maskedStream(given.stderr, text => project.redact?.(text) ?? text) }
  try {
    const program = await createProgram(ports, project, args[0])
    await program.parseAsync([...args], { from: 'user' })
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      ports.exit(thrown.exitCode === 0 ? 0 : 2)
      return
    }
    const error: unknown = ports.signal.aborted ? ports.signal.reason : thrown
    const shown = error instanceof Problems ? error : (findProblem(error, 'the lake') ?? error)
    const readSource = (file: string): string | undefined =>
      file === project.typed?.name ? project.typed.text : readText(resolve(project.root, file))
    ports.stderr.write(`${renderProblem(shown, { colour: wantsColour(ports.stderr, ports.env), readSource })}\n`)
    ports.exit(exitCodeOf(shown))
  }
}

/** The same stream, whatever becomes of its size; what is written to it goes through `redact`. */
function maskedStream(stream: TerminalStream, redact: (text: string) => string): TerminalStream {
  const write = (text: string): unknown => stream.write(redact(text))
  return Object.create(stream, { write: { value: write } }) as TerminalStream
}

function readText(path: string): string | undefined {
  try {
    return maskLiteralSecrets(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}
