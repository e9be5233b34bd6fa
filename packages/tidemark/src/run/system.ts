/** The real Clock, Ids and Processes: the only place where time, randomness and the host enter a run. */
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import type { Clock, Ids } from '../model/ports.ts'
import type { Processes } from './lease.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
}

export const systemIds: Ids = {
  uuid: () => randomUUID(),
  runId: now => `${compactTime(now)}-${randomBytes(3).toString('hex')}`,
}

/** `20261122T120003123Z`: sorts by time, to the millisecond, and is safe in a file name. */
function compactTime(now: number): string {
  return new Date(now).toISOString().replaceAll(/[-:.]/g, '')
}

/**
 * Processes of this host. On Linux a process is identified by the boot, the space in which it has its number (containers of
 * one machine have their own) and its start time, so a reused number differs.
 */
export const systemProcesses: Processes = {
  host: hostname(),
  pid: process.pid,
  identify(pid) {
    try {
      process.kill(pid, 0)
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code !== 'EPERM') return undefined
    }
    const { state, start } = readStat(pid)
    // One that has ended and waits for its parent to notice does nothing more.
    return state === 'Z' ? undefined : `${bootId()}/${numberSpace()}:${start}`
  },
}

function bootId(): string {
  return readIfThere('/proc/sys/kernel/random/boot_id')?.trim() ?? 'unknown'
}

function numberSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return 'unknown'
  }
}

/** Fields 3 and 22 of the stat file, counted after the command's closing parenthesis. */
function readStat(pid: number): { state: string; start: string } {
  const stat = readIfThere(`/proc/${pid}/stat`)
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state: fields?.[0] ?? 'unknown', start: fields?.[19] ?? 'unknown' }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
