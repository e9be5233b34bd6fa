/** A lake that others have put things into, moved things in or damaged: what is whole goes on, what is not is named. */
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { Problem } from '../../packages/tidemark/src/errors/problem.ts'
import { readRuns } from '../../packages/tidemark/src/run/facts.ts'
import { findProblem } from '../../packages/tidemark/src/run/problem-fact.ts'
import { readStatus } from '../../packages/tidemark/src/run/status.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createProject, failures, type TestProject } from '../support/project.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

/** A lake after its first run, with changes in the source that wait for the next. */
async function createLake(): Promise<TestProject> {
  await database.query(`DROP SCHEMA IF EXISTS s CASCADE; CREATE SCHEMA s;
    CREATE TABLE s.users (id int PRIMARY KEY, n int); INSERT INTO s.users VALUES (1, 1);
    CREATE TABLE s.orders (id int PRIMARY KEY, n int); INSERT INTO s.orders VALUES (1, 1)`)
  const tables = ['users', 'orders'].map(table => ({ schema: 's', table }))
  const project = await createProject({ url: database.url, tables })
  onTestFinished(() => project[Symbol.asyncDispose]())
  expect(failures(await project.run())).toEqual([])
  await database.query('UPDATE s.users SET n = 2; UPDATE s.orders SET n = 2')
  return project
}

async function codes(project: TestProject): Promise<Record<string, string>> {
  const { results } = await project.run()
  return Object.fromEntries(results.map(({ step, status, problem }) => [step, problem?.code ?? status]))
}

test('damaged facts of runs, verdicts and the lease stop nothing, and runs says which cannot be read', async () => {
  const project = await createLake()
  const [end = ''] = (await readdir(join(project.lake, 'system/runs'))).filter(name => name.endsWith('.end.json'))
  const whole = await readFile(join(project.lake, 'system/runs', end), 'utf8')
  await mkdir(join(project.lake, 'system/verify'), { recursive: true })
  const put = (path: string, text: string): Promise<void> => writeFile(join(project.lake, 'system', path), text)
  await put('lease.json', '{"runId":"20260101T000000000Z-aaaaaa","host":')
  await put(`runs/${end}`, whole.slice(0, 100))
  await put('runs/20260101T000000000Z-aaaaaa.start.json', '')
  await put('runs/20260101T000000000Z-bbbbbb.end.json', '{"runId":"20260101T000000000Z-bbbbbb"}')
  await put('runs/20260101T000000000Z-cccccc.end.json', whole.replace(/"startedAt":\d+/, '"startedAt":9e15'))
  await mkdir(join(project.lake, 'system/runs/20260101T000000000Z-dddddd.end.json'))
  await put('verify/bronze%2Eusers.json', 'null')
  expect(failures(await project.run())).toEqual([])
  const { runs, problems } = await readRuns(project.store, 10)
  expect(runs.map(({ status }) => status)).toEqual(['succeeded', 'abandoned'])
  expect(problems.map(({ code, message }) => `${code} ${message}`)).toEqual([
    expect.stringMatching(new RegExp(`^RUN_FACT_UNREADABLE system/runs/${end}: .*JSON`)),
    'RUN_FACT_UNREADABLE system/runs/20260101T000000000Z-cccccc.end.json: startedAt must be an instant.',
    'RUN_FACT_UNREADABLE system/runs/20260101T000000000Z-bbbbbb.end.json: status must be text.',
  ])
  expect((await readStatus(project)).map(({ table, rows, verified }) => [table, rows, verified])).toEqual([
    ['bronze.orders', 2n, undefined],
    ['bronze.users', 2n, undefined],
    ['silver.orders', 1n, undefined],
    ['silver.users', 1n, undefined],
  ])
})

test.each([
  {
    what: 'a lease that is a folder',
    damage: (lake: string) => mkdir(join(lake, 'system/lease.json')),
    says: /^system\/lease\.json: the lease can be neither made nor read/,
  },
  {
    what: 'a file in place of system',
    damage: async (lake: string) => {
      await rename(join(lake, 'system'), join(lake, '../away'))
      await writeFile(join(lake, 'system'), 'theirs')
    },
    says: /\/system: something that is no folder is in the way/,
  },
  {
    what: 'a file in place of _tmp',
    damage: async (lake: string) => {
      await rm(join(lake, '_tmp'), { recursive: true, force: true })
      await writeFile(join(lake, '_tmp'), 'theirs')
    },
    says: /_tmp/,
  },
])('$what ends the run with the place, and nothing waits for it', async ({ damage, says }) => {
  const project = await createLake()
  await damage(project.lake)
  const error = await project.run().catch((reason: unknown) => findProblem(reason, 'the run'))
  expect(error).toBeInstanceOf(Problem)
  expect(error).toMatchObject({ code: 'LAKE_NOT_WRITABLE', message: expect.stringMatching(says) })
  expect((await readStatus(project)).map(({ rows }) => rows)).toEqual([1n, 1n, 1n, 1n])
})

test.each([
  { what: 'a file', put: (place: string) => writeFile(place, 'theirs'), code: 'LAKE_NOT_WRITABLE' },
  { what: 'a link to nowhere', put: (place: string) => symlink('/nowhere', place), code: 'LAKE_NOT_WRITABLE' },
  {
    what: 'a link out of the lake',
    put: (place: string) => symlink(join(place, '../../../away'), place),
    code: 'DELTA_LOG_UNREADABLE',
  },
])('$what in place of a table’s folder stops that table alone and is left there', async ({ put, code }) => {
  const project = await createLake()
  const folder = join(project.lake, 'bronze/users')
  await rename(folder, join(project.root, 'away'))
  const before = await readdir(join(project.root, 'away'), { recursive: true })
  await put(folder)
  expect(await codes(project)).toEqual({
    'bronze.users': code,
    'silver.users': 'skipped',
    'bronze.orders': 'changed',
    'silver.orders': 'changed',
  })
  expect((await readdir(join(project.lake, 'bronze'))).sort()).toEqual(['orders', 'users'])
  expect(await readdir(join(project.root, 'away'), { recursive: true })).toEqual(before)
})

test('files and folders whose names are no paths of a lake are passed over and kept', async () => {
  const project = await createLake()
  const bronze = join(project.lake, 'bronze')
  const bytes = (folder: string): Buffer => Buffer.concat([Buffer.from(`${folder}/torn`), Buffer.from([0xff, 0xfe])])
  await mkdir(join(bronze, 'back\\slash'))
  await writeFile(join(bronze, 'back\\slash', 'x'), 'theirs')
  await mkdir(bytes(bronze))
  await writeFile(Buffer.concat([bytes(bronze), Buffer.from('/x')]), 'theirs')
  await writeFile(bytes(join(bronze, 'users')), 'theirs')
  await writeFile(bytes(join(bronze, 'users/_delta_log')), 'theirs')
  await writeFile(join(bronze, 'users/_delta_log/00000000000000000099.json.tmp'), 'theirs')
  await mkdir(join(bronze, 'users/_delta_log/00000000000000000050.json'))
  expect(failures(await project.run())).toEqual([])
  expect((await project.verify()).map(({ status }) => status)).toEqual(['equal', 'equal'])
  expect(await project.tables()).toEqual(['bronze.orders', 'bronze.users', 'silver.orders', 'silver.users'])
  expect(await readFile(join(bronze, 'back\\slash', 'x'), 'utf8')).toBe('theirs')
})
