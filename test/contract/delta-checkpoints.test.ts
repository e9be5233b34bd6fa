/**
 * Checkpoints that Spark wrote, read by the engine: a table is the same whether it is opened from them or from the whole
 * log. The tables lie beside the repository; where they are not, the test says so by being skipped.
 */
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeltaError, LocalStore, readSnapshot, type Snapshot } from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Engine } from '../../packages/tidemark/src/engine/engine.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'

const GOLDEN = join(import.meta.dirname, '../../../shared/data/delta-golden')

/** Tables with a checkpoint and a log that also reaches back to version 0, and the checkpoint that is begun with. */
const withBoth: Record<string, bigint> = {
  '125-iterator-bug': 10n,
  'basic-with-inserts-deletes-checkpoint': 10n,
  'basic-with-inserts-overwrite-restore': 3n,
  checkpoint: 10n,
  'corrupted-last-checkpoint-kernel': 10n,
  'dv-partitioned-with-checkpoint': 10n,
  'dv-with-columnmapping': 10n,
  'multi-part-checkpoint': 1n,
  'only-checkpoint-files': 2n,
  'v2-checkpoint-json': 2n,
  'v2-checkpoint-parquet': 2n,
}

let root: string
let engine: Engine

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-golden-'))
  if (!existsSync(GOLDEN)) return
  for (const name of Object.keys(withBoth)) await cp(join(GOLDEN, name, 'delta'), join(root, name), { recursive: true })
  const store = new LocalStore(root)
  engine = await openDuckdb({ store, ids: systemIds, scratch: join(root, '_tmp'), folders: [root], threads: 1 })
})

afterAll(async () => {
  await engine?.close()
  await rm(root, { recursive: true })
})

/** The state without what tells how it was come by, or the refusal. */
async function stateOf(opening: Promise<Snapshot | undefined>): Promise<object | string | undefined> {
  try {
    const snapshot = await opening
    if (snapshot === undefined) return undefined
    const { log, txn: _txn, domain: _domain, ...state } = snapshot
    const files = new Map(
      [...state.files].map(([path, { stats, dataChange: _change, ...file }]) => {
        return [path, { ...file, stats: stats === undefined ? undefined : (JSON.parse(stats) as unknown) }]
      }),
    )
    return { ...state, files, checkpoint: log.checkpoint }
  } catch (error) {
    if (isDeltaError(error)) return error.code
    throw error
  }
}

test.skipIf(!existsSync(GOLDEN)).each(Object.entries(withBoth))(
  '%s is the same from its checkpoint %s and from its whole log',
  async (name, checkpoint) => {
    const store = new LocalStore(root)
    const tables = { store, logParquet: engine.logParquet }
    const short = await stateOf(readSnapshot(tables, { tablePath: name }))
    const whole = await stateOf(readSnapshot({ store }, { tablePath: name }))
    if (typeof short !== 'object' || typeof whole !== 'object') return expect(short).toBe(whole)
    expect(short).toMatchObject({ checkpoint })
    expect({ ...short, checkpoint: undefined }).toEqual(whole)
  },
)

test.skipIf(!existsSync(GOLDEN))('a Parquet file of the log that is damaged anywhere is passed by', async () => {
  const store = new LocalStore(root)
  const folder = join(root, 'damaged')
  await cp(join(GOLDEN, 'v2-checkpoint-parquet', 'delta'), folder, { recursive: true })
  const log = join(folder, '_delta_log')
  const expected = await stateOf(readSnapshot({ store }, { tablePath: 'damaged' }))
  const files = readdirSync(log, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.parquet'))
  expect(files.length).toBeGreaterThan(2)
  for (const file of files) {
    const bytes = await readFile(join(log, file))
    const damages = [
      bytes.subarray(0, bytes.length - 7),
      bytes.subarray(0, 40),
      Buffer.alloc(bytes.length),
      Buffer.alloc(0),
    ]
    for (const damaged of damages) {
      await writeFile(join(log, file), damaged)
      const tables = { store, logParquet: engine.logParquet }
      expect(await stateOf(readSnapshot(tables, { tablePath: 'damaged' }))).toEqual(expected)
    }
    await writeFile(join(log, file), bytes)
  }
})
