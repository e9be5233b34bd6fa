/**
 * The lease: one run at a time on a lake. It only saves work; two runs that slip past it still cannot lose or double a
 * row, because every commit is conditional.
 */
import type { Clock } from '../model/ports.ts'
import { claimFolder } from './claim-folder.ts'
import { claimInStore } from './claim-in-store.ts'
import { type Holder, type LeasePorts, printHolder, type Taken } from './holder.ts'

export type { Processes } from './holder.ts'

const HEARTBEAT_MS = 15_000
/** How long a store that does not answer is waited for at the end; a lease that is not let go of ends by itself. */
const RELEASE_MS = 10_000

export interface Lease extends AsyncDisposable {
  /** Run that held the lease before and died, if any. */
  readonly takenFrom: string | undefined
}

/**
 * Take the lease of a lake and keep it alive until disposed. A folder's holder on this machine is judged by its process, and
 * by the clocks of the hosts elsewhere; a store's by the store.
 *
 * @param signal ends the wait for a holder who may have died
 * @throws {RUN_IN_PROGRESS} its holder is alive
 */
export async function takeLease(ports: LeasePorts, runId: string, signal?: AbortSignal): Promise<Lease> {
  const { store, clock, processes } = ports
  const now = clock.now()
  const { host, pid } = processes
  const process = processes.identify(pid) ?? 'unknown'
  const self: Holder = { runId, host, pid, process, startedAt: now, heartbeatAt: now, beats: 0 }
  const claim = store.claim?.bind(store)
  const taken =
    claim === undefined ? await claimFolder(ports, self) : await claimInStore({ ...ports, claim, signal }, self)
  const stop = new AbortController()
  const beating = beat(clock, taken, self, stop.signal)
  return {
    takenFrom: taken.takenFrom,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await within(clock, RELEASE_MS, async () => {
        await beating
        await taken.release()
      })
    },
  }
}

/** Wait for work, but no longer than so. What it rejects with later is nobody's any more. */
async function within(clock: Clock, ms: number, work: () => Promise<void>): Promise<void> {
  const done = new AbortController()
  const working = work().finally(() => done.abort())
  working.catch(() => undefined)
  const waiting = clock.sleep(ms, done.signal).catch(() => undefined)
  await Promise.race([working, waiting])
}

/** Until stopped, or lost: whoever slept too long finds the lease with another, and leaves it there. */
async function beat(clock: Clock, taken: Taken, self: Holder, signal: AbortSignal): Promise<void> {
  for (let beats = 1; ; beats += 1) {
    const stopped = await clock.sleep(HEARTBEAT_MS, signal).then(
      () => false,
      () => true,
    )
    if (stopped) return
    const renewed = taken.renew(printHolder({ ...self, heartbeatAt: clock.now(), beats }), signal)
    if ((await renewed.catch(() => 'kept')) === 'lost') return
  }
}
