/**
 * ObjectStore over a BlobService: paths become keys, faults become errors a caller of any store knows. A write that
 * failed says NOT_WRITTEN only when no request of it can still take effect.
 */
import { open } from 'node:fs/promises'
import {
  type Claim,
  type ClaimOptions,
  compareBytes,
  DeltaError,
  type ObjectStore,
  type Rival,
  splitStorePath,
  type StoredObject,
  type StoreOptions,
} from '@tidemark/delta'
import type { BlobService, OpenUpload } from './blob-service.ts'
import { claimByLease } from './claim-by-lease.ts'
import { claimBySwap } from './claim-by-swap.ts'
import { type CreateOutcome, decideCreate } from './decide-create.ts'
import { isOpen, StorageFault } from './fault.ts'
import { fetchFile } from './fetch-file.ts'
import { Pages } from './pages.ts'
import { type AskOptions, type RequestLimits, Requests } from './requests.ts'
import type { RetryPorts } from './retry.ts'
import { PART_BYTES, partReader, sendFile } from './send-file.ts'
import { storageProblem } from './storage-problem.ts'
import type { StorageUsage } from './usage.ts'

export interface RemoteStoreOptions extends RetryPorts {
  readonly service: BlobService
  /** How people and other programs name the lake: `s3://bucket/prefix`, without a slash at the end. */
  readonly address: string
  /** Put before every path: empty, or with a slash at the end. */
  readonly prefix: string
  readonly limits?: RequestLimits | undefined
}

export class RemoteStore implements ObjectStore {
  readonly #options: RemoteStoreOptions
  readonly #requests: Requests
  readonly #pages: Pages

  constructor(options: RemoteStoreOptions) {
    this.#options = options
    this.#requests = new Requests(options.service, options, options.limits)
    const explain = (error: unknown, path: string): unknown => this.#explained(error, path)
    this.#pages = new Pages({ requests: this.#requests, prefix: options.prefix, explain })
  }

  /** Requests and bytes so far. */
  get usage(): StorageUsage {
    return this.#requests.usage.total
  }

  /** As whom requests are made, in words and without secrets; known best after the first request. */
  describeLogin(): Promise<string> {
    return this.#options.service.describeLogin()
  }

  async get(path: string, { signal }: StoreOptions = {}): Promise<Uint8Array> {
    const key = this.#key(path)
    const work = () => this.#requests.ask(request => this.#options.service.read(key, request), { signal })
    const { bytes } = await this.#translated(path, work)
    this.#requests.usage.received(bytes.length)
    return bytes
  }

  async putIfAbsent(path: string, bytes: Uint8Array, { signal }: StoreOptions = {}): Promise<'created' | 'exists'> {
    const creation = { key: this.#key(path), mark: this.#options.ids.uuid(), signal, sentBytes: bytes.length }
    const outcome = await decideCreate(this.#requests, creation, request =>
      this.#options.service.create(creation.key, bytes, { ...request, mark: creation.mark }),
    )
    return this.#settled(path, outcome)
  }

  async put(path: string, bytes: Uint8Array, { signal }: StoreOptions = {}): Promise<void> {
    const key = this.#key(path)
    let mayBeDone = false
    const onFault = (fault: StorageFault): void => {
      mayBeDone ||= isOpen(fault)
    }
    const options: AskOptions = { signal, sentBytes: bytes.length, onFault }
    try {
      await this.#requests.ask(request => this.#options.service.replace(key, bytes, request), options)
    } catch (error) {
      if (!(error instanceof StorageFault)) throw error
      this.#settled(path, { kind: 'failed', fault: error, mayBeDone })
    }
  }

  async putFile(path: string, localFile: string, { signal }: StoreOptions = {}): Promise<'created' | 'exists'> {
    const key = this.#key(path)
    const file = await open(localFile, 'r')
    try {
      const { size } = await file.stat()
      const readPart = partReader(file, { path, size })
      if (size <= PART_BYTES) return await this.putIfAbsent(path, await readPart(0), { signal })
      const sent = { key, size, readPart, signal, newMark: () => this.#options.ids.uuid() }
      return this.#settled(path, await sendFile(this.#requests, sent))
    } finally {
      await file.close()
    }
  }

  async *list(prefix: string, options: { startAfter?: string | undefined } = {}): AsyncGenerator<StoredObject> {
    const found = this.#pages.objects(prefix, options.startAfter)
    yield* this.#inOrder(found, (a, b) => compareBytes(a.path, b.path))
  }

  async *listFolders(folder: string): AsyncGenerator<string> {
    yield* this.#inOrder(this.#pages.folders(folder), (a, b) => compareBytes(`${a}/`, `${b}/`))
  }

  async delete(path: string): Promise<void> {
    const key = this.#key(path)
    try {
      await this.#requests.ask(request => this.#options.service.remove(key, request))
    } catch (error) {
      if (error instanceof StorageFault && error.kind === 'missing') return
      throw this.#problem(error, path)
    }
  }

  async claim(path: string, bytes: Uint8Array, options: ClaimOptions): Promise<Claim | Rival> {
    const { service, ids } = this.#options
    const { claims } = service
    const request = { ...options, requests: this.#requests, key: this.#key(path), bytes, newId: () => ids.uuid() }
    const found = await this.#translated(path, () =>
      claims.kind === 'lease' ? claimByLease(claims, request) : claimBySwap(claims, request),
    )
    if (found.kind === 'rival') return found
    return {
      kind: 'claim',
      renew: (next, at) => this.#translated(path, () => found.renew(next, at)),
      release: () => this.#translated(path, () => found.release()),
    }
  }

  /** The address by which other programs know the object; nothing on this machine can be opened by it. */
  locate(path: string): string {
    return `${this.#options.address}/${splitStorePath(path).join('/')}`
  }

  /**
   * Bring an object of known size into a new local file, in ranges that are each asked for again when one is cut.
   *
   * @throws {DeltaError} FILE_INVALID when the object is of another size, or is replaced meanwhile
   */
  async download(path: string, size: number, localFile: string, signal?: AbortSignal): Promise<void> {
    const key = this.#key(path)
    await this.#translated(path, () => fetchFile(this.#requests, { path, key, size, localFile, signal }))
  }

  /** Uploads below the lake's prefix that stay until somebody gives them up, each with the way to do so. */
  async *unfinishedUploads(
    signal?: AbortSignal,
  ): AsyncGenerator<{ path: string; startedAt: number; abandon: () => Promise<void> }> {
    for await (const { upload, path } of this.#pages.uploads(signal))
      yield { path, startedAt: upload.startedAt, abandon: () => this.#abandon(upload, path, signal) }
  }

  /** End idle connections. */
  close(): void {
    this.#options.service.close()
  }

  #key(path: string): string {
    return this.#options.prefix + splitStorePath(path).join('/')
  }

  async #abandon(upload: OpenUpload, path: string, signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#requests.ask(request => this.#options.service.abandonUpload(upload, request), { signal })
    } catch (error) {
      if (!(error instanceof StorageFault && error.kind === 'missing')) throw this.#problem(error, path)
    }
  }

  /** Where the service lists in another order, all is waited for. */
  async *#inOrder<Item>(found: AsyncIterable<Item>, compare: (a: Item, b: Item) => number): AsyncGenerator<Item> {
    if (this.#options.service.listsInByteOrder) {
      yield* found
      return
    }
    const all: Item[] = []
    for await (const item of found) all.push(item)
    yield* all.sort(compare)
  }

  async #translated<T>(path: string, read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      throw this.#explained(error, path)
    }
  }

  /** What a reader is told. */
  #explained(error: unknown, path: string): unknown {
    if (error instanceof StorageFault && error.kind === 'missing')
      return new DeltaError('NOT_FOUND', `${path} does not exist.`, { path }, error)
    return this.#problem(error, path)
  }

  #problem(error: unknown, path: string): unknown {
    return error instanceof StorageFault ? storageProblem(error, this.#options.address, path) : error
  }

  /** The outcome of a write as its caller knows it: NOT_WRITTEN when it certainly did not take effect. */
  #settled(path: string, outcome: CreateOutcome): 'created' | 'exists' {
    if (outcome.kind !== 'failed') return outcome.kind
    const problem = storageProblem(outcome.fault, this.#options.address, path)
    if (outcome.mayBeDone) throw problem
    throw new DeltaError('NOT_WRITTEN', `${path} was not written: ${problem.message}`, { path }, problem)
  }
}
