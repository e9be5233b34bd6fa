import { expect, test } from 'vitest'
import type { Clock } from '../model/ports.ts'
import type { Workload } from '../sources/source.ts'
import { Brake } from './brake.ts'

interface Scene {
  brake: Brake
  told: (string | undefined)[]
  slept: number[]
  abort: AbortController
}

/** A source that is as busy as `atWork` says at each look; sleeping takes no time and is written down. */
function scene(atWork: () => bigint): Scene {
  const told: Scene['told'] = []
  const slept: number[] = []
  const abort = new AbortController()
  const sleep: Clock['sleep'] = (ms, signal) => {
    slept.push(ms)
    signal?.throwIfAborted()
    return Promise.resolve()
  }
  const clock: Clock = { now: () => 0, monotonic: () => 0, sleep }
  const workload = (): Promise<Workload> => Promise.resolve({ atWork: atWork(), allowed: 10n })
  const hold = (reason: string | undefined): void => void told.push(reason)
  return { brake: new Brake({ snapshot: { workload }, clock, hold, signal: abort.signal }), told, slept, abort }
}

test('a source that is not busy, or cannot tell, holds nothing up', async () => {
  const { brake, told, slept } = scene(() => 10n)
  expect(await brake.read(() => Promise.resolve('read'))).toBe('read')
  expect([told, slept, brake.heldMs]).toEqual([[], [], 0])
})

test('a part waits, ever longer, until the source is quiet again, and says why', async () => {
  let looks = 0
  const { brake, told, slept } = scene(() => (++looks > 3 ? 2n : 43n))
  await brake.read(() => Promise.resolve())
  expect(slept).toEqual([1000, 2000, 4000])
  const reason = '43 sessions of others at work, more than 10'
  expect(told).toEqual([reason, reason, reason, undefined])
  expect(brake.heldMs).toBe(7000)
})

test('a source that stays busy is read all the same: a part a minute, never two at once', async () => {
  const { brake, slept } = scene(() => 43n)
  let reading = 0
  let most = 0
  const part = async (): Promise<void> => {
    most = Math.max(most, ++reading)
    for (let n = 0; n < 20; n += 1) await Promise.resolve()
    reading -= 1
  }
  const reader = async (): Promise<void> => {
    for (let n = 0; n < 3; n += 1) await brake.read(part)
  }
  await Promise.all([reader(), reader()])
  expect(most).toBe(1)
  // Six parts, each after a minute at least.
  expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeGreaterThanOrEqual(6 * 60_000)
})

test('a part that failed no longer counts as being read', async () => {
  const { brake } = scene(() => 43n)
  await expect(brake.read(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await brake.read(() => Promise.resolve('read'))).toBe('read')
})

test('a run that is stopped does not wait on', async () => {
  const { brake, abort, slept } = scene(() => 43n)
  abort.abort(new Error('stopped'))
  await expect(brake.read(() => Promise.resolve())).rejects.toThrow('stopped')
  expect(slept).toHaveLength(1)
})
