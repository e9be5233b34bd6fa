/**
 * Scratch folders under `_tmp` of a lake, one a process at work. A folder's name says who owns it, from the moment it
 * exists, so a sweep can tell the dead from the living and leaves alone what it did not make.
 */
import { createHash } from 'node:crypto'
import { lstat, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { firstLine } from '../errors/first-line.ts'
import { LAKE_NOT_WRITABLE } from '../errors/run.ts'
import type { Processes } from './lease.ts'

const FOLDER = '_tmp'
/** Nobody here can ask whether a process of another host lives; its scratch is kept for a day after its last change. */
const FOREIGN_AGE_MS = 24 * 60 * 60 * 1000
/** `<work>.<host>.<pid>.<process>`, host and process as hashes, which are safe in any path. */
const NAME = /\.(?<host>[0-9a-f]{12})\.(?<pid>\d{1,10})\.(?<process>[0-9a-f]{12})$/

/**
 * Make the scratch folder of a piece of work and give its path. Readable by its owner alone.
 *
 * @param work what it is for, safe in a path and unlike any other, such as a run id
 * @throws {LAKE_NOT_WRITABLE} it cannot be made, or `_tmp` is a link out of the lake
 */
export async function makeScratch(root: string, work: string, processes: Processes): Promise<string> {
  const { host, pid } = processes
  const owner = `${short(host)}.${pid}.${short(processes.identify(pid) ?? 'unknown')}`
  const scratch = join(root, FOLDER, `${work}.${owner}`)
  try {
    await mkdir(join(root, FOLDER), { recursive: true, mode: 0o700 })
    if (!(await isFolder(join(root, FOLDER)))) throw new Error(`${FOLDER} is not a folder of the lake but a link`)
    await mkdir(scratch, { mode: 0o700 })
    return scratch
  } catch (error) {
    throw LAKE_NOT_WRITABLE(
      { lake: root, reason: firstLine(error) },
      { cause: error, state: 'Nothing was read or written.' },
    )
  }
}

/** Remove the scratch of processes that are no more. Keeps that of the living, and everything that is not a scratch folder. */
export async function sweepScratch(root: string, processes: Processes, now: number): Promise<void> {
  const folder = join(root, FOLDER)
  if (!(await isFolder(folder))) return
  for (const entry of await readdir(folder)) {
    const path = join(folder, entry)
    const owner = NAME.exec(entry)?.groups
    if (owner !== undefined && !(await isAlive(owner, path, processes, now))) {
      await rm(path, { recursive: true, force: true })
    }
  }
}

async function isAlive(
  owner: Record<string, string>,
  path: string,
  processes: Processes,
  now: number,
): Promise<boolean> {
  if (owner['host'] === short(processes.host)) {
    const process = processes.identify(Number(owner['pid']))
    return process !== undefined && short(process) === owner['process']
  }
  const found = await lstat(path).catch(() => undefined)
  return found !== undefined && now - found.mtimeMs < FOREIGN_AGE_MS
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() === true
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
