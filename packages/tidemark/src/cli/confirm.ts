/** Asking the person at the terminal for a yes; anything else, and leaving, is a no. */
import { createInterface } from 'node:readline/promises'
import type { CliPorts } from './ports.ts'

type Terminal = { isTTY?: boolean }

/** Undefined where input or output is no terminal: nobody is there to answer. */
export function terminalConfirm(
  input: NodeJS.ReadableStream & Terminal,
  output: NodeJS.WritableStream & Terminal,
): CliPorts['confirm'] {
  if (input.isTTY !== true || output.isTTY !== true) return undefined
  return async (question, signal) => {
    const terminal = createInterface({ input, output })
    const left = new Promise<string>(resolve => terminal.once('close', () => resolve('')))
    // While it is asked, Ctrl-C comes here and not as a signal.
    terminal.once('SIGINT', () => terminal.close())
    const answer = terminal.question(`${question} [y/N] `, { signal }).catch((error: unknown) => {
      if (signal.aborted) throw error
      return ''
    })
    try {
      return isYes(await Promise.race([answer, left]))
    } finally {
      terminal.close()
    }
  }
}

function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer.trim())
}
