/** A table list at an address, in production: who can change the list cannot change what is read. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type CliProject, createProject, expectFailedStep, expectProblem, readAll } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  await database.query(`CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2);
  CREATE TABLE salaries (id int PRIMARY KEY, amount int); INSERT INTO salaries VALUES (1, 99887766);
  CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1)`)
})
afterAll(() => database.drop())

const TOKEN = 'canary-of-the-list-5c2e'

/** A project with one source whose list is at an address, and one whose list is a file. */
async function shop(mode: string): Promise<{ project: CliProject; serve: (...tables: object[]) => string }> {
  let list = ''
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === TOKEN
    response.writeHead(isKnown ? 200 : 401).end(isKnown ? list : '')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const url = { secret: 'env:SHOP_URL' }
  const headers = { Authorization: { secret: 'env:LIST_TOKEN' } }
  const away = { url: `http://127.0.0.1:${port}/list.json`, headers, allow_private: true }
  const project = await createProject(
    {
      'tidemark.yml': JSON.stringify({
        name: 'shop',
        sources: {
          app: { type: 'postgres', url, tables: away },
          own: { type: 'postgres', url, tables: [{ schema: 'public', table: 'kept' }] },
        },
        targets: { main: { mode, default: true } },
      }),
    },
    { SHOP_URL: database.url, LIST_TOKEN: TOKEN },
    'in this process',
  )
  const serve = (...tables: object[]): string => {
    list = JSON.stringify(tables)
    return createHash('sha256').update(list).digest('hex')
  }
  return { project, serve }
}

const orders = { schema: 'public', table: 'orders' }
const salaries = { schema: 'public', table: 'salaries' }

test('that changed in production is shown by plan, refused by run, and read once it is accepted', async () => {
  const { project, serve } = await shop('production')
  const first = serve(orders)
  expect((await project.run()).status).toBe('succeeded')
  expect((await project.tidemark('plan')).stdout).toContain(`by the list with SHA-256 ${first}`)
  const hash = serve(orders, salaries)
  const plan = await project.tidemark('plan')
  expect(plan.exit).toBe(2)
  expect(plan.stderr).toContain('added: public.salaries')
  expect(plan.stdout).toMatch(/bronze\.orders .*refused: LIST_CHANGED/)
  const refused = await project.run()
  expectFailedStep(refused, 'bronze.orders', { exit: 2, code: 'LIST_CHANGED', says: hash })
  expect(refused.step('bronze.kept').status).toBe('unchanged')
  expect(await project.tidemark('tables')).toMatchObject({ stdout: expect.not.stringContaining('salaries') })
  const verify = await project.tidemark('verify')
  expect(verify.exit).toBe(2)
  expect(verify.stderr).toContain('LIST_CHANGED')
  expect((await project.tidemark('trace', 'orders', 'id=1')).stderr).toContain('LIST_CHANGED')
  expectProblem(await project.tidemark('run', '--accept-list', 'abcdefabcdef'), { exit: 2, code: 'LIST_HASH_UNKNOWN' })
  const short = hash.slice(0, 12)
  const ahead = await project.tidemark('plan', '--accept-list', short)
  expect(ahead.stdout).toMatch(/bronze\.salaries .*reads all rows/)
  expect((await project.tidemark('plan')).stderr).toContain('LIST_CHANGED')
  const accepted = await project.run('--accept-list', short)
  expect(accepted.step('bronze.salaries').status).toBe('changed')
  expect((await project.run()).status).toBe('succeeded')
  const removed = serve(salaries, { ...orders, cdc_col: 'id' }).slice(0, 12)
  expect((await project.tidemark('plan')).stderr).toMatch(new RegExp(`changed: public\\.orders.*${removed}`, 's'))
  expect(await readAll(project.lake)).not.toContain(TOKEN)
  expect(await readAll(join(project.root, '.tidemark'))).not.toContain(TOKEN)
})

test('that changed in development is read as it is', async () => {
  const { project, serve } = await shop('development')
  serve(orders)
  expect((await project.run()).status).toBe('succeeded')
  serve(orders, salaries)
  expect((await project.run()).step('bronze.salaries').status).toBe('changed')
})
