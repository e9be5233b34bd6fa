/**
 * The programs a user has: the machine's own Node and npm, not the ones this repository installed. Under `npm test`
 * npm tells us where they are; in a shell the running Node stands in.
 */
import { execFileSync, spawn } from 'node:child_process'

/** The Node that npm itself runs on, which may be older than what the product needs. */
export const machineNode: string = process.env['npm_node_execpath'] ?? process.execPath

/** Can a Node run the product itself, or must the launcher look for another? */
export function isCurrentNode(node: string): boolean {
  const [major = 0, minor = 0] = execFileSync(node, ['--version'], { encoding: 'utf8' }).slice(1).split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 18)
}

export interface Ended {
  /** Exit code, or -1 when a signal ended the process. */
  exit: number
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

interface Start {
  cwd: string
  env?: NodeJS.ProcessEnv
  /** Called with each piece of standard output: lets a test act at a moment instead of after a time. */
  onOutput?: (text: string, kill: (signal: NodeJS.Signals) => void) => void
}

/** Run a program to its end with no standard input. Never rejects because of an exit code. */
export function runProgram(program: string, args: readonly string[], { cwd, env, onOutput }: Start): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      onOutput?.(text, signal => child.kill(signal))
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (exit, signal) => resolve({ exit: exit ?? -1, signal, stdout, stderr }))
  })
}

/** Run npm on the machine's Node; throws with npm's own words when it fails. */
export async function runNpm(args: readonly string[], cwd: string): Promise<string> {
  const npm = process.env['npm_execpath']
  const ended = npm?.endsWith('npm-cli.js')
    ? await runProgram(machineNode, [npm, ...args], { cwd })
    : await runProgram('npm', args, { cwd })
  if (ended.exit !== 0) throw new Error(`npm ${args.join(' ')} ended with ${ended.exit}\n${ended.stderr}`)
  return ended.stdout
}
