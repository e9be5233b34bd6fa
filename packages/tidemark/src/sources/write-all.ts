/** Bytes into an open file, every one of them. */
import type { FileHandle } from 'node:fs/promises'

/**
 * Write all of it, and say how much that was. A full disk takes a part first, and says that it is full to whoever brings the
 * rest.
 */
export async function writeAll(
  { file, path }: { file: FileHandle; path: string },
  parts: readonly Uint8Array[],
): Promise<number> {
  let written = 0
  let left = parts.filter(part => part.length > 0)
  while (left.length > 0) {
    const { bytesWritten } = await file.writev(left).catch((error: unknown) => Promise.reject(atPath(error, path)))
    written += bytesWritten
    left = behind(left, bytesWritten)
  }
  return written
}

/** What follows the first bytes. */
function behind(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let done = bytes
  return parts.flatMap(part => {
    const skipped = Math.min(done, part.length)
    done -= skipped
    return skipped === part.length ? [] : [part.subarray(skipped)]
  })
}

/** An error of an open file does not say which: a full disk is told by its place. */
function atPath(error: unknown, path: string): unknown {
  return error instanceof Error ? Object.assign(error, { path }) : error
}
