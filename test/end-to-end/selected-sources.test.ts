/** A command about named tables opens their sources and no others; what a run knows of earlier runs it lists once. */
import { LocalStore } from '@tidemark/delta'
import { expect, test, vi } from 'vitest'
import { type CliProject, createProject } from '../support/cli.ts'
import { createSqliteFile } from '../support/sqlite.ts'

const USERS = `CREATE TABLE users (id integer PRIMARY KEY, item integer, day date); INSERT INTO users VALUES (1, 7, '2026-01-01'), (2, 8, '2026-01-02')`
const ITEMS = `CREATE TABLE items (id integer PRIMARY KEY, name text); INSERT INTO items VALUES (7, 'seven'), (8, 'eight')`

/** Two sources, a view over both of them, and whatever else `yaml` says. */
async function createTwo(
  yaml = '',
  items = 'items',
): Promise<{ project: CliProject; change: (statement: string) => void }> {
  const [app, erp] = [await createSqliteFile(USERS), await createSqliteFile(ITEMS)]
  const files = {
    'tidemark.yml': `name: two
lake: ./lake
sources:
  app: { type: sqlite, url: { secret: env:APP_URL }, tables: [{ schema: main, table: users, cdc_col: day }] }
  erp: { type: sqlite, url: { secret: env:ERP_URL }, tables: [{ schema: main, table: ${items} }] }
flows: [gold/**]
${yaml}`,
    'gold/named.sql': `CREATE MATERIALIZED VIEW gold.named AS
      SELECT u.id, i.name FROM silver.users u JOIN silver.items i ON i.id = u.item;`,
  }
  const project = await createProject(files, { APP_URL: app.url, ERP_URL: erp.url }, 'in this process')
  return { project, change: statement => app.writer.exec(statement) }
}

test('of a source that the selected tables do not need no secret is opened, and what follows reads what is in the lake', async () => {
  const { project, change } = await createTwo()
  expect((await project.run()).status).toBe('succeeded')
  delete project.env['ERP_URL']
  const all = await project.run()
  expect([all.exit, all.step('bronze.items').problem?.code]).toEqual([3, 'SECRET_MISSING'])
  change(`INSERT INTO users VALUES (3, 7, '2026-01-03')`)
  for (const args of [
    ['plan', '-s', 'users+'],
    ['run', '-s', 'users+'],
    ['verify', 'users'],
    ['backfill', 'bronze.users', '--from', '2026-01-01'],
  ]) {
    const { exit, stderr } = await project.tidemark(...args)
    expect({ exit, stderr }, args.join(' ')).toEqual({
      exit: 0,
      stderr: expect.not.stringContaining('ERP_URL') as string,
    })
  }
  expect(await project.query('SELECT id, name FROM gold.named ORDER BY id')).toEqual([
    { id: '1', name: 'seven' },
    { id: '2', name: 'eight' },
    { id: '3', name: 'seven' },
  ])
  const named = await project.run('-s', 'items')
  expect([named.exit, named.step('bronze.items').problem?.code]).toEqual([3, 'SECRET_MISSING'])
  // The list does not tell what a flow needs.
  expect((await project.tidemark('plan', '-s', 'gold.named')).exit).toBe(0)
  expect((await project.tidemark('run', '-s', 'bronze.itemz')).stderr).toContain('did you mean bronze.items?')
})

test('a source whose tables come by a pattern is asked only where one of them may be meant', async () => {
  const { project } = await createTwo('', '"*"')
  delete project.env['ERP_URL']
  expect((await project.run('-s', 'users', 'silver.users')).status).toBe('succeeded')
  expect((await project.tidemark('verify', 'users')).exit).toBe(0)
  for (const name of ['users+', 'items', 'gold.named']) {
    const { stderr } = await project.tidemark('run', '-s', name)
    expect(stderr, name).toContain('ERP_URL')
  }
})

test('the runs of a lake are listed once by a run, alerts included', async () => {
  const { project } = await createTwo(`alerts:
  channels: { hook: { webhook: "http://127.0.0.1:1/" } }
  rules: [{ on: [failure, recovery], send: hook }]
targets: { dev: { default: true, mode: development } }
`)
  expect((await project.run()).status).toBe('succeeded')
  const listed = vi.spyOn(LocalStore.prototype, 'list')
  expect((await project.run()).status).toBe('succeeded')
  const runs = listed.mock.calls.filter(([prefix]) => prefix === 'system/runs')
  listed.mockRestore()
  expect(runs).toHaveLength(1)
})
