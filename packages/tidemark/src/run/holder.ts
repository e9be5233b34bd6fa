/** Who holds the lease of a lake: where it lies, and the words in it for whoever comes next. */
import type { ObjectStore } from '@tidemark/delta'
import { RUN_IN_PROGRESS } from '../errors/run.ts'
import { isoInstant } from '../model/instant.ts'
import type { Clock } from '../model/ports.ts'

export const LEASE_PATH = 'system/lease.json'
/** Without a heartbeat for this long, a holder elsewhere is taken to be dead. */
export const LEASE_MS = 60_000

/** The operating system's view of processes on this host. */
export interface Processes {
  readonly host: string
  readonly pid: number
  /** Identity of a process: that of the machine's start, a colon, its own start; undefined when no such process runs here. */
  identify(pid: number): string | undefined
}

export interface LeasePorts {
  store: ObjectStore
  clock: Clock
  processes: Processes
}

/** A lease just taken. */
export interface Taken {
  /** Go on holding it; `lost` says that another has it. The signal ends the wait for an answer. */
  renew(bytes: Uint8Array, signal: AbortSignal): Promise<'kept' | 'lost'>
  /** Let go of what is still ours. */
  release(): Promise<void>
  /** Run that held it before and died. */
  takenFrom: string | undefined
}

/** `process` tells this start of the process from a later one with the same number. */
export interface Holder {
  runId: string
  host: string
  pid: number
  process: string
  startedAt: number
  heartbeatAt: number
  /** How often it was renewed: no two renewals are alike. */
  beats: number
}

/** The holder; what no run of ours can have written is nobody. */
export function parseHolder(bytes: Uint8Array): Holder | undefined {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
  return isHolder(value) ? value : undefined
}

export function printHolder(holder: Holder): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(holder))
}

/**
 * Whether a holder lives, as far as this machine can tell: by its process where it would run here. `elsewhere` is any other
 * machine, and a host of the same name that was started at another time or numbers its processes apart.
 */
export function seekHolder(holder: Holder, processes: Processes): 'alive' | 'dead' | 'elsewhere' {
  const ours = processes.identify(processes.pid) ?? 'unknown'
  if (holder.host !== processes.host || machineOf(holder.process) !== machineOf(ours)) return 'elsewhere'
  return processes.identify(holder.pid) === holder.process ? 'alive' : 'dead'
}

/** The Problem of whoever comes while it lives. */
export function runInProgress({ runId, host, pid, startedAt }: Holder): Error {
  const params = { runId, host, pid: String(pid), startedAt: isoInstant(startedAt) }
  return RUN_IN_PROGRESS(params, { state: 'Nothing was read or written.' })
}

/** What stands before the start of a process: the start of its machine. */
function machineOf(process: string): string {
  return process.slice(0, Math.max(0, process.lastIndexOf(':')))
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== 'object' || value === null) return false
  const { runId, host, pid, process, startedAt, heartbeatAt, beats } = value as Record<string, unknown>
  const isText = [runId, host, process].every(one => typeof one === 'string')
  return isText && [pid, startedAt, heartbeatAt, beats].every(one => Number.isSafeInteger(one))
}
