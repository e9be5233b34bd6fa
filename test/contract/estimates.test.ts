/** What a plan says of a reading before it begins, from the source's statistics and the facts of earlier runs. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runInProcess } from '../support/cli-in-process.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { temporaryFolder } from '../support/source.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())

type Document = Record<string, unknown>

async function openProject(tables: readonly object[]): Promise<{
  cwd: string
  command: (...args: string[]) => Promise<Document & { steps: Document[] }>
}> {
  const cwd = await temporaryFolder()
  await writeFile(
    join(cwd, 'tidemark.yml'),
    'name: estimated\nsources:\n  app: { type: postgres, url: { secret: env:APP }, tables: list.json }\n',
  )
  await writeFile(join(cwd, 'list.json'), JSON.stringify(tables))
  const command = async (...args: string[]): Promise<Document & { steps: Document[] }> => {
    const ended = await runInProcess(args, { cwd, env: { APP: db.url } })
    expect(ended.exit, ended.stderr).toBe(0)
    return JSON.parse(ended.stdout) as Document & { steps: Document[] }
  }
  return { cwd, command }
}

test('a first load is told in rows, bytes and time: assumed at first, by its own pace once it was measured', async () => {
  await db.query(`CREATE TABLE sale (id int PRIMARY KEY, v text);
    INSERT INTO sale SELECT n, repeat('x', 200) FROM generate_series(1, 5000) n`)
  await db.query('VACUUM ANALYZE sale')
  const [size] = await db.query(`SELECT pg_table_size('sale') AS bytes`)
  const { cwd, command } = await openProject([{ schema: 'public', table: 'sale' }])
  const expected = { kind: 'whole table', rowEstimate: '5000', reading: 'load', bytes: String(size?.['bytes']) }
  const plan = await command('plan', '--json')
  expect(plan.steps[0]?.['expect']).toEqual({ ...expected, durationMs: expect.any(Number), pace: 'assumed' })

  const run = await command('run', '--json')
  const whole = { reading: 'load', bytes: String(size?.['bytes']) }
  expect(run.steps[0]).toMatchObject({ status: 'changed', source: { whole } })
  expect((await command('run', '--json')).steps[0]).toMatchObject({ status: 'unchanged', source: { whole: null } })

  await rm(join(cwd, 'lake/bronze/sale'), { recursive: true })
  const again = await command('plan', '--json', '--select', 'bronze.sale')
  const { durationMs } = run.steps[0] as { durationMs: number }
  expect(again.steps[0]?.['expect']).toEqual({ ...expected, durationMs, pace: 'this table' })
})

test('rows are counted over all partitions, in proportion to what has come since their analysis', async () => {
  await db.query(`CREATE TABLE parted (id int, v text) PARTITION BY RANGE (id);
    CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10000);
    CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10000) TO (20000);
    CREATE TABLE parted_later PARTITION OF parted FOR VALUES FROM (20000) TO (30000);
    INSERT INTO parted SELECT n, repeat('y', 100) FROM generate_series(1, 12000) n`)
  await db.query('VACUUM ANALYZE parted_1')
  await db.query('VACUUM ANALYZE parted_2')
  const { command } = await openProject([{ schema: 'public', table: 'parted', primary_key: ['id'] }])
  const rows = async (): Promise<number> => {
    const [step] = (await command('plan', '--json')).steps
    const { rowEstimate } = { ...(step?.['expect'] as { rowEstimate?: string } | undefined) }
    return Number(rowEstimate)
  }
  expect(await rows()).toBe(12_000)
  // Nobody has analysed these yet: the estimate follows the size of the file.
  await db.query(`INSERT INTO parted SELECT n, repeat('y', 100) FROM generate_series(12001, 16000) n`)
  expect(await rows()).toBeGreaterThan(15_500)
  expect(await rows()).toBeLessThan(16_500)
})
