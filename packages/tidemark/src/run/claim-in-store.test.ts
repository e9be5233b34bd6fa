/** The lease of a lake in a store: nobody's clock is believed but that of the store, or the passing of time seen here. */
import type { ObjectStore } from '@tidemark/delta'
import { expect, test } from 'vitest'
import { memoryStore } from '../../../delta/test/support/memory-store.ts'
import type { Clock } from '../model/ports.ts'
import { type Lease, takeLease } from './lease.ts'

const BEAT_MS = 15_000

/** A host with a clock of its own, whose runs renew their lease when the test says so. */
interface Host {
  take: (store: ObjectStore, runId: string, pid?: number) => Promise<Lease>
  beat: () => Promise<void>
  /** Milliseconds this host has waited for others so far. */
  waitedMs: () => number
}

interface HostOptions {
  name: string
  /** What this host takes for the time. */
  now?: number
  /** Numbers of the processes that live here; each call may find others. */
  living?: () => readonly number[]
  boot?: string
  /** What happens elsewhere while this host waits. */
  meanwhile?: (waitedMs: number) => Promise<void> | void
}

function hostOf({
  name,
  now = 1_800_000_000_000,
  living = () => [1],
  boot = name,
  meanwhile = () => {},
}: HostOptions): Host {
  let waitedMs = 0
  let wake: (() => void) | undefined
  let asleep: (() => void) | undefined
  const clock: Clock = {
    now: () => now,
    monotonic: () => waitedMs,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      if (ms < BEAT_MS) {
        waitedMs += ms
        return await meanwhile(waitedMs)
      }
      await new Promise<void>((resolve, reject) => {
        asleep?.()
        wake = resolve
        signal?.addEventListener('abort', () => reject(new Error('stopped')))
      })
    },
  }
  return {
    take: (store, runId, pid = 1) => {
      const identify = (one: number): string | undefined => (living().includes(one) ? `${boot}:${one}` : undefined)
      return takeLease({ store, clock, processes: { host: name, pid, identify } }, runId)
    },
    beat: async () => {
      const again = new Promise<void>(resolve => {
        asleep = resolve
      })
      wake?.()
      await again
    },
    waitedMs: () => waitedMs,
  }
}

const inProgress = (run: string): object => ({
  code: 'RUN_IN_PROGRESS',
  message: expect.stringContaining(run) as unknown,
})

/** As a store does that ends what is not renewed: whoever is met there is alive. */
function expiring(store: ObjectStore): ObjectStore {
  return {
    ...store,
    claim: async (path, bytes, options) => {
      const found = await store.claim?.(path, bytes, options)
      if (found === undefined) throw new Error('the store has no claims')
      return found.kind === 'rival' ? { ...found, expires: true } : found
    },
  }
}

test('a holder elsewhere is dead when its words stand still for the length of a lease, whatever its clock said', async () => {
  const store = memoryStore()
  await hostOf({ name: 'a', now: 4_000_000_000_000 }).take(store, 'run-a')
  const heir = hostOf({ name: 'b', now: 1_000_000_000_000 })
  await using lease = await heir.take(store, 'run-b')
  expect(lease.takenFrom).toBe('run-a')
  expect(heir.waitedMs()).toBeGreaterThanOrEqual(60_000)
})

test('one that renews is met as alive with its next heartbeat, though its clock stands years ago', async () => {
  const store = memoryStore()
  const first = hostOf({ name: 'a', now: 1000 })
  await using held = await first.take(store, 'run-a')
  expect(held.takenFrom).toBeUndefined()
  const other = hostOf({ name: 'b', meanwhile: waitedMs => (waitedMs >= 45_000 ? first.beat() : undefined) })
  await expect(other.take(store, 'run-b')).rejects.toMatchObject(inProgress('run-a'))
  expect(other.waitedMs()).toBeLessThan(50_000)
})

test('a run that slept past its lease finds it lost, renews nothing and leaves it with whoever took it', async () => {
  const store = memoryStore()
  const sleeper = hostOf({ name: 'a' })
  const slept = await sleeper.take(store, 'run-a')
  await using taken = await hostOf({ name: 'b' }).take(store, 'run-b')
  expect(taken.takenFrom).toBe('run-a')
  void sleeper.beat()
  await slept[Symbol.asyncDispose]()
  const third = hostOf({ name: 'c' })
  const words = new TextDecoder().decode(store.objects.get('system/lease.json'))
  expect(words).toContain('run-b')
  await expect(third.take(expiring(store), 'run-c')).rejects.toMatchObject(inProgress('run-b'))
})

test('a run that ends does not wait for a store that never answers a renewal, and leaves the lease free', async () => {
  const store = memoryStore()
  const asked = Promise.withResolvers<void>()
  const silent: ObjectStore = {
    ...store,
    claim: async (path, bytes, options) => {
      const claim = await store.claim?.(path, bytes, options)
      if (claim?.kind !== 'claim') throw new Error('it is free')
      const renew: typeof claim.renew = (_, { signal } = {}) => {
        asked.resolve()
        return new Promise((__, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
      }
      return { ...claim, renew }
    },
  }
  const host = hostOf({ name: 'one' })
  const lease = await host.take(silent, 'run-1')
  void host.beat()
  await asked.promise
  await lease[Symbol.asyncDispose]()
  await using next = await hostOf({ name: 'two' }).take(store, 'run-2')
  expect(next.takenFrom).toBeUndefined()
})

test('where the store ends what is not renewed, whoever it still knows is alive, and nobody waits', async () => {
  const store = expiring(memoryStore())
  await using held = await hostOf({ name: 'a', now: 0 }).take(store, 'run-a')
  expect(held.takenFrom).toBeUndefined()
  const other = hostOf({ name: 'b' })
  await expect(other.take(store, 'run-b')).rejects.toMatchObject(inProgress('run-a'))
  expect(other.waitedMs()).toBe(0)
})

test.each([true, false])(
  'a process of this machine is judged at once, where the store ends what is not renewed: %s',
  async ends => {
    const memory = memoryStore()
    const store = ends ? expiring(memory) : memory
    let living = [1, 2]
    const host = hostOf({ name: 'a', living: () => living })
    await host.take(store, 'run-1', 1)
    await expect(host.take(store, 'run-2', 2)).rejects.toMatchObject(inProgress('run-1'))
    living = [2]
    await using heir = await host.take(store, 'run-2', 2)
    expect(heir.takenFrom).toBe('run-1')
    expect(host.waitedMs()).toBe(0)
  },
)

test('a machine of the same name that was started at another time may be another machine, and is waited for', async () => {
  const store = memoryStore()
  await hostOf({ name: 'etl', boot: 'monday' }).take(store, 'run-a', 7)
  const other = hostOf({ name: 'etl', boot: 'tuesday', living: () => [1] })
  await using lease = await other.take(store, 'run-b', 1)
  expect(lease.takenFrom).toBe('run-a')
  expect(other.waitedMs()).toBeGreaterThanOrEqual(60_000)
})

test('words that no run wrote hold nothing, and a lease let go meanwhile is taken as a free one', async () => {
  const store = memoryStore()
  await store.put('system/lease.json', new TextEncoder().encode('{"runId":"x","host":'))
  const first = hostOf({ name: 'a' })
  const held = await first.take(store, 'run-a')
  expect([held.takenFrom, first.waitedMs()]).toEqual(['unreadable', 0])
  const next = hostOf({ name: 'b', meanwhile: async () => await held[Symbol.asyncDispose]() })
  await using lease = await next.take(store, 'run-b')
  expect(lease.takenFrom).toBeUndefined()
})
