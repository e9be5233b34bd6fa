/**
 * A claim where the service compares versions: whoever replaces the very object that was seen has it. Nothing ends by a
 * clock, so a version that stands still is all there is to see of a holder who died. An empty object is nobody's.
 */
import type { Claim, Rival } from '@tidemark/delta'
import type { SwapRequests } from './blob-service.ts'
import type { ClaimRequest } from './claim-request.ts'
import { isOpen, StorageFault } from './fault.ts'

/** Races lost to others who let go at once, after which it is given up. */
const MAX_TRIES = 10
const NOBODYS = new Uint8Array()

interface Found {
  readonly bytes: Uint8Array
  readonly version: string
}

/** Throws the StorageFault of the request that failed. */
export async function claimBySwap(swaps: SwapRequests, request: ClaimRequest): Promise<Claim | Rival> {
  let { over } = request
  for (let tries = 1; ; tries += 1) {
    const found: Found | undefined = over ?? (await read(request, request.signal))
    if (found !== undefined && found !== over && found.bytes.length > 0)
      return { kind: 'rival', ...found, expires: false }
    over = undefined
    const version = await swap(swaps, request, {
      bytes: request.bytes,
      from: found?.version,
      signal: request.signal,
      unheard: [],
    })
    if (version !== undefined) return claimOf(swaps, request, version)
    if (tries === MAX_TRIES) throw new StorageFault('contended', { code: 'others kept taking it' })
  }
}

function claimOf(swaps: SwapRequests, request: ClaimRequest, first: string): Claim {
  /** Undefined when it is another's. */
  let version: string | undefined = first
  /** Words that were sent and not heard of: they may lie in the object. */
  const unheard: Uint8Array[] = []
  const replace = async (bytes: Uint8Array, signal: AbortSignal | undefined): Promise<void> => {
    if (version === undefined) return
    unheard.push(bytes)
    version = await swap(swaps, request, { bytes, from: version, signal, unheard })
    unheard.length = 0
  }
  return {
    kind: 'claim',
    renew: async (bytes, { signal } = {}) => {
      await replace(bytes, signal)
      return version === undefined ? 'lost' : 'kept'
    },
    release: async () => {
      await replace(NOBODYS, undefined)
      version = undefined
    },
  }
}

interface Swap {
  readonly bytes: Uint8Array
  readonly from: string | undefined
  readonly signal: AbortSignal | undefined
  /** Bytes of ours that may have taken the place of that version. */
  readonly unheard: readonly Uint8Array[]
}

/**
 * Replace the object of a version, whatever becomes of the answer: bytes that are nobody else's tell whose they are. Gives
 * the new version; undefined when the object is of another.
 */
async function swap(swaps: SwapRequests, request: ClaimRequest, work: Swap): Promise<string | undefined> {
  const { requests, key } = request
  const { bytes, from, signal, unheard } = work
  const options = { signal, sentBytes: bytes.length }
  try {
    return await requests.ask(asked => swaps.swap(key, bytes, { ...asked, etag: from }), options)
  } catch (error) {
    if (!(error instanceof StorageFault)) throw error
    const isChanged = error.kind === 'exists' || error.kind === 'missing'
    if (!isChanged && !isOpen(error)) throw error
    // Without the caller's signal: whoever gave up, too, must learn what happened.
    const found = await read(request, undefined)
    if (found !== undefined && isEqual(found.bytes, bytes)) return found.version
    if (!isChanged) throw error
    const isOurs = found !== undefined && found.version !== from && unheard.some(one => isEqual(one, found.bytes))
    return isOurs ? await swap(swaps, request, { ...work, from: found.version }) : undefined
  }
}

function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

async function read({ requests, key }: ClaimRequest, signal: AbortSignal | undefined): Promise<Found | undefined> {
  try {
    const { bytes, etag = '' } = await requests.ask(asked => requests.service.read(key, asked), { signal })
    return { bytes, version: etag }
  } catch (error) {
    if (error instanceof StorageFault && error.kind === 'missing') return undefined
    throw error
  }
}
