/**
 * An object brought into a local file in ranges, each one verified: its length, the length of the whole, and that all
 * come from one version of the object.
 */
import { type FileHandle, open, rm } from 'node:fs/promises'
import { DeltaError } from '@tidemark/delta'
import { StorageFault } from './fault.ts'
import { inLanes } from './lanes.ts'
import type { Requests } from './requests.ts'
import { LANES, PART_BYTES } from './send-file.ts'

export interface FetchedFile {
  readonly path: string
  readonly key: string
  readonly size: number
  readonly localFile: string
  readonly signal: AbortSignal | undefined
}

/**
 * Fill a new local file; when that fails there is none.
 *
 * @throws {DeltaError} FILE_INVALID when the object is of another size, or is replaced meanwhile
 */
export async function fetchFile(requests: Requests, fetched: FetchedFile): Promise<void> {
  const { localFile } = fetched
  const file = await open(localFile, 'wx', 0o600)
  try {
    await fetchRanges(requests, fetched, (bytes, start) => writeWhole(file, bytes, start))
  } catch (error) {
    await file.close()
    await rm(localFile, { force: true })
    throw error
  }
  await file.close()
}

async function fetchRanges(
  requests: Requests,
  { path, key, size, signal }: FetchedFile,
  write: (bytes: Uint8Array, start: number) => Promise<void>,
): Promise<void> {
  let etag: string | undefined
  const fetchRange = async (index: number): Promise<void> => {
    const start = index * PART_BYTES
    const range = { start, end: Math.min(size, start + PART_BYTES) }
    const answer = await requests
      .ask(request => requests.service.read(key, { ...request, range, etag }), { signal })
      .catch((error: unknown) => {
        throw changed(error, path)
      })
    if (answer.totalBytes !== size) throw wrongSize(path, size, answer.totalBytes)
    etag ??= answer.etag
    requests.usage.received(answer.bytes.length)
    await write(answer.bytes, start)
  }
  if (size === 0) return
  // The first range says which version the others must be of.
  await fetchRange(0)
  await inLanes(Math.ceil(size / PART_BYTES) - 1, LANES, index => fetchRange(index + 1))
}

function changed(error: unknown, path: string): unknown {
  if (!(error instanceof StorageFault) || (error.kind !== 'exists' && error.status !== 416)) return error
  const what = error.status === 416 ? 'ends before it should' : 'was replaced while it was read'
  return new DeltaError('FILE_INVALID', `${path} ${what}.`, { path }, error)
}

function wrongSize(path: string, size: number, found: number): DeltaError {
  return new DeltaError('FILE_INVALID', `${path} has ${found} bytes where ${size} are expected.`, { path })
}

/** Write all the bytes at a place: a disk that is all but full takes a part of them, and says so only by its number. */
export async function writeWhole(file: Pick<FileHandle, 'write'>, bytes: Uint8Array, start: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, start + done)
    done += bytesWritten
  }
}
