import fc from 'fast-check'
import { expect, test } from 'vitest'
import { faultyStore } from '../../test/support/faulty-store.ts'
import { jsonParquet } from '../../test/support/json-parquet.ts'
import {
  type CheckpointKind,
  checkpointKind,
  isUsable,
  modelHistory,
  type ModelState,
  playModel,
  putCheckpoint,
  putCommit,
  putCompacted,
} from '../../test/support/log-model.ts'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { parseLogName, printVersion } from '../log/log-path.ts'
import type { ObjectStore } from '../store/store.ts'
import { readState } from '../snapshot/read-snapshot.ts'
import { type CleanedLog, cleanLog } from './clean-log.ts'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
/** Somewhen in the middle of a day. */
const NOW = 20_000 * DAY + 15 * HOUR
const FOLDER = 't/_delta_log/'

type History = Parameters<typeof playModel>[0]

interface Plan {
  /** Hours before NOW at which each commit was written, by version; the last one is used for what is missing. */
  ages: readonly number[]
  checkpoints: readonly { at: number; kind: CheckpointKind; sidecars: boolean; order: number }[]
  compacted: readonly { from: number; length: number }[]
  hint: 'none' | 'newest' | 'oldest'
}

function lay(history: History, plan: Plan, settings: Record<string, string> = {}): MemoryStore {
  let now = 0
  const store = memoryStore(() => now)
  const { states, lines } = playModel(history)
  for (const [version, content] of lines.entries()) {
    now = NOW - (plan.ages[version] ?? plan.ages.at(-1) ?? 0) * HOUR
    putCommit(store, version, content)
    touch(store, `${FOLDER}${printVersion(BigInt(version))}.json`)
  }
  const known = plan.checkpoints.filter(c => c.at < history.length).sort((a, b) => a.at - b.at)
  const hints = known.map(({ at, ...rest }) =>
    putCheckpoint(store, { version: at, state: states[at] as ModelState, ...rest }),
  )
  for (const { from, length } of plan.compacted) {
    const to = Math.min(from + length + 1, history.length - 1)
    if (from < to) putCompacted(store, { from, to, states, history, torn: false })
  }
  const hint = plan.hint === 'none' ? undefined : hints.at(plan.hint === 'newest' ? -1 : 0)
  if (hint) store.objects.set(`${FOLDER}_last_checkpoint`, new TextEncoder().encode(JSON.stringify(hint)))
  replaceAll(store, '"configuration":{}', `"configuration":${JSON.stringify(settings)}`)
  return store
}

/** Change what every file of the log says. */
function replaceAll(store: MemoryStore, from: string, to: string): void {
  for (const [path, bytes] of store.objects) {
    store.objects.set(path, new TextEncoder().encode(new TextDecoder().decode(bytes).replaceAll(from, to)))
  }
}

/** The model writes past the store's clock; this tells it. */
function touch(store: MemoryStore, path: string): void {
  const bytes = store.objects.get(path)
  if (bytes) void store.put(path, bytes)
}

const portsOf = (store: ObjectStore): Parameters<typeof cleanLog>[0] => {
  return { store, logParquet: jsonParquet(store), clock: { now: () => NOW } }
}

const clean = (store: ObjectStore, signal?: AbortSignal): Promise<CleanedLog> =>
  cleanLog(portsOf(store), { tablePath: 't', signal })

const names = (store: MemoryStore): string[] => [...store.objects.keys()].map(path => path.slice(FOLDER.length)).sort()

/** The state at a version in the model's words, or the error's code. */
async function stateAt(store: ObjectStore, version?: bigint): Promise<object> {
  const state = await readState(portsOf(store), { tablePath: 't', version })
  if (!state) throw new Error('there is no table')
  const { files, txns, domains } = state
  return {
    version: state.version,
    files: new Map(
      [...files].map(([path, f]) => [path, { version: Number(f.size), vector: f.deletionVector?.offset ?? 0 }]),
    ),
    txns: new Map([...txns].map(([appId, txn]) => [appId, Number(txn.version)])),
    domains,
  }
}

function expectedAt(states: readonly ModelState[], version: number): object {
  const { files, txns, domains } = states[version] as ModelState
  return { version: BigInt(version), files, txns, domains }
}

const kindName = (kind: CheckpointKind): string =>
  kind === 'parts' || kind === 'part missing' ? 'parts' : kind === 'json' || kind === 'uuid parquet' ? kind : 'one file'

const plan = fc.record<Plan>({
  ages: fc.array(fc.integer({ min: 0, max: 60 * 24 }), { minLength: 1, maxLength: 12 }),
  checkpoints: fc.uniqueArray(
    fc.record({ at: fc.nat(11), kind: checkpointKind, sidecars: fc.boolean(), order: fc.nat(99) }),
    { maxLength: 5, selector: c => `${c.at} ${kindName(c.kind)}` },
  ),
  compacted: fc.array(fc.record({ from: fc.nat(11), length: fc.nat(4) }), { maxLength: 2 }),
  hint: fc.constantFrom('none', 'newest', 'oldest'),
})

const CUT = 20_000 * DAY - 30 * DAY

/** The protocol's steps in their own words: the version everything before which may go; undefined when nothing may. */
function keptVersion(history: History, { ages, checkpoints }: Plan): number | undefined {
  let last = Number.NEGATIVE_INFINITY
  const times = history.map((_, version) => {
    last = Math.max(NOW - (ages[version] ?? ages.at(-1) ?? 0) * HOUR, last + 1)
    return last
  })
  const cutoff = times.findLastIndex(time => time <= CUT)
  const usable = checkpoints.filter(c => c.at <= cutoff && c.at < history.length && isUsable(c.kind)).map(c => c.at)
  return usable.length === 0 ? undefined : Math.max(...usable)
}

test('everything before the newest checkpoint that is old enough goes, and nothing else, whatever the times', async () => {
  await fc.assert(
    fc.asyncProperty(modelHistory(12, 2), plan, async (history, wanted) => {
      const store = lay(history, wanted)
      const { states } = playModel(history)
      const before = names(store)
      await clean(store)
      const kept = keptVersion(history, wanted)
      const gone = before.filter(name => !names(store).includes(name))
      const old = before.filter(name => {
        const parsed = parseLogName(name)
        if (parsed === undefined || kept === undefined) return false
        return parsed.version < BigInt(kept) || (parsed.kind === 'compacted' && parsed.version === BigInt(kept))
      })
      const holdsOlder = old.some(name => !name.includes('compacted'))
      const logFiles = gone.filter(name => !name.startsWith('_sidecars/'))
      expect(logFiles).toEqual(holdsOlder ? old : [])
      for (let version = kept ?? 0; version < history.length; version += 1) {
        expect(await stateAt(store, BigInt(version))).toEqual(expectedAt(states, version))
      }
      expect(await stateAt(store)).toEqual(expectedAt(states, history.length - 1))
    }),
    { numRuns: 300 },
  )
})

/** A store that dies while it removes: of the removals under way some take effect, and none after them does. */
function dyingStore(store: MemoryStore, takesEffect: readonly boolean[]): ObjectStore {
  let asked = 0
  return {
    ...store,
    delete: path => {
      asked += 1
      return (takesEffect[asked - 1] ?? false) ? store.delete(path) : Promise.reject(new Error('the machine died'))
    },
  }
}

test('a cleanup that is cut off anywhere leaves a table whose latest version is the latest', async () => {
  const effects = fc.tuple(fc.nat(12), fc.array(fc.boolean(), { maxLength: 12 }))
  await fc.assert(
    fc.asyncProperty(modelHistory(12, 2), plan, effects, async (history, wanted, [done, some]) => {
      const store = lay(history, wanted)
      const { states } = playModel(history)
      await clean(dyingStore(store, [...Array.from({ length: done }, () => true), ...some])).catch(() => {})
      expect(await stateAt(store)).toEqual(expectedAt(states, history.length - 1))
      await clean(store)
      expect(await stateAt(store)).toEqual(expectedAt(states, history.length - 1))
    }),
    { numRuns: 300 },
  )
})

test.each(['none', 'oldest', 'newest'] as const)(
  'after any number of removals the latest version is found, with the hint: %s',
  async hint => {
    const { states } = playModel(history)
    for (let done = 0; done < 20; done += 1) {
      for (const others of [[], [false, true, true, true, true, true]]) {
        const store = lay(history, { ...usual, hint })
        await clean(dyingStore(store, [...Array.from({ length: done }, () => true), ...others])).catch(() => {})
        expect(await stateAt(store)).toEqual(expectedAt(states, 11))
      }
    }
  },
)

/** Twelve commits of which the first eight are 40 days old, and a checkpoint at 2, 5 and 10. */
const history: History = Array.from({ length: 12 }, (_, i) => {
  return { files: { [`f${i}`]: { kind: 'write', vector: 0, twice: false } }, txns: {}, domains: {}, order: 0 }
})
const ages = Array.from({ length: 12 }, (_, i) => (i < 8 ? 40 * 24 : 1))
const classic = (at: number): Plan['checkpoints'][number] => ({ at, kind: 'classic', sidecars: false, order: 0 })
const usual: Plan = { ages, checkpoints: [2, 5, 10].map(classic), compacted: [], hint: 'newest' }

test('the commit of the kept checkpoint stays with it, and the version before it is gone', async () => {
  const store = lay(history, usual)
  await store.put(`${FOLDER}00000000000000000003.crc`, new Uint8Array())
  await store.put(`${FOLDER}00000000000000000005.crc`, new Uint8Array())
  expect((await clean(store)).oldest).toBe(5n)
  const kept = ['5.checkpoint.parquet', '5.crc', '5.json', '6.json', '7.json', '8.json', '9.json', '10.json', '11.json']
  const expected = [...kept, '10.checkpoint.parquet'].map(name => name.replace(/^\d+/, v => v.padStart(20, '0')))
  expect(names(store)).toEqual([...expected, '_last_checkpoint'].sort())
  await expect(stateAt(store, 4n)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', details: { oldest: 5n } })
})

test('a second cleanup finds nothing to do, and reads no checkpoint for it', async () => {
  const store = lay(history, usual)
  await clean(store)
  const reads = store.counts.get
  expect(await clean(store)).toEqual({ oldest: undefined, removed: [] })
  // The hint, the checkpoint and the commits of opening the table.
  expect(store.counts.get - reads).toBeLessThanOrEqual(6)
})

test('the day counts from midnight UTC, and a commit exactly then is old enough', async () => {
  const oldestAfter = async (hours: number): Promise<bigint | undefined> =>
    (await clean(lay(history, { ...usual, ages: [hours], checkpoints: [classic(5)] }))).oldest
  const toMidnight = 15 + 30 * 24
  expect(await oldestAfter(toMidnight - 1)).toBeUndefined()
  expect(await oldestAfter(toMidnight + 1)).toBe(5n)
  const exact = lay(history, { ...usual, ages: [toMidnight + 1, toMidnight], checkpoints: [classic(0), classic(1)] })
  expect((await clean(exact)).oldest).toBe(1n)
})

test('a longer or shorter retention is honoured, one that is not understood stops the cleanup', async () => {
  const withRetention = (text: string): Promise<CleanedLog> =>
    clean(lay(history, usual, { 'delta.logRetentionDuration': text }))
  expect((await withRetention('interval 50 days')).oldest).toBeUndefined()
  expect((await withRetention('interval 1 hour')).oldest).toBe(5n)
  await expect(withRetention('interval 1 month')).rejects.toMatchObject({ code: 'WRITE_REFUSED' })
})

test.each([{ 'delta.enableExpiredLogCleanup': 'false' }, { 'delta.enableExpiredLogCleanup': 'FALSE' }])(
  'nothing goes where the table says %j',
  async settings => {
    const store = lay(history, usual, settings)
    const before = names(store)
    expect(await clean(store)).toEqual({ oldest: undefined, removed: [] })
    expect(names(store)).toEqual(before)
  },
)

test.each(['checkpointProtection', 'notInventedYet'])('nothing goes under the feature %s', async feature => {
  const store = lay(history, usual)
  replaceAll(store, '"domainMetadata"]', `"domainMetadata","${feature}"]`)
  const before = names(store)
  await expect(clean(store)).rejects.toMatchObject({ code: 'FEATURE_UNSUPPORTED', details: { features: [feature] } })
  expect(names(store)).toEqual(before)
})

test('nothing goes when the only checkpoint that is old enough is torn, or a later commit is missing', async () => {
  const torn = lay(history, { ...usual, checkpoints: [{ ...classic(5), kind: 'torn' }, classic(10)] })
  expect((await clean(torn)).removed).toEqual([])
  const gap = lay(history, usual)
  gap.objects.delete(`${FOLDER}00000000000000000007.json`)
  expect((await clean(gap)).removed).toEqual([])
  const none = lay(history, { ...usual, checkpoints: [classic(10)] })
  expect((await clean(none)).removed).toEqual([])
})

test('sidecars go when no checkpoint names them and no writer can still mean to', async () => {
  const sidecars = { kind: 'json', sidecars: true, order: 1 } as const
  const store = lay(history, { ...usual, checkpoints: [2, 5, 10].map(at => ({ at, ...sidecars })) })
  const of = (at: number): string[] => [0, 1].map(half => `_sidecars/${at}-json-${half}.parquet`)
  await store.put(`${FOLDER}_sidecars/new.parquet`, new Uint8Array())
  const times = { ...store, list: freshened(store, `${FOLDER}_sidecars/new.parquet`) }
  await clean(times)
  const left = names(store).filter(name => name.startsWith('_sidecars/'))
  expect(left).toEqual([...of(10), ...of(5), '_sidecars/new.parquet'].sort())
})

/** Lists one object as if it had just been written. */
function freshened(store: MemoryStore, path: string): ObjectStore['list'] {
  return async function* list(prefix, options) {
    for await (const object of store.list(prefix, options)) {
      yield object.path === path ? { ...object, modifiedAt: NOW } : object
    }
  }
}

test('sidecars stay while a checkpoint that may name them cannot be read', async () => {
  const sidecars = { kind: 'json', sidecars: true, order: 1 } as const
  const store = lay(history, { ...usual, checkpoints: [...[2, 5].map(at => ({ at, ...sidecars })), classic(10)] })
  store.objects.set(`${FOLDER}00000000000000000010.checkpoint.parquet`, new Uint8Array(3))
  const before = names(store).filter(name => name.startsWith('_sidecars/'))
  expect((await clean(store)).oldest).toBe(5n)
  expect(names(store).filter(name => name.startsWith('_sidecars/'))).toEqual(before)
})

test.each(['before', 'after', 'hang'] as const)(
  'a store that fails %s any call leaves the table readable',
  async mode => {
    for (let call = 1; ; call += 1) {
      const store = lay(history, usual)
      const interrupt = new AbortController()
      const onFault = (): void => (mode === 'hang' ? interrupt.abort() : undefined)
      const faulty = faultyStore(store, { call, mode, signal: interrupt.signal, onFault })
      await clean(faulty, interrupt.signal).catch(() => {})
      const { states } = playModel(history)
      expect(await stateAt(store)).toEqual(expectedAt(states, 11))
      await clean(store)
      expect(await stateAt(store, 5n)).toEqual(expectedAt(states, 5))
      if (!faulty.fired) {
        expect(call).toBeGreaterThan(10)
        return
      }
    }
  },
)
