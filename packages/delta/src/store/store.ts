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

export interface ClaimOptions extends StoreOptions {
  /** A claim that was not renewed for this long may become another's. */
  leaseMs: number
  /** One that was met before and is known to be dead: its claim is taken, unless it was renewed or taken meanwhile. */
  over?: Rival | undefined
}

/** An object held by this process alone, as long as it is renewed. */
export interface Claim {
  readonly kind: 'claim'
  /**
   * Hold it for another `leaseMs`, and replace its bytes. `lost` says that it is another's by now, and stays so.
   *
   * @param bytes other ones than ever before, so that the renewal can be seen
   */
  renew(bytes: Uint8Array, options?: StoreOptions): Promise<'kept' | 'lost'>
  /** Let go of it. One that was lost stays with whoever has it. */
  release(): Promise<void>
}

/** Another who holds the object. */
export interface Rival {
  readonly kind: 'rival'
  readonly bytes: Uint8Array
  /** Differs after each renewal. */
  readonly version: string
  /** True where the store ends what is not renewed, by its own clock. Elsewhere whoever waits must see `version` stand still. */
  readonly expires: boolean
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
  /**
   * Hold an object as the only one, or learn who does. Of any number that try at once one at most gets it. It says who works,
   * and never what is true: a holder that sleeps finds out late that it lost the object, so commits do not rely on it. Stores on
   * this machine have no need of it, since a process that is gone can be told by its number.
   *
   * @param bytes others than those of all who may try, and not empty
   */
  claim?(path: string, bytes: Uint8Array, options: ClaimOptions): Promise<Claim | Rival>
  /**
   * Names of the folders directly below a folder, whatever they hold, in byte order of the name and a slash. Stores that list
   * objects and know no folders have this where it costs less than listing all that is in them.
   */
  listFolders?(folder: string): AsyncIterable<string>
  /** How other programs name an object, where that is not what `locate` gives: `s3://bucket/t/part-0`. */
  address?(path: string): string
}
