/**
 * The command that figures are taken of, as npm installs it: built, and laid out without its source. A checkout, which runs
 * TypeScript, starts a quarter of a second later.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Below the repository, where the packages that it needs are found. */
const home = join(root, '.cache', 'bench-command')

/** File to start with Node. */
export const TIDEMARK: string = layOut()

function layOut(): string {
  const [tsc, bundle] = [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), join(root, 'scripts', 'bundle.js')]
  for (const step of [[tsc, '-b'], [bundle]]) {
    const { status, stdout, stderr } = spawnSync(process.execPath, step, { cwd: root, encoding: 'utf8' })
    if (status !== 0) throw new Error(`the command cannot be built\n${stdout}${stderr}`)
  }
  rmSync(home, { recursive: true, force: true })
  for (const part of ['bin', 'dist', 'package.json']) {
    cpSync(join(root, 'packages', 'tidemark', part), join(home, part), { recursive: true })
  }
  return join(home, 'bin', 'tidemark.js')
}
