/**
 * ObjectStore over a BlobService. A create whose answer was lost is asked again, and the mark on the object then tells
 * whether it was ours, so the outcome is known or the error says that it is not.
 */
import { open } from 'node:fs/promises'
import {
  compareBytes,
  DeltaError,
  isStorePath,
  type ObjectStore,
  splitStorePath,
  type StoredObject,
  type StoreOptions,
} from '@tidemark/delta'
import type { BlobService, RequestOptions } from './blob-service.ts'
import { isOpen, StorageFault } from './fault.ts'
import { Retry, type RetryPorts } from './retry.ts'
import { storageProblem } from './storage-problem.ts'
import { type StorageUsage, UsageCounter } from './usage.ts'

/** Larger files are sent in parts of this size, and read in ranges of it. */
export const PART_BYTES: number = 8 * 1024 * 1024
/** A request without its whole answer by then is given up and asked again. */
const REQUEST_MS = 120_000

export interface RemoteStoreOptions extends RetryPorts {
  readonly service: BlobService
  /** How people and other programs name the lake: `s3://bucket/prefix`, without a slash at the end. */
  readonly address: string
  /** Put before every path: empty, or with a slash at the end. */
  readonly prefix: string
}

export class RemoteStore implements ObjectStore {
  readonly #options: RemoteStoreOptions
  readonly #usage = new UsageCounter()
  readonly #retry: Retry

  constructor(options: RemoteStoreOptions) {
    this.#options = options
    this.#retry = new Retry(options)
  }

  /** Requests and bytes so far. */
  get usage(): StorageUsage {
    return this.#usage.total
  }

  async get(path: string, { signal }: StoreOptions = {}): Promise<Uint8Array> {
    const key = this.#key(path)
    const { bytes } = await this.#read(path, signal, request => this.#options.service.read(key, request))
    this.#usage.received(bytes.length)
    return bytes
  }

  async putIfAbsent(path: string, bytes: Uint8Array, { signal }: StoreOptions = {}): Promise<'created' | 'exists'> {
    const key = this.#key(path)
    const mark = this.#options.ids.uuid()
    const create = (request: RequestOptions): Promise<void> =>
      this.#options.service.create(key, bytes, { ...request, mark })
    return await this.#create(path, { mark, signal, sentBytes: bytes.length }, create)
  }

  async put(path: string, bytes: Uint8Array, { signal }: StoreOptions = {}): Promise<void> {
    const key = this.#key(path)
    const write = new Attempts(path)
    try {
      await this.#ask(request => this.#options.service.replace(key, bytes, request), {
        signal,
        sentBytes: bytes.length,
        onFault: write.note,
      })
    } catch (error) {
      throw write.failure(this.#translated(error, path), error)
    }
  }

  async putFile(path: string, localFile: string, { signal }: StoreOptions = {}): Promise<'created' | 'exists'> {
    this.#key(path)
    const file = await open(localFile, 'r')
    try {
      const { size } = await file.stat()
      const readPart = async (start: number): Promise<Uint8Array> => {
        const bytes = Buffer.alloc(Math.min(PART_BYTES, size - start))
        const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
        if (bytesRead === bytes.length) return bytes
        throw new DeltaError('NOT_WRITTEN', `${path} was not written: the local file became shorter.`, { path })
      }
      if (size <= PART_BYTES) return await this.putIfAbsent(path, await readPart(0), { signal })
      return await this.#upload(path, { size, readPart, signal })
    } finally {
      await file.close()
    }
  }

  async *list(prefix: string, options: { startAfter?: string | undefined } = {}): AsyncGenerator<StoredObject> {
    const { service } = this.#options
    const found = this.#listAll(prefix === '' ? '' : `${splitStorePath(prefix).join('/')}/`, options.startAfter)
    if (service.listsInByteOrder) {
      yield* found
      return
    }
    const all: StoredObject[] = []
    for await (const object of found) all.push(object)
    yield* all.sort((a, b) => compareBytes(a.path, b.path))
  }

  async delete(path: string): Promise<void> {
    const key = this.#key(path)
    try {
      await this.#ask(request => this.#options.service.remove(key, request), {})
    } catch (error) {
      if (error instanceof StorageFault && error.kind === 'missing') return
      throw this.#translated(error, path)
    }
  }

  /** The address by which other programs know the object; nothing on this machine can be opened by it. */
  locate(path: string): string {
    return `${this.#options.address}/${splitStorePath(path).join('/')}`
  }

  /** Bring an object of known size into a new local file, in ranges that are each asked for again when one is cut. */
  async download(path: string, size: number, localFile: string, signal?: AbortSignal): Promise<void> {
    const key = this.#key(path)
    const file = await open(localFile, 'wx', 0o600)
    try {
      let etag: string | undefined
      for (let start = 0; start < size; start += PART_BYTES) {
        const range = { start, end: Math.min(size, start + PART_BYTES) }
        const answer = await this.#read(path, signal, request =>
          this.#options.service.read(key, { ...request, range, etag }),
        )
        etag ??= answer.etag
        this.#usage.received(answer.bytes.length)
        await file.write(answer.bytes, 0, answer.bytes.length, start)
      }
    } finally {
      await file.close()
    }
  }

  /** End idle connections. */
  close(): void {
    this.#options.service.close()
  }

  #key(path: string): string {
    return this.#options.prefix + splitStorePath(path).join('/')
  }

  async #read<T>(
    path: string,
    signal: AbortSignal | undefined,
    read: (request: RequestOptions) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#ask(read, { signal })
    } catch (error) {
      if (error instanceof StorageFault && error.kind === 'missing')
        throw new DeltaError('NOT_FOUND', `${path} does not exist.`, { path }, error)
      throw this.#translated(error, path)
    }
  }

  async #upload(
    path: string,
    file: { size: number; readPart: (start: number) => Promise<Uint8Array>; signal: AbortSignal | undefined },
  ): Promise<'created' | 'exists'> {
    const { size, readPart, signal } = file
    const mark = this.#options.ids.uuid()
    const started = new Attempts(path)
    const upload = await this.#ask(
      request => this.#options.service.startUpload(this.#key(path), { ...request, mark }),
      { signal },
    ).catch((error: unknown) => {
      throw started.failure(this.#translated(error, path), error)
    })
    try {
      for (let index = 0; index * PART_BYTES < size; index += 1) {
        const bytes = await readPart(index * PART_BYTES)
        await this.#ask(request => upload.part(index, bytes, request), { signal, sentBytes: bytes.length })
      }
    } catch (error) {
      await this.#ask(request => upload.abandon(request), {}).catch(() => undefined)
      // Parts are no object.
      throw started.failure(this.#translated(error, path), error)
    }
    const outcome = await this.#create(path, { mark, signal }, request => upload.finish(request))
    if (outcome === 'exists') await this.#ask(request => upload.abandon(request), {}).catch(() => undefined)
    return outcome
  }

  /** One conditional create, asked until its outcome is known. */
  async #create(
    path: string,
    { mark, signal, sentBytes }: { mark: string; signal: AbortSignal | undefined; sentBytes?: number },
    create: (request: RequestOptions) => Promise<void>,
  ): Promise<'created' | 'exists'> {
    const write = new Attempts(path)
    try {
      await this.#ask(create, { signal, sentBytes, onFault: write.note })
      return 'created'
    } catch (error) {
      const isTaken = error instanceof StorageFault && (error.kind === 'exists' || error.kind === 'missing')
      if (isTaken && !write.mayBeDone) {
        if (error.kind === 'exists') return 'exists'
      } else if (isTaken) return (await this.#isMarked(path, mark)) ? 'created' : 'exists'
      throw write.failure(this.#translated(error, path), error)
    }
  }

  async #isMarked(path: string, mark: string): Promise<boolean> {
    const key = this.#key(path)
    // Without the caller's signal: whoever gave up, too, must learn what happened.
    return await this.#read(
      path,
      undefined,
      async request => (await this.#options.service.readMark(key, request)) === mark,
    )
  }

  async *#listAll(folder: string, startAfter: string | undefined): AsyncGenerator<StoredObject> {
    const { service, prefix } = this.#options
    let token: string | undefined
    do {
      const from = { token, after: startAfter === undefined ? undefined : prefix + startAfter }
      const page = await this.#read(folder, undefined, request =>
        service.listPage(prefix + folder, { ...request, ...from }),
      )
      for (const { key, size, modifiedAt } of page.objects) {
        const path = key.slice(prefix.length)
        // A name that is no path of a store can only be somebody else's.
        if (!isStorePath(path) || (startAfter !== undefined && compareBytes(path, startAfter) <= 0)) continue
        yield { path, size, modifiedAt }
      }
      token = page.next
    } while (token !== undefined)
  }

  async #ask<T>(
    work: (request: RequestOptions) => Promise<T>,
    options: {
      signal?: AbortSignal | undefined
      sentBytes?: number | undefined
      onFault?: (fault: StorageFault) => void
    },
  ): Promise<T> {
    const { signal, sentBytes = 0, onFault } = options
    const attempt = async (): Promise<T> => {
      const limit = AbortSignal.timeout(REQUEST_MS)
      this.#usage.sent(sentBytes)
      try {
        return await work({ signal: signal === undefined ? limit : AbortSignal.any([signal, limit]) })
      } catch (error) {
        signal?.throwIfAborted()
        throw limit.aborted ? new StorageFault('unknown', { code: `no answer in ${REQUEST_MS / 1000} s` }) : error
      }
    }
    return await this.#retry.run(attempt, { signal, ...(onFault === undefined ? {} : { onFault }) })
  }

  #translated(error: unknown, path: string): unknown {
    return error instanceof StorageFault ? storageProblem(error, this.#options.address, path) : error
  }
}

/** What the tries of one write have left open. */
class Attempts {
  readonly #path: string
  mayBeDone = false

  constructor(path: string) {
    this.#path = path
  }

  readonly note = (fault: StorageFault): void => {
    this.mayBeDone ||= isOpen(fault)
  }

  /** NOT_WRITTEN when the write certainly did not take effect; otherwise the error as it is. */
  failure(translated: unknown, fault: unknown): unknown {
    if (this.mayBeDone || !(fault instanceof StorageFault)) return translated
    const reason = translated instanceof Error ? translated.message : String(translated)
    return new DeltaError('NOT_WRITTEN', `${this.#path} was not written: ${reason}`, { path: this.#path }, translated)
  }
}
