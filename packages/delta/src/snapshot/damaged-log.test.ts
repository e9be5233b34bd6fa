/**
 * What a damaged log does to a reader: the table as it is, or a DeltaError that says where to look. Nothing else.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonParquet } from '../../test/support/json-parquet.ts'
import { modelHistory, playModel, putCheckpoint, putCommit } from '../../test/support/log-model.ts'
import { type MemoryStore, memoryStore } from '../../test/support/memory-store.ts'
import { DeltaError } from '../errors.ts'
import { readSnapshot } from './read-snapshot.ts'
import type { Snapshot } from './snapshot.ts'

type Form = 'commits' | 'classic' | 'parts' | 'json' | 'uuid parquet'

const form = fc.constantFrom<Form>('commits', 'classic', 'parts', 'json', 'uuid parquet')
const damage = fc.oneof(
  fc.record({ kind: fc.constant('cut' as const), at: fc.nat() }),
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), bit: fc.nat(7) }),
  fc.constant({ kind: 'gone' as const }),
  fc.constant({ kind: 'empty' as const }),
)

/** A table of which every file is needed: with a checkpoint, the commits before it are gone. */
function layDown(history: Parameters<typeof playModel>[0], kind: Form): MemoryStore {
  const store = memoryStore()
  const { states, lines } = playModel(history)
  const middle = kind === 'commits' ? -1 : Math.floor((history.length - 1) / 2)
  for (const [version, content] of lines.entries()) if (version >= middle) putCommit(store, version, content)
  const state = states[middle]
  if (kind === 'commits' || state === undefined) return store
  const hint = putCheckpoint(store, { version: middle, kind, state, order: 3, sidecars: true })
  store.objects.set('t/_delta_log/_last_checkpoint', new TextEncoder().encode(JSON.stringify(hint)))
  return store
}

function damageFile(store: MemoryStore, path: string, what: { kind: string; at?: number; bit?: number }): void {
  const bytes = store.objects.get(path) ?? new Uint8Array()
  const at = (what.at ?? 0) % bytes.length
  if (what.kind === 'gone') store.objects.delete(path)
  if (what.kind === 'empty') store.objects.set(path, new Uint8Array())
  if (what.kind === 'cut') store.objects.set(path, bytes.slice(0, at))
  if (what.kind === 'flip') store.objects.set(path, bytes.with(at, (bytes[at] ?? 0) ^ (1 << (what.bit ?? 0))))
}

function read(store: MemoryStore): Promise<Snapshot | undefined> {
  return readSnapshot({ store, logParquet: jsonParquet(store) }, { tablePath: 't' })
}

test('any damage to any one file gives a table, or a DeltaError that names a version, a file or the table', async () => {
  await fc.assert(
    fc.asyncProperty(modelHistory(6, 0), form, fc.nat(), damage, async (history, kind, which, what) => {
      const store = layDown(history, kind)
      const paths = [...store.objects.keys()]
      const path = paths[which % paths.length] ?? ''
      damageFile(store, path, what)
      const outcome = await read(store).catch((error: unknown) => error)
      if (!(outcome instanceof Error)) return
      expect(outcome).toBeInstanceOf(DeltaError)
      const { code, details } = outcome as DeltaError
      expect(code).toMatch(/^(LOG_|CHECKPOINT_INVALID|SCHEMA_INVALID|FEATURE_UNSUPPORTED)/)
      expect(Object.keys(details)).toEqual(
        expect.arrayContaining([code === 'FEATURE_UNSUPPORTED' ? 'tablePath' : 'version']),
      )
    }),
    { numRuns: 500 },
  )
})

test.each(['classic', 'parts', 'uuid parquet'] as const)(
  'a torn %s checkpoint, or sidecar, that nothing can replace is named',
  async kind => {
    const history = Array.from({ length: 5 }, () => {
      return { files: { a: { kind: 'write', vector: 0, twice: false } as const }, txns: {}, domains: {}, order: 0 }
    })
    for (const path of layDown(history, kind).objects.keys()) {
      if (!path.endsWith('.parquet')) continue
      const store = layDown(history, kind)
      damageFile(store, path, { kind: 'cut', at: 20 })
      const file = path.slice('t/_delta_log/'.length)
      const invalid = {
        code: 'CHECKPOINT_INVALID',
        message: expect.stringContaining(file),
        details: { version: 2n, file },
      }
      await expect(read(store)).rejects.toMatchObject(invalid)
    }
  },
)

test('a gap in the versions is found without a listing, and named', async () => {
  const history = Array.from({ length: 40 }, () => ({ files: {}, txns: {}, domains: {}, order: 0 }))
  for (const missing of [1, 2, 3, 7, 20, 38]) {
    const store = layDown(history, 'commits')
    const file = `${String(missing).padStart(20, '0')}.json`
    store.objects.delete(`t/_delta_log/${file}`)
    await expect(read(store)).rejects.toMatchObject({ code: 'LOG_GAP', details: { version: BigInt(missing), file } })
  }
})

test('a version that is committed while it is looked for is no gap', async () => {
  const history = Array.from({ length: 6 }, () => ({ files: {}, txns: {}, domains: {}, order: 0 }))
  const store = layDown(history, 'commits')
  const late = 't/_delta_log/00000000000000000004.json'
  const bytes = store.objects.get(late) ?? new Uint8Array()
  store.objects.delete(late)
  const racing: MemoryStore = {
    ...store,
    get: async (path, options) => {
      try {
        return await store.get(path, options)
      } finally {
        if (path === late) store.objects.set(late, bytes)
      }
    },
  }
  expect(await read(racing)).toMatchObject({ version: 5n })
})

test('a table that is deleted while it is read is gone, or the version that was looked for is named', async () => {
  const history = Array.from({ length: 6 }, () => ({ files: {}, txns: {}, domains: {}, order: 0 }))
  for (const kind of ['commits', 'classic', 'json'] as const) {
    for (let after = 0; after < 12; after += 1) {
      const store = layDown(history, kind)
      let calls = 0
      const vanishing: MemoryStore = {
        ...store,
        get: (path, options) => {
          if (calls === after) store.objects.clear()
          calls += 1
          return store.get(path, options)
        },
      }
      const outcome = await read(vanishing).catch((error: unknown) => error)
      const told = outcome instanceof DeltaError ? outcome.details : (outcome ?? { version: 'no table' })
      expect(told).toHaveProperty('version')
    }
  }
})

test('files that leave the table are refused by name, absolute ones anywhere are not', async () => {
  const history = [{ files: {}, txns: {}, domains: {}, order: 0 }]
  const withFile = async (path: string): Promise<Snapshot | undefined> => {
    const store = layDown(history, 'commits')
    const add = { path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }
    putCommit(store, 1, [JSON.stringify({ add })])
    return read(store)
  }
  for (const path of ['../other/part-0', 'a/%2E%2E/%2E%2E/part-0', 'file:/lake/../etc/passwd', '/lake/t/../x']) {
    await expect(withFile(path)).rejects.toMatchObject({ code: 'LOG_INVALID', details: { version: 1n, line: 1 } })
  }
  const keys = async (path: string): Promise<string[]> => [...((await withFile(path))?.files.keys() ?? [])]
  for (const path of ['/far/a%20b', 'file:/far/a%20b', 'file:///far/a%20b'])
    expect(await keys(path)).toEqual(['/far/a b'])
})
