/**
 * The lease of a lake in a store. No host's clock is asked: where the store ends what is not renewed, a holder whom it
 * still knows is alive; elsewhere one is dead whose words stood still for the length of a lease, as this process measures
 * time. One whose process would run on this machine and is gone is dead at once.
 */
import type { Claim, ObjectStore, Rival } from '@tidemark/delta'
import { LAKE_NOT_WRITABLE } from '../errors/run.ts'
import {
  type Holder,
  LEASE_MS,
  LEASE_PATH,
  type LeasePorts,
  parseHolder,
  printHolder,
  runInProgress,
  seekHolder,
  type Taken,
} from './holder.ts'

/** A holder who lives is seen to do so within a heartbeat and this. */
const LOOK_MS = 3000
/** Dead holders in a row, after which it is given up. */
const MAX_TRIES = 20

interface Ports extends Omit<LeasePorts, 'store'> {
  claim: NonNullable<ObjectStore['claim']>
  signal: AbortSignal | undefined
}

/** @throws {RUN_IN_PROGRESS} its holder is alive */
export async function claimInStore(ports: Ports, self: Holder): Promise<Taken> {
  const { claim, processes, signal } = ports
  const bytes = printHolder(self)
  const take = (over?: Rival): Promise<Claim | Rival> => claim(LEASE_PATH, bytes, { leaseMs: LEASE_MS, over, signal })
  let takenFrom: string | undefined
  let found = await take()
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    if (found.kind === 'claim') {
      const held = found
      // What cannot be let go ends by itself.
      const release = (): Promise<void> => held.release().catch(() => undefined)
      return { renew: (words, at) => held.renew(words, { signal: at }), release, takenFrom }
    }
    const holder = parseHolder(found.bytes)
    takenFrom = holder?.runId ?? 'unreadable'
    const state = holder === undefined ? 'dead' : seekHolder(holder, processes)
    if (holder === undefined || state === 'dead') {
      found = await take(found)
      continue
    }
    if (found.expires || state === 'alive') throw runInProgress(holder)
    const next = await watch(ports, found, take)
    if (next.kind === 'claim') takenFrom = undefined
    else if (next.version !== found.version) throw runInProgress(parseHolder(next.bytes) ?? holder)
    found = next.kind === 'claim' ? next : await take(next)
  }
  throw LAKE_NOT_WRITABLE(
    { lake: LEASE_PATH, reason: 'others kept taking the lease' },
    { state: 'Nothing was read or written.' },
  )
}

/** Look until the rival has let go, is another or renewed, or has stood still for the length of a lease. */
async function watch(
  { clock, signal }: Ports,
  rival: Rival,
  take: () => Promise<Claim | Rival>,
): Promise<Claim | Rival> {
  const since = clock.monotonic()
  for (;;) {
    await clock.sleep(LOOK_MS, signal)
    const found = await take()
    if (found.kind === 'claim' || found.version !== rival.version) return found
    if (clock.monotonic() - since >= LEASE_MS) return found
  }
}
