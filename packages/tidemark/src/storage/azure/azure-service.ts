/**
 * BlobService on an Azure container. Accounts with and without a hierarchical namespace speak the same blob API; the empty
 * blobs by which the former show their folders are passed over.
 */
import { createHash } from 'node:crypto'
import type { BlobLeaseClient, BlockBlobClient, ContainerClient, Metadata } from '@azure/storage-blob'
import type {
  BlobService,
  FolderPage,
  LeaseRequests,
  ListedKey,
  ListPage,
  ListPageOptions,
  MarkedOptions,
  ReadAnswer,
  ReadOptions,
  RequestOptions,
  Upload,
  UploadPage,
} from '../blob-service.ts'
import { checkWritten, StorageFault } from '../fault.ts'
import { azureFault } from './azure-fault.ts'

/** Metadata key of the mark; Azure wants the names of C# identifiers. */
const MARK = 'tidemarkwrite'
const IF_NEW = { ifNoneMatch: '*' } as const
const PAGE_SIZE = 1000

export interface AzureConnection {
  readonly container: ContainerClient
  /** As whom requests are made. */
  readonly describe: () => string
}

export class AzureService implements BlobService {
  /** A hierarchical account lists folder by folder, so `a/b` before `a-b`. */
  readonly listsInByteOrder = false
  readonly #connect: () => AzureConnection
  readonly #now: () => number
  #connection: AzureConnection

  /** @param connect a client that knows no token yet */
  constructor(connect: () => AzureConnection, now: () => number) {
    this.#connect = connect
    this.#connection = connect()
    this.#now = now
  }

  async read(key: string, { range, etag, signal }: ReadOptions): Promise<ReadAnswer> {
    return await this.#guarded(async () => {
      const conditions = etag === undefined ? {} : { ifMatch: etag }
      const [offset, count] = range === undefined ? [0, undefined] : [range.start, range.end - range.start]
      const options = { abortSignal: signal, conditions, maxRetryRequests: 0 }
      const answer = await this.#blob(key).download(offset, count, options)
      if (isFolder(answer.metadata, answer.contentLength)) throw new StorageFault('missing', { code: 'Folder' })
      const bytes = await collect(answer.readableStreamBody)
      if (bytes.length !== answer.contentLength || (count !== undefined && bytes.length !== count))
        throw new StorageFault('unknown', { code: 'the answer was cut' })
      return { bytes, totalBytes: totalOf(answer), etag: answer.etag }
    })
  }

  async create(key: string, bytes: Uint8Array, { mark, signal }: MarkedOptions): Promise<void> {
    const transactionalContentMD5 = md5(bytes)
    const options = { abortSignal: signal, conditions: IF_NEW, metadata: { [MARK]: mark }, transactionalContentMD5 }
    await this.#guarded(async () => checkWritten((await this.#blob(key).upload(bytes, bytes.length, options)).etag))
  }

  async replace(key: string, bytes: Uint8Array, { signal }: RequestOptions): Promise<void> {
    const options = { abortSignal: signal, transactionalContentMD5: md5(bytes) }
    await this.#guarded(async () => checkWritten((await this.#blob(key).upload(bytes, bytes.length, options)).etag))
  }

  /** Blocks that no list names vanish by themselves within a week. */
  startUpload(key: string, { mark }: MarkedOptions): Promise<Upload> {
    const ids: string[] = []
    return Promise.resolve({
      part: async (index, bytes, { signal }) => {
        const id = Buffer.from(`${mark}-${String(index).padStart(6, '0')}`).toString('base64')
        const options = { abortSignal: signal, transactionalContentMD5: md5(bytes) }
        await this.#guarded(() => this.#blob(key).stageBlock(id, bytes, bytes.length, options))
        ids[index] = id
      },
      finish: async ({ signal }) => {
        const options = { abortSignal: signal, conditions: IF_NEW, metadata: { [MARK]: mark } }
        await this.#guarded(async () => checkWritten((await this.#blob(key).commitBlockList(ids, options)).etag))
      },
      abandon: () => Promise.resolve(),
    })
  }

  async readMark(key: string, { signal }: RequestOptions): Promise<string | undefined> {
    return await this.#guarded(async () => {
      const { metadata } = await this.#blob(key).getProperties({ abortSignal: signal })
      return metadata?.[MARK]
    })
  }

  async listPage(prefix: string, { token, signal }: ListPageOptions): Promise<ListPage> {
    return await this.#guarded(async () => {
      const pages = this.#connection.container
        .listBlobsFlat({ prefix, includeMetadata: true, abortSignal: signal })
        .byPage({ maxPageSize: PAGE_SIZE, ...(token === undefined ? {} : { continuationToken: token }) })
      for await (const { segment, continuationToken } of pages) {
        const objects = segment.blobItems.flatMap(({ name, metadata, properties }): ListedKey[] => {
          const { contentLength: size = 0, lastModified } = properties
          return isFolder(metadata, size) ? [] : [{ key: name, size, modifiedAt: lastModified.getTime() }]
        })
        return { objects, next: continuationToken === '' ? undefined : continuationToken }
      }
      return { objects: [], next: undefined }
    })
  }

  async listFolders(prefix: string, { token, signal }: ListPageOptions): Promise<FolderPage> {
    return await this.#guarded(async () => {
      const pages = this.#connection.container
        .listBlobsByHierarchy('/', { prefix, abortSignal: signal })
        .byPage({ maxPageSize: PAGE_SIZE, ...(token === undefined ? {} : { continuationToken: token }) })
      for await (const { segment, continuationToken } of pages) {
        const names = (segment.blobPrefixes ?? []).map(({ name }) => name.slice(prefix.length, -1))
        return { names, next: continuationToken === '' ? undefined : continuationToken }
      }
      return { names: [], next: undefined }
    })
  }

  async remove(key: string, { signal }: RequestOptions): Promise<void> {
    await this.#guarded(() => this.#blob(key).delete({ abortSignal: signal }))
  }

  /** Blocks that no list names vanish by themselves. */
  listUploads(): Promise<UploadPage> {
    return Promise.resolve({ uploads: [], isLast: true })
  }

  abandonUpload(): Promise<void> {
    return Promise.resolve()
  }

  get claims(): LeaseRequests {
    return {
      kind: 'lease',
      acquire: (key, { lease, seconds, signal }) =>
        this.#leased(key, lease, one => one.acquireLease(seconds, { abortSignal: signal })),
      renew: (key, { lease, signal }) => this.#leased(key, lease, one => one.renewLease({ abortSignal: signal })),
      release: (key, { lease, signal }) => this.#leased(key, lease, one => one.releaseLease({ abortSignal: signal })),
      end: (key, { etag, signal }) =>
        this.#leased(key, undefined, one => one.breakLease(0, { abortSignal: signal, conditions: { ifMatch: etag } })),
      write: async (key, bytes, { lease, signal }) => {
        const transactionalContentMD5 = md5(bytes)
        const options = { abortSignal: signal, conditions: { leaseId: lease }, transactionalContentMD5 }
        await this.#guarded(async () => checkWritten((await this.#blob(key).upload(bytes, bytes.length, options)).etag))
      },
      remove: async (key, { lease, signal }) => {
        await this.#guarded(() => this.#blob(key).delete({ abortSignal: signal, conditions: { leaseId: lease } }))
      },
    }
  }

  describeLogin(): Promise<string> {
    return Promise.resolve(this.#connection.describe())
  }

  renewLogin(): void {
    this.#connection = this.#connect()
  }

  close(): void {
    // The client keeps no connection that would hold a process.
  }

  #blob(key: string): BlockBlobClient {
    return this.#connection.container.getBlockBlobClient(key)
  }

  async #leased(
    key: string,
    lease: string | undefined,
    work: (client: BlobLeaseClient) => Promise<unknown>,
  ): Promise<void> {
    await this.#guarded(() => work(this.#blob(key).getBlobLeaseClient(lease)))
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw azureFault(error, this.#now())
    }
  }
}

function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest()
}

/** `bytes 0-9/200`, and without a range the length of the body. */
function totalOf({ contentRange, contentLength = 0 }: { contentRange?: string; contentLength?: number }): number {
  return contentRange === undefined ? contentLength : Number(contentRange.split('/').at(-1))
}

function isFolder(metadata: Metadata | undefined, size: number | undefined): boolean {
  return size === 0 && metadata?.['hdi_isfolder']?.toLowerCase() === 'true'
}

async function collect(stream: NodeJS.ReadableStream | undefined): Promise<Uint8Array> {
  const chunks: Buffer[] = []
  for await (const chunk of stream ?? []) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}
