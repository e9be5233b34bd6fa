import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { field, LocalStore, type StructType } from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemIds } from '../run/system.ts'
import { openDuckdb } from './duckdb.ts'
import type { Engine } from './engine.ts'
import { copyRows } from './duckdb-log.ts'
import { type Sql, sql, text } from './sql.ts'

const texts = { type: 'map', keyType: 'string', valueType: 'string', valueContainsNull: true } as const
const schema: StructType = {
  type: 'struct',
  fields: [
    field('txn', { type: 'struct', fields: [field('appId', 'string'), field('version', 'long')] }),
    field('add', {
      type: 'struct',
      fields: [
        field('path', 'string'),
        field('partitionValues', texts),
        field('size', 'long'),
        field('stats', 'string'),
        field('names', { type: 'array', elementType: 'string', containsNull: true }),
      ],
    }),
  ],
}

let root: string
let store: LocalStore
let engine: Engine

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-log-parquet-'))
  store = new LocalStore(join(root, 'lake'))
  const scratch = join(root, 'lake/_tmp/run')
  engine = openDuckdb({ store, ids: systemIds, scratch, folders: [join(root, 'lake')], threads: 1 })
})

afterAll(async () => {
  await engine.close()
  await rm(root, { recursive: true })
})

const rowsOf = async (...chunks: (readonly string[])[]): Promise<AsyncIterable<readonly string[]>> => {
  await Promise.resolve()
  return (async function* () {
    for (const chunk of chunks) yield await Promise.resolve(chunk)
  })()
}

async function readAll(path: string, columns: readonly string[], signal?: AbortSignal): Promise<unknown[]> {
  const rows: unknown[] = []
  for await (const chunk of engine.logParquet.readRows(path, { columns, signal })) {
    rows.push(...chunk.map(row => JSON.parse(row)))
  }
  return rows
}

/** A Parquet file of a query's rows, as another writer could have made it. */
async function writeForeign(path: string, query: Sql): Promise<void> {
  await mkdir(join(root, 'lake/x'), { recursive: true })
  await using session = await engine.session()
  await session.run(sql`COPY (${query}) TO ${text(store.locate(path))} (FORMAT parquet)`)
}

test('rows come back as they went in, digit by digit', async () => {
  const add =
    '{"add":{"path":"a b","partitionValues":{"p":null,"ø":"1"},"size":9223372036854775807,"stats":"{\\"n\\":1}"}}'
  const txn = '{"txn":{"appId":"x","version":9007199254740993}}'
  const written = await engine.logParquet.writeRows('x/one.parquet', schema, await rowsOf([add], [], [txn]))
  expect(written).toMatchObject({ outcome: 'created', rowCount: 2n })
  expect(written.sizeBytes).toBeGreaterThan(0n)
  const lines: string[] = []
  for await (const chunk of engine.logParquet.readRows('x/one.parquet', { columns: ['add', 'txn'] }))
    lines.push(...chunk)
  expect(lines.join('\n')).toContain('"size":9223372036854775807')
  expect(lines.join('\n')).toContain('"version":9007199254740993')
  expect(lines.map(line => JSON.parse(line))).toEqual([
    {
      add: expect.objectContaining({
        path: 'a b',
        partitionValues: { p: null, ø: '1' },
        stats: '{"n":1}',
        names: null,
      }),
    },
    { txn: expect.objectContaining({ appId: 'x' }) },
  ])
})

test('only wanted columns and fields are read, and what a file lacks is no error', async () => {
  const rows = await rowsOf(['{"add":{"path":"p","size":1}}', '{"txn":{"appId":"x","version":1}}'])
  await engine.logParquet.writeRows('x/two.parquet', schema, rows)
  expect(await readAll('x/two.parquet', ['txn', 'sidecar'])).toEqual([{ txn: { appId: 'x', version: 1 } }])
  expect(await readAll('x/two.parquet', ['add.path', 'add.tags'])).toEqual([{ add: { path: 'p' } }])
  expect(await readAll('x/two.parquet', ['add.tags'])).toEqual([{ add: {} }])
  expect(await readAll('x/two.parquet', ['sidecar'])).toEqual([])
})

test('values that JSON has no type for come in the form of Delta statistics', async () => {
  const stats = sql`{'at': TIMESTAMPTZ '2026-01-02 03:04:05.000006+00', 'naive': TIMESTAMP '2026-01-02 03:04:05',
'day': DATE '2026-01-02', 'amount': 12345678901234567890.123::DECIMAL(38,3), 'missing': NULL::TIMESTAMP}`
  await writeForeign(
    'x/three.parquet',
    sql`SELECT {'stats_parsed': {'minValues': ${stats}}} AS add UNION ALL SELECT NULL`,
  )
  const lines: string[] = []
  for await (const chunk of engine.logParquet.readRows('x/three.parquet', { columns: ['add'] })) lines.push(...chunk)
  expect(lines).toEqual([
    '{"add":{"stats_parsed":{"minValues":{"at":"2026-01-02T03:04:05.000006Z","naive":"2026-01-02T03:04:05.000000","day":"2026-01-02","amount":12345678901234567890.123,"missing":null}}}}',
  ])
})

test('a file is published once, and the first one stays', async () => {
  const write = async (row: string): Promise<string> =>
    (await engine.logParquet.writeRows('x/once.parquet', schema, await rowsOf([row]))).outcome
  expect(await write('{"txn":{"appId":"first","version":1}}')).toBe('created')
  expect(await write('{"txn":{"appId":"second","version":1}}')).toBe('exists')
  expect(await readAll('x/once.parquet', ['txn.appId'])).toEqual([{ txn: { appId: 'first' } }])
})

test('rows that are not what the schema says, or that end in an error, publish nothing', async () => {
  const write = async (rows: AsyncIterable<readonly string[]>): Promise<unknown> =>
    engine.logParquet.writeRows('x/none.parquet', schema, rows)
  await expect(write(await rowsOf(['{"txn":{"appId":"x","version":"many"}}']))).rejects.toThrow()
  await expect(write(await rowsOf(['{"txn":{"appId":']))).rejects.toThrow()
  const broken = (async function* (): AsyncGenerator<readonly string[]> {
    yield ['{"txn":{"appId":"x","version":1}}']
    await Promise.reject(new Error('the log ended'))
  })()
  await expect(write(broken)).rejects.toThrow('the log ended')
  await expect(store.get('x/none.parquet')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a damaged or missing file is an error, and so is a cancelled read', async () => {
  await mkdir(join(root, 'lake/x'), { recursive: true })
  await writeFile(join(root, 'lake/x/torn.parquet'), 'PAR1 and nothing else')
  await expect(readAll('x/torn.parquet', ['add'])).rejects.toThrow()
  await expect(readAll('x/absent.parquet', ['add'])).rejects.toThrow()
  await engine.logParquet.writeRows('x/four.parquet', schema, await rowsOf(['{"add":{"path":"p"}}']))
  await expect(readAll('x/four.parquet', ['add'], AbortSignal.abort())).rejects.toThrow(/abort/)
})

test('the folders of a partitioned path add no columns', async () => {
  await engine.logParquet.writeRows('x/add=1/t.parquet', schema, await rowsOf(['{"txn":{"appId":"x","version":1}}']))
  expect(await readAll('x/add=1/t.parquet', ['txn.appId', 'add'])).toEqual([{ txn: { appId: 'x' } }])
})

test('a checkpoint is written from lines with the types of its schema', () => {
  expect(copyRows(schema, { lines: '/s/rows.json', file: '/s/rows.parquet', codec: 'zstd' }).text).toBe(
    "COPY (SELECT * FROM read_json(['/s/rows.json'], hive_partitioning = false, format = 'newline_delimited', columns = {" +
      `'txn': 'STRUCT("appId" VARCHAR, "version" BIGINT)', 'add': 'STRUCT("path" VARCHAR, ` +
      `"partitionValues" MAP(VARCHAR, VARCHAR), "size" BIGINT, "stats" VARCHAR, "names" VARCHAR[])'})) ` +
      "TO '/s/rows.parquet' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)",
  )
})
