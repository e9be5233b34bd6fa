/**
 * The lease of a lake in a folder: an object that is created or found. A holder on this machine is dead when its process
 * is gone; one on another, which shares the folder, when its heartbeat is old by the hosts' clocks.
 */
import { isDeltaError, type ObjectStore } from '@tidemark/delta'
import { LAKE_NOT_WRITABLE } from '../errors/run.ts'
import {
  type Holder,
  LEASE_MS,
  LEASE_PATH,
  type LeasePorts,
  parseHolder,
  printHolder,
  type Processes,
  runInProgress,
  type Taken,
} from './holder.ts'

/** Lost races, or a lease that is no file, after which taking it is given up. */
const MAX_TRIES = 20

/** @throws {RUN_IN_PROGRESS} its holder is alive */
export async function claimFolder({ store, clock, processes }: LeasePorts, self: Holder): Promise<Taken> {
  const isOurs = (holder: Found): boolean => holder !== 'unreadable' && holder?.runId === self.runId
  const taken = {
    renew: async (bytes: Uint8Array): Promise<'kept' | 'lost'> => {
      const holder = await readHolder(store).catch(() => undefined)
      if (holder !== undefined && holder !== 'unreadable' && !isOurs(holder)) return 'lost'
      await store.put(LEASE_PATH, bytes)
      return 'kept'
    },
    release: async (): Promise<void> => {
      if (isOurs(await readHolder(store).catch(() => undefined))) await store.delete(LEASE_PATH)
    },
  }
  let takenFrom: string | undefined
  for (let attempt = 0; attempt < MAX_TRIES; attempt += 1) {
    if ((await store.putIfAbsent(LEASE_PATH, printHolder(self))) === 'created') return { ...taken, takenFrom }
    const holder = await readHolder(store)
    if (holder === undefined) continue
    if (holder !== 'unreadable' && isAlive(holder, processes, clock.now())) throw runInProgress(holder)
    takenFrom = holder === 'unreadable' ? holder : holder.runId
    await store.delete(LEASE_PATH)
  }
  const reason = 'the lease can be neither made nor read'
  throw LAKE_NOT_WRITABLE({ lake: LEASE_PATH, reason }, { state: 'Nothing was read or written.' })
}

function isAlive(holder: Holder, processes: Processes, now: number): boolean {
  if (holder.host === processes.host) return processes.identify(holder.pid) === holder.process
  return now - holder.heartbeatAt < LEASE_MS
}

type Found = Holder | 'unreadable' | undefined

/** The holder; undefined when the lease is free. What no run of ours can have written holds nothing. */
async function readHolder(store: ObjectStore): Promise<Found> {
  try {
    return parseHolder(await store.get(LEASE_PATH)) ?? 'unreadable'
  } catch (error) {
    if (isDeltaError(error, 'NOT_FOUND')) return undefined
    throw error
  }
}
