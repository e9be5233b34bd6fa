/** BlobService on an S3 bucket, or on a store that speaks like one and honours `If-None-Match`. */
import type * as S3 from '@aws-sdk/client-s3'
import type {
  BlobService,
  FolderPage,
  ListPage,
  ListPageOptions,
  ListUploadsOptions,
  MarkedOptions,
  OpenUpload,
  ReadAnswer,
  ReadOptions,
  RequestOptions,
  SwapRequests,
  Upload,
  UploadPage,
} from '../blob-service.ts'
import { checkWritten, StorageFault } from '../fault.ts'
import { s3Fault } from './s3-fault.ts'

/** Metadata key of the mark. */
const MARK = 'tidemark-write'

export interface S3ServiceOptions {
  /** The client package: its commands are made from it. */
  readonly sdk: typeof S3
  /** A client that knows no login yet. */
  readonly connect: () => S3.S3Client
  readonly bucket: string
  /** As whom a client makes requests, in words. */
  readonly describe: (client: S3.S3Client) => Promise<string>
  readonly now: () => number
}

export class S3Service implements BlobService {
  readonly listsInByteOrder = true
  readonly #options: S3ServiceOptions
  #client: S3.S3Client

  constructor(options: S3ServiceOptions) {
    this.#options = options
    this.#client = options.connect()
  }

  async read(key: string, { range, etag, signal }: ReadOptions): Promise<ReadAnswer> {
    return await this.#guarded(async ({ sdk, client, bucket }) => {
      const Range = range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }
      const IfMatch = etag === undefined ? {} : { IfMatch: etag }
      const command = new sdk.GetObjectCommand({ Bucket: bucket, Key: key, ...Range, ...IfMatch })
      const answer = await client.send(command, { abortSignal: signal })
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array()
      if (bytes.length !== answer.ContentLength || (range !== undefined && bytes.length !== range.end - range.start))
        throw new StorageFault('unknown', { code: 'the answer was cut' })
      const total = answer.ContentRange?.split('/').at(-1)
      return { bytes, totalBytes: total === undefined ? bytes.length : Number(total), etag: answer.ETag }
    })
  }

  async create(key: string, bytes: Uint8Array, { mark, signal }: MarkedOptions): Promise<void> {
    await this.#guarded(async ({ sdk, client, bucket }) => {
      const object = { Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.length }
      const command = new sdk.PutObjectCommand({ ...object, IfNoneMatch: '*', Metadata: { [MARK]: mark } })
      checkWritten((await client.send(command, { abortSignal: signal })).ETag)
    })
  }

  async replace(key: string, bytes: Uint8Array, { signal }: RequestOptions): Promise<void> {
    await this.#guarded(async ({ sdk, client, bucket }) => {
      const command = new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.length })
      checkWritten((await client.send(command, { abortSignal: signal })).ETag)
    })
  }

  async startUpload(key: string, { mark, signal }: MarkedOptions): Promise<Upload> {
    const { UploadId } = await this.#guarded(({ sdk, client, bucket }) => {
      const command = new sdk.CreateMultipartUploadCommand({ Bucket: bucket, Key: key, Metadata: { [MARK]: mark } })
      return client.send(command, { abortSignal: signal })
    })
    if (UploadId === undefined) throw new StorageFault('unknown', { code: 'an upload without an id' })
    const parts: S3.CompletedPart[] = []
    const at = { Bucket: this.#options.bucket, Key: key, UploadId }
    return {
      part: async (index, bytes, request) => {
        const PartNumber = index + 1
        const answer = await this.#guarded(({ sdk, client }) =>
          client.send(new sdk.UploadPartCommand({ ...at, PartNumber, Body: bytes, ContentLength: bytes.length }), {
            abortSignal: request.signal,
          }),
        )
        const { ETag, ChecksumCRC32 } = answer
        checkWritten(ETag)
        parts[index] = { PartNumber, ETag, ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }) }
      },
      finish: async request => {
        await this.#guarded(async ({ sdk, client }) => {
          const command = new sdk.CompleteMultipartUploadCommand({
            ...at,
            IfNoneMatch: '*',
            MultipartUpload: { Parts: parts },
          })
          checkWritten((await client.send(command, { abortSignal: request.signal })).ETag)
        })
      },
      abandon: async request => {
        await this.#guarded(({ sdk, client }) =>
          client.send(new sdk.AbortMultipartUploadCommand(at), { abortSignal: request.signal }),
        )
      },
    }
  }

  async readMark(key: string, { signal }: RequestOptions): Promise<string | undefined> {
    return await this.#guarded(async ({ sdk, client, bucket }) => {
      const { Metadata } = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: key }), {
        abortSignal: signal,
      })
      return Metadata?.[MARK]
    })
  }

  async listPage(prefix: string, { after, token, signal }: ListPageOptions): Promise<ListPage> {
    return await this.#guarded(async ({ sdk, client, bucket }) => {
      const from = token === undefined ? { StartAfter: after } : { ContinuationToken: token }
      // Names that XML cannot hold come back only when they are encoded.
      const command = { Bucket: bucket, Prefix: prefix, EncodingType: 'url' as const, ...from }
      const answer = await client.send(new sdk.ListObjectsV2Command(command), { abortSignal: signal })
      const objects = (answer.Contents ?? []).flatMap(({ Key, Size = 0, LastModified }) =>
        Key === undefined ? [] : [{ key: decodeKey(Key), size: Size, modifiedAt: LastModified?.getTime() ?? 0 }],
      )
      return { objects, next: answer.IsTruncated === true ? answer.NextContinuationToken : undefined }
    })
  }

  async listFolders(prefix: string, { token, signal }: ListPageOptions): Promise<FolderPage> {
    return await this.#guarded(async ({ sdk, client, bucket }) => {
      const from = token === undefined ? {} : { ContinuationToken: token }
      const command = { Bucket: bucket, Prefix: prefix, Delimiter: '/', EncodingType: 'url' as const, ...from }
      const answer = await client.send(new sdk.ListObjectsV2Command(command), { abortSignal: signal })
      const names = (answer.CommonPrefixes ?? []).flatMap(({ Prefix }) =>
        Prefix === undefined ? [] : [decodeKey(Prefix).slice(prefix.length, -1)],
      )
      return { names, next: answer.IsTruncated === true ? answer.NextContinuationToken : undefined }
    })
  }

  async remove(key: string, { signal }: RequestOptions): Promise<void> {
    await this.#guarded(({ sdk, client, bucket }) =>
      client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal }),
    )
  }

  async listUploads(prefix: string, { after, signal }: ListUploadsOptions): Promise<UploadPage> {
    return await this.#guarded(async ({ sdk, client, bucket }) => {
      const from = after === undefined ? {} : { KeyMarker: after.key, UploadIdMarker: after.id }
      const command = { Bucket: bucket, Prefix: prefix, EncodingType: 'url' as const, ...from }
      const answer = await client.send(new sdk.ListMultipartUploadsCommand(command), { abortSignal: signal })
      const uploads = (answer.Uploads ?? []).flatMap(({ Key, UploadId, Initiated }) =>
        Key === undefined || UploadId === undefined || Initiated === undefined
          ? []
          : [{ key: decodeKey(Key), id: UploadId, startedAt: Initiated.getTime() }],
      )
      return { uploads, isLast: answer.IsTruncated !== true || uploads.length === 0 }
    })
  }

  async abandonUpload({ key, id }: OpenUpload, { signal }: RequestOptions): Promise<void> {
    await this.#guarded(({ sdk, client, bucket }) =>
      client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: id }), {
        abortSignal: signal,
      }),
    )
  }

  get claims(): SwapRequests {
    return {
      kind: 'swap',
      swap: (key, bytes, { etag, signal }) =>
        this.#guarded(async ({ sdk, client, bucket }) => {
          const object = { Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.length }
          const condition = etag === undefined ? { IfNoneMatch: '*' } : { IfMatch: etag }
          const answer = await client.send(new sdk.PutObjectCommand({ ...object, ...condition }), {
            abortSignal: signal,
          })
          return checkWritten(answer.ETag)
        }),
    }
  }

  async describeLogin(): Promise<string> {
    return await this.#options.describe(this.#client)
  }

  renewLogin(): void {
    // The client before may have requests on their way; it ends with them.
    this.#client = this.#options.connect()
  }

  close(): void {
    this.#client.destroy()
  }

  async #guarded<T>(work: (use: S3ServiceOptions & { client: S3.S3Client }) => Promise<T>): Promise<T> {
    try {
      return await work({ ...this.#options, client: this.#client })
    } catch (error) {
      throw s3Fault(error, this.#options.now())
    }
  }
}

function decodeKey(key: string): string {
  return decodeURIComponent(key.replaceAll('+', ' '))
}
