/** A database that is away, closed or not as the list says: place, reason, way out, and every other table goes on. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CliProject, expectFailedStep, expectNoTrace, expectProblem, readAll } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createShop } from '../support/shop.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

const CANARY = 'canary-7f3a9c'

/** The connection with some part changed and a password that must never be seen again. */
function address(change: { host?: string; port?: number; user?: string; database?: string }): string {
  const { host, port, user, database: name } = { ...database, ...change }
  return `postgres://${user}:${CANARY}@${host}:${port}/${name}`
}

/** Everything the commands printed and left behind, searched for the password. */
async function expectNoCanary(project: CliProject, texts: readonly string[]): Promise<void> {
  expect(texts.join('\n')).not.toContain(CANARY)
  expect(await readAll(project.lake)).not.toContain(CANARY)
}

describe('a source that cannot be opened', () => {
  test.each([
    {
      case: 'a server that does not answer',
      url: () => address({ port: 1 }),
      code: 'SOURCE_UNREACHABLE',
      says: '127.0.0.1:1',
    },
    {
      case: 'a host that does not exist',
      url: () => address({ host: 'no-such-host.invalid' }),
      code: 'SOURCE_UNREACHABLE',
      says: 'no-such-host.invalid',
    },
    { case: 'a wrong password', url: () => address({}), code: 'SOURCE_LOGIN_REFUSED', says: 'postgres' },
    {
      case: 'a missing database',
      url: () => database.url.replace(/\/[^/]+$/, '/no_such_db'),
      code: 'SOURCE_DATABASE_MISSING',
      says: 'no_such_db',
    },
  ])('$case fails its tables with exit code 3, and the other source goes on', async ({ url, code, says }) => {
    const project = await createShop(database, 'away', {
      yaml: `  other:
    type: postgres
    url: { secret: env:OTHER_URL }
    tables: other.yml
`,
      files: { 'other.yml': '- { schema: public, table: invoices }\n- { schema: public, table: payments }\n' },
    })
    project.env['OTHER_URL'] = url()
    const run = await project.run()
    expectFailedStep(run, 'bronze.invoices', { exit: 3, code, says })
    expectFailedStep(run, 'bronze.payments', { exit: 3, code, place: 'tidemark.yml:7:3' })
    expect(run.stderr.split(`error ${code}`)).toHaveLength(2)
    expect(run.step('silver.invoices')).toMatchObject({ status: 'skipped', blockedBy: ['bronze.invoices'] })
    expect(run.step('silver.users')).toMatchObject({ status: 'changed', ledger: { inserted: '20' } })

    const plan = await project.tidemark('plan')
    expect(plan.exit, plan.stderr).toBe(3)
    expect(plan.stdout).toMatch(new RegExp(`bronze\\.invoices .*refused: ${code}`))
    const verify = await project.tidemark('verify')
    expect(verify.exit, verify.stderr).toBe(3)
    expect(verify.stdout).toMatch(/bronze\.users +equal/)
    await expectNoCanary(project, [JSON.stringify(run), plan.stdout, plan.stderr, verify.stdout, verify.stderr])
  })

  test('fails also when only a pattern would have told its tables, and what lies in the lake stays', async () => {
    const project = await createShop(database, 'pattern_away', {
      list: '[{ "schema": "pattern_away", "table": "*" }]',
      flows: { 'gold/n.sql': 'CREATE MATERIALIZED VIEW gold.n AS SELECT count(*) AS n FROM silver.users' },
    })
    expect((await project.run()).status).toBe('succeeded')
    const good = project.env['SHOP_URL']
    project.env['SHOP_URL'] = address({ port: 1 })
    const ended = await project.tidemark('run')
    expect(ended.stderr).toContain('error SOURCE_UNREACHABLE: ')
    expect(ended.stderr).not.toContain('FLOW_UNKNOWN_TABLE')
    expect(ended.exit, ended.stderr).toBe(3)
    expectNoTrace(ended.stderr)
    expect(await project.query('SELECT n FROM gold.n')).toEqual([{ n: '20' }])
    project.env['SHOP_URL'] = good
    expect((await project.run()).status).toBe('succeeded')
  })

  test('without its secret names the variable and its place, and the other source goes on', async () => {
    const project = await createShop(database, 'secretless', {
      yaml: `  other:
    type: postgres
    url: { secret: env:OTHER_URL }
    tables: other.yml
`,
      files: { 'other.yml': '- { schema: public, table: invoices }\n' },
    })
    const run = await project.run()
    expectFailedStep(run, 'bronze.invoices', {
      exit: 3,
      code: 'SECRET_MISSING',
      place: 'tidemark.yml:7:3',
      says: 'OTHER_URL',
    })
    expect(run.step('silver.users').status).toBe('changed')
  })

  test('whose URL is no URL is refused without showing it', async () => {
    const project = await createShop(database, 'no_url')
    project.env['SHOP_URL'] = `mysql://root:${CANARY}@localhost/db`
    const run = await project.run()
    expectFailedStep(run, 'bronze.users', { exit: 2, code: 'CONNECTION_URL', says: 'postgres://' })
    await expectNoCanary(project, [JSON.stringify(run)])
  })

  test('is not initialised from, and nothing is written', async () => {
    const project = await createShop(database, 'init_away')
    const ended = await project.tidemark('init', address({ port: 1 }), '-p', 'new')
    expectProblem(ended, { exit: 3, code: 'SOURCE_UNREACHABLE' })
    expect(await readAll(join(project.root, 'new'))).toBe('')
    expect(ended.stderr).not.toContain(CANARY)
  })
})

describe('a table that is not as the list says', () => {
  test.each([
    {
      case: 'missing',
      ddl: '',
      entry: { table: 'orders' },
      expected: { exit: 1, code: 'SOURCE_TABLE_MISSING', says: 'orders', key: '"orders"' },
    },
    {
      case: 'without its cdc_col',
      ddl: 'CREATE TABLE orders (id int PRIMARY KEY, stamp date)',
      entry: { table: 'orders', cdc_col: 'updated_at' },
      expected: { exit: 2, code: 'CDC_COLUMN_MISSING', says: 'id, stamp', key: '"updated_at"' },
    },
    {
      case: 'with a cdc_col that has no order',
      ddl: 'CREATE TABLE orders (id int PRIMARY KEY, status text)',
      entry: { table: 'orders', cdc_col: 'status' },
      expected: { exit: 2, code: 'CDC_COLUMN_NOT_ORDERABLE', says: 'orders.status is text', key: '"status"' },
    },
    {
      case: 'without its key column',
      ddl: 'CREATE TABLE orders (id int PRIMARY KEY)',
      entry: { table: 'orders', primary_key: ['id', 'tenant'] },
      expected: { exit: 2, code: 'KEY_COLUMN_MISSING', says: 'tenant', key: '["id"' },
    },
    {
      case: 'with a declared key that is not unique',
      ddl: 'CREATE TABLE orders (id int, line int); INSERT INTO orders VALUES (1, 1), (1, 2)',
      entry: { table: 'orders', primary_key: 'id' },
      expected: { exit: 1, code: 'KEY_NOT_UNIQUE', says: 'orders', key: undefined },
    },
    {
      case: 'with a column named as one of ours',
      ddl: 'CREATE TABLE orders (id int PRIMARY KEY, _op text)',
      entry: { table: 'orders' },
      expected: { exit: 2, code: 'COLUMN_RESERVED', says: '_op', key: undefined },
    },
    {
      case: 'with values that no lake type can hold',
      ddl: "CREATE TABLE orders (id int PRIMARY KEY, v numeric(9,2), at timestamp); INSERT INTO orders VALUES (1, 'NaN', 'infinity'), (2, 1, '0044-03-15 BC')",
      entry: { table: 'orders' },
      expected: { exit: 1, code: 'SOURCE_VALUE_UNFIT', says: /v.*at|at.*v/s, key: undefined },
    },
    {
      case: 'that is a view which fails',
      ddl: 'CREATE VIEW orders AS SELECT g AS id, 1 / (g - 1) AS v FROM generate_series(1, 3) g',
      entry: { table: 'orders', primary_key: 'id' },
      expected: { exit: 1, code: 'SOURCE_QUERY_FAILED', says: 'division by zero', key: '"orders"' },
    },
    {
      case: 'that the user may not read',
      ddl: 'CREATE TABLE orders (id int PRIMARY KEY); ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY',
      entry: { table: 'orders' },
      role: 'shop_reader',
      expected: { exit: 1, code: 'SOURCE_TABLE_FORBIDDEN', says: 'orders', key: '"orders"' },
    },
  ])('$case fails alone, at its place in the list, with a way out', async ({ ddl, entry, expected, ...more }) => {
    const project = await createShop(database, 'shop', { inProcess: true, entries: [{ schema: 'shop', ...entry }] })
    await database.query(`SET search_path = shop; ${ddl}; RESET search_path`)
    if ('role' in more) project.env['SHOP_URL'] = await asReader()
    const run = await project.run()
    const column = JSON.stringify({ schema: 'shop', ...entry }).indexOf(expected.key ?? '') + 3
    const place = expected.key === undefined ? {} : { place: `loop_input.json:3:${column}` }
    expectFailedStep(run, 'bronze.orders', { ...expected, ...place })
    expect(run.step('silver.orders')).toMatchObject({ status: 'skipped', blockedBy: ['bronze.orders'] })
    expect(run.step('bronze.users')).toMatchObject({ status: 'changed', ledger: { inserted: '20' } })
    expect(run.step('silver.users').status).toBe('changed')

    const plan = await project.tidemark('plan')
    expectNoTrace(plan.stderr)
    const status = JSON.parse((await project.tidemark('status', '--json')).stdout) as {
      tables: { table: string; last: { status: string; code: string } | null }[]
    }
    expect(status.tables.find(({ table }) => table === 'bronze.orders')?.last).toMatchObject({
      status: 'failed',
      code: expected.code,
    })
    const verify = await project.tidemark('verify')
    expect(verify.stdout).toMatch(/bronze\.users +equal/)
    expect(verify.exit).not.toBe(0)
    expectNoTrace(verify.stderr)
  })

  /** A user that may read `users` and sees that `orders` is there. */
  async function asReader(): Promise<string> {
    await database.query(`DO $$ BEGIN CREATE ROLE shop_reader LOGIN PASSWORD '${CANARY}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
      GRANT USAGE ON SCHEMA shop TO shop_reader; GRANT SELECT ON shop.users TO shop_reader`)
    return address({ user: 'shop_reader' })
  }

  test('a value that was refused is carried as text when the list says so', async () => {
    const project = await createShop(database, 'as_text', {
      inProcess: true,
      entries: [{ schema: 'as_text', table: 'odd', as_text: ['v', 'at'] }],
    })
    await database.query(`CREATE TABLE as_text.odd (id int PRIMARY KEY, v numeric, at date);
      INSERT INTO as_text.odd VALUES (1, 'NaN', 'infinity'), (2, 1.50, '0044-03-15 BC')`)
    expect((await project.run()).status).toBe('succeeded')
    expect(await project.query('SELECT id, v, "at" FROM silver.odd ORDER BY id')).toEqual([
      { id: '1', v: 'NaN', at: 'infinity' },
      { id: '2', v: '1.50', at: '0044-03-15 BC' },
    ])
    expect((await project.tidemark('verify')).exit).toBe(0)
  })

  test('a table locked by somebody fails alone in bounded time, and is read when the lock is gone', async () => {
    const project = await createShop(database, 'locked', {
      inProcess: true,
      entries: [{ schema: 'locked', table: 'busy' }],
    })
    await database.query('CREATE TABLE locked.busy (id int PRIMARY KEY); INSERT INTO locked.busy VALUES (1)')
    const somebody = await database.connect()
    await somebody.query('BEGIN; LOCK TABLE locked.busy IN ACCESS EXCLUSIVE MODE')
    const run = await project.run()
    expectFailedStep(run, 'bronze.busy', { exit: 1, code: 'SOURCE_TABLE_LOCKED', says: 'busy' })
    expect(run.step('silver.users').status).toBe('changed')
    await somebody.query('ROLLBACK')
    expect((await project.run()).step('silver.busy')).toMatchObject({ status: 'changed', ledger: { inserted: '1' } })
  })

  test('a table dropped between plan and run fails alone, and its rows stay in the lake', async () => {
    const project = await createShop(database, 'dropped', {
      inProcess: true,
      entries: [{ schema: 'dropped', table: 'orders' }],
    })
    await database.query('CREATE TABLE dropped.orders (id int PRIMARY KEY); INSERT INTO dropped.orders VALUES (1), (2)')
    expect((await project.run()).status).toBe('succeeded')
    await database.query("UPDATE dropped.users SET name = 'new' WHERE user_id = 1")
    expect((await project.tidemark('plan')).exit).toBe(0)
    await database.query('DROP TABLE dropped.orders')
    const run = await project.run()
    expectFailedStep(run, 'bronze.orders', { exit: 1, code: 'SOURCE_TABLE_MISSING', place: 'loop_input.json:3:31' })
    expect(run.step('silver.users')).toMatchObject({ status: 'changed', ledger: { updated: '1' } })
    expect(await project.query('SELECT id FROM silver.orders ORDER BY id')).toEqual([{ id: '1' }, { id: '2' }])
  })

  test('a key of another type stops its table and keeps what the lake has', async () => {
    const project = await createShop(database, 'drift', { inProcess: true })
    expect((await project.run()).status).toBe('succeeded')
    await database.query('ALTER TABLE drift.users ALTER COLUMN user_id TYPE text')
    expectFailedStep(await project.run(), 'bronze.users', { exit: 1, code: 'KEY_RETYPED', says: 'user_id' })
    expect(await project.query('SELECT count(name) AS n FROM silver.users')).toEqual([{ n: '20' }])
  })

  test('a table emptied in the source is not emptied in the lake until somebody says so', async () => {
    const project = await createShop(database, 'emptied', { inProcess: true })
    await database.query("INSERT INTO emptied.users SELECT i, 'more', now() FROM generate_series(21, 30) i")
    expect((await project.run()).status).toBe('succeeded')
    await database.query('DELETE FROM emptied.users')
    const run = await project.run()
    expectFailedStep(run, 'bronze.users', { exit: 1, code: 'MASS_DELETE', says: '30' })
    expect(run.step('bronze.users').problem?.hint).toContain('--allow-mass-delete')
    expect(await project.query('SELECT count(*) AS n FROM silver.users')).toEqual([{ n: '30' }])
    expect((await project.run('--allow-mass-delete', 'bronze.users')).status).toBe('succeeded')
    expect(await project.query('SELECT count(*) AS n FROM silver.users')).toEqual([{ n: '0' }])
  })
})

test('the password of a .env file is read, used and never repeated', async () => {
  const project = await createShop(database, 'dotenv')
  delete project.env['SHOP_URL']
  const password = `${CANARY}@:/?#`
  await database.query(`DO $$ BEGIN CREATE ROLE shop_dotenv LOGIN PASSWORD '${password}'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
    GRANT USAGE ON SCHEMA dotenv TO shop_dotenv; GRANT SELECT ON dotenv.users TO shop_dotenv`)
  const { host, port, database: name } = database
  const url = `postgres://shop_dotenv:${encodeURIComponent(password)}@${host}:${port}/${name}`
  await writeFile(join(project.root, '.env'), `SHOP_URL=${url}\n`)
  const printed: string[] = []
  for (const args of [['validate'], ['plan'], ['run', '--events'], ['verify'], ['status'], ['runs'], ['tables']]) {
    const ended = await project.tidemark(...args)
    expect(ended.exit, `${args.join(' ')}: ${ended.stderr}`).toBe(0)
    printed.push(ended.stdout, ended.stderr)
  }
  await expectNoCanary(project, printed)
})
