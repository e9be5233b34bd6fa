/** A server as a child process on loopback, ready when it says so on its output; it ends with whoever started it. */
import { spawn } from 'node:child_process'

export interface Child extends AsyncDisposable {
  /** What the pattern found in the output. */
  readonly found: string
}

/** @param ready with one group, whose text is `found` */
export async function startChild(
  command: string,
  args: readonly string[],
  ready: RegExp,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  const found = await new Promise<string>((resolve, reject) => {
    let output = ''
    const read = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-100_000)
      const match = ready.exec(output)
      if (match?.[1] !== undefined) resolve(match[1])
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    child.once('close', code => reject(new Error(`${command} ended with ${code}: ${output}`)))
  })
  return {
    found,
    [Symbol.asyncDispose]: async () => {
      process.off('exit', kill)
      kill()
      await ended
    },
  }
}
