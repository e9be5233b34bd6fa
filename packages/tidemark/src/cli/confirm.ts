/** Asking the person at the terminal for a yes; anything else is a no. */
import { createInterface } from 'node:readline/promises'
import type { CliPorts } from './ports.ts'

/** Undefined where input or output is no terminal: nobody is there to answer. */
export function terminalConfirm(input: NodeJS.ReadStream, output: NodeJS.WriteStream): CliPorts['confirm'] {
  if (input.isTTY !== true || output.isTTY !== true) return undefined
  return async (question, signal) => {
    const terminal = createInterface({ input, output })
    try {
      return isYes(await terminal.question(`${question} [y/N] `, { signal }))
    } finally {
      terminal.close()
    }
  }
}

function isYes(answer: string): boolean {
  return /^y(es)?$/i.test(answer.trim())
}
