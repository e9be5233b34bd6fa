import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonParquet } from '../../test/support/json-parquet.ts'
import {
  type CheckpointKind,
  checkpointKind,
  isUsable,
  type ModelState,
  modelHistory,
  playModel,
  putCheckpoint,
  putCommit,
  putCompacted,
} from '../../test/support/log-model.ts'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { readSnapshot, readState, refreshSnapshot } from './read-snapshot.ts'
import type { Replay, Snapshot } from './snapshot.ts'

/** Everything a snapshot says that the model knows. An add's size is the version that wrote it. */
function stateOf({ files, txns, domains }: Snapshot | Replay): object {
  const version = (txn: bigint | { version: bigint }): number => Number(typeof txn === 'bigint' ? txn : txn.version)
  return {
    files: new Map([...files].map(([path, f]) => [path, [Number(f.size), f.deletionVector?.offset ?? 0]])),
    txns: new Map([...txns].map(([appId, txn]) => [appId, version(txn)])),
    domains: new Map(domains),
  }
}

function expectedOf({ files, txns, domains }: ModelState): object {
  return { files: new Map([...files].map(([path, f]) => [path, [f.version, f.vector]])), txns, domains }
}

function removedOf(state: Replay): object {
  const removed = [...(state.removed?.values() ?? [])]
  return new Set(removed.map(r => `${r.path} ${r.deletionVector?.offset ?? 0} ${r.deletionTimestamp}`))
}

interface Layout {
  checkpoints: readonly { at: number; kind: CheckpointKind; sidecars: boolean; order: number }[]
  compacted: readonly { from: number; length: number; torn: boolean }[]
  hint: 'none' | 'newest' | 'oldest' | 'torn' | 'wrong checksum' | 'points to nothing'
  /** Delete every commit that the oldest usable checkpoint makes needless. */
  cleaned: boolean
}

/** Kinds whose files have the same names. */
function nameOf(kind: CheckpointKind): string {
  if (kind === 'parts' || kind === 'part missing') return 'parts'
  return kind === 'json' || kind === 'uuid parquet' ? kind : 'one file'
}

const layout = fc.record<Layout>({
  checkpoints: fc.uniqueArray(
    fc.record({ at: fc.nat(19), kind: checkpointKind, sidecars: fc.boolean(), order: fc.nat(99) }),
    { maxLength: 4, selector: c => `${c.at} ${nameOf(c.kind)}` },
  ),
  compacted: fc.array(fc.record({ from: fc.nat(19), length: fc.nat(8), torn: fc.boolean() }), { maxLength: 3 }),
  hint: fc.constantFrom('none', 'newest', 'oldest', 'torn', 'wrong checksum', 'points to nothing'),
  cleaned: fc.boolean(),
})

/** Lay a history down; says which version is the oldest that can be read. */
function layDown(store: MemoryStore, history: Parameters<typeof playModel>[0], plan: Layout): number {
  const { states, lines } = playModel(history)
  for (const [version, content] of lines.entries()) putCommit(store, version, content)
  const known = plan.checkpoints.filter(c => c.at < history.length).sort((a, b) => a.at - b.at)
  const hints = known.map(({ at, kind, sidecars, order }) =>
    putCheckpoint(store, { version: at, kind, state: states[at] as ModelState, sidecars, order }),
  )
  for (const { from, length, torn } of plan.compacted) {
    const to = Math.min(from + length + 1, history.length - 1)
    if (from < to) putCompacted(store, { from, to, states, history, torn })
  }
  const hint = toHint(plan.hint, hints)
  if (hint !== undefined) store.objects.set('t/_delta_log/_last_checkpoint', new TextEncoder().encode(hint))
  const oldest = known.find(c => isUsable(c.kind))?.at
  if (!plan.cleaned || oldest === undefined) return 0
  for (let version = 0; version < oldest; version += 1) {
    store.objects.delete(`t/_delta_log/${String(version).padStart(20, '0')}.json`)
  }
  return oldest
}

function toHint(kind: Layout['hint'], hints: readonly object[]): string | undefined {
  switch (kind) {
    case 'none':
      return undefined
    case 'newest':
      return hints.length === 0 ? undefined : JSON.stringify(hints.at(-1))
    case 'oldest':
      return hints.length === 0 ? undefined : JSON.stringify(hints[0])
    case 'torn':
      return '{"version":1'
    case 'wrong checksum':
      return '{"version":0,"size":3,"checksum":"6a92d155a59bf2eecbd4b4ec7fd1f875"}'
    case 'points to nothing':
      return '{"version":7,"size":3,"parts":4}'
  }
}

const RUNS = { numRuns: 200 }

test('any history under any placement of checkpoints, hints and compacted logs equals a naive model', async () => {
  await fc.assert(
    fc.asyncProperty(modelHistory(20, 0), layout, fc.nat(19), async (history, plan, middle) => {
      const store = memoryStore()
      const tables = { store, logParquet: jsonParquet(store) }
      const oldest = layDown(store, history, plan)
      const { states } = playModel(history)
      const newest = history.length - 1
      const stop = Math.max(oldest, middle % history.length)
      const early = await readSnapshot(tables, { tablePath: 't', version: BigInt(stop) })
      const latest = await readSnapshot(tables, { tablePath: 't' })
      if (!early || !latest) throw new Error('the table was not found')
      const refreshed = await refreshSnapshot(tables, early)
      for (const [snapshot, version] of [
        [early, stop],
        [latest, newest],
        [refreshed, newest],
      ] as const) {
        expect(snapshot.version).toBe(BigInt(version))
        expect(snapshot.timestamp).toBe(version)
        expect(stateOf(snapshot)).toEqual(expectedOf(states[version] as ModelState))
      }
      if (oldest === 0) return
      const gone = readSnapshot(tables, { tablePath: 't', version: BigInt(oldest - 1) })
      await expect(gone).rejects.toMatchObject({
        code: expect.stringMatching(/^(VERSION_NOT_FOUND|CHECKPOINT_INVALID)$/),
      })
    }),
    RUNS,
  )
})

test('a file is kept apart from itself with another deletion vector, and so are its tombstones', async () => {
  await fc.assert(
    fc.asyncProperty(modelHistory(20, 2), layout, async (history, plan) => {
      const store = memoryStore()
      layDown(store, history, plan)
      const state = await readState({ store, logParquet: jsonParquet(store) }, { tablePath: 't', removed: true })
      const expected = playModel(history).states.at(-1) as ModelState
      if (!state) throw new Error('the table was not found')
      expect(stateOf(state)).toEqual(expectedOf(expected))
      const removed = [...expected.removed.values()]
      expect(removedOf(state)).toEqual(new Set(removed.map(r => `${r.path} ${r.vector} ${r.version}`)))
    }),
    RUNS,
  )
})
