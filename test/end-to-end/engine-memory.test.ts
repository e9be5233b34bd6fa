/** Rows that need more memory than the engine has: a problem of its own, and `engine_memory` is the way out. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createProject, expectProblem } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  await database.query(`CREATE TABLE t (id int PRIMARY KEY, body text);
    INSERT INTO t SELECT i, repeat(md5(i::text), 3000) FROM generate_series(1, 600) i`)
})
afterAll(() => database.drop())

test('an increment of long rows that needs more than engine_memory says so, and is exact once there is more', async () => {
  const withMemory = (size: string): Record<string, string> => ({
    'tidemark.yml': JSON.stringify({
      name: 'shop',
      engine_memory: size,
      sources: {
        app: { type: 'postgres', url: { secret: 'env:APP_URL' }, tables: [{ schema: 'public', table: 't' }] },
      },
    }),
  })
  const project = await createProject(withMemory('1GB'), { APP_URL: database.url }, 'in this process')
  expect((await project.run()).exit).toBe(0)
  await database.query('UPDATE t SET body = md5(body) || body')

  await project.write(withMemory('100MB'))
  const failed = await project.run()
  expect(failed.exit).toBe(1)
  expect(failed.step('bronze.t')).toMatchObject({
    status: 'failed',
    problem: {
      code: 'ENGINE_OUT_OF_MEMORY',
      message: expect.stringContaining('100MB'),
      hint: expect.stringContaining('engine_memory'),
    },
  })
  const lengths = 'SELECT min(length(body)) AS shortest, max(length(body)) AS longest, count(*) AS n FROM silver.t'
  // All texts at once are more than twice of what there is, however many threads read them.
  const whole = 'SELECT length(string_agg(body)) AS n FROM silver.t'
  expectProblem(await project.tidemark('query', whole), { exit: 1, code: 'ENGINE_OUT_OF_MEMORY', says: /100MB/ })

  await project.write(withMemory('1GB'))
  expect(await project.query(whole)).toEqual([{ n: String(600 * 96_000 + 599) }])
  expect(await project.query(lengths)).toEqual([{ shortest: '96000', longest: '96000', n: '600' }])
  const done = await project.run()
  expect(done.exit, done.stderr).toBe(0)
  expect(await project.query(lengths)).toEqual([{ shortest: '96032', longest: '96032', n: '600' }])
  expect((await project.tidemark('verify')).exit).toBe(0)
})
