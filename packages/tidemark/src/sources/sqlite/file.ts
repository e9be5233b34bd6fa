/**
 * The database file beside SQLite's own handling of it. On POSIX systems the closing of any descriptor of a file ends all
 * locks that the process holds on it, SQLite's too: so a descriptor is opened before the connection and closed after the
 * last connection of this process, never in between.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'

interface Held {
  descriptor: number
  users: number
}

const held = new Map<string, Held>()

/** Offset and length of the counter in the header that grows with each write of the file. */
const COUNTER_AT = 24
const HEADER_BYTES = 100

export interface DatabaseFile {
  /** Which file this is, whatever its path: another one after a replacement. */
  readonly identity: string
  /** The counter of changes in the header; it never goes back but in a file that was restored. */
  readCounter(): bigint
  /** True while the path still leads to this file. */
  isInPlace(): boolean
  sizeBytes(): bigint
  /** Call once no connection to it is open any more. */
  release(): void
}

/** Hold the file at a path. Throws as the system does. */
export function holdFile(path: string): DatabaseFile {
  const found = statSync(path, { bigint: true })
  if (!found.isFile()) throw Object.assign(new Error('it is no file'), { code: 'EISDIR' })
  const key = identityOf(found)
  const shared: Held = held.get(key) ?? { descriptor: openSync(path, 'r'), users: 0 }
  held.set(key, shared)
  shared.users += 1
  const { descriptor } = shared
  let isReleased = false
  return {
    identity: key,
    readCounter: () => {
      const header = Buffer.alloc(HEADER_BYTES)
      return readSync(descriptor, header, 0, HEADER_BYTES, 0) < HEADER_BYTES
        ? 0n
        : BigInt(header.readUInt32BE(COUNTER_AT))
    },
    isInPlace: () => identityOf(fstatSync(descriptor, { bigint: true })) === identityAt(path),
    sizeBytes: () => fstatSync(descriptor, { bigint: true }).size,
    release: () => {
      if (isReleased) return
      isReleased = true
      shared.users -= 1
      if (shared.users > 0) return
      held.delete(key)
      closeSync(descriptor)
    },
  }
}

function identityAt(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? undefined : identityOf(found)
}

function identityOf({ dev, ino }: { dev: bigint; ino: bigint }): string {
  return `${dev}:${ino}`
}
