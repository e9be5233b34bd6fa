/**
 * Somebody who may read a lake and not write in it. Permission bits do not bind root, so root hands the command to
 * another user; anybody else takes the right to write from the files.
 */
import { execFileSync } from 'node:child_process'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type CliProject, type Ended, TIDEMARK } from './cli.ts'
import { runProgram } from '../packaging/programs.ts'

const isRoot = process.getuid?.() === 0
/** The user and group that own nothing. */
const NOBODY = '65534'
const STEP_DOWN = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', process.execPath]

/** False where root cannot hand Node and the program to another user: no setpriv, or a repository only root can enter. */
export const hasReader: boolean = !isRoot || isRunBySomebodyElse()

function isRunBySomebodyElse(): boolean {
  try {
    execFileSync('setpriv', [...STEP_DOWN, TIDEMARK, '--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/**
 * Run a command of the project as the reader. `may` says what the files allow the reader meanwhile: `allBut` a folder, in which
 * nothing can be written.
 */
export async function asReader(
  project: CliProject,
  may: 'read' | 'nothing' | { allBut: string },
  ...args: string[]
): Promise<Ended> {
  // Ours is not the reader's to write; without one each command would compile everything again.
  const cache = join(project.root, 'reader-cache')
  await mkdir(cache, { recursive: true })
  await chmod(cache, 0o777)
  const env = { NO_COLOR: '1', NODE_COMPILE_CACHE: cache, ...project.env }
  await chmod(project.root, 0o755)
  const mode = (bits: string): void => void execFileSync('chmod', ['-R', bits, project.lake])
  if (typeof may === 'object') {
    mode(isRoot ? 'a+rwX' : 'u+rwX')
    await chmod(join(project.lake, may.allBut), 0o555)
  } else mode(isRoot ? (may === 'read' ? 'a+rX' : 'go=') : may === 'read' ? 'u=rX' : 'u=')
  try {
    return isRoot
      ? await runProgram('setpriv', [...STEP_DOWN, TIDEMARK, ...args], { cwd: project.root, env })
      : await runProgram(process.execPath, [TIDEMARK, ...args], { cwd: project.root, env })
  } finally {
    mode(isRoot ? 'u=rwX,go-w' : 'u=rwX')
  }
}
