/**
 * FileCache: a folder of copies that any number of processes share, bounded in size; what was read longest ago goes first.
 * A reader gets a hard link of its own, so no eviction takes a file from under it.
 */
import { createHash } from 'node:crypto'
import { link, mkdir, readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../model/ports.ts'

export interface FileCacheOptions {
  /** Absolute; made with the first copy. Nothing else may lie in it. */
  readonly folder: string
  readonly limitBytes: number
  readonly clock: Pick<Clock, 'now'>
}

/** The folder is looked through again when this part of the limit was added; so far may a process go beyond it. */
const SCAN_SHARE = 16

export class FileCache {
  readonly #options: FileCacheOptions
  /** Bytes added since the folder was last looked through; undefined before the first time. */
  #added: number | undefined
  #trimming: Promise<void> | undefined

  constructor(options: FileCacheOptions) {
    this.#options = options
  }

  /**
   * Link the copy that `key` names to a new file; false when there is none of the size, or none that can be linked there. A
   * power cut can leave a copy shorter than it was: it is removed, and fetched again.
   */
  async take(key: string, file: string, size: bigint): Promise<boolean> {
    const copy = this.#place(key)
    try {
      if ((await stat(copy, { bigint: true })).size !== size) {
        await rm(copy, { force: true })
        return false
      }
      await link(copy, file)
    } catch {
      return false
    }
    await this.#touch(copy)
    return true
  }

  /** Keep a finished file that never changes. That it cannot be kept is no error: the next reader fetches it. */
  async add(key: string, file: string): Promise<void> {
    const { folder, limitBytes } = this.#options
    const { size } = await stat(file)
    if (size > limitBytes) return
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await link(file, this.#place(key))
    } catch {
      return
    }
    await this.#touch(this.#place(key))
    if (this.#added !== undefined) this.#added += size
    if (this.#added === undefined || this.#added * SCAN_SHARE >= limitBytes) await this.trim(limitBytes)
  }

  /** Remove the copies read longest ago until the rest fits. */
  async trim(limitBytes: number): Promise<void> {
    this.#trimming ??= this.#trim(limitBytes).finally(() => {
      this.#trimming = undefined
    })
    await this.#trimming
  }

  /** Note the use. The time of the last change, by which an engine knows a file, is cut to what any file system can keep. */
  async #touch(copy: string): Promise<void> {
    try {
      const { mtimeMs } = await stat(copy)
      await utimes(copy, this.#options.clock.now() / 1000, Math.floor(mtimeMs / 1000))
    } catch {
      // Evicted by another process in this moment.
    }
  }

  async #trim(limitBytes: number): Promise<void> {
    this.#added = 0
    const copies = await this.#list()
    let bytes = copies.reduce((sum, copy) => sum + copy.size, 0)
    for (const copy of copies.sort((a, b) => a.usedAt - b.usedAt)) {
      if (bytes <= limitBytes) return
      await rm(copy.file, { force: true })
      bytes -= copy.size
    }
  }

  async #list(): Promise<{ file: string; size: number; usedAt: number }[]> {
    const names = await readdir(this.#options.folder).catch(() => [])
    const found = names.map(async name => {
      const file = join(this.#options.folder, name)
      // Another process may have removed it meanwhile.
      const facts = await stat(file).catch(() => undefined)
      return facts?.isFile() ? [{ file, size: facts.size, usedAt: facts.atimeMs }] : []
    })
    return (await Promise.all(found)).flat()
  }

  #place(key: string): string {
    return join(this.#options.folder, createHash('sha256').update(key).digest('hex'))
  }
}
