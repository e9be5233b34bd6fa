/**
 * CachedStore: a lake in the cloud as a local engine needs it. What is to be read is held in a folder of this process, by
 * links into a cache that all processes of the machine share; what is written goes up at once.
 */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import {
  type Claim,
  type ClaimOptions,
  type HeldObject,
  type ObjectStore,
  type Rival,
  splitStorePath,
  type StoredObject,
  type StoreOptions,
} from '@tidemark/delta'
import { LAKE_FULL } from '../../errors/run.ts'
import type { StorageUse } from '../../model/event.ts'
import { Allowance } from './allowance.ts'
import type { FileCache } from './file-cache.ts'
import { HeldFiles } from './held-files.ts'
import { WrittenOnce } from './written-once.ts'

/** A store whose objects are fetched before they can be opened. */
export interface DistantStore extends ObjectStore {
  readonly claim: NonNullable<ObjectStore['claim']>
  /** Requests and bytes so far. */
  readonly usage: StorageUse
  /** Bring an object of known size into a new local file. */
  download(path: string, size: number, localFile: string, signal?: AbortSignal): Promise<void>
  listFolders(folder: string): AsyncIterable<string>
}

export interface CachedStoreOptions {
  readonly distant: DistantStore
  readonly cache: FileCache
  /** Absolute folder for what is held, of this process alone. */
  readonly folder: string
  /** Tells two lakes in one cache apart. */
  readonly lake: string
  /** Bytes that may be held at once; no limit when left out. */
  readonly limitBytes?: number | undefined
}

export class CachedStore implements ObjectStore {
  readonly #options: CachedStoreOptions
  readonly #files: HeldFiles
  readonly #once = new WrittenOnce()

  constructor(options: CachedStoreOptions) {
    this.#options = options
    this.#files = new HeldFiles({
      bring: (object, signal) => this.#bring(object, signal),
      locate: path => this.locate(path),
      allowance: new Allowance({ folder: options.folder, limitBytes: options.limitBytes }),
    })
  }

  get usage(): StorageUse {
    return this.#options.distant.usage
  }

  async get(path: string, options: StoreOptions = {}): Promise<Uint8Array> {
    options.signal?.throwIfAborted()
    const known = this.#once.get(path)
    if (known !== undefined) return known
    const bytes = await this.#options.distant.get(path, options)
    this.#once.add(path, bytes)
    return bytes
  }

  async putIfAbsent(path: string, bytes: Uint8Array, options?: StoreOptions): Promise<'created' | 'exists'> {
    const outcome = await this.#options.distant.putIfAbsent(path, bytes, options)
    if (outcome === 'created') this.#once.add(path, bytes)
    return outcome
  }

  put(path: string, bytes: Uint8Array, options?: StoreOptions): Promise<void> {
    this.#once.drop(path)
    return this.#options.distant.put(path, bytes, options)
  }

  async putFile(path: string, localFile: string, options?: StoreOptions): Promise<'created' | 'exists'> {
    const { distant, cache } = this.#options
    const outcome = await distant.putFile(path, localFile, options)
    // What was just written is what is read next. The log's own files can come again under their names, so they do not stay.
    if (outcome === 'created' && !isOfLog(path)) {
      const size = await sizeOf(localFile)
      await cache.add(this.#key(path, size), localFile)
    }
    return outcome
  }

  list(prefix: string, options?: { startAfter?: string | undefined }): AsyncIterable<StoredObject> {
    return this.#options.distant.list(prefix, options)
  }

  listFolders(folder: string): AsyncIterable<string> {
    return this.#options.distant.listFolders(folder)
  }

  delete(path: string): Promise<void> {
    this.#once.drop(path)
    return this.#options.distant.delete(path)
  }

  claim(path: string, bytes: Uint8Array, options: ClaimOptions): Promise<Claim | Rival> {
    return this.#options.distant.claim(path, bytes, options)
  }

  locate(path: string): string {
    return join(this.#options.folder, ...splitStorePath(path))
  }

  address(path: string): string {
    const { distant } = this.#options
    return distant.address?.(path) ?? distant.locate(path)
  }

  hold(objects: readonly HeldObject[], { signal }: StoreOptions = {}): Promise<AsyncDisposable> {
    return this.#files.hold(objects, signal)
  }

  async #bring({ path, size }: HeldObject, signal: AbortSignal | undefined): Promise<void> {
    const { cache } = this.#options
    const file = this.locate(path)
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    if (size === undefined) {
      await this.#whileSpace(
        file,
        async part => await writeFile(part, await this.get(path, { signal }), { mode: 0o600 }),
      )
      return
    }
    const key = this.#key(path, size)
    if (await cache.take(key, file, size)) return
    await this.#whileSpace(file, part => this.#options.distant.download(path, Number(size), part, signal))
    await cache.add(key, file)
  }

  /** Fill a file that appears when it is whole. A full disk is tried once more, without the cache. */
  async #whileSpace(file: string, fill: (part: string) => Promise<void>): Promise<void> {
    const part = `${file}.part`
    for (let tries = 1; ; tries += 1) {
      try {
        await rm(part, { force: true })
        await fill(part)
        await rename(part, file)
        return
      } catch (error) {
        await rm(part, { force: true }).catch(() => undefined)
        if (!isFull(error)) throw error
        if (tries > 1) throw LAKE_FULL({ lake: this.#options.folder }, { cause: error })
        await this.#options.cache.trim(0)
      }
    }
  }

  #key(path: string, size: bigint): string {
    return JSON.stringify([this.#options.lake, path, String(size)])
  }
}

async function sizeOf(file: string): Promise<bigint> {
  return (await stat(file, { bigint: true })).size
}

function isOfLog(path: string): boolean {
  return path.includes('/_delta_log/')
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}
