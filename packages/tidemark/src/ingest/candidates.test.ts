import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { field, LocalStore, type ObjectStore } from '@tidemark/delta'
import { expect, onTestFinished, test } from 'vitest'
import { openDuckdb } from '../engine/duckdb.ts'
import { sql } from '../engine/sql.ts'
import { systemIds } from '../run/system.ts'
import { intoFiles } from './candidates.ts'

const SCHEMA = { type: 'struct' as const, fields: [field('n', 'long')] }

/** Load some segments over a store whose uploads do as they are told, and which are counted. */
async function load(segments: number, upload: (nth: number, asked: number) => Promise<void>, onAsked = () => {}) {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-candidates-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const local = new LocalStore(join(root, 'lake'))
  const seen = { uploads: 0, asked: 0, discarded: 0, mostStaged: 0 }
  const store: ObjectStore = Object.assign(Object.create(local) as ObjectStore, {
    get: local.get.bind(local),
    locate: local.locate.bind(local),
    putFile: async (path: string, file: string) => {
      // Two may be on their way at once.
      const nth = ++seen.uploads
      const staged = (await readdir(join(root, 'scratch'))).filter(name => name !== 'spill')
      seen.mostStaged = Math.max(seen.mostStaged, staged.length)
      await upload(nth, seen.asked)
      return await local.putFile(path, file)
    },
  })
  const engine = openDuckdb({ store, ids: systemIds, scratch: join(root, 'scratch'), folders: [root] })
  async function* coming() {
    for (; seen.asked < segments; ) {
      seen.asked += 1
      onAsked()
      yield { path: `segment-${seen.asked}`, rows: 10n, bytes: 1n }
    }
  }
  try {
    await using session = await engine.session()
    const intake = {
      session,
      columns: [],
      lake: [{ name: 'n', type: 'long', value: sql`n` }],
      read: () => sql`SELECT '0' AS _row_version, range AS n FROM range(10)`,
      onRows: () => undefined,
      discard: () => {
        seen.discarded += 1
        return Promise.resolve()
      },
      signal: new AbortController().signal,
    }
    const result = await intoFiles(intake, coming(), { tablePath: 't', schema: SCHEMA }, rows => rows)
    return { ...result, seen, left: await readdir(join(root, 'scratch')) }
  } finally {
    await engine.close()
  }
}

test('files are on their way while the next rows are read and written, and those of no more than two segments wait', async () => {
  const third = Promise.withResolvers<void>()
  let asked = 0
  const onAsked = (): void => {
    asked += 1
    if (asked === 3) third.resolve()
  }
  // The first upload ends only when the source was asked for what is read after the second segment was taken.
  const loaded = await load(6, nth => (nth === 1 ? third.promise : Promise.resolve()), onAsked)
  expect(loaded.files.map(file => file.numRecords)).toEqual(Array.from({ length: 6 }, () => 10n))
  expect(loaded).toMatchObject({ rows: 60n, seen: { uploads: 6, discarded: 6 } })
  expect(loaded.seen.mostStaged).toBeLessThanOrEqual(2)
  expect(loaded.left.filter(name => name !== 'spill')).toEqual([])
})

test.each([1, 3, 6])('an upload that fails, the %dth, ends the load with its reason', async nth => {
  const gone = new Error('the network is gone')
  await expect(load(6, n => (n === nth ? Promise.reject(gone) : Promise.resolve()))).rejects.toBe(gone)
})
