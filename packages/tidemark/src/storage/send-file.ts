/**
 * A local file sent in parts: each part is checked by the store as it arrives, the object appears whole with the last
 * request or not at all, and what is not needed is given up.
 */
import type { FileHandle } from 'node:fs/promises'
import { DeltaError } from '@tidemark/delta'
import type { Upload } from './blob-service.ts'
import { type CreateOutcome, decideCreate } from './decide-create.ts'
import { StorageFault } from './fault.ts'
import { inLanes } from './lanes.ts'
import type { Requests } from './requests.ts'

/** Larger files are sent in parts of this size, and read in ranges of it. */
export const PART_BYTES: number = 8 * 1024 * 1024
/** Parts of one file on their way at a time. */
export const LANES = 3
/** A store that gave up an upload because another was in its way wants all of it once more. */
const ROUNDS = 3

export interface SentFile {
  readonly key: string
  readonly size: number
  readonly readPart: (start: number) => Promise<Uint8Array>
  readonly signal: AbortSignal | undefined
  readonly newMark: () => string
}

/** Reads the part of a local file that begins at a byte; throws a DeltaError NOT_WRITTEN when the file became shorter. */
export function partReader(file: FileHandle, { path, size }: { path: string; size: number }): SentFile['readPart'] {
  return async start => {
    const bytes = Buffer.alloc(Math.min(PART_BYTES, size - start))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
    if (bytesRead === bytes.length) return bytes
    throw new DeltaError('NOT_WRITTEN', `${path} was not written: the local file became shorter.`, { path })
  }
}

export async function sendFile(requests: Requests, file: SentFile): Promise<CreateOutcome> {
  for (let round = 1; ; round += 1) {
    const outcome = await sendOnce(requests, file)
    const isGivenUp = outcome.kind === 'failed' && !outcome.mayBeDone && /missing|contended/.test(outcome.fault.kind)
    if (!isGivenUp || round === ROUNDS) return outcome
  }
}

async function sendOnce(requests: Requests, file: SentFile): Promise<CreateOutcome> {
  const { key, signal } = file
  const mark = file.newMark()
  let upload: Upload | undefined
  try {
    upload = await requests.ask(request => requests.service.startUpload(key, { ...request, mark }), { signal })
    await sendParts(requests, upload, file)
  } catch (error) {
    await abandon(requests, upload)
    if (!(error instanceof StorageFault)) throw error
    // Parts are no object.
    return { kind: 'failed', fault: error, mayBeDone: false }
  }
  const begun = upload
  const outcome = await decideCreate(requests, { key, mark, signal }, request => begun.finish(request))
  // What may still become the object must keep its parts.
  if (outcome.kind === 'exists' || (outcome.kind === 'failed' && !outcome.mayBeDone)) await abandon(requests, upload)
  return outcome
}

async function sendParts(requests: Requests, upload: Upload, { size, readPart, signal }: SentFile): Promise<void> {
  await inLanes(Math.ceil(size / PART_BYTES), LANES, async index => {
    const bytes = await readPart(index * PART_BYTES)
    await requests.ask(request => upload.part(index, bytes, request), { signal, sentBytes: bytes.length })
  })
}

/** What cannot be given up now is found by its age later. */
async function abandon(requests: Requests, upload: Upload | undefined): Promise<void> {
  if (upload === undefined) return
  await requests.ask(request => upload.abandon(request)).catch(() => undefined)
}
