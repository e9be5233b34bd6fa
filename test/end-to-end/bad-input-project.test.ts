/** Mistakes in the project's own files: all of them found before anything is read, each at its place. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type CliProject, expectFailedStep, expectNoTrace, expectProblem, readAll } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createShop as createShopOf, type Shop } from '../support/shop.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

const createShop = (schema: string, shop: Shop = {}): Promise<CliProject> =>
  createShopOf(database, schema, { ...shop, inProcess: true })

describe('a table list', () => {
  test.each([
    {
      case: 'with a comma after its last entry',
      list: '[\n  { "schema": "list", "table": "users" },\n]\n',
      expected: { exit: 2, code: 'CONFIG_SYNTAX', place: 'loop_input.json:2:41', says: 'comma' },
    },
    {
      case: 'with values that have no quotes',
      list: '[\n  { "schema":dbo, "table":DimUser, "cdc_col":updated_at }\n]\n',
      expected: { exit: 2, code: 'CONFIG_SYNTAX', place: 'loop_input.json:2:14', says: 'dbo' },
    },
    {
      case: 'with single quotes',
      list: "[{'schema': 'list', 'table': 'users'}]",
      expected: { exit: 2, code: 'CONFIG_SYNTAX', place: 'loop_input.json:1:3' },
    },
    {
      case: 'that is a web page',
      list: '<!DOCTYPE html>\n<html></html>\n',
      expected: { exit: 2, code: 'LIST_SHAPE', place: 'loop_input.json:1:1', says: 'web page' },
    },
    { case: 'that is one number', list: '42', expected: { exit: 2, code: 'LIST_SHAPE', place: 'loop_input.json:1:1' } },
    {
      case: 'with a misspelt key',
      list: '[{ "schema": "list", "table": "users", "primry_key": "user_id" }]',
      expected: { exit: 2, code: 'CONFIG_UNKNOWN_KEY', place: 'loop_input.json:1:40', says: /primary_key/ },
    },
    {
      case: 'with one table twice',
      list: '[\n  { "schema": "list", "table": "users" },\n  { "schema": "other", "table": "Users" }\n]',
      expected: { exit: 2, code: 'LAKE_NAME_TAKEN', place: 'loop_input.json:3:33', says: 'loop_input.json:2' },
    },
  ])('$case is refused at its place, and nothing is read', async ({ list, expected }) => {
    const project = await createShop('list', { list })
    expectProblem(await project.tidemark('run'), expected)
    expectProblem(await project.tidemark('validate'), expected)
    expect(await readAll(`${project.lake}/bronze`)).toBe('')
  })

  test('that is empty is a warning, and the run does not call that equal', async () => {
    const project = await createShop('list', { list: '[]' })
    const ended = await project.tidemark('run')
    expect(ended.stderr).toContain('warning LIST_EMPTY: ')
    expect(ended.stderr).not.toContain('equals')
    expect(ended.exit).toBe(0)
  })

  test('of another dialect is read', async () => {
    const project = await createShop('dialect', {
      list: '[{ "tableName": "users", "tableSchemaName": "dialect", "Watermark_Column": " UPDATED_AT " }]',
    })
    expect((await project.run()).step('silver.users').status).toBe('changed')
  })

  test('that is missing is named with the key that asks for it', async () => {
    const project = await createShop('nolist')
    await project.write({
      'tidemark.yml':
        'name: a\nsources:\n  app:\n    type: postgres\n    url: { secret: env:SHOP_URL }\n    tables: nope.json\n',
    })
    expectProblem(await project.tidemark('run'), {
      exit: 2,
      code: 'CONFIG_UNREADABLE',
      place: 'tidemark.yml:6:13',
      says: 'nope.json',
    })
  })

  test('at an address that fails is the environment’s fault, with the status in the message', async () => {
    const server = createServer((_request, response) => response.writeHead(404).end('gone'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const address = server.address()
    const port = address !== null && typeof address === 'object' ? address.port : 0
    const project = await createShop('url')
    const listAt = (where: string): Promise<void> =>
      project.write({
        'tidemark.yml': `name: a\nsources:\n  app:\n    type: postgres\n    url: { secret: env:SHOP_URL }\n    tables: { url: "${where}", allow_private: true }\n`,
      })
    await listAt(`http://127.0.0.1:${port}/loop_input.json`)
    expectProblem(await project.tidemark('run'), {
      exit: 3,
      code: 'LIST_UNREACHABLE',
      place: 'tidemark.yml:6:20',
      says: '404',
    })
    await listAt('http://127.0.0.1:1/loop_input.json')
    expectProblem(await project.tidemark('run'), { exit: 3, code: 'LIST_UNREACHABLE', place: 'tidemark.yml:6:20' })
  })

  test.each([
    {
      case: 'refuses',
      answer: { status: 403, body: 'no' },
      expected: { exit: 3, code: 'LIST_UNREACHABLE', says: '403' },
    },
    {
      case: 'gives a web page',
      answer: { status: 200, body: '<html>sign in</html>' },
      expected: { exit: 2, code: 'LIST_SHAPE' },
    },
    {
      case: 'gives half a list',
      answer: { status: 200, body: '[{"schema": "remote"' },
      expected: { exit: 2, code: 'CONFIG_SYNTAX' },
    },
  ])(
    'at an address that $case stops the tables of its source alone, and they keep what they have',
    async ({ answer, expected }) => {
      let list = {
        status: 200,
        body: JSON.stringify([
          { schema: 'remote', table: 'orders' },
          { schema: 'remote', table: 'log' },
        ]),
      }
      const good = list
      const server = createServer((_request, response) => response.writeHead(list.status).end(list.body))
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void server.close())
      const { port } = server.address() as AddressInfo
      const project = await createShop('remote', {
        yaml: `  other:\n    type: postgres\n    url: { secret: env:SHOP_URL }\n    tables: { url: "http://127.0.0.1:${port}/list.json", allow_private: true }\n`,
        flows: { 'gold/n.sql': 'CREATE MATERIALIZED VIEW gold.n AS SELECT count(*) AS n FROM silver.orders' },
      })
      await database.query(`CREATE TABLE remote.orders (id int PRIMARY KEY); INSERT INTO remote.orders VALUES (1), (2);
      CREATE TABLE remote.log (line text); INSERT INTO remote.log VALUES ('a')`)
      expect((await project.run()).status).toBe('succeeded')
      list = answer
      await database.query(
        "UPDATE remote.users SET name = 'new' WHERE user_id = 1; INSERT INTO remote.orders VALUES (3)",
      )
      const plan = await project.tidemark('plan')
      expect(plan.exit, plan.stderr).toBe(expected.exit)
      expect(plan.stdout).toMatch(new RegExp(`bronze\\.orders .*refused: ${expected.code}`))
      expect(plan.stdout).toMatch(/silver\.orders .*known after bronze\.orders/)
      const run = await project.run()
      expectFailedStep(run, 'bronze.orders', expected)
      expectFailedStep(run, 'bronze.log', expected)
      expect(run.step('gold.n')).toMatchObject({ status: 'skipped', blockedBy: ['bronze.orders'] })
      expect(run.step('silver.users')).toMatchObject({ status: 'changed', ledger: { updated: '1' } })
      expect(run.stderr.split(`error ${expected.code}`)).toHaveLength(2)
      expect(await project.query('SELECT n FROM gold.n')).toEqual([{ n: '2' }])
      expectProblem(await project.tidemark('validate'), expected)
      expect((await project.tidemark('status')).exit).toBe(0)
      expect((await project.tidemark('verify')).stdout).toMatch(/bronze\.users +equal/)
      list = good
      expect((await project.run()).status).toBe('succeeded')
      expect(await project.query('SELECT n FROM gold.n')).toEqual([{ n: '3' }])
    },
  )

  test('at an address that is away is read from its last copy, and every command says so', async () => {
    let status = 200
    const list = JSON.stringify([{ schema: 'copied', table: 'orders' }])
    const server = createServer((_request, response) => response.writeHead(status).end(status === 200 ? list : 'later'))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const project = await createShop('copied', {
      yaml: `  other:\n    type: postgres\n    url: { secret: env:SHOP_URL }\n    tables: { url: "http://127.0.0.1:${port}/list.json", allow_private: true }\n`,
    })
    await database.query('CREATE TABLE copied.orders (id int PRIMARY KEY); INSERT INTO copied.orders VALUES (1), (2)')
    expect((await project.run()).status).toBe('succeeded')
    status = 503
    await database.query('INSERT INTO copied.orders VALUES (3)')
    for (const command of ['validate', 'plan']) {
      const ended = await project.tidemark(command)
      expect(ended.exit, ended.stderr).toBe(0)
      expect(ended.stderr).toContain('warning LIST_COPY_USED')
    }
    const run = await project.run()
    expect(run.status).toBe('succeeded')
    expect(run.stderr).toContain(createHash('sha256').update(list).digest('hex'))
    expect(await project.query('SELECT count(*) AS n FROM silver.orders')).toEqual([{ n: '3' }])
  })

  test('whose patterns meet in one lake name loads the first table and refuses the second', async () => {
    await database.query('DROP SCHEMA IF EXISTS meet2 CASCADE; CREATE SCHEMA meet2; CREATE TABLE meet2.users (id int)')
    const project = await createShop('meet', {
      list: '[\n  { "schema": "meet", "table": "*" },\n  { "schema": "meet2", "table": "*" }\n]',
    })
    const run = await project.run()
    expect(run.step('silver.users').status).toBe('changed')
    expect(run.step('bronze (meet2.users)').problem).toMatchObject({
      code: 'LAKE_NAME_TAKEN',
      place: expect.stringMatching(/^loop_input\.json:3:/),
    })
    expect(run.exit).toBe(2)
  })

  test('of a second source whose pattern finds a name that is taken refuses that table only', async () => {
    const project = await createShop('two', {
      list: '[{ "schema": "two", "table": "*" }]',
      yaml: `  other:\n    type: postgres\n    url: { secret: env:SHOP_URL }\n    tables: [{ schema: two2, table: "*" }]\n`,
    })
    await database.query('DROP SCHEMA IF EXISTS two2 CASCADE; CREATE SCHEMA two2')
    await database.query('CREATE TABLE two2.users (id int primary key); CREATE TABLE two2.extra (id int primary key)')
    const run = await project.run()
    expect(run.step('bronze (two2.users)').problem?.code).toBe('LAKE_NAME_TAKEN')
    expect(run.step('silver.users')).toMatchObject({ status: 'changed', ledger: { inserted: '20' } })
    expect(run.step('silver.extra').status).not.toBe('failed')
    expect(run.exit).toBe(2)
  })

  test('with patterns that match nothing says so for each, and the others go on', async () => {
    const project = await createShop('none', {
      entries: [
        { schema: 'none', table: 'tmp_*' },
        { schema: 'nowhere', table: '*' },
      ],
    })
    const run = await project.run()
    expect(run.step('bronze (none.tmp_*)').problem).toMatchObject({
      code: 'PATTERN_MATCHES_NOTHING',
      place: 'loop_input.json:3:28',
    })
    expect(run.step('bronze (nowhere.*)').problem?.place).toBe('loop_input.json:4:31')
    expect(run.step('silver.users').status).toBe('changed')
    expect(run.exit).toBe(2)
  })
})

describe('a flow', () => {
  const view = (query: string): Record<string, string> => ({
    'gold/f.sql': `CREATE MATERIALIZED VIEW gold.f AS\n${query}\n`,
  })
  test.each([
    {
      case: 'with a SQL syntax error',
      flows: view('SELECT name,, user_id FROM silver.users'),
      expected: { code: 'FLOW_SYNTAX', place: 'gold/f.sql:2:13' },
    },
    {
      case: 'with an unknown statement',
      flows: { 'gold/f.sql': 'CREATE TABLE x AS SELECT 1' },
      expected: { code: 'FLOW_SYNTAX', place: 'gold/f.sql:1:8', says: 'TABLE' },
    },
    {
      case: 'over an unknown table',
      flows: view('SELECT name FROM silver.usrs'),
      expected: { code: 'FLOW_UNKNOWN_TABLE', place: 'gold/f.sql:2:18', says: 'silver.usrs' },
    },
    {
      case: 'into a table that no folder can hold',
      flows: {
        'gold/f.sql': '-- up\nCREATE MATERIALIZED VIEW gold.`..` AS SELECT name FROM silver.users',
        'gold/g.sql': 'CREATE STREAMING TABLE gold.con AS SELECT name FROM STREAM(silver.users)',
      },
      expected: {
        code: 'TABLE_NAME_INVALID',
        place: 'gold/f.sql:2:1',
        says: /folder path[^]*gold\/g\.sql:1:1[^]*device/,
      },
    },
    {
      case: 'in a circle',
      flows: {
        'gold/a.sql': 'CREATE MATERIALIZED VIEW gold.a AS SELECT n FROM gold.b',
        'gold/b.sql': 'CREATE MATERIALIZED VIEW gold.b AS SELECT n FROM gold.a',
      },
      expected: { code: 'FLOW_CYCLE', says: /gold\.a.*gold\.b/ },
    },
    {
      case: 'with a function outside the portable subset',
      flows: view('SELECT list(name) AS names FROM silver.users'),
      expected: { code: 'FLOW_NOT_PORTABLE', place: 'gold/f.sql:2:8', says: 'list' },
    },
    {
      case: 'with a clause that is not built',
      flows: {
        'gold/f.sql': 'CREATE STREAMING TABLE gold.f CLUSTER BY (name) AS SELECT name FROM STREAM(silver.users)',
      },
      expected: { code: 'FLOW_UNBUILT', place: 'gold/f.sql:1:31', says: 'CLUSTER BY' },
    },
    {
      case: 'that aggregates a stream',
      flows: { 'gold/f.sql': 'CREATE STREAMING TABLE gold.f AS SELECT count(*) AS n FROM STREAM(silver.users)' },
      expected: { code: 'FLOW_STREAM_SHAPE', says: 'MATERIALIZED VIEW' },
    },
    {
      case: 'of a module that does not load',
      flows: { 'gold/f.ts': "import { nothing } from './nowhere.ts'\nexport const f = nothing\n" },
      expected: { code: 'FLOW_MODULE', says: 'nowhere' },
    },
  ])('$case is refused at its place before anything is read', async ({ flows, expected }) => {
    const project = await createShop('flow', { flows })
    expectProblem(await project.tidemark('validate'), { exit: 2, ...expected })
    expectProblem(await project.tidemark('run'), { exit: 2, ...expected })
    expect(await readAll(`${project.lake}/bronze`)).toBe('')
  })

  test.each([
    {
      case: 'an unknown column',
      flows: view('SELECT nam FROM silver.users'),
      expected: { code: 'FLOW_UNKNOWN_COLUMN', place: 'gold/f.sql:2:8', says: 'nam' },
    },
    {
      case: 'a rule over an unknown column',
      flows: {
        'gold/f.sql':
          'CREATE STREAMING TABLE gold.f (\n  CONSTRAINT named EXPECT (nam IS NOT NULL) ON VIOLATION DROP ROW\n) AS SELECT * FROM STREAM(silver.users)',
      },
      expected: { code: 'FLOW_UNKNOWN_COLUMN', place: 'gold/f.sql:2:28', says: 'nam' },
    },
  ])('with $case fails at its place, and everything before it is done', async ({ flows, expected }) => {
    const project = await createShop('col', { flows })
    const run = await project.run()
    expect(run.step('silver.users')).toMatchObject({ status: 'changed', ledger: { inserted: '20' } })
    expect(run.steps.find(({ table }) => table === 'gold.f')?.problem).toMatchObject({
      code: expected.code,
      place: expected.place,
      hint: expect.stringMatching(/\S/),
    })
    expectNoTrace(run.stderr)
    expect(run.exit).toBe(2)
  })

  test('a rule of the list over an unknown column keeps bronze and the other tables going', async () => {
    const project = await createShop('rule', {
      entries: [{ schema: 'rule', table: 'orders', silver: { expect_or_drop: { paid: 'amuont > 0' } } }],
      flows: { 'gold/n.sql': 'CREATE MATERIALIZED VIEW gold.n AS SELECT count(*) AS n FROM silver.users' },
    })
    await database.query(
      'CREATE TABLE rule.orders (id int PRIMARY KEY, amount int); INSERT INTO rule.orders VALUES (1, 2)',
    )
    const run = await project.run()
    expect(run.step('bronze.orders').status).toBe('changed')
    expect(run.step('silver.orders').problem).toMatchObject({
      code: 'FLOW_UNKNOWN_COLUMN',
      place: expect.stringMatching(/^loop_input\.json:3:/),
      message: expect.stringContaining('amuont'),
    })
    expect(run.step('gold.n').status).toBe('changed')
    expect(run.exit).toBe(2)
  })

  test('a step that fails says what is written, with the keys that break a rule, each once, to whoever runs and nowhere else', async () => {
    const project = await createShop('keys', {
      entries: [{ schema: 'keys', table: 'orders', silver: { expect_or_fail: { paid: 'amount > 0' } } }],
      flows: { 'gold/n.sql': 'CREATE MATERIALIZED VIEW gold.n AS SELECT CAST(name AS INT) AS n FROM silver.users' },
    })
    await database.query(
      `CREATE TABLE keys.orders (id text PRIMARY KEY, amount int); INSERT INTO keys.orders VALUES ('order-1', 0), ('order-2', 1), ('order-3', 0)`,
    )
    await project.run()
    await database.query("UPDATE keys.orders SET amount = -1 WHERE id = 'order-1'")
    const run = await project.tidemark('run', '--events')
    expect(run.stderr).toContain('\n  silver.orders is unchanged. Rows that break it: id = order-1; id = order-3.\n')
    expect(run.stderr).toContain('\n  gold.n is unchanged. Invalid Input Error: CAST_INVALID_INPUT')
    expect(await readAll(`${project.lake}/system`)).not.toMatch(/order-[13]|CAST_INVALID_INPUT/)
    expect(run.stdout).toMatch(
      /FLOW_EXPECTATION_FAILED.*FLOW_COMPUTE_FAILED|FLOW_COMPUTE_FAILED.*FLOW_EXPECTATION_FAILED/s,
    )
    expect(run.stdout).not.toMatch(/order-[13]|CAST_INVALID_INPUT/)
  })

  test('that reads what a pattern brings is valid before the database was asked', async () => {
    const project = await createShop('bring', {
      list: '[{ "schema": "bring", "table": "*" }]',
      flows: { 'gold/n.sql': 'CREATE MATERIALIZED VIEW gold.n AS SELECT count(*) AS n FROM silver.users' },
    })
    const ended = await project.tidemark('validate')
    expect(ended.exit, ended.stderr).toBe(0)
    expect((await project.run()).status).toBe('succeeded')
  })
})

describe('the project file', () => {
  test.each([
    {
      case: 'a key that is planned and not built',
      yaml: 'schedule: { cron: "0 * * * *" }\n',
      args: [],
      expected: { exit: 2, code: 'CONFIG_PLANNED', place: 'tidemark.yml:7:1' },
    },
    {
      case: 'an unknown key',
      yaml: 'paralel: 2\n',
      args: [],
      expected: { exit: 2, code: 'CONFIG_UNKNOWN_KEY', place: 'tidemark.yml:7:1', says: 'paralel' },
    },
    {
      case: 'a variable without a value',
      yaml: 'catalog: "${var.region}"\n',
      args: [],
      expected: { exit: 2, code: 'VARIABLE_UNDEFINED', place: 'tidemark.yml:7:10', says: 'region' },
    },
    {
      case: 'an environment variable written as the shell does',
      yaml: 'catalog: "${env.REGION}"\n',
      args: [],
      expected: { exit: 2, code: 'CONFIG_REFERENCE', place: 'tidemark.yml:7:10', says: 'REGION' },
    },
    {
      case: 'a target that does not exist',
      yaml: 'targets: { dev: { default: true }, prod: { mode: production } }\n',
      args: ['-t', 'prdo'],
      expected: { exit: 2, code: 'TARGET_UNKNOWN', says: 'prdo' },
    },
    {
      case: 'a lake of a kind that is not built',
      yaml: 'lake: gs://bucket/lake\n',
      args: [],
      expected: { exit: 2, code: 'CONFIG_PLANNED', place: 'tidemark.yml:7:7' },
    },
    {
      case: 'YAML that is none',
      yaml: 'flows: [a, b\n',
      args: [],
      expected: { exit: 2, code: 'CONFIG_SYNTAX' },
    },
  ])('with $case is refused at its place', async ({ yaml, args, expected }) => {
    const project = await createShop('config', { yaml })
    expectProblem(await project.tidemark('run', ...args), expected)
  })

  test('with many mistakes shows all of them at once, each with its place, reason and way out', async () => {
    const project = await createShop('many', {
      yaml: 'paralel: 2\nparallel: none\ncatalog: "${var.region}"\nlake: .\n',
      entries: [
        { schema: 'many', table: 'users' },
        { schema: 'many', table: '..' },
        { schema: 'many', table: 'orders', primry_key: 'id' },
        { table: 'lines' },
      ],
      flows: {
        'gold/a.sql': 'CREATE TABLE x AS SELECT 1',
        'gold/b.sql': 'CREATE STREAMING TABLE gold.b CLUSTER BY (name) AS SELECT name FROM STREAM(silver.users)',
      },
    })
    const ended = await project.tidemark('validate')
    const shown = [...ended.stderr.matchAll(/^error (\w+): .*\n {2}(\S+:\d+:\d+)\n([^]*?)(?=^error |$(?![^]))/gm)]
    expect(shown.map(([, code, place]) => `${place} ${code}`)).toEqual([
      'gold/a.sql:1:8 FLOW_SYNTAX',
      'gold/b.sql:1:31 FLOW_UNBUILT',
      'loop_input.json:3:28 LAKE_NAME_TAKEN',
      'loop_input.json:4:28 TABLE_NAME_INVALID',
      'loop_input.json:5:37 CONFIG_UNKNOWN_KEY',
      'loop_input.json:6:3 CONFIG_MISSING_KEY',
      'tidemark.yml:7:1 CONFIG_UNKNOWN_KEY',
      'tidemark.yml:8:11 CONFIG_VALUE',
      'tidemark.yml:9:10 VARIABLE_UNDEFINED',
      'tidemark.yml:10:7 CONFIG_LAKE_PATH',
    ])
    for (const [, code, , rest] of shown) expect(rest, code).toMatch(/^ {2}\S[^]*^ {2}hint: \S/m)
    expectNoTrace(ended.stderr)
    expect(ended.stdout).toBe('')
    expect(ended.exit).toBe(2)
  })

  test('with a password written out is refused without showing it', async () => {
    const project = await createShop('literal')
    await project.write({
      'tidemark.yml':
        'name: a\nsources:\n  app:\n    type: postgres\n    url: postgres://me:canary-55@localhost/db\n    tables: loop_input.json\n',
    })
    const ended = await project.tidemark('run')
    expectProblem(ended, { exit: 2, code: 'SECRET_LITERAL', place: 'tidemark.yml:5:10' })
    expect(ended.stderr).not.toContain('canary-55')
  })

  test('that is not there leads to init', async () => {
    const project = await createShop('empty')
    const ended = await project.tidemark('run', '-p', 'gold')
    expectProblem(ended, { exit: 2, code: 'CONFIG_NOT_FOUND', says: 'tidemark.yml' })
    expect(ended.stderr).toContain('tidemark init')
  })

  test('a selection of a table that is not there names the nearest one', async () => {
    const project = await createShop('chosen')
    expectProblem(await project.tidemark('run', '-s', 'silver.usres+'), {
      exit: 2,
      code: 'STEP_UNKNOWN',
      says: 'did you mean silver.users?',
    })
    const run = await project.run('--select', 'users+')
    expect(run.steps.map(step => step.step)).toEqual(['bronze.users', 'silver.users'])
  })

  test.each([
    ['verify', 'silver.users'],
    ['backfill', 'silver.users', '--from', '2026-01-01'],
    ['run', '--yes', '--reload-source', 'silver.users'],
    ['run', '--allow-mass-delete', 'bronze.usres'],
  ])('%s of a table that does not come from a source names the one that does', async (...command) => {
    const project = await createShop('below')
    const says = /No bronze table of this project is called \S+; did you mean bronze\.users\?/
    expectProblem(await project.tidemark(...command), { exit: 2, code: 'STEP_UNKNOWN', says })
  })
})

test('a project that is wrong somewhere else still shows what is in its lake, and says what is wrong', async () => {
  const project = await createShop('looked_at')
  expect((await project.run()).status).toBe('succeeded')
  await project.write({
    'loop_input.json': '[{ "schema": "looked_at", "table": "users" },]',
    'gold/f.sql': 'CREATE nonsense',
  })
  for (const [args, shown] of [
    [['status'], /bronze\.users .* 20 /],
    [['runs'], /succeeded/],
    [['tables'], /silver\.users/],
    [['query', 'SELECT count(*) AS n FROM silver.users'], /20/],
    [['quarantine', 'list'], /Nothing/],
  ] as const) {
    const ended = await project.tidemark(...args)
    expect(ended.stdout, args.join(' ')).toMatch(shown)
    expect(ended.stderr).toContain('warning CONFIG_SYNTAX: ')
    expect(ended.stderr).toContain('warning FLOW_SYNTAX: ')
    expect(ended.exit).toBe(0)
  }
  for (const command of ['validate', 'plan', 'run', 'verify']) expect((await project.tidemark(command)).exit).toBe(2)
  await project.write({ 'tidemark.yml': 'name: shop\nlake: .\nsources: {}\n' })
  expectProblem(await project.tidemark('status'), { exit: 2, code: 'CONFIG_LAKE_PATH' })
})
