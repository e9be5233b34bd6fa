/**
 * A claim where the service keeps leases: an object with the holder's words, leased for as long as it is renewed. The
 * service ends what is not renewed, by its own clock; letting go removes object and lease.
 */
import type { Claim, Rival } from '@tidemark/delta'
import type { LeaseRequests } from './blob-service.ts'
import type { ClaimRequest } from './claim-request.ts'
import { decideCreate } from './decide-create.ts'
import { StorageFault } from './fault.ts'

/** What the service takes for the time of a lease. */
const SHORTEST_S = 15
const LONGEST_S = 60
/** Objects that vanish between two requests, after which it is given up. */
const MAX_TRIES = 10

/** Throws the StorageFault of the request that failed. */
export async function claimByLease(leases: LeaseRequests, request: ClaimRequest): Promise<Claim | Rival> {
  const { requests, key, bytes, leaseMs, over, signal } = request
  const lease = request.newId()
  const seconds = Math.min(LONGEST_S, Math.max(SHORTEST_S, Math.ceil(leaseMs / 1000)))
  if (over !== undefined) {
    const end = requests.ask(asked => leases.end(key, { ...asked, etag: over.version }), { signal })
    // Renewed meanwhile, ended by somebody else, or gone.
    await end.catch(unlessOneOf('exists', 'held', 'missing'))
  }
  for (let tries = 1; ; tries += 1) {
    const creation = { key, mark: request.newId(), signal, sentBytes: bytes.length }
    const outcome = await decideCreate(requests, creation, asked =>
      requests.service.create(key, bytes, { ...asked, mark: creation.mark }),
    )
    if (outcome.kind === 'failed') throw outcome.fault
    try {
      await requests.ask(asked => leases.acquire(key, { ...asked, lease, seconds }), { signal })
      if (outcome.kind === 'exists')
        await requests.ask(asked => leases.write(key, bytes, { ...asked, lease }), { signal })
      return claimOf(leases, request, lease)
    } catch (error) {
      if (!isOneOf(error, 'held', 'missing') || tries === MAX_TRIES) throw error
    }
    const rival = await readRival(request)
    if (rival !== undefined) return rival
  }
}

function claimOf(leases: LeaseRequests, { requests, key }: ClaimRequest, lease: string): Claim {
  return {
    kind: 'claim',
    renew: async (bytes, { signal } = {}) => {
      try {
        await requests.ask(asked => leases.renew(key, { ...asked, lease }), { signal })
        await requests.ask(asked => leases.write(key, bytes, { ...asked, lease }), { signal })
        return 'kept'
      } catch (error) {
        if (isOneOf(error, 'held', 'missing')) return 'lost'
        throw error
      }
    },
    release: async () => {
      try {
        await requests.ask(asked => leases.remove(key, { ...asked, lease }))
      } catch (error) {
        if (isOneOf(error, 'held', 'missing')) return
        // Who may not delete may let go all the same; the object that stays is nobody's.
        if (!isOneOf(error, 'refused')) throw error
        await requests.ask(asked => leases.release(key, { ...asked, lease })).catch(unlessOneOf('held', 'missing'))
      }
    },
  }
}

async function readRival({ requests, key, signal }: ClaimRequest): Promise<Rival | undefined> {
  try {
    const { bytes, etag = '' } = await requests.ask(asked => requests.service.read(key, asked), { signal })
    return { kind: 'rival', bytes, version: etag, expires: true }
  } catch (error) {
    if (isOneOf(error, 'missing')) return undefined
    throw error
  }
}

function isOneOf(error: unknown, ...kinds: readonly StorageFault['kind'][]): boolean {
  return error instanceof StorageFault && kinds.includes(error.kind)
}

function unlessOneOf(...kinds: readonly StorageFault['kind'][]): (error: unknown) => void {
  return error => {
    if (!isOneOf(error, ...kinds)) throw error
  }
}
