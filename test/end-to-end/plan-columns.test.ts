/** A plan tells names of columns that nothing has, in rules, transformations and queries, before anything is read. */
import { expect, test } from 'vitest'
import { type CliProject, createProject, expectProblem } from '../support/cli.ts'
import { createSqliteFile } from '../support/sqlite.ts'

interface Names {
  rule: string
  derived: string
  view: string
  viewRule: string
  stream: string
  key: string
}

const RIGHT: Names = { rule: 'item', derived: 'item', view: 'more', viewRule: 'id', stream: 'item', key: 'id' }

function filesWith(names: Partial<Names>): Record<string, string> {
  const { rule, derived, view, viewRule, stream, key } = { ...RIGHT, ...names }
  const silver = { transform: [{ derive: { more: `${derived} + 1` } }], expect: { positive: `${rule} > 0` } }
  return {
    'list.json': JSON.stringify([{ schema: 'main', table: 'users', silver }]),
    'gold/all.sql': `CREATE MATERIALIZED VIEW gold.seen (CONSTRAINT known EXPECT (${viewRule} > 0)) AS SELECT id, ${view} FROM silver.users;
CREATE MATERIALIZED VIEW gold.above AS SELECT ${viewRule} FROM gold.seen;
CREATE OR REFRESH STREAMING TABLE gold.kept (CONSTRAINT known EXPECT (${stream} > 0)) AS SELECT id, item FROM STREAM(silver.users);
CREATE OR REFRESH STREAMING TABLE gold.history;
CREATE FLOW history_cdc AS AUTO CDC INTO gold.history FROM STREAM(silver.users) KEYS (${key})
APPLY AS DELETE WHEN _op = 'delete' SEQUENCE BY _seq STORED AS SCD TYPE 2;`,
  }
}

async function createUsers(names: Partial<Names>): Promise<CliProject> {
  const file = await createSqliteFile(
    'CREATE TABLE users (id integer PRIMARY KEY, item integer); INSERT INTO users VALUES (1, 7)',
  )
  const yaml = `name: t\nsources:\n  app: { type: sqlite, url: { secret: env:APP_URL }, tables: list.json }\nflows: [gold/**]\n`
  return await createProject({ 'tidemark.yml': yaml, ...filesWith(names) }, { APP_URL: file.url }, 'in this process')
}

/** Tables that the plan refuses, and the columns that it says are not there. */
async function refused(project: CliProject): Promise<{ tables: string[]; columns: string[]; exit: number }> {
  const { stdout, stderr, exit } = await project.tidemark('plan')
  const tables = [...stdout.matchAll(/^(\S+) .*refused: FLOW_UNKNOWN_COLUMN$/gm)].map(([, name = '']) => name)
  const columns = [...stderr.matchAll(/There is no column (\S+) here/g)].map(([, name = '']) => name)
  return { tables: tables.toSorted(), columns: columns.toSorted(), exit }
}

const NAMES: readonly [Partial<Names>, string[], string[]][] = [
  [{}, [], []],
  [{ rule: 'itm' }, ['silver.users', 'silver.users_changes'], ['itm']],
  [{ derived: 'itm' }, ['silver.users', 'silver.users_changes'], ['itm']],
  [{ view: 'moore', stream: 'itm' }, ['gold.kept#gold.kept', 'gold.seen'], ['itm', 'moore']],
  [{ viewRule: 'idd' }, ['gold.above', 'gold.seen'], ['idd', 'idd']],
  [{ key: 'idd', rule: 'itm' }, ['gold.history', 'silver.users', 'silver.users_changes'], ['idd', 'itm']],
]

test.each(NAMES)('with %j before the first run', async (names, tables, columns) => {
  const project = await createUsers(names)
  expect(await refused(project)).toEqual({ tables, columns, exit: tables.length === 0 ? 0 : 2 })
})

test('of tables that are loaded, too, and the run goes on with what the plan does not refuse', async () => {
  const project = await createUsers({})
  expect((await project.run()).status).toBe('succeeded')
  expect(await refused(project)).toEqual({ tables: [], columns: [], exit: 0 })
  await project.write(filesWith({ viewRule: 'idd' }))
  expect(await refused(project)).toEqual({ tables: ['gold.above', 'gold.seen'], columns: ['idd', 'idd'], exit: 2 })
  const run = await project.run()
  const failed = run.steps.filter(({ status }) => status === 'failed' || status === 'skipped').map(({ step }) => step)
  expect(failed.toSorted()).toEqual(['gold.above', 'gold.seen'])
})

test.each([
  [{ rule: 'item >' }, 'FLOW_SYNTAX'],
  [{ rule: 'sum(item)' }, 'FLOW_NOT_PORTABLE'],
  [{ derived: '(item' }, 'FLOW_SYNTAX'],
])('SQL of the list that says nothing, as %j, is told by validate and by plan', async (names, code) => {
  const project = await createUsers(names)
  expectProblem(await project.tidemark('validate'), { exit: 2, code, says: /^  list\.json:1:\d+$/m })
  const planned = await project.tidemark('plan')
  expect(planned.stdout).toMatch(new RegExp(`^silver\\.users .*refused: ${code}$`, 'm'))
  expect(planned.exit).toBe(2)
  const run = await project.run()
  expect(run.step('bronze.users').status).toBe('changed')
  expect(run.step('silver.users')).toMatchObject({ status: 'failed', problem: { code } })
})
