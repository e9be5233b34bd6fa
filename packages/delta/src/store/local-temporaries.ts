/**
 * Temporary files of a local store: the bytes of an object before it has its name. They are never listed; one that a
 * process left when it was killed belongs to nobody.
 */
import { randomUUID } from 'node:crypto'
import { opendir, rm, stat } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { hasCode } from './local-file.ts'

const PREFIX = '.tmp-'
const NAME = /^\.tmp-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function isTemporaryName(name: string): boolean {
  return name.startsWith(PREFIX)
}

/** A name in the folder of the file that it may become. */
export function temporaryBeside(file: string): string {
  return join(dirname(file), `${PREFIX}${randomUUID()}`)
}

/**
 * Remove the temporary files below a folder that were last written before a time (milliseconds since 1970 UTC): long ago,
 * so that none of them is still on its way. Links are not followed.
 *
 * @returns their paths inside the folder, also when `dryRun` leaves them there
 *
 * @example
 * ```ts
 * console.log(await removeLeftTemporaries(folder, { before: Date.UTC(2000, 0) })) // []
 * ```
 */
export async function removeLeftTemporaries(
  root: string,
  { before, dryRun = false }: { before: number; dryRun?: boolean },
): Promise<readonly string[]> {
  const left: string[] = []
  try {
    for await (const entry of await opendir(root, { recursive: true })) {
      if (!entry.isFile() || !NAME.test(entry.name)) continue
      const path = join(entry.parentPath, entry.name)
      const found = await stat(path).catch(() => undefined)
      if (found !== undefined && found.mtimeMs < before) left.push(path)
    }
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error
  }
  if (!dryRun) for (const path of left) await rm(path, { force: true })
  return left.map(path => relative(root, path)).sort()
}
