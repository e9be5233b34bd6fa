/** A lake's folder that cannot be used, or that holds what others put there: nothing of theirs is ever touched. */
import { cp, mkdir, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectFailedStep, expectNoTrace, expectProblem } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { asReader, hasReader } from '../support/reader.ts'
import { createShop } from '../support/shop.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

describe('a lake folder', () => {
  test('that is a file is the environment’s fault and stays a file', async () => {
    const project = await createShop(database, 'a_file', { inProcess: true, files: { lake: 'my notes' } })
    expectProblem(await project.tidemark('run'), { exit: 3, code: 'LAKE_NOT_WRITABLE', says: 'lake' })
    expectProblem(await project.tidemark('status'), { exit: 3, code: 'LAKE_NOT_READABLE', says: 'not a folder' })
    expect(await readFile(project.lake, 'utf8')).toBe('my notes')
  })

  test.skipIf(!hasReader)(
    'that may only be read is read by every command that looks (skipped where root cannot become somebody else)',
    { timeout: 180_000 },
    async () => {
      const project = await createShop(database, 'read_only', {
        entries: [{ schema: 'read_only', table: 'orders', silver: { expect_or_drop: { paid: 'amount > 0' } } }],
      })
      await database.query(
        'CREATE TABLE read_only.orders (id int PRIMARY KEY, amount int); INSERT INTO read_only.orders VALUES (1, 2), (2, 0)',
      )
      expect((await project.run()).status).toBe('succeeded')
      const before = await listAll(project.lake)
      for (const [args, shown] of [
        [['status'], /silver\.orders .* 1 /],
        [['tables'], /bronze\.users/],
        [['runs'], /succeeded/],
        [['plan'], /bronze\.users .* nothing, proved/],
        [['query', 'SELECT count(*) AS n FROM bronze.users'], /^ n\n20\n/],
        [['query', 'SELECT status FROM system.runs'], /succeeded/],
        [['quarantine', 'list'], /silver\.orders .* paid/],
        [['quarantine', 'show', 'silver.orders'], /paid/],
        [['validate'], /is valid/],
      ] as const) {
        const ended = await asReader(project, 'read', ...args)
        expect(ended.exit, `${args.join(' ')}: ${ended.stderr}`).toBe(0)
        expect(ended.stdout).toMatch(shown)
      }
      expect(await listAll(project.lake)).toEqual(before)
      for (const args of [['run'], ['verify']]) {
        const ended = await asReader(project, 'read', ...args)
        expectProblem(ended, { exit: 3, code: 'LAKE_NOT_WRITABLE', says: project.lake })
      }
    },
  )

  test.skipIf(!hasReader)(
    'that may not even be read is named, and nothing passes for an empty lake (skipped where root cannot become somebody else)',
    async () => {
      const project = await createShop(database, 'closed')
      expect((await project.run()).status).toBe('succeeded')
      for (const args of [['status'], ['plan'], ['query', 'SELECT 1 FROM bronze.users']]) {
        const ended = await asReader(project, 'nothing', ...args)
        expectProblem(ended, { exit: 3, code: 'LAKE_NOT_READABLE', says: project.lake })
      }
    },
  )

  test.skipIf(!hasReader)(
    'in which one folder may not be written is told by doctor and by run, which name it (skipped where root cannot become somebody else)',
    { timeout: 180_000 },
    async () => {
      const project = await createShop(database, 'one_closed')
      expect((await project.run()).status).toBe('succeeded')
      await database.query('UPDATE one_closed.users SET user_id = user_id + 100')
      for (const allBut of ['bronze', 'silver/users/_delta_log', 'system']) {
        const says = join(project.lake, allBut)
        const doctor = await asReader(project, { allBut }, 'doctor')
        expect([allBut, doctor.exit], doctor.stdout).toEqual([allBut, 3])
        expect(doctor.stdout).toContain(says)
        if (allBut === 'bronze') continue
        const ended = await asReader(project, { allBut }, 'run')
        expect([allBut, ended.exit], ended.stderr).toEqual([allBut, 3])
        expect(ended.stderr).toContain('LAKE_NOT_WRITABLE')
        expect(ended.stderr).toContain(says)
      }
    },
  )

  test('that does not exist yet is an empty lake, and looking does not make it', async () => {
    const project = await createShop(database, 'none_yet', { inProcess: true })
    for (const args of [['status'], ['plan'], ['query', 'FROM system.runs']]) {
      const ended = await project.tidemark(...args)
      expect(ended.exit, ended.stderr).toBe(0)
    }
    expect(await listAll(project.root)).not.toContain('lake')
  })

  test('of any name is that folder and no other, also where a pattern would mean its neighbour', async () => {
    const name = "env=prod/l[ak]e *? {a,b} 100%41 it's ø"
    const project = await createShop(database, 'odd_path', { inProcess: true, yaml: `lake: "${name}"\n` })
    const first = await project.run()
    expect(first.status, first.stderr).toBe('succeeded')
    const lake = join(project.root, name)
    const neighbour = join(project.root, "env=prod/lae xy {a,b} 100%41 it's ø")
    await cp(lake, neighbour, { recursive: true })
    await database.query("UPDATE odd_path.users SET name = 'new' WHERE user_id = 1")
    const run = await project.run()
    expect(run.step('silver.users')).toMatchObject({ status: 'changed', ledger: { read: '1', updated: '1' } })
    expect(await project.query("SELECT count(*) AS n, count(*) FILTER (name = 'new') AS c FROM silver.users")).toEqual([
      { n: '20', c: '1' },
    ])
    expect(await project.query('SELECT count(*) AS n FROM system.runs')).toEqual([{ n: '2' }])
    expect((await project.tidemark('verify')).stdout).toMatch(/bronze\.users +equal +20 +20 /)
    expect((await readdir(project.root)).sort()).toEqual(['env=prod', 'loop_input.json', 'tidemark.yml'])
  })

  test('may be a link to another folder', async () => {
    const project = await createShop(database, 'linked', { inProcess: true })
    await mkdir(join(project.root, 'disk'))
    await symlink(join(project.root, 'disk'), project.lake)
    for (let i = 0; i < 2; i++) expect((await project.run()).status).toBe('succeeded')
    expect(await project.query('SELECT count(*) AS n FROM silver.users')).toEqual([{ n: '20' }])
    expect((await readdir(join(project.root, 'disk'))).sort()).toEqual(['_tmp', 'bronze', 'silver', 'system'])
  })

  test('that is the project folder is refused at its place', async () => {
    const project = await createShop(database, 'itself', { inProcess: true, yaml: 'lake: .\n' })
    expectProblem(await project.tidemark('run'), { exit: 2, code: 'CONFIG_LAKE_PATH', place: 'tidemark.yml:7:7' })
  })
})

describe('a table folder', () => {
  test('that holds somebody else’s files fails its table alone and keeps them', async () => {
    const project = await createShop(database, 'foreign_files', {
      inProcess: true,
      entries: [{ schema: 'foreign_files', table: 'orders' }],
    })
    await database.query('CREATE TABLE foreign_files.orders (id int PRIMARY KEY)')
    const theirs = join(project.lake, 'bronze', 'orders')
    await mkdir(theirs, { recursive: true })
    await writeFile(join(theirs, 'orders_2025-11-18.parquet'), 'theirs')
    const run = await project.run()
    expectFailedStep(run, 'bronze.orders', { exit: 1, code: 'FOLDER_NOT_OURS', says: 'bronze/orders' })
    expect(run.step('silver.users').status).toBe('changed')
    expect(await readFile(join(theirs, 'orders_2025-11-18.parquet'), 'utf8')).toBe('theirs')
  })

  test('of silver that holds somebody else’s files fails that step alone and keeps them', async () => {
    const project = await createShop(database, 'foreign_silver', { inProcess: true })
    const theirs = join(project.lake, 'silver', 'users')
    await mkdir(theirs, { recursive: true })
    await writeFile(join(theirs, 'notes.txt'), 'theirs')
    const run = await project.run()
    expect(run.step('bronze.users').status).toBe('changed')
    expectFailedStep(run, 'silver.users', { exit: 3, code: 'FLOW_TARGET_FOREIGN' })
    expect(await readFile(join(theirs, 'notes.txt'), 'utf8')).toBe('theirs')
  })

  test('whose log somebody broke fails its table alone, and every command says so without a trace', async () => {
    const project = await createShop(database, 'broken', {
      inProcess: true,
      entries: [{ schema: 'broken', table: 'orders' }],
    })
    await database.query('CREATE TABLE broken.orders (id int PRIMARY KEY); INSERT INTO broken.orders VALUES (1)')
    expect((await project.run()).status).toBe('succeeded')
    const first = join(project.lake, 'bronze', 'orders', '_delta_log', `${'0'.repeat(20)}.json`)
    await writeFile(first, '{"commitInfo": half a li')
    await database.query("UPDATE broken.users SET name = 'x' WHERE user_id = 1")
    const run = await project.run()
    expectFailedStep(run, 'bronze.orders', { exit: 1, code: 'DELTA_LOG_UNREADABLE', says: 'bronze/orders' })
    expect(run.step('silver.users')).toMatchObject({ status: 'changed', ledger: { updated: '1' } })
    for (const [command, shown] of [
      ['plan', /bronze\.orders .*refused: DELTA_LOG_UNREADABLE/],
      ['status', /bronze\.orders .* broken /],
      ['tables', /bronze\.orders +broken/],
      ['verify', /bronze\.orders +broken/],
    ] as const) {
      const ended = await project.tidemark(command)
      expectNoTrace(ended.stderr)
      expect(ended.stderr, command).toContain('error DELTA_LOG_UNREADABLE: ')
      expect(ended.stderr, command).toContain(`Version 0 cannot be read (${'0'.repeat(20)}.json, line 1)`)
      expect(ended.stdout, command).toMatch(shown)
      expect(ended.stdout, command).toMatch(/bronze\.users/)
      expect(ended.exit, command).toBe(1)
    }
    const query = await project.tidemark('query', 'SELECT * FROM bronze.orders')
    expectProblem(query, { exit: 1, code: 'DELTA_LOG_UNREADABLE' })
  })
})

test.each([
  { how: 'gone', damage: (file: string) => rm(file), says: 'does not exist' },
  { how: 'cut short', damage: (file: string) => truncate(file, 100), says: 'cannot be read: .*' },
])('a data file that is $how is named, and verify shows its table as broken', async ({ damage, says }) => {
  const project = await createShop(database, 'damaged', {
    inProcess: true,
    entries: [{ schema: 'damaged', table: 'orders' }],
  })
  await database.query('CREATE TABLE damaged.orders (id int PRIMARY KEY); INSERT INTO damaged.orders VALUES (1)')
  expect((await project.run()).status).toBe('succeeded')
  const folder = join(project.lake, 'bronze', 'orders')
  const file = (await readdir(folder)).find(name => name.endsWith('.parquet')) ?? ''
  await damage(join(folder, file))
  const verify = await project.tidemark('verify')
  expect(verify.stdout).toMatch(/bronze\.users +equal[^]*bronze\.orders +broken/)
  expect(verify.stderr).toMatch(new RegExp(`The data file ${file} of version 0 of bronze/orders ${says}`))
  expect(verify.exit).toBe(1)
  expectProblem(await project.tidemark('query', 'SELECT * FROM bronze.orders'), {
    exit: 1,
    code: 'DELTA_LOG_UNREADABLE',
    says: `${file} of version`,
  })
})

/** Paths of everything below a folder, in order. */
async function listAll(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true })).sort()
}
