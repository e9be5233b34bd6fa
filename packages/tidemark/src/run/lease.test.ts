import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStore, type ObjectStore } from '@tidemark/delta'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Clock } from '../model/ports.ts'
import { type Lease, type Processes, takeLease } from './lease.ts'

let root: string
let now: number
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-lease-'))
  now = 1_800_000_000_000
})
afterEach(() => rm(root, { recursive: true }))

interface StartedRun {
  lease: Promise<Lease>
  /** Let its heart beat once; gives when it sleeps again, which it does not after its last beat. */
  beat: () => Promise<void>
}

/** A run on a host of its own, whose heart beats when the test says so. */
function startRun(host: string, store: ObjectStore = new LocalStore(root)): StartedRun {
  let wake: (() => void) | undefined
  let asleep: (() => void) | undefined
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: (_, signal) =>
      new Promise((resolve, reject) => {
        asleep?.()
        wake = resolve
        signal?.addEventListener('abort', () => reject(new Error('stopped')))
      }),
  }
  const processes: Processes = { host, pid: 1, identify: () => 'boot:1' }
  const lease = takeLease({ store, clock, processes }, `run-${host}`)
  return {
    lease,
    beat: () => {
      const again = new Promise<void>(resolve => {
        asleep = resolve
      })
      wake?.()
      return again
    },
  }
}

async function holder(): Promise<string> {
  const bytes = await new LocalStore(root).get('system/lease.json')
  return (JSON.parse(new TextDecoder().decode(bytes)) as { runId: string }).runId
}

test('a lease that beats is kept from other hosts, and free when its run has ended', async () => {
  const first = startRun('a')
  const lease = await first.lease
  now += 50_000
  await first.beat()
  now += 50_000
  await expect(startRun('b').lease).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' })
  await lease[Symbol.asyncDispose]()
  const second = await startRun('b').lease
  expect(second.takenFrom).toBeUndefined()
  await second[Symbol.asyncDispose]()
})

test('a run that slept past its expiry leaves the lease with whoever took it', async () => {
  const sleeper = startRun('a')
  const slept = await sleeper.lease
  now += 61_000
  const second = await startRun('b').lease
  expect(second.takenFrom).toBe('run-a')
  void sleeper.beat()
  // Waits for the beat.
  await slept[Symbol.asyncDispose]()
  expect(await holder()).toBe('run-b')
  await expect(startRun('c').lease).rejects.toMatchObject({ code: 'RUN_IN_PROGRESS' })
  await second[Symbol.asyncDispose]()
})

test('a store that hangs is waited for only so long when the lease is let go', async () => {
  const store = new LocalStore(root)
  const removed: string[] = []
  store.delete = path => {
    removed.push(path)
    return new Promise(() => undefined)
  }
  const run = startRun('a', store)
  const lease = await run.lease
  const ended = lease[Symbol.asyncDispose]()
  await vi.waitUntil(() => removed.length > 0)
  void run.beat()
  await ended
  expect(removed).toEqual(['system/lease.json'])
  // It is nobody's to renew any more, and ends by itself.
  now += 61_000
  const second = await startRun('b').lease
  expect(second.takenFrom).toBe('run-a')
  await second[Symbol.asyncDispose]()
})
