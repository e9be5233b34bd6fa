/** The real command line as a child process, in the project's folder: the demo uses nothing that a user lacks. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { TARGET_ARGS } from './lake-store.ts'
import { say } from './story.ts'

const PROGRAM = fileURLToPath(new URL('../../packages/tidemark/bin/tidemark.js', import.meta.url))
/** Where project, lake and database are: here, or in the copy of the project that DEMO_FOLDER names. */
export const PROJECT: string = process.env['DEMO_FOLDER'] ?? fileURLToPath(new URL('.', import.meta.url))

/** Show the command and its output as it comes; throws when it ends with another exit code than expected. */
export async function showCommand(command: readonly string[], expectedExit = 0): Promise<void> {
  const args = [...command, ...TARGET_ARGS]
  say(`$ tidemark ${args.map(quote).join(' ')}`)
  // What we printed must not come after what the child prints.
  const child = spawn(process.execPath, [PROGRAM, ...args], { cwd: PROJECT, env: environment(), stdio: 'inherit' })
  await ended(child, args, expectedExit)
}

/** Run the command unseen and read what it printed on standard output as one JSON document. */
export async function readCommand(command: readonly string[]): Promise<unknown> {
  const args = [...command, ...TARGET_ARGS]
  const child = spawn(process.execPath, [PROGRAM, ...args, '--json'], {
    cwd: PROJECT,
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  await ended(child, args, 0)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

async function ended(child: ReturnType<typeof spawn>, args: readonly string[], expectedExit: number): Promise<void> {
  const [code] = (await once(child, 'close')) as [number | null]
  if (code === expectedExit) return
  throw new Error(`tidemark ${args[0] ?? ''} ended with exit code ${code ?? 'none'}, expected ${expectedExit}`)
}

/** Variables of the shell would win over the project's .env, and an identity of its own over that of the demo. */
function environment(): NodeJS.ProcessEnv {
  const ours = /^(APP_DATABASE_URL|SMTP_URL|TIDEMARK_VAR_lake_endpoint|LAKE_KEY|LAKE_KEY_ID|AZURE_.*)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

function quote(arg: string): string {
  return /^[\w./:=-]+$/.test(arg) ? arg : `"${arg}"`
}
