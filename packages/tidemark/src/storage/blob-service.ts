/**
 * BlobService: the few requests that a store in the cloud is made of, each one exchange with the service. What goes wrong
 * is thrown as a StorageFault; nothing here is tried again, and nothing is decided.
 */

export interface BlobService {
  /** One object, or a range of it, whole or not at all. `etag` makes it the object of that version or a fault. */
  read(key: string, options: ReadOptions): Promise<ReadAnswer>
  /** Create an object that does not exist, with a mark that tells whose it is. */
  create(key: string, bytes: Uint8Array, options: MarkedOptions): Promise<void>
  /** Create or replace an object. */
  replace(key: string, bytes: Uint8Array, options: RequestOptions): Promise<void>
  /** Begin an object that is sent in parts and appears with the last request, or not at all. */
  startUpload(key: string, options: MarkedOptions): Promise<Upload>
  /** The mark an object was created with; undefined when it has none, a missing object is a fault. */
  readMark(key: string, options: RequestOptions): Promise<string | undefined>
  /** One page of all keys that begin so. */
  listPage(prefix: string, options: ListPageOptions): Promise<ListPage>
  /** One page of what stands between a prefix and the next slash, in the keys that have one there. */
  listFolders(prefix: string, options: ListPageOptions): Promise<FolderPage>
  remove(key: string, options: RequestOptions): Promise<void>
  /** One page of the uploads below a prefix that were begun and neither finished nor given up, if they stay for good. */
  listUploads(prefix: string, options: ListUploadsOptions): Promise<UploadPage>
  /** Give up an upload that another process began. One that is gone is fine. */
  abandonUpload(upload: OpenUpload, options: RequestOptions): Promise<void>
  /** How one at a time holds an object here: by a lease of the service, or by replacing the very version that was seen. */
  readonly claims: LeaseRequests | SwapRequests
  /** False when pages may come in another order than that of the bytes of their keys. */
  readonly listsInByteOrder: boolean
  /** As whom requests are made, in words and without secrets; known best after the first request. */
  describeLogin(): Promise<string>
  /** Forget the login; the next request asks for it anew. */
  renewLogin(): void
  close(): void
}

/** A service that keeps leases of objects, by its own clock. A request against another's lease is a fault `held`. */
export interface LeaseRequests {
  readonly kind: 'lease'
  /** Lease an object that nobody has; once more by the same id is fine. */
  acquire(key: string, options: LeaseOptions & { readonly seconds: number }): Promise<void>
  /** Begin its time anew; also of one whose time is over, while nobody else took it. */
  renew(key: string, options: LeaseOptions): Promise<void>
  /** End whoever's lease, if the object is of that version. */
  end(key: string, options: RequestOptions & { readonly etag: string }): Promise<void>
  /** Let go of the lease of that id; the object stays. */
  release(key: string, options: LeaseOptions): Promise<void>
  /** Replace an object that is leased by that id. */
  write(key: string, bytes: Uint8Array, options: LeaseOptions): Promise<void>
  /** Remove an object that is leased by that id, and the lease with it. */
  remove(key: string, options: LeaseOptions): Promise<void>
}

export interface LeaseOptions extends RequestOptions {
  /** A uuid. */
  readonly lease: string
}

/** A service that replaces an object only while it is of the version that was seen. */
export interface SwapRequests {
  readonly kind: 'swap'
  /** Replace the object of that version, or create one that is not there; gives the new version. A fault `exists` or `missing` when it is of another. */
  swap(key: string, bytes: Uint8Array, options: RequestOptions & { readonly etag: string | undefined }): Promise<string>
}

export interface RequestOptions {
  readonly signal: AbortSignal
}

export interface MarkedOptions extends RequestOptions {
  readonly mark: string
}

export interface ReadOptions extends RequestOptions {
  /** First byte and the one after the last; the whole object when left out. */
  readonly range?: { readonly start: number; readonly end: number } | undefined
  readonly etag?: string | undefined
}

export interface ReadAnswer {
  readonly bytes: Uint8Array
  /** Size of the whole object, also when a range of it was asked for. */
  readonly totalBytes: number
  readonly etag: string | undefined
}

export interface Upload {
  /** Send a part; parts count from 0. */
  part(index: number, bytes: Uint8Array, options: RequestOptions): Promise<void>
  /** Make the object of all parts, unless one of that name exists. */
  finish(options: RequestOptions): Promise<void>
  /** Give up what was sent. */
  abandon(options: RequestOptions): Promise<void>
}

export interface ListUploadsOptions extends RequestOptions {
  readonly after?: OpenUpload | undefined
}

export interface OpenUpload {
  readonly key: string
  readonly id: string
  /** Milliseconds since 1970 UTC, by the service's clock. */
  readonly startedAt: number
}

export interface UploadPage {
  readonly uploads: readonly OpenUpload[]
  readonly isLast: boolean
}

export interface ListPageOptions extends RequestOptions {
  /** Keys up to this one need not be listed; a service may list them all the same. */
  readonly after?: string | undefined
  readonly token?: string | undefined
}

export interface ListPage {
  readonly objects: readonly ListedKey[]
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined
}

export interface FolderPage {
  readonly names: readonly string[]
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined
}

export interface ListedKey {
  readonly key: string
  readonly size: number
  /** Milliseconds since 1970 UTC, by the service's clock. */
  readonly modifiedAt: number
}
