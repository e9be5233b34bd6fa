/** Two projects that were given one lake: the first keeps it, the second is told before it touches anything. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type CliProject, expectProblem, readAll } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createShop } from '../support/shop.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

/** A project called `other` with the same source and table names, in the lake of the first. */
async function createOther(lake: string, list = '[{ "schema": "theirs", "table": "users" }]\n'): Promise<CliProject> {
  const other = await createShop(database, 'theirs', { list })
  await other.write({
    'tidemark.yml': `name: other
lake: "${lake}"
sources:
  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: loop_input.json }
`,
  })
  return other
}

test('a second project in a lake is refused with both names, and the lake stays as it is', async () => {
  const shop = await createShop(database, 'ours')
  expect((await shop.run()).status).toBe('succeeded')
  const other = await createOther(shop.lake)
  const before = await readAll(shop.lake)
  for (const args of [
    ['run'],
    ['backfill', 'users', '--from', '2026-01-01'],
    ['verify'],
    ['plan'],
    ['vacuum', '--yes'],
    ['optimize', 'silver.users'],
  ]) {
    const ended = await other.tidemark(...args)
    expectProblem(ended, { exit: 2, code: 'LAKE_OF_ANOTHER_PROJECT', says: /filled by project shop; project other/ })
  }
  expect(await readAll(shop.lake)).toBe(before)
  expect((await shop.run()).step('bronze.users').status).toBe('unchanged')
  await rm(join(shop.lake, 'system/project.json'))
  await other.write({ 'loop_input.json': '[{ "schema": "ours", "table": "users" }]\n' })
  expect((await other.run()).step('bronze.users').status).toBe('unchanged')
  expect(JSON.parse(await readFile(join(shop.lake, 'system/project.json'), 'utf8'))).toEqual({
    format: 1,
    project: 'other',
  })
})

test('a project that is wrong says so first, also when its lake is another’s', async () => {
  const shop = await createShop(database, 'ours')
  expect((await shop.run()).status).toBe('succeeded')
  const other = await createOther(shop.lake, '[{ "schema": "theirs", "tabel": "users" }]\n')
  const ended = await other.tidemark('run')
  expect(ended.stderr).toMatch(/error CONFIG_UNKNOWN_KEY[^]*error LAKE_OF_ANOTHER_PROJECT/)
  expect(ended.exit).toBe(2)
  expect((await readdir(join(shop.lake, 'system/runs'))).length).toBe(2)
})

test('a claim that cannot be read claims nothing', async () => {
  const shop = await createShop(database, 'ours')
  expect((await shop.run()).status).toBe('succeeded')
  await writeFile(join(shop.lake, 'system/project.json'), '{"format":1,')
  expect((await shop.run()).status).toBe('succeeded')
})
