/**
 * Containment of the local store: a path may not leave the root, neither by its text nor through a symbolic link.
 */
import { realpathSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'
import { DeltaError } from '../errors.ts'

/**
 * Return `file` when its real place is below the real `root`; throws PATH_INVALID otherwise. Parts that do not exist
 * yet count as they are written. `path` is the name for the message.
 */
export function containedPath(root: string, file: string, path: string): string {
  const realRoot = realPlace(root)
  if (!realPlace(file).startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep)) {
    throw new DeltaError('PATH_INVALID', `${path} leads outside the store through a symbolic link.`, { path })
  }
  return file
}

/** The path with symbolic links resolved as far as it exists. */
function realPlace(file: string): string {
  try {
    return realpathSync.native(file)
  } catch (error) {
    const parent = dirname(file)
    if (parent === file || !isMissing(error)) throw error
    return join(realPlace(parent), basename(file))
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')
}
