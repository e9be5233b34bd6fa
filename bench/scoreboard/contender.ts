/**
 * One tool on one small table of its own: run it, kill it, read what is in its target. The scenarios know nothing else of
 * a tool, so that all of them meet the same.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

export interface Command {
  program: string
  args: readonly string[]
  cwd: string
  env: NodeJS.ProcessEnv
}

/** A row of the target; values as text. */
export interface Loaded {
  id: string
  qty: string | null
}

export interface Subject {
  /** An increment, or everything again. */
  command(what: 'increment' | 'reload'): Command
  /** What a reader of the target finds now; nothing while there is no table. */
  read(): Promise<Loaded[]>
  count(): Promise<number>
  /** A value of a row that did not fit its column, where the tool keeps such values; left out where it keeps none. */
  rescued?(id: string, column: string): Promise<string | null>
  /** The newest file in which the tool itself keeps how far it got; undefined where it keeps that with the rows. */
  stateFile(): Promise<string | undefined>
}

export interface Contender {
  name: string
  /** A subject with an empty target; `url` names the database that has `public.changes`. */
  open(at: { url: string; target: string; folder: string }): Promise<Subject>
}

const LONGEST_MS = 180_000

/** Start a command as the head of a process group of its own. */
export function start({ program, args, cwd, env }: Command): ChildProcess {
  return spawn(program, args, { cwd, env, stdio: 'ignore', detached: true })
}

/** Run a command to its end; gives its exit code, and null when it had to be killed. */
export async function finish(child: ChildProcess): Promise<number | null> {
  const timer = setTimeout(() => killGroup(child), LONGEST_MS)
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  clearTimeout(timer)
  return child.exitCode
}

/** What a power cut does to all processes of a command. */
export function killGroup(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
    process.kill(-child.pid, 'SIGKILL')
}
