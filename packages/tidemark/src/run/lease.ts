/**
 * The lease: one run at a time on a lake. It only saves work; two runs that slip past it still cannot lose or double a
 * row, because every commit is conditional.
 */
import { isDeltaError, type ObjectStore } from '@tidemark/delta'
import { LAKE_NOT_WRITABLE, RUN_IN_PROGRESS } from '../errors/run.ts'
import { isoInstant } from '../model/instant.ts'
import type { Clock } from '../model/ports.ts'

const PATH = 'system/lease.json'
const HEARTBEAT_MS = 15_000
/** Without a heartbeat for this long, a holder on another host is taken to be dead. */
const EXPIRY_MS = 60_000
/** Lost races, or a lease that is no file, after which taking it is given up. */
const MAX_TRIES = 20

/** Who holds a lease. `process` tells this start of the process from a later one with the same number. */
export interface Holder {
  runId: string
  host: string
  pid: number
  process: string
  startedAt: number
  heartbeatAt: number
}

/** The operating system's view of processes on this host. */
export interface Processes {
  readonly host: string
  readonly pid: number
  /** Identity of a process: boot and start time; undefined when no such process runs here. */
  identify(pid: number): string | undefined
}

export interface Lease extends AsyncDisposable {
  /** Run that held the lease before and died, if any. */
  readonly takenFrom: string | undefined
}

/**
 * Take the lease of a lake and keep it alive until disposed.
 *
 * @throws {RUN_IN_PROGRESS} its holder is alive: same host and the process runs, or another host with a heartbeat
 *   younger than 60 seconds
 */
export async function takeLease(
  ports: { store: ObjectStore; clock: Clock; processes: Processes },
  runId: string,
): Promise<Lease> {
  const { store, clock, processes } = ports
  const now = clock.now()
  const identity = processes.identify(processes.pid) ?? 'unknown'
  const self: Holder = {
    runId,
    host: processes.host,
    pid: processes.pid,
    process: identity,
    startedAt: now,
    heartbeatAt: now,
  }
  const takenFrom = await acquire(ports, self)
  const stop = new AbortController()
  const beating = beat(ports, self, stop.signal)
  return {
    takenFrom,
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await beating
      const holder = await readHolder(store).catch(() => undefined)
      if (holder !== 'unreadable' && holder?.runId === runId) await store.delete(PATH)
    },
  }
}

async function acquire(
  ports: { store: ObjectStore; clock: Clock; processes: Processes },
  self: Holder,
): Promise<string | undefined> {
  const { store, clock, processes } = ports
  let takenFrom: string | undefined
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    if ((await store.putIfAbsent(PATH, encode(self))) === 'created') return takenFrom
    const holder = await readHolder(store)
    if (holder === undefined) continue
    if (holder !== 'unreadable' && isAlive(holder, processes, clock.now())) {
      const { runId, host, pid, startedAt } = holder
      const at = isoInstant(startedAt)
      throw RUN_IN_PROGRESS({ runId, host, pid: String(pid), startedAt: at }, { state: 'Nothing was read or written.' })
    }
    takenFrom = holder === 'unreadable' ? holder : holder.runId
    await store.delete(PATH)
  }
  const reason = 'the lease can be neither made nor read'
  throw LAKE_NOT_WRITABLE({ lake: PATH, reason }, { state: 'Nothing was read or written.' })
}

function isAlive(holder: Holder, processes: Processes, now: number): boolean {
  if (holder.host === processes.host) return processes.identify(holder.pid) === holder.process
  return now - holder.heartbeatAt < EXPIRY_MS
}

async function beat(ports: { store: ObjectStore; clock: Clock }, self: Holder, signal: AbortSignal): Promise<void> {
  for (;;) {
    const stopped = await ports.clock.sleep(HEARTBEAT_MS, signal).then(
      () => false,
      () => true,
    )
    if (stopped) return
    // Whoever slept past the expiry finds the lease with another, and leaves it there.
    const holder = await readHolder(ports.store).catch(() => undefined)
    if (holder !== undefined && holder !== 'unreadable' && holder.runId !== self.runId) return
    await ports.store.put(PATH, encode({ ...self, heartbeatAt: ports.clock.now() })).catch(() => undefined)
  }
}

/** The holder; undefined when the lease is free. What no run of ours can have written holds nothing. */
async function readHolder(store: ObjectStore): Promise<Holder | 'unreadable' | undefined> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(await store.get(PATH)))
    return isHolder(value) ? value : 'unreadable'
  } catch (error) {
    if (isDeltaError(error, 'NOT_FOUND')) return undefined
    if (error instanceof SyntaxError) return 'unreadable'
    throw error
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false
  const { runId, host, pid, process, startedAt, heartbeatAt } = value as Record<string, unknown>
  const isText = [runId, host, process].every(one => typeof one === 'string')
  return isText && [pid, startedAt, heartbeatAt].every(one => Number.isSafeInteger(one))
}

function encode(holder: Holder): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(holder))
}
