/** What a command is handed from outside the process; tests bring their own. */
import type { Clock, Ids } from '../model/ports.ts'
import type { TerminalStream } from '../report/terminal.ts'
import type { Processes } from '../run/lease.ts'

export interface CliPorts {
  /** Results and nothing else. */
  stdout: TerminalStream
  /** Progress, warnings and errors. */
  stderr: TerminalStream
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  /** Existing folder outside every lake, for what a reader may have to spill. */
  temporary: string
  clock: Clock
  ids: Ids
  processes: Processes
  startTicker: (everyMs: number, tick: () => void) => () => void
  signal: AbortSignal
  /** Ask the person at the terminal; left out where there is none. */
  confirm?: ((question: string, signal: AbortSignal) => Promise<boolean>) | undefined
  /** The exit code the process will have. */
  exit: (code: number) => void
}
