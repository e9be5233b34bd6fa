/** `trace`: what can be said of one row, from the source to the history tables. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Trace } from '../../packages/tidemark/src/model/trace.ts'
import { type CliProject, createProject, expectProblem } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

/** Orders by region and number; a rule drops those without a price, another one warns. */
async function createShop(schema: string): Promise<CliProject> {
  await database.query(`CREATE SCHEMA ${schema};
    CREATE TABLE ${schema}.sale (region text, no int, price int, at timestamptz DEFAULT now(), PRIMARY KEY (region, no));
    INSERT INTO ${schema}.sale VALUES ('north', 1, 10), ('north', 2, 20), ('south', 1, 30);
    CREATE TABLE ${schema}.log (line text)`)
  const rules = { expect_or_drop: { priced: 'price > 0' }, expect: { cheap: 'price < 15' } }
  const list = [
    { schema, table: 'sale', silver: { ...rules, transform: [{ rename: { no: 'number' } }] } },
    { schema, table: 'log' },
  ]
  const project = await createProject(
    {
      'tidemark.yml':
        'name: shop\nsources:\n  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: list.json }\n',
      'list.json': JSON.stringify(list),
      'gold/gold.sql': `CREATE STREAMING TABLE gold.history;
        CREATE FLOW history AS AUTO CDC INTO gold.history FROM STREAM(silver.sale) KEYS (region, number)
        APPLY AS DELETE WHEN _op = 'delete' SEQUENCE BY _seq STORED AS SCD TYPE 2;`,
    },
    { SHOP_URL: database.url },
    'in this process',
  )
  const change = async (statement: string): Promise<void> => {
    await database.query(statement)
    await project.run()
  }
  await project.run()
  await change(`UPDATE ${schema}.sale SET price = 11 WHERE region = 'north' AND no = 1`)
  await change(`UPDATE ${schema}.sale SET price = -1 WHERE region = 'north' AND no = 1`)
  await change(`DELETE FROM ${schema}.sale WHERE region = 'south'`)
  return project
}

async function trace(project: CliProject, ...args: string[]): Promise<Trace> {
  const ended = await project.tidemark('trace', ...args, '--json')
  expect(ended.exit, ended.stderr).toBe(0)
  return JSON.parse(ended.stdout) as Trace
}

describe('a row that was changed, and changed again into something a rule rejects', () => {
  test('is shown where it stands in each layer, with the run and the commit of each version', async () => {
    const project = await createShop('changed')
    const found = await trace(project, 'sale', 'region=north', 'no=1')
    expect(found.key).toEqual({ region: 'north', no: '1' })
    expect(found.source).toMatchObject({
      state: 'present',
      table: 'changed.sale',
      row: { region: 'north', no: '1', price: '-1' },
    })
    const versions = found.versions.map(({ op, commit, decision, rejectedBy }) => ({
      op,
      commit,
      decision,
      rejectedBy,
    }))
    expect(versions).toEqual([
      { op: 'upsert', commit: '0', decision: 'superseded', rejectedBy: [] },
      { op: 'upsert', commit: '1', decision: 'current', rejectedBy: [] },
      { op: 'upsert', commit: '2', decision: 'quarantined', rejectedBy: ['priced'] },
    ])
    expect(found.versions.map(({ rules }) => rules.filter(({ passes }) => !passes).map(({ rule }) => rule))).toEqual([
      [],
      [],
      ['priced'],
    ])
    expect(found.versions[0]?.rules.toSorted((a, b) => (a.rule < b.rule ? -1 : 1))).toEqual([
      { rule: 'cheap', action: 'warn', passes: true },
      { rule: 'priced', action: 'drop', passes: true },
    ])
    const runs = JSON.parse((await project.tidemark('runs', '--json')).stdout) as { runId: string }[]
    const ids = runs.map(({ runId }) => runId).toReversed()
    expect(found.versions.map(({ runId }) => runId)).toEqual(ids.slice(0, 3))
    expect(found.silver).toMatchObject({ state: 'present', row: { number: '1', price: '11' } })
    expect(found.gold).toMatchObject([{ table: 'gold.history', scdType: 2, rows: [{ price: '10' }, { price: '11' }] }])
  })

  test('is printed as text under the same facts', async () => {
    const project = await createShop('printed')
    const { stdout, exit } = await project.tidemark('trace', 'silver.sale', 'no=1', 'region=north')
    expect(exit).toBe(0)
    expect(stdout).toContain('bronze.sale region=north no=1\n')
    expect(stdout).toMatch(/^source printed\.sale: present at /m)
    expect(stdout).toMatch(/quarantined +priced/)
    expect(stdout).toContain('gold.history: SCD 2, 2 rows')
  })
})

test('a deleted row is absent in the source, deleted in silver, and its history is closed', async () => {
  const project = await createShop('deleted')
  const found = await trace(project, 'sale', 'region=south', 'no=1')
  expect(found.source.state).toBe('absent')
  expect(found.versions.map(({ op, decision }) => [op, decision])).toEqual([
    ['upsert', 'superseded'],
    ['delete', 'deleted'],
  ])
  expect(found.silver?.state).toBe('absent')
  expect(found.gold).toMatchObject([{ rows: [{ price: '30', __END_AT: expect.anything() }] }])
})

test('versions that no batch of silver has reached are waiting', async () => {
  const project = await createShop('waiting')
  await database.query(`UPDATE waiting.sale SET price = 5 WHERE no = 2`)
  await project.run('--select', 'bronze.sale')
  const found = await trace(project, 'sale', 'region=north', 'no=2')
  expect(found.versions.map(({ decision }) => decision)).toEqual(['current', 'waiting'])
  expect(found.versions[1]?.rules).toContainEqual({ rule: 'cheap', action: 'warn', passes: true })
})

test('a row nobody has ever seen has no version, and that is no error', async () => {
  const project = await createShop('unseen')
  const found = await trace(project, 'sale', 'region=west', 'no=9')
  expect(found).toMatchObject({ source: { state: 'absent' }, versions: [], silver: { state: 'absent' } })
})

test('a source that is away leaves the lake to be looked at, and the exit code says so', async () => {
  const project = await createShop('away')
  project.env['SHOP_URL'] = 'postgres://a:b@127.0.0.1:1/c'
  const ended = await project.tidemark('trace', 'sale', 'region=north', 'no=1', '--json')
  expect(ended.exit).toBe(3)
  const found = JSON.parse(ended.stdout) as Trace
  expect(found.source).toMatchObject({ state: 'unknown', problem: { code: expect.stringContaining('SOURCE') } })
  expect(found.versions.map(({ decision }) => decision)).toEqual(['superseded', 'current', 'quarantined'])
})

test('what does not name one row is refused with the way out', async () => {
  const project = await createShop('refused')
  const refused = async (says: string, ...args: string[]): Promise<void> =>
    expectProblem(await project.tidemark('trace', ...args), { exit: 2, code: 'TRACE_KEY', says })
  await refused('its key is region=… no=…', 'sale', 'no=1')
  await refused("no is integer, which 'x' is not", 'sale', 'region=north', 'no=x')
  await refused('no key', 'log', 'line=a')
  expectProblem(await project.tidemark('trace', 'sael', 'no=1'), {
    exit: 2,
    code: 'TABLE_UNKNOWN',
    says: 'bronze.sale',
  })
})
