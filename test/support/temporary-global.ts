/**
 * Temporary folders of a test run lie in memory where the machine has enough of it: a lake and its servers wait for the disk
 * at every commit, and no test is about the disk's speed. `TMPDIR` given from outside is kept.
 */
import { mkdir, readdir, readFile, rm, statfs } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
const PREFIX = 'tidemark-tests-'
const GIB = 1024 ** 3
/** A whole run keeps less than one at a time; the tests themselves need two. */
const NEEDED = { folder: 2 * GIB, machine: 5 * GIB }

export default async function setup(): Promise<void> {
  if (process.env['TMPDIR'] !== undefined || !(await hasRoom())) return
  await removeFoldersOfTheDead()
  const folder = join(MEMORY, `${PREFIX}${process.pid}`)
  // Servers run under an account of their own and have to pass.
  await mkdir(folder, { mode: 0o755 })
  process.env['TMPDIR'] = folder
  // Programs and threads that tests start from the sources compile them once.
  process.env['NODE_COMPILE_CACHE'] ??= join(folder, 'compiled')
  process.once('exit', () => {
    try {
      rmSync(folder, { recursive: true, force: true })
    } catch {
      // A run that is broken off leaves servers that are still ending and write there; the next run removes the rest.
    }
  })
}

/** Programs must be allowed there, too: packages are installed and run in temporary folders. */
async function hasRoom(): Promise<boolean> {
  try {
    const mounts = (await readFile('/proc/mounts', 'utf8')).split('\n').map(line => line.split(' '))
    const [, , type, options = ''] = mounts.findLast(([, folder]) => folder === MEMORY) ?? []
    const { bavail, bsize } = await statfs(MEMORY)
    const isFit = type === 'tmpfs' && !options.split(',').includes('noexec')
    return isFit && bavail * bsize > NEEDED.folder && freemem() > NEEDED.machine
  } catch {
    return false
  }
}

/** What a killed run left in memory would stay there until the machine is started again. */
async function removeFoldersOfTheDead(): Promise<void> {
  for (const name of await readdir(MEMORY)) {
    if (!name.startsWith(PREFIX) || isAlive(Number(name.slice(PREFIX.length)))) continue
    // Another account's stays, and is that account's to remove.
    await rm(join(MEMORY, name), { recursive: true, force: true }).catch(() => undefined)
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
