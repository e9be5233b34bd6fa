/** A disk that fills up under a lake: every table is as it was, the problem says so, and free space is all it takes. */
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { field, LocalStore } from '@tidemark/delta'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { toProblem } from '../../packages/tidemark/src/run/problem-fact.ts'
import { readStatus } from '../../packages/tidemark/src/run/status.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createProject, failures, type TestProject } from '../support/project.ts'
import { hasSmallDisk, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

const FULL = { status: 'failed', problem: { code: 'LAKE_FULL', hint: expect.stringContaining('Free space') } }

/** A table of 3 MB that no compression makes smaller than a third of that, in a lake on a disk of its own. */
async function createOnDisk(size: string): Promise<{ project: TestProject; disk: SmallDisk }> {
  await database.query(`DROP TABLE IF EXISTS public.t; CREATE TABLE public.t (id int PRIMARY KEY, noise text);
    INSERT INTO public.t SELECT i, md5(i::text) || md5((-i)::text) FROM generate_series(1, 40000) i`)
  const project = await createProject({
    url: database.url,
    tables: [{ schema: 'public', table: 't' }],
    flows: { 'flows/n.sql': 'CREATE MATERIALIZED VIEW gold.n AS SELECT count(*) AS n FROM silver.t' },
  })
  onTestFinished(() => project[Symbol.asyncDispose]())
  return { project, disk: mountSmallDisk(project.lake, size) }
}

describe.skipIf(!hasSmallDisk)('on a small disk (skipped where one cannot be mounted: not root, or not Linux)', () => {
  test('a first load that does not fit leaves no table, and loads when there is room', async () => {
    const { project, disk } = await createOnDisk('2m')
    const { results } = await project.run()
    expect(results.map(({ step, status }) => [step, status])).toEqual([
      ['bronze.t', 'failed'],
      ['silver.t', 'skipped'],
      ['gold.n', 'skipped'],
    ])
    expect(results[0]).toMatchObject(FULL)
    expect(await project.tables()).toEqual([])
    expect(await readdir(join(project.lake, '_tmp'))).toEqual([])
    disk.resize('64m')
    expect(failures(await project.run())).toEqual([])
    expect((await project.verify()).map(({ status }) => status)).toEqual(['equal'])
  })

  test('a change that does not fit fails its step, and the version before stays readable', async () => {
    const { project, disk } = await createOnDisk('64m')
    expect(failures(await project.run())).toEqual([])
    await database.query('UPDATE public.t SET noise = md5(noise) || md5(id::text) WHERE id <= 20000')
    for (const free of [300_000, 1_000_000, 1_800_000]) {
      await disk.fill(free)
      const { results } = await project.run()
      expect(results.find(({ status }) => status === 'failed')).toMatchObject(FULL)
      expect(await project.rows('SELECT n FROM {gold.n}')).toEqual([{ n: 40000n }])
      expect(await project.rows('SELECT count(*) AS n FROM {silver.t}')).toEqual([{ n: 40000n }])
      expect((await readStatus(project)).filter(({ problem }) => problem !== undefined)).toEqual([])
      expect(await readdir(join(project.lake, '_tmp'))).toEqual([])
      await rm(join(project.lake, 'filler'))
    }
    expect(failures(await project.run())).toEqual([])
    expect((await project.verify()).map(({ status }) => status)).toEqual(['equal'])
    expect(await project.rows('SELECT count(*) AS n, count(DISTINCT noise) AS d FROM {silver.t}')).toEqual([
      { n: 40000n, d: 40000n },
    ])
  })

  test('a lake without a byte left ends the run with that problem, and can still be looked at', async () => {
    const { project, disk } = await createOnDisk('16m')
    expect(failures(await project.run())).toEqual([])
    await disk.fill(0)
    await expect(project.run()).rejects.toSatisfy((error: unknown) => toProblem(error, 'the run').code === 'LAKE_FULL')
    expect((await readStatus(project)).map(({ table, rows }) => [table, rows])).toEqual([
      ['bronze.t', 40000n],
      ['silver.t', 40000n],
      ['gold.n', 1n],
    ])
    await rm(join(project.lake, 'filler'))
    expect(failures(await project.run())).toEqual([])
  })

  test('a lake on a file system that became read-only ends the run with that, and is read as before', async () => {
    const { project, disk } = await createOnDisk('64m')
    expect(failures(await project.run())).toEqual([])
    disk.makeReadOnly()
    const error = await project.run().catch((reason: unknown) => toProblem(reason, 'the run'))
    expect(error).toMatchObject({ code: 'LAKE_NOT_WRITABLE', message: expect.stringContaining('EROFS') })
    expect((await readStatus(project)).map(({ rows }) => rows)).toEqual([40000n, 40000n, 1n])
    expect(await project.rows('SELECT n FROM {gold.n}')).toEqual([{ n: 40000n }])
  })

  test('what the engine cannot spill and cannot write is the same problem, under the name of the place', async () => {
    const root = await mkdtemp(join(tmpdir(), 'tidemark-spill-'))
    onTestFinished(() => rm(root, { recursive: true, force: true }))
    const disk = mountSmallDisk(root, '8m')
    const scratch = join(root, 'scratch')
    const options = { store: new LocalStore(root), ids: systemIds, scratch, folders: [root], memoryLimit: '30MB' }
    await mkdir(scratch)
    const noise = sql`SELECT md5(CAST(i AS VARCHAR)) AS noise FROM range(1000000) t(i)`
    const target = { tablePath: 'bronze/t', schema: { type: 'struct' as const, fields: [field('noise', 'string')] } }
    const inEngine = async (work: (session: Session) => Promise<unknown>): Promise<unknown> => {
      const engine = openDuckdb(options)
      try {
        await using session = await engine.session()
        return await work(session)
      } finally {
        await engine.close()
      }
    }
    const spill = (): Promise<unknown> =>
      inEngine(session => session.rows(sql`SELECT count(*) AS n FROM (SELECT DISTINCT * FROM (${noise}))`))
    const write = (): Promise<unknown> => inEngine(session => session.writeParquet(noise, target))
    const full = { code: 'LAKE_FULL', message: expect.stringContaining(scratch) }
    await expect(spill()).rejects.toMatchObject(full)
    await expect(write()).rejects.toMatchObject(full)
    expect(await readdir(root, { recursive: true })).toEqual(['scratch'])
    await disk.fill(0)
    await expect(spill()).rejects.toMatchObject(full)
    disk.resize('1g')
    expect(await spill()).toEqual([{ n: 1000000n }])
    expect(await write()).not.toEqual([])
  })
})
