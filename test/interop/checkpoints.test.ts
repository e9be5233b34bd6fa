/**
 * Tables whose older commits are gone, so that nothing but our checkpoint tells what they hold: every other reader reads
 * the rows we read, and Spark goes on writing.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  cleanLog,
  commit,
  field,
  LocalStore,
  readSnapshot,
  type StructType,
  stageAppend,
  stageCreate,
  stageRemoveAndAdd,
} from '@tidemark/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Engine } from '../../packages/tidemark/src/engine/engine.ts'
import { integer, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { hasReader, readWith } from '../support/interop/read-with.ts'
import { spark } from '../support/interop/spark.ts'

const COMMITS = 8
const DAY = 24 * 60 * 60 * 1000

const schema: StructType = {
  type: 'struct',
  fields: [field('id', 'long'), field('amount', 'decimal(20,2)'), field('day', 'date'), field('at', 'timestamp')],
}

let root: string
let store: LocalStore
let engine: Engine

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-checkpoints-'))
  store = new LocalStore(root)
  engine = openDuckdb({ store, ids: systemIds, scratch: join(root, '_tmp'), folders: [root], threads: 1 })
})
afterAll(async () => {
  await engine.close()
  await rm(root, { recursive: true, force: true })
})

/** Appends, a removal, application versions and a domain, with a checkpoint every third commit. */
async function makeTable(tablePath: string, settings: Record<string, string>): Promise<void> {
  const clock = { now: () => Date.now(), sleep: () => Promise.resolve() }
  const ports = { store, logParquet: engine.logParquet, clock, ids: { uuid: () => randomUUID() } }
  const configuration = { 'delta.checkpointInterval': '3', ...settings }
  const info = { operation: 'WRITE' }
  const domains = [{ domain: 'tidemark.test', configuration: '{"mark":1}' }]
  await commit(ports, stageCreate({ tablePath, schema, configuration, domains, info }))
  for (let i = 1; i < COMMITS; i += 1) {
    await using session = await engine.session()
    const rows = sql`SELECT ${integer(i)} * 10 + r AS id, r / 3 AS amount, DATE '2026-01-01' + r::INTEGER AS day, \
TIMESTAMPTZ '2026-01-01 00:00:00.123456+00' + INTERVAL (r) DAY AS at FROM range(5) t(r)`
    const files = await session.writeParquet(rows, { tablePath, schema })
    const current = await readSnapshot(ports, { tablePath })
    if (current === undefined) throw new Error('there is no table')
    const [oldest] = [...current.files.keys()]
    const txn = [{ appId: 'flow', version: BigInt(i) }]
    const staged =
      i === 4 && oldest !== undefined
        ? stageRemoveAndAdd(current, { remove: [oldest], files, dataChange: true, txn, info })
        : stageAppend(current, { files, txn, info })
    const result = await commit(ports, staged)
    if (result.kind === 'conflict') throw new Error(result.reason)
    if (result.upkeep.kind === 'failed') throw result.upkeep.error
  }
  const later = { ...ports, clock: { now: () => Date.now() + 40 * DAY } }
  await cleanLog(later, { tablePath })
}

const TABLES: Readonly<Record<string, Record<string, string>>> = {
  classic: {},
  typed: { 'delta.checkpoint.writeStatsAsStruct': 'true', 'delta.checkpoint.writeStatsAsJson': 'false' },
  sidecars: { 'delta.checkpointPolicy': 'v2' },
}

describe.each(Object.entries(TABLES))('a %s checkpoint', (name, settings) => {
  let folder: string
  beforeAll(async () => {
    folder = join(root, name)
    await makeTable(name, settings)
  })

  test('holds what the removed commits did', async () => {
    const left = (await readdir(join(folder, '_delta_log'))).filter(file => /^\d{20}\.json$/.test(file)).sort()
    expect(left[0]).toBe('00000000000000000005.json')
    const own = await readWith('tidemark', folder)
    expect(own.rows).toHaveLength((COMMITS - 2) * 5)
  })

  test.each((['spark', 'duckdb', 'delta-rs'] as const).filter(hasReader))(
    `gives %s the rows it gives us (${WHEN_MISSING})`,
    async reader => {
      expect((await readWith(reader, folder)).rows).toEqual((await readWith('tidemark', folder)).rows)
    },
  )

  test.skipIf(!hasReader('spark'))(`lets Spark go on writing (${WHEN_MISSING})`, async () => {
    const table = `delta.\`${folder}\``
    await spark.run([`DELETE FROM ${table} WHERE id = 21`, `INSERT INTO ${table} VALUES (999, 1.5, null, null)`])
    const rows = await readWith('spark', folder)
    expect(rows.rows).toHaveLength((COMMITS - 2) * 5)
    expect((await readWith('tidemark', folder)).rows).toEqual(rows.rows)
    const snapshot = await readSnapshot({ store, logParquet: engine.logParquet }, { tablePath: name })
    expect(snapshot?.txn('flow')).toBe(BigInt(COMMITS - 1))
    expect(snapshot?.domain('tidemark.test')).toBe('{"mark":1}')
  })
})
