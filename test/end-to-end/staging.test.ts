/** Local files of a lake in a store: what does not fit there is told by its place and size, and nothing is lost. */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliProject, createProject, expectProblem } from '../support/cli.ts'
import { type Azurite, startAzurite } from '../support/cloud/azurite.ts'
import { azuriteLake } from '../support/cloud/emulated-lake.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { hasSmallDisk, mountSmallDisk } from '../support/small-disk.ts'

let database: TestDatabase
let azurite: Azurite
beforeAll(async () => {
  ;[database, azurite] = await Promise.all([createDatabase(import.meta.url), startAzurite()])
  await azurite.makeContainer('staged')
  // 3 MB that no compression makes smaller than a third of that.
  await database.query(`CREATE TABLE t (id int PRIMARY KEY, noise text);
    INSERT INTO t SELECT i, md5(i::text) || md5((-i)::text) FROM generate_series(1, 40000) i`)
})
afterAll(async () => {
  await azurite[Symbol.asyncDispose]()
  await database.drop()
})

async function createStaged(name: string, options: object): Promise<CliProject> {
  const { keys, env } = azuriteLake(azurite.endpoint, `az://staged/${name}`)
  const sources = {
    app: { type: 'postgres', url: { secret: 'env:APP_URL' }, tables: [{ schema: 'public', table: 't' }] },
  }
  const project = { name: 'shop', lake: keys.lake, lake_options: { ...keys.lake_options, ...options }, sources }
  const files = { 'tidemark.yml': JSON.stringify(project) }
  return await createProject(files, { APP_URL: database.url, ...env }, 'in this process')
}

test('a query that would hold more than staging_size is refused with the bytes it needs, and one that holds less is not', async () => {
  const project = await createStaged('bound', { staging_size: '1MB' })
  const first = await project.run()
  expect(first.step('bronze.t').status, first.stderr).toBe('changed')
  const whole = await project.tidemark('query', 'SELECT count(DISTINCT noise) AS n FROM bronze.t')
  expectProblem(whole, {
    exit: 3,
    code: 'STAGING_FULL',
    says: /would hold \d{7} bytes of the lake at once, and may hold 1000000/,
  })
  expect(whole.stderr).toContain('lake_options.staging_size')
  expect(await project.query('SELECT status FROM system.runs')).toHaveLength(1)
})

describe.skipIf(!hasSmallDisk)('on a small disk (skipped where one cannot be mounted: not root, or not Linux)', () => {
  test('a load that does not fit beside the project names the folder, leaves no table, and loads when there is room', async () => {
    const project = await createStaged('small', {})
    const local = join(project.root, '.tidemark')
    const disk = mountSmallDisk(local, '2m')
    const full = await project.run()
    expect(full.exit).toBe(3)
    const { problem } = full.step('bronze.t')
    expect(problem).toMatchObject({ code: 'LAKE_FULL', hint: expect.stringContaining('lake_options.local') })
    expect(problem?.message).toContain(local)
    expect((await project.tidemark('tables', '--json')).stdout).toBe('[]\n')
    const left = await readdir(local, { recursive: true, withFileTypes: true })
    expect(left.filter(one => one.isFile() && !one.parentPath.includes('cache')).map(one => one.name)).toEqual([])
    disk.resize('64m')
    const done = await project.run()
    expect(done.exit, done.stderr).toBe(0)
    expect(await project.query('SELECT count(DISTINCT noise) AS n FROM silver.t')).toEqual([{ n: '40000' }])
  })
})
