/**
 * ObjectStore over a local folder. A commit is a hard link from a finished, synced temporary file, so a reader sees a
 * whole object or none, and of any number of racing writers exactly one creates it.
 */
import type { Dirent } from 'node:fs'
import { chmod, copyFile, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { DeltaError, isDeltaError } from '../errors.ts'
import { containedPath } from './contained-path.ts'
import { createExclusively, hasCode, linkNew, makeFolder, syncFile, syncFolder, writeNew } from './local-file.ts'
import type { CreateOptions, ObjectStore, StoredObject, StoreOptions } from './store.ts'
import { compareBytes, isStorePath, splitStorePath } from './store-path.ts'
import { isTemporaryName, temporaryBeside } from './local-temporaries.ts'

/** Error codes by which file systems say that they have no hard links, or none between these two places. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])

/** Files whose size and time are asked for together while listing. */
const DESCRIBED_AT_ONCE = 64

interface Described {
  readonly path: string
  /** True for a file that is no link. */
  readonly isPlain: boolean
}

/**
 * A store in a local folder. Writes are synced, and of racing writers of one path exactly one wins.
 *
 * @example
 * ```ts
 * const local = new LocalStore(folder)
 * console.log(await local.putIfAbsent('t/once', new Uint8Array([1]))) // created
 * console.log(await local.putIfAbsent('t/once', new Uint8Array([2]))) // exists
 * ```
 */
export class LocalStore implements ObjectStore {
  readonly #root: string

  /** `root` is a folder; it is created with the first write. */
  constructor(root: string) {
    this.#root = resolve(root)
  }

  async get(path: string, options: StoreOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted()
    const file = this.locate(path)
    try {
      return await readFile(file, { signal: options.signal })
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) {
        throw new DeltaError('NOT_FOUND', `${path} does not exist.`, { path }, error)
      }
      throw error
    }
  }

  async putIfAbsent(path: string, bytes: Uint8Array, options: CreateOptions = {}): Promise<'created' | 'exists'> {
    const file = this.locate(path)
    const temporary = await notWritten(path, () => this.#writeTemporary(file, bytes, options))
    try {
      return await this.#publish(path, { temporary, file, options })
    } finally {
      await rm(temporary, { force: true })
    }
  }

  async put(path: string, bytes: Uint8Array, options: StoreOptions = {}): Promise<void> {
    const file = this.locate(path)
    const temporary = await notWritten(path, () => this.#writeTemporary(file, bytes, options))
    try {
      await rename(temporary, file)
      await syncFolder(dirname(file))
    } finally {
      await rm(temporary, { force: true })
    }
  }

  async putFile(path: string, localFile: string, options: StoreOptions = {}): Promise<'created' | 'exists'> {
    const file = this.locate(path)
    await notWritten(path, async () => {
      options.signal?.throwIfAborted()
      await makeFolder(dirname(file))
      await chmod(localFile, 0o600)
      await syncFile(localFile)
    })
    try {
      return await linkNew(localFile, file)
    } catch (error) {
      if (!hasCode(error, ...NO_LINKS)) throw refused(path, error)
    }
    const temporary = temporaryBeside(file)
    try {
      await notWritten(path, async () => {
        await copyFile(localFile, temporary)
        await syncFile(temporary)
      })
      return await this.#publish(path, { temporary, file, options })
    } finally {
      await rm(temporary, { force: true })
    }
  }

  async *list(prefix: string, options: { startAfter?: string | undefined } = {}): AsyncGenerator<StoredObject> {
    const segments = prefix === '' ? [] : splitStorePath(prefix)
    yield* this.#walk(segments.join('/'), options.startAfter)
  }

  async delete(path: string): Promise<void> {
    await rm(this.locate(path), { force: true })
  }

  locate(path: string): string {
    return containedPath(this.#root, join(this.#root, ...splitStorePath(path)), path)
  }

  async #writeTemporary(file: string, bytes: Uint8Array, options: CreateOptions): Promise<string> {
    options.signal?.throwIfAborted()
    await makeFolder(dirname(file))
    const temporary = temporaryBeside(file)
    try {
      await writeNew(temporary, bytes, options)
      options.signal?.throwIfAborted()
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    return temporary
  }

  async #publish(
    path: string,
    { temporary, file, options }: { temporary: string; file: string; options: CreateOptions },
  ): Promise<'created' | 'exists'> {
    try {
      return await linkNew(temporary, file, options)
    } catch (error) {
      if (!hasCode(error, ...NO_LINKS)) throw refused(path, error)
    }
    return createExclusively(file, await readFile(temporary))
  }

  async *#walk(folder: string, startAfter: string | undefined): AsyncGenerator<StoredObject> {
    let files: Described[] = []
    for (const entry of await this.#entries(folder)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) {
        yield* await this.#describeAll(files)
        files = []
        const skip =
          startAfter !== undefined && !startAfter.startsWith(`${path}/`) && compareBytes(`${path}/`, startAfter) < 0
        if (!skip) yield* this.#walk(path, startAfter)
      } else if (startAfter === undefined || compareBytes(path, startAfter) > 0) {
        files.push({ path, isPlain: entry.isFile() })
        if (files.length < DESCRIBED_AT_ONCE) continue
        yield* await this.#describeAll(files)
        files = []
      }
    }
    yield* await this.#describeAll(files)
  }

  /** Entries in the order their full paths have: a folder sorts as its name and a slash. */
  async #entries(folder: string): Promise<Dirent[]> {
    try {
      const entries = await readdir(folder === '' ? this.#root : this.locate(folder), { withFileTypes: true })
      const key = (entry: Dirent): string => (entry.isDirectory() ? `${entry.name}/` : entry.name)
      return entries.filter(e => isListed(e.name)).sort((a, b) => compareBytes(key(a), key(b)))
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []
      throw error
    }
  }

  async #describeAll(files: readonly Described[]): Promise<StoredObject[]> {
    const found = await Promise.all(files.map(file => this.#describe(file)))
    return found.filter(object => object !== undefined)
  }

  /**
   * Links to files inside the root are listed as files; links to folders are not followed, since they can loop, and links
   * out of the root are passed over: one that somebody put there must not hide everything else. What is no link lies
   * where its folder lies, and that was looked at.
   */
  async #describe({ path, isPlain }: Described): Promise<StoredObject | undefined> {
    try {
      const found = await stat(isPlain ? join(this.#root, path) : this.locate(path))
      return found.isFile() ? { path, size: found.size, modifiedAt: found.mtimeMs } : undefined
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP') || isDeltaError(error, 'PATH_INVALID')) return undefined
      throw error
    }
  }
}

/** Temporary files are nobody's, and a name that is no path of the store can only be somebody else's. */
function isListed(name: string): boolean {
  return !isTemporaryName(name) && isStorePath(name)
}

/** Run the part of a write that publishes nothing, and say so when it fails. */
async function notWritten<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new DeltaError('NOT_WRITTEN', `${path} was not written: ${reasonOf(error)}.`, { path }, error)
  }
}

/** A link refused by the file system made nothing; any other failure came after it and leaves the outcome open. */
function refused(path: string, error: unknown): unknown {
  if (!hasSystemCall(error, 'link')) return error
  return new DeltaError('NOT_WRITTEN', `${path} was not written: ${reasonOf(error)}.`, { path }, error)
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function hasSystemCall(error: unknown, name: string): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === name
}
