/** What may be done in a folder of this machine, and how much fits, found without writing. Facts only. */
import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface FolderProbe {
  /** The folder itself, or the nearest one above it while it does not exist. */
  readonly folder: string
  /** Why nothing can be written there; undefined when it can. */
  readonly refused: string | undefined
  readonly freeBytes: bigint
}

/** A folder in which nothing can be written, and why. */
export interface FolderRefusal {
  readonly folder: string
  readonly refused: string
}

export async function probeFolder(path: string): Promise<FolderProbe> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined && path !== dirname(path)) return await probeFolder(dirname(path))
  if (!found?.isDirectory()) return { folder: path, refused: 'it is not a folder', freeBytes: 0n }
  const { bavail, bsize } = await statfs(path, { bigint: true })
  return { folder: path, refused: await refusal(path), freeBytes: bavail * bsize }
}

/**
 * The first folder below this one, by name, in which nothing can be written: those in `names`, and two levels below each. Others
 * that lie there are nobody's business.
 */
export async function findRefused(path: string, names: readonly string[]): Promise<FolderRefusal | undefined> {
  return await findIn(path, 2, await foldersOf(path, names))
}

async function findIn(path: string, levels: number, names: readonly string[]): Promise<FolderRefusal | undefined> {
  for (const name of names) {
    const folder = join(path, name)
    const refused = await refusal(folder)
    if (refused !== undefined) return { folder, refused }
    const found = levels === 0 ? undefined : await findIn(folder, levels - 1, await foldersOf(folder))
    if (found !== undefined) return found
  }
  return undefined
}

async function foldersOf(path: string, wanted?: readonly string[]): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true })
  return entries
    .filter(entry => entry.isDirectory() && wanted?.includes(entry.name) !== false)
    .map(({ name }) => name)
    .sort()
}

async function refusal(folder: string): Promise<string | undefined> {
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return `permission denied (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'})`
  }
}
