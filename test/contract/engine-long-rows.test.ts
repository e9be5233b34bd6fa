import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { field, LocalStore } from '@tidemark/delta'
import { expect, onTestFinished, test } from 'vitest'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import { fileList } from '../../packages/tidemark/src/engine/file-list.ts'
import { integer, sql } from '../../packages/tidemark/src/engine/sql.ts'

test('half a gigabyte of long rows passes a filter in less memory than that', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-rows-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const scratch = join(root, 'scratch')
  await mkdir(scratch)
  const store = new LocalStore(root)
  const engine = openDuckdb({ store, ids: systemIds, scratch, folders: [root], threads: 1, memoryLimit: '350MB' })
  onTestFinished(() => engine.close())
  await using session = await engine.session()
  const target = { tablePath: 'bronze/t', schema: { type: 'struct' as const, fields: [field('text', 'string')] } }
  const paths: string[] = []
  for (let n = 0; n < 20; n++) {
    const rows = sql`SELECT repeat('long, ', 85000) || (range + ${integer(50 * n)}) AS text FROM range(50)`
    const files = await session.writeParquet(rows, target)
    paths.push(...files.map(({ path }) => store.locate(`bronze/t/${path}`)))
  }
  const filtered = sql`SELECT * FROM read_parquet(${fileList(paths)}) WHERE random() < 2`
  const written = await session.writeParquet(filtered, target)
  expect(written.reduce((sum, { numRecords }) => sum + numRecords, 0n)).toBe(1000n)
})

test('what needs more memory than the engine may hold is told with that, and the session goes on', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-rows-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const store = new LocalStore(root)
  const engine = openDuckdb({ store, ids: systemIds, scratch: undefined, folders: [root], memoryLimit: '40MB' })
  onTestFinished(() => engine.close())
  await using session = await engine.session()
  const whole = sql`SELECT len(list(repeat('x', 1000000) || range)) AS n FROM range(200)`
  await expect(session.rows(whole)).rejects.toMatchObject({
    code: 'ENGINE_OUT_OF_MEMORY',
    exit: 1,
    message: expect.stringContaining('40MB'),
  })
  expect(await session.rows(sql`SELECT 1 AS n`)).toEqual([{ n: 1n }])
})
