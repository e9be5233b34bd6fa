/** What may be done in a folder of this machine, and how much fits, found without writing. Facts only. */
import { access, constants, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface FolderProbe {
  /** The folder itself, or the nearest one above it while it does not exist. */
  readonly folder: string
  /** Why nothing can be written there; undefined when it can. */
  readonly refused: string | undefined
  readonly freeBytes: bigint
}

export async function probeFolder(path: string): Promise<FolderProbe> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined && path !== dirname(path)) return await probeFolder(dirname(path))
  if (!found?.isDirectory()) return { folder: path, refused: 'it is not a folder', freeBytes: 0n }
  const { bavail, bsize } = await statfs(path, { bigint: true })
  return { folder: path, refused: await refusal(path), freeBytes: bavail * bsize }
}

async function refusal(folder: string): Promise<string | undefined> {
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    return `permission denied (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown'})`
  }
}
