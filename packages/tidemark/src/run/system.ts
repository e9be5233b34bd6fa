/** The real Clock and Ids: the only place where time and randomness enter a run. */
import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { Clock, Ids } from '../model/ports.ts'

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
}

export const systemIds: Ids = {
  uuid: () => randomUUID(),
  runId: now => `${compactTime(now)}-${randomBytes(3).toString('hex')}`,
}

/** `20261122T120003Z`: sorts by time and is safe in a file name. */
function compactTime(now: number): string {
  return new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
}
