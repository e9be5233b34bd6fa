/**
 * ObjectStore: named, complete objects of bytes. Everything exact in this package rests on one of its methods:
 * `putIfAbsent` creates a whole object or leaves the one that is there.
 */

export interface StoreOptions {
  signal?: AbortSignal | undefined
}

export interface CreateOptions extends StoreOptions {
  /** True for an object that a power cut may take away or leave torn: readers know one that is torn and do without it. */
  advisory?: boolean
}

/** One listed object. */
export interface StoredObject {
  path: string
  size: number
  /** Milliseconds since 1970 UTC, by the store's clock. */
  modifiedAt: number
}

/** An object that a local engine is about to open. */
export interface HeldObject {
  path: string
  /** Its size where the log tells it. An object without one is brought anew, since its name alone does not tell its bytes. */
  size?: bigint | undefined
}

/**
 * Paths are relative, separated by `/`, without empty, `.` and `..` segments. A failed write throws a DeltaError
 * NOT_WRITTEN when it certainly did not take effect; after any other error it may have.
 */
export interface ObjectStore {
  /** All bytes of an object; throws a DeltaError NOT_FOUND when there is none. */
  get(path: string, options?: StoreOptions): Promise<Uint8Array>
  /** Create a complete object or leave what is there. Atomic, and durable when it returns unless it is advisory. */
  putIfAbsent(path: string, bytes: Uint8Array, options?: CreateOptions): Promise<'created' | 'exists'>
  /** Replace an object atomically, or create it. For hints and heartbeats; never for a commit. */
  put(path: string, bytes: Uint8Array, options?: StoreOptions): Promise<void>
  /**
   * Publish a finished local file under a new name, by link or copy. The local file stays where it is, and must not be
   * written any more: it may be the object itself.
   */
  putFile(path: string, localFile: string, options?: StoreOptions): Promise<'created' | 'exists'>
  /**
   * Objects below the folder `prefix` at any depth, in byte order of path; `''` lists everything. `startAfter` is a
   * whole path and exclusive.
   */
  list(prefix: string, options?: { startAfter?: string | undefined }): AsyncIterable<StoredObject>
  /** Remove an object; a missing one is fine. */
  delete(path: string): Promise<void>
  /** What a local engine opens: an absolute file path. A store that has `hold` must hold the object meanwhile. */
  locate(path: string): string
  /**
   * Bring objects to where `locate` points, and keep them there until disposed. Stores whose objects lie on this machine
   * have no need of it. Throws a DeltaError NOT_FOUND when one does not exist.
   */
  hold?(objects: readonly HeldObject[], options?: StoreOptions): Promise<AsyncDisposable>
  /** How other programs name an object, where that is not what `locate` gives: `s3://bucket/t/part-0`. */
  address?(path: string): string
}
