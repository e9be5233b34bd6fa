/** Scratch of processes that work in one lake at the same time, and of those that only read it. */
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { sql, text } from '../../packages/tidemark/src/engine/sql.ts'
import { openLake, openLakeReader } from '../../packages/tidemark/src/run/lake.ts'
import { makeScratch } from '../../packages/tidemark/src/run/scratch.ts'
import { systemIds, systemProcesses } from '../../packages/tidemark/src/run/system.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createProject, failures } from '../support/project.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

test('a run leaves the scratch of a process beside it alone and removes what a dead one left', async () => {
  await database.query('CREATE TABLE public.t (id int PRIMARY KEY); INSERT INTO public.t VALUES (1)')
  await using project = await createProject({ url: database.url, tables: [{ schema: 'public', table: 't' }] })
  const work = { work: 'verify', ids: systemIds, processes: systemProcesses }
  await using beside = await openLake(project.lake, work)
  const dead = await makeScratch(project.lake, 'dead', { ...systemProcesses, identify: () => 'an earlier process' })
  expect(failures(await project.run())).toEqual([])
  expect(existsSync(beside.scratch)).toBe(true)
  expect(existsSync(dead)).toBe(false)
  expect((await readdir(join(project.lake, '_tmp'))).length).toBe(1)
})

test('a reader leaves nothing in the lake or beside it, and does without a temporary folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-reader-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const [lake, temporary] = [join(root, 'lake'), join(root, 'temporary')]
  await mkdir(temporary)
  for (const folder of [temporary, join(root, 'missing')]) {
    await using reader = await openLakeReader(lake, { ids: systemIds, temporary: folder, processes: systemProcesses })
    await using session = await reader.engine.session()
    expect(await session.count(sql`SELECT count(*) FROM range(10)`)).toBe(10n)
  }
  expect(await readdir(root)).toEqual(['temporary'])
  expect(await readdir(temporary)).toEqual([])
})

test('the engine of a reader reads the lake and nothing beside it', async () => {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-reader-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  const lake = join(root, 'lake')
  await mkdir(lake)
  for (const folder of [root, lake]) await writeFile(join(folder, 'secret.csv'), 'a\n1\n')
  await using reader = await openLakeReader(lake, { ids: systemIds, temporary: root, processes: systemProcesses })
  await using session = await reader.engine.session()
  expect(await session.rows(sql`FROM read_csv(${text(join(lake, 'secret.csv'))})`)).toEqual([{ a: 1n }])
  await expect(session.rows(sql`FROM read_csv(${text(join(root, 'secret.csv'))})`)).rejects.toThrow(/Permission Error/)
  await expect(session.run(sql`COPY (SELECT 1) TO ${text(join(root, 'out.csv'))}`)).rejects.toThrow(/Permission Error/)
})
