/**
 * The folder in which DuckDB leaves files that are not part of any table yet.
 */
import { mkdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface Scratch {
  /** Do work in a new folder, which is removed afterwards; its own folders are made, too. */
  inFolder<T>(name: string, folders: readonly string[], work: (folder: string) => Promise<T>): Promise<T>
  describe(file: string): Promise<{ size: bigint; modificationTime: number }>
}

/** @param root absolute folder; made when it is first used */
export function duckdbScratch(root: string): Scratch {
  return {
    async inFolder(name, folders, work) {
      const folder = join(root, name)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      try {
        for (const inner of folders) await mkdir(join(folder, inner), { mode: 0o700 })
        return await work(folder)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
    async describe(file) {
      const { size, mtimeMs } = await stat(file)
      return { size: BigInt(size), modificationTime: Math.floor(mtimeMs) }
    },
  }
}
