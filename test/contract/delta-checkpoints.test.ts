/**
 * Checkpoints by the engine: those that Spark wrote, read, and our own, written and read again. A table is the same
 * whether it is opened from them or from the whole log. Spark's tables lie beside the repository; where they are not, the
 * tests say so by being skipped.
 */
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type CheckpointPorts,
  commit,
  type DataType,
  field,
  isDeltaError,
  LocalStore,
  readSnapshot,
  type Snapshot,
  stageCreate,
  type StructType,
  writeCheckpoint,
} from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Engine } from '../../packages/tidemark/src/engine/engine.ts'
import { sql, text } from '../../packages/tidemark/src/engine/sql.ts'
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
  for (const name of existsSync(GOLDEN) ? Object.keys(withBoth) : [])
    await cp(join(GOLDEN, name, 'delta'), join(root, name), { recursive: true })
  const store = new LocalStore(root)
  engine = openDuckdb({ store, ids: systemIds, scratch: join(root, '_tmp'), folders: [root], threads: 1 })
})

afterAll(async () => {
  await engine.close()
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

const golden = existsSync(GOLDEN)
  ? readdirSync(GOLDEN).filter(name => existsSync(join(GOLDEN, name, 'delta/_delta_log')))
  : []

const portsOf = (store: LocalStore): CheckpointPorts => {
  return { store, logParquet: engine.logParquet, clock: { now: () => 0 }, ids: systemIds }
}

test.skipIf(golden.length === 0).each(golden)('%s is the same from a checkpoint of ours', async name => {
  const folder = `ours-${name}`
  await cp(join(GOLDEN, name, 'delta'), join(root, folder), { recursive: true })
  const store = new LocalStore(root)
  const tables = { store, logParquet: engine.logParquet }
  const before = await readSnapshot(tables, { tablePath: folder }).catch(() => undefined)
  if (before === undefined) return
  const expected = await stateOf(Promise.resolve(before))
  const writing = writeCheckpoint(portsOf(store), { tablePath: folder })
  const written = await writing.catch((error: unknown) => {
    if (isDeltaError(error, 'FEATURE_UNSUPPORTED', 'WRITE_REFUSED')) return undefined
    throw error
  })
  if (written === undefined) return
  const log = join(root, folder, '_delta_log')
  for (const file of readdirSync(log)) {
    const isOurs = file === '_last_checkpoint' || file === `${String(written.version).padStart(20, '0')}.json`
    if (written.outcome === 'created' && /^\d{20}\.json$/.test(file) && !isOurs) await rm(join(log, file))
  }
  const after = await stateOf(readSnapshot(tables, { tablePath: folder }))
  expect({ ...(after as object), checkpoint: undefined }).toEqual({ ...(expected as object), checkpoint: undefined })
  expect(after).toMatchObject({ checkpoint: written.version })
})

const everyType: StructType = {
  type: 'struct',
  fields: [
    ...[
      'byte',
      'short',
      'integer',
      'long',
      'float',
      'double',
      'decimal(38,9)',
      'date',
      'timestamp',
      'string',
      'boolean',
    ].map(type => field(type.replace(/[(),]/g, '_'), type)),
    field('inner', { type: 'struct', fields: [field('deep', 'long'), field('list', list('string'))] }),
    field('day', 'date'),
  ],
}

function list(elementType: string): DataType {
  return { type: 'array', elementType, containsNull: true }
}

/** Bounds that a double could not hold, and those that need a type to be read. */
const bounds =
  '{"byte":-128,"short":-32768,"integer":1,"long":9223372036854775807,"float":0.5,"double":1.0E+300,' +
  '"decimal_38_9_":12345678901234567890.123456789,"date":"2026-01-02","timestamp":"2026-01-02T03:04:05.678000Z",' +
  '"string":"ø","inner":{"deep":-9007199254740993}}'
const fullStats = `{"numRecords":3,"minValues":${bounds},"maxValues":${bounds},"nullCount":{"long":1,"inner":{"deep":2}},"tightBounds":true}`

test.each([
  { 'delta.checkpoint.writeStatsAsStruct': 'true' },
  { 'delta.checkpoint.writeStatsAsStruct': 'true', 'delta.checkpoint.writeStatsAsJson': 'false' },
  { 'delta.checkpoint.writeStatsAsStruct': 'true', 'delta.checkpointPolicy': 'v2' },
])('statistics and partition values go into columns of their types and come back: %j', async configuration => {
  const tablePath = `typed-${Object.keys(configuration).length}-${'delta.checkpointPolicy' in configuration}`
  const store = new LocalStore(root)
  const ports = portsOf(store)
  const files = [
    { path: 'a', stats: fullStats, numRecords: 3n, partitionValues: { day: '2026-01-02' } },
    { path: 'b', stats: '{"numRecords":0}', numRecords: 0n, partitionValues: { day: null } },
  ].map(file => ({ size: 1n, modificationTime: 1, ...file }))
  const clock = { now: () => 0, sleep: () => Promise.resolve() }
  const staged = stageCreate({
    tablePath,
    schema: everyType,
    partitionColumns: ['day'],
    configuration,
    files,
    info: { operation: 'WRITE' },
  })
  await commit({ ...ports, clock }, staged)
  const before = (await stateOf(readSnapshot(ports, { tablePath }))) as { files: Map<string, { stats: unknown }> }
  const written = await writeCheckpoint(ports, { tablePath })
  const after = (await stateOf(readSnapshot(ports, { tablePath }))) as typeof before & { checkpoint: bigint }
  expect(after.checkpoint).toBe(written.version)
  expect(after.files).toEqual(before.files)
  const kept = (await readSnapshot(ports, { tablePath }))?.files.get('a')?.stats
  expect(kept).toContain('"long":9223372036854775807')
  expect(kept).toContain('"decimal_38_9_":12345678901234567890.123456789')
  const log = `${tablePath}/_delta_log`
  const sidecar = readdirSync(join(root, log), { recursive: true, encoding: 'utf8' }).find(file =>
    file.startsWith('_sidecars/'),
  )
  const file = sidecar ?? '00000000000000000000.checkpoint.parquet'
  await using session = await engine.session()
  const columns =
    await session.rows(sql`SELECT add.partitionValues_parsed.day AS day, typeof(add.partitionValues_parsed.day) AS day_type, \
add.stats_parsed.minValues."timestamp" AS at, typeof(add.stats_parsed.minValues.decimal_38_9_) AS decimal_type \
FROM read_parquet(${text(store.locate(`${log}/${file}`))}) WHERE add.path = 'a'`)
  expect(columns).toEqual([
    { day: '2026-01-02', day_type: 'DATE', at: '2026-01-02 03:04:05.678+00', decimal_type: 'DECIMAL(38,9)' },
  ])
  const required = await session.rows(sql`SELECT name FROM parquet_schema(${text(store.locate(`${log}/${file}`))}) \
WHERE repetition_type = 'REQUIRED' AND name NOT IN ('duckdb_schema', 'key')`)
  expect(required).toEqual([])
})

test('what JSON has no number or Spark another spelling for, keeps no checkpoint from being written or read', async () => {
  const columns = [field('ratio', 'double'), field('at', 'timestamp'), field('word', 'string'), field('day', 'date')]
  const configuration = { 'delta.checkpoint.writeStatsAsStruct': 'true', 'delta.checkpoint.writeStatsAsJson': 'false' }
  const ports = portsOf(new LocalStore(root))
  const minValues = '{"ratio":"-Infinity","at":"+12024-01-02T03:04:05.678Z","word":"+12024-01-02"}'
  const stats = `{"numRecords":3,"minValues":${minValues},"maxValues":{"ratio":"NaN"}}`
  const file = {
    path: 'a',
    stats,
    numRecords: 3n,
    partitionValues: { day: '+12024-01-02' },
    size: 1n,
    modificationTime: 1,
  }
  const staged = stageCreate({
    tablePath: 'beyond',
    schema: { type: 'struct', fields: columns },
    partitionColumns: ['day'],
    configuration,
    files: [file],
    info: { operation: 'WRITE' },
  })
  await commit({ ...ports, clock: { now: () => 0, sleep: () => Promise.resolve() } }, staged)
  const { version } = await writeCheckpoint(ports, { tablePath: 'beyond' })
  await rm(join(root, 'beyond/_delta_log/00000000000000000000.json'))
  const found = await readSnapshot(ports, { tablePath: 'beyond' })
  expect(found?.log.checkpoint).toBe(version)
  expect(found?.files.get('a')?.partitionValues).toEqual({ day: '+12024-01-02' })
  expect(found?.files.get('a')?.stats).toBe(
    '{"numRecords":3,"minValues":{"at":"12024-01-02T03:04:05.678000Z","word":"+12024-01-02"}}',
  )
})

test.each([
  [{ 'delta.parquet.compression.codec': 'snappy' }, 'SNAPPY'],
  [{}, 'ZSTD'],
])('a checkpoint is compressed as the table asks: %o', async (configuration, codec) => {
  const store = new LocalStore(root)
  const ports = {
    store,
    logParquet: engine.logParquet,
    clock: { now: Date.now, sleep: async () => {} },
    ids: systemIds,
  }
  const schema: StructType = { type: 'struct', fields: [field('id', 'long')] }
  const tablePath = `compressed-${codec}`
  await commit(ports, stageCreate({ tablePath, schema, configuration, info: { operation: 'CREATE TABLE' } }))
  await writeCheckpoint(ports, { tablePath })
  const file = join(root, tablePath, '_delta_log', `${'0'.repeat(20)}.checkpoint.parquet`)
  await using session = await engine.session()
  expect(await session.rows(sql`SELECT DISTINCT compression AS c FROM parquet_metadata([${text(file)}])`)).toEqual([
    { c: codec },
  ])
})
