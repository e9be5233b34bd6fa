/** Delta tables through the command line: read by name, by path, at older versions and as changes; kept in shape. */
import { randomUUID } from 'node:crypto'
import { cp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { expectProblem } from '../support/cli.ts'
import { createUsersLake, LOCAL_PROJECT } from '../support/users-lake.ts'

const createLake = (rows: number, more = ''): ReturnType<typeof createUsersLake> =>
  createUsersLake({ 'tidemark.yml': LOCAL_PROJECT + more }, rows)

test('a query reads a table at a version, at a time, by its path, and as changes', async () => {
  const project = await createLake(3)
  const count = async (from: string): Promise<unknown> =>
    (await project.query(`SELECT count(*) AS n FROM ${from}`))[0]?.['n']
  expect(await count('silver.users')).toBe('3')
  expect(await count('silver.users VERSION AS OF 1')).toBe('1')
  expect(await count("silver.users TIMESTAMP AS OF '2999-01-01'")).toBe('3')
  expect(await count('delta.`lake/silver/users` VERSION AS OF 2')).toBe('2')
  const changes = await project.query(
    "SELECT id, _change_type AS type, _commit_version AS version FROM table_changes('silver.users', 2, 3) ORDER BY id",
  )
  expect(changes).toEqual([
    { id: '2', type: 'insert', version: '2' },
    { id: '3', type: 'insert', version: '3' },
  ])
  await cp(join(project.lake, 'silver/users'), join(project.root, 'copy'), { recursive: true })
  expect(await count('delta.copy VERSION AS OF 1')).toBe('1')
  const joined = await project.query(
    'SELECT users.id FROM silver.users LEFT JOIN silver.users VERSION AS OF 2 old USING (id) WHERE old.name IS NULL',
  )
  expect(joined).toEqual([{ id: '3' }])
})

test('a query reads the version that was current at a time, and refuses one before there was any', async () => {
  const project = await createLake(3)
  const times = await project.query(
    "SELECT DISTINCT _commit_version AS v, _commit_timestamp::VARCHAR AS at FROM table_changes('silver.users', 0) ORDER BY v",
  )
  for (const { v, at } of times) {
    const counted = await project.query(`SELECT count(*) AS n FROM silver.users TIMESTAMP AS OF '${String(at)}'`)
    expect(counted).toEqual([{ n: v }])
  }
  const refused = await project.tidemark('query', "SELECT * FROM silver.users TIMESTAMP AS OF '2001-01-01'")
  expect(refused.exit).not.toBe(0)
  expect(refused.stderr).toMatch(/silver\.users.* no version of the time 2001-01-01.*; its first is 0, its last 3/s)
})

test('changes since a time begin with the first commit that is not earlier', async () => {
  const project = await createLake(3)
  const all = await project.query(
    "SELECT DISTINCT _commit_version AS v, _commit_timestamp::VARCHAR AS at FROM table_changes('silver.users', 0) ORDER BY v",
  )
  const versions = async (from: unknown): Promise<unknown> =>
    await project.query(`SELECT _commit_version AS v FROM table_changes('silver.users', '${String(from)}') ORDER BY v`)
  expect(all.map(({ v }) => v)).toEqual(['1', '2', '3'])
  expect(await versions(all[1]?.['at'])).toEqual([{ v: '2' }, { v: '3' }])
  expect(await versions('2001-01-01')).toEqual([{ v: '1' }, { v: '2' }, { v: '3' }])
})

test('a table anywhere on the machine is read by its path, and nothing beside it', async () => {
  const project = await createLake(2)
  const elsewhere = join(tmpdir(), `tidemark-else where [1]-${process.pid}`)
  await cp(join(project.lake, 'silver/users'), join(elsewhere, 'a b'), { recursive: true })
  expect(await project.query(`SELECT id FROM delta.\`${elsewhere}/a b\` ORDER BY id`)).toEqual([
    { id: '1' },
    { id: '2' },
  ])
  const [file] = (await readdir(join(elsewhere, 'a b'))).filter(name => name.endsWith('.parquet'))
  const refused = await project.tidemark(
    'query',
    `SELECT * FROM read_parquet('${elsewhere}/a b/${file}'), delta.\`${elsewhere}/a b\``,
  )
  expectProblem(refused, { exit: 2, code: 'QUERY_REFUSED', says: 'read_parquet' })
})

test('a table of others that names files beside itself is refused by the file, and read from its own folder', async () => {
  const project = await createLake(2)
  const [copy, beside] = [join(project.root, 'copies/t'), join(project.root, 'copies/beside.parquet')]
  await cp(join(project.lake, 'silver/users'), copy, { recursive: true })
  const commit = join(copy, '_delta_log/00000000000000000002.json')
  const text = await readFile(commit, 'utf8')
  const [, file = ''] = /"path":"([^"]+)"/.exec(text) ?? []
  await writeFile(commit, text.replace(file, join(copy, file)))
  expect(await project.query('SELECT id FROM delta.`copies/t` ORDER BY id')).toEqual([{ id: '1' }, { id: '2' }])
  await cp(join(copy, file), beside)
  await writeFile(commit, text.replace(file, beside))
  const refused = await project.tidemark('query', 'SELECT * FROM delta.`copies/t`')
  expectProblem(refused, { exit: 1, code: 'DELTA_LOG_UNREADABLE', says: 'beside.parquet' })
  expect(refused.stderr).toContain('a folder that is not allowed')
})

test('a table whose log begins with a checkpoint is read by its path', async () => {
  const project = await createUsersLake({ 'tidemark.yml': LOCAL_PROJECT }, 3, 2)
  const copy = join(project.root, 'copy')
  await cp(join(project.lake, 'silver/users'), copy, { recursive: true })
  for (const version of [0, 1]) await rm(join(copy, `_delta_log/0000000000000000000${version}.json`))
  expect(await project.query('SELECT id FROM delta.`copy` ORDER BY id')).toEqual([
    { id: '1' },
    { id: '2' },
    { id: '3' },
  ])
  const shown = await project.tidemark('tables', 'show', 'delta.`copy`', '--json')
  expect(JSON.parse(shown.stdout), shown.stderr).toMatchObject({ version: '3', rows: '3' })
})

test.each([
  [
    'SELECT * FROM silver.users VERSION AS OF 9',
    2,
    'TABLE_VERSION_MISSING',
    'no version 9; its first is 0, its last 1.',
  ],
  ["SELECT * FROM silver.users TIMESTAMP AS OF 'yesterday'", 2, 'MOMENT_INVALID', 'yesterday'],
  ["SELECT * FROM silver.users TIMESTAMP AS OF '2001-01-01'", 2, 'TABLE_VERSION_MISSING', '2001-01-01T00:00:00'],
  ['SELECT * FROM delta.`nowhere/at all`', 2, 'TABLE_UNKNOWN', 'no Delta table at nowhere/at all.'],
  ['SELECT * FROM delta.`/`', 2, 'TABLE_UNKNOWN', 'no Delta table at /.'],
  ['SELECT * FROM delta.`s3://bucket`', 2, 'TABLE_ADDRESS', 's3://bucket names no folder'],
  ['SELECT * FROM delta.`az://lake/t`', 2, 'TABLE_ADDRESS', 'az://lake does not say in which account it is'],
  ['SELECT * FROM delta.`https://lake/t`', 2, 'TABLE_ADDRESS', 'https://lake/t is not written as az://'],
  ['SELECT * FROM silver.users VERSION AS OF x', 2, 'QUERY_REFUSED', 'VERSION AS OF 3'],
  ['SELECT nme FROM silver.users', 2, 'QUERY_FAILED', 'tidemark tables schema TABLE lists the columns'],
  ['SELECT u.nme FROM silver.users u', 2, 'QUERY_FAILED', 'u has no column nme.'],
  ["SELECT 'a FROM silver.users", 2, 'FLOW_SYNTAX', 'found the end of the SQL'],
  ['SELECT FROM', 2, 'FLOW_SYNTAX', 'found its end'],
])('%s says what is wrong', async (statement, exit, code, says) => {
  const project = await createLake(1)
  expectProblem(await project.tidemark('query', statement), { exit, code, says })
})

test('a query that cannot be read is shown with the word at which reading stopped', async () => {
  const project = await createLake(1)
  const { stderr } = await project.tidemark('query', 'SELECT *\nFROM silver.users VERSION AS OF 0\nWHER id = 1')
  expect(stderr).toContain('error FLOW_SYNTAX: The SQL cannot be read.\n  query:3:6\n')
  expect(stderr).toContain('3 | WHER id = 1\n    |      ^^\n')
})

test('an address that is signed is refused without its signature', async () => {
  const project = await createLake(1)
  const signed = 'https://acct.blob.core.windows.net/lake/t?sv=2026&sig=canary'
  for (const args of [
    ['tables', 'show', `delta.\`${signed}\``],
    ['audit', 'users', '--source', 'sqlite:x.db', '--against', signed],
  ]) {
    const refused = await project.tidemark(...args)
    expectProblem(refused, {
      exit: 2,
      code: 'TABLE_ADDRESS',
      says: 'https://acct.blob.core.windows.net/lake/t?… is not',
    })
    expect(refused.stdout + refused.stderr).not.toContain('canary')
  }
})

test('a broken table of others is not said to be made anew by a run', async () => {
  const project = await createLake(2)
  const copy = join(project.root, 'copy')
  await cp(join(project.lake, 'silver/users'), copy, { recursive: true })
  for (const folder of [copy, join(project.lake, 'silver/users')]) {
    await rm(join(folder, '_delta_log/00000000000000000001.json'))
  }
  const broken = { exit: 1, code: 'DELTA_LOG_UNREADABLE', says: '00000000000000000001.json' } as const
  const other = await project.tidemark('query', 'SELECT * FROM delta.`copy`')
  expectProblem(other, broken)
  expect(other.stderr).toContain('It is not of this lake')
  const own = await project.tidemark('query', 'SELECT * FROM silver.users')
  expectProblem(own, broken)
  expect(own.stderr).toContain('the next run makes the table anew')
})

test.each(['0', 'ten', '1e3', '-1'])('a limit of %s is refused', async limit => {
  const project = await createLake(1)
  const refused = await project.tidemark('tables', 'history', 'silver.users', '--limit', limit)
  expect(refused).toMatchObject({ exit: 2, stdout: '' })
  expect(refused.stderr).toContain('write a whole number from 1 on')
})

test('tables show, schema and history tell of one table', async () => {
  const project = await createLake(2)
  const json = async (...args: string[]): Promise<unknown> => {
    const ended = await project.tidemark('tables', ...args, '--json')
    expect(ended.exit, ended.stderr).toBe(0)
    return JSON.parse(ended.stdout)
  }
  expect(await json('show', 'SILVER.USERS')).toMatchObject({ table: 'silver.users', version: '2', files: 2, rows: '2' })
  expect(await json('schema', 'silver.users')).toMatchObject([
    { column: 'id', type: 'long', nullable: true },
    { column: 'name', type: 'string' },
  ])
  expect(await json('history', 'silver.users', '-n', '2')).toMatchObject([
    { version: '2', operation: 'WRITE', run: 'run-2' },
    { version: '1', operation: 'WRITE', run: 'run-1' },
  ])
  const shown = await project.tidemark('tables', 'history', 'delta.`lake/silver/users`')
  expect(shown.stdout).toMatch(/0 .*CREATE TABLE/)
})

test('optimize makes one file of many and keeps the rows; vacuum leaves what is young', async () => {
  const project = await createLake(4)
  const optimized = await project.tidemark('optimize', 'silver.users', '--json')
  expect(JSON.parse(optimized.stdout)).toMatchObject({ metrics: { numRemovedFiles: '4', numAddedFiles: '1' } })
  expect(await project.query('SELECT id FROM silver.users ORDER BY id')).toHaveLength(4)
  expect((await project.tidemark('optimize', 'silver.users')).stdout).toMatch(/no files that would gain/)
  const dry = await project.tidemark('vacuum', '--dry-run', '--json')
  expect(JSON.parse(dry.stdout)).toEqual({
    dryRun: true,
    tables: [{ table: 'silver.users', files: '0', bytes: '0', paths: [] }],
    uploads: [],
    loads: [],
    temporary: [],
  })
  expect(await project.query('SELECT id FROM silver.users VERSION AS OF 2')).toHaveLength(2)
  expectProblem(await project.tidemark('optimize', 'delta.`lake/silver/users`'), {
    exit: 2,
    code: 'TABLE_NOT_OURS',
    says: 'delta',
  })
})

test('vacuum --dry-run names what vacuum then removes, and neither touches what a version needs', async () => {
  const project = await createLake(2)
  const folder = join(project.lake, 'silver/users')
  const orphan = `part-${randomUUID()}-0.parquet`
  await writeFile(join(folder, orphan), 'of a writer that never committed')
  const tenDaysAgo = new Date(Date.now() - 10 * 24 * 60 * 60 * 1000)
  const before = await readdir(folder)
  for (const name of before.filter(one => one.endsWith('.parquet')))
    await utimes(join(folder, name), tenDaysAgo, tenDaysAgo)
  const cleaned = { table: 'silver.users', files: '1', bytes: '32', paths: [`silver/users/${orphan}`] }
  const run = async (...args: string[]): Promise<unknown> => {
    const ended = await project.tidemark('vacuum', 'silver.users', ...args, '--json')
    expect(ended.exit, ended.stderr).toBe(0)
    return JSON.parse(ended.stdout)
  }
  expect(await run('--dry-run')).toEqual({ dryRun: true, tables: [cleaned], uploads: [], loads: [], temporary: [] })
  expect(await readdir(folder)).toEqual(before)
  expect(await run('--yes')).toEqual({ dryRun: false, tables: [cleaned], uploads: [], loads: [], temporary: [] })
  expect(await readdir(folder)).toEqual(before.filter(name => name !== orphan))
  expect(await project.query('SELECT id FROM silver.users VERSION AS OF 1')).toHaveLength(1)
})

test('in production nothing is removed without --yes', async () => {
  const project = await createLake(1, 'targets: { prod: { default: true, mode: production } }\n')
  expectProblem(await project.tidemark('vacuum'), { exit: 2, code: 'NEEDS_YES', says: 'prod' })
  expect((await project.tidemark('vacuum', '--yes')).exit).toBe(0)
  expect((await project.tidemark('vacuum', '--dry-run')).exit).toBe(0)
})
