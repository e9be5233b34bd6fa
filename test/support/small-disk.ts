/** A disk that is soon full: a file system in memory, which only root can mount. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** False for anybody but root, and where a container's root may not mount either. */
export const hasSmallDisk: boolean = canMount()

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
    execFileSync('umount', [folder], { stdio: 'ignore' })
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export interface SmallDisk {
  /** Give the disk another size, such as `64m`. */
  resize(size: string): void
  makeReadOnly(): void
  /** Fill it with one file until only this much is free. */
  fill(leaveBytes: number): Promise<void>
}

/** Mount a disk of this size, such as `8m`, at a folder, until the test ends. */
export function mountSmallDisk(folder: string, size: string): SmallDisk {
  mkdirSync(folder, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder])
  onTestFinished(() => void execFileSync('umount', ['--lazy', folder]))
  return {
    makeReadOnly: () => void execFileSync('mount', ['-o', 'remount,ro', folder]),
    resize: to => void execFileSync('mount', ['-o', `remount,size=${to}`, folder]),
    fill: async leaveBytes => {
      const { bavail, bsize } = await statfs(folder)
      await writeFile(join(folder, 'filler'), Buffer.alloc(Math.max(0, bavail * bsize - leaveBytes)))
    },
  }
}
