import { copyFile, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { systemClock } from '../../packages/tidemark/src/run/system.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { createProject, failures } from '../support/project.ts'
import { problemOf, temporaryFolder } from '../support/source.ts'
import { createSqliteFile, type SqliteFile } from '../support/sqlite.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const orders: EntryOverrides = { table: 'orders' }
const SHOP = 'CREATE TABLE orders (id integer PRIMARY KEY, v text, changed_at datetime)'

async function shop(setUp = SHOP, journal: 'wal' | 'delete' = 'wal'): Promise<{ file: SqliteFile; at: World }> {
  const file = await createSqliteFile(setUp, journal)
  return { file, at: await createWorld(file.path) }
}

const live = async (at: World, table = 'orders'): Promise<unknown[]> =>
  (await at.live(table, table === 'shown' ? sql`id, n` : sql`id`)).map(
    row => `${String(row['id'])}:${String(row['v'])}`,
  )

test('composite keys without a rowid, a view and a keyless table follow their source', async () => {
  const { file, at } = await shop(`CREATE TABLE pair (id text, n int, v text, PRIMARY KEY (id, n)) WITHOUT ROWID;
    CREATE TABLE log (line text); CREATE VIEW shown AS SELECT id, n, upper(v) AS v FROM pair;
    INSERT INTO pair VALUES ('a', 1, 'x'), ('a', 2, 'y'); INSERT INTO log VALUES (NULL), (''), ('a'), ('a')`)
  const view: EntryOverrides = { table: 'shown', primaryKey: ['id', 'n'] }
  for (const entry of [{ table: 'pair' }, view, { table: 'log' }]) await at.ingest(entry)
  file.writer.exec(`UPDATE pair SET v = 'z' WHERE n = 2; DELETE FROM log WHERE rowid = 4`)
  expect((await at.ingest({ table: 'pair' })).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
  expect((await at.ingest(view)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
  await at.ingest({ table: 'log' })
  expect(await live(at, 'shown')).toEqual(['a:X', 'a:Z'])
  expect((await at.bronze('log', sql`line`)).map(row => row['line'])).toEqual(['', 'a', null])
})

test("the server's clock is refused by name: there is none", async () => {
  const { at } = await shop()
  const refused = await problemOf(at.ingest({ table: 'orders', cdcCol: 'changed_at', guarantee: 'server_clock' }))
  expect([refused.code, refused.message]).toEqual([
    'GUARANTEE_NOT_POSSIBLE',
    expect.stringContaining('no clock of its own'),
  ])
})

test('an appended id by AUTOINCREMENT is a cursor of class D: what is changed behind it is not seen', async () => {
  const { file, at } = await shop('CREATE TABLE orders (id integer PRIMARY KEY AUTOINCREMENT, v text)')
  const append: EntryOverrides = { table: 'orders', cdcCol: 'id', guarantee: 'best_effort' }
  expect((await problemOf(at.ingest({ ...append, guarantee: 'bounded_lag' }))).code).toBe('GUARANTEE_NOT_POSSIBLE')
  file.writer.exec(`INSERT INTO orders (v) VALUES ('a'), ('b')`)
  await at.ingest(append)
  file.writer.exec(
    `DELETE FROM orders WHERE id = 2; INSERT INTO orders (v) VALUES ('c'); UPDATE orders SET v = 'late' WHERE id = 1`,
  )
  expect((await at.ingest(append)).ledger).toMatchObject({ inserted: 1n, deletes: 1n })
  expect(await live(at)).toEqual(['1:a', '3:c'])
  expect((await at.verify(append)).stale).toBe(1n)
})

test('a column that is dropped and added again has its new values after the next run, by a cursor too', async () => {
  const setUp = `CREATE TABLE orders (id integer PRIMARY KEY, changed_at datetime, v text);
    INSERT INTO orders VALUES (1, '2026-01-01', 'a'), (2, '2026-01-02', 'b')`
  const { file, at } = await shop(setUp)
  const lagged: EntryOverrides = { table: 'orders', cdcCol: 'changed_at', guarantee: 'bounded_lag', lagMs: 600_000 }
  await at.ingest(lagged)
  file.writer.exec(`ALTER TABLE orders DROP COLUMN v; ALTER TABLE orders ADD COLUMN v text;
    UPDATE orders SET v = 'late' WHERE id = 2`)
  expect((await at.ingest(lagged)).ledger).toMatchObject({ inserted: 2n })
  expect(await live(at)).toEqual(['1:null', '2:late'])
  expect((await at.ingest(lagged)).method).not.toContain('full compare')
  file.writer.exec('CREATE TABLE beside (id integer)')
  expect(await at.ingest(lagged)).toMatchObject({ ledger: { inserted: 0n } })
})

test('a primary key that holds NULL, as SQLite lets it, stops the table', async () => {
  const { file, at } = await shop(
    `CREATE TABLE loose (k text PRIMARY KEY, v text); INSERT INTO loose VALUES ('a', 'x')`,
  )
  const loose: EntryOverrides = { table: 'loose' }
  await at.ingest(loose)
  file.writer.exec(`INSERT INTO loose VALUES (NULL, 'y'), (NULL, 'z')`)
  expect((await problemOf(at.ingest(loose))).code).toBe('KEY_NOT_UNIQUE')
  file.writer.exec(`DELETE FROM loose WHERE v = 'z'`)
  expect((await problemOf(at.ingest(loose))).code).toBe('KEY_NOT_UNIQUE')
  expect(await at.live('loose', sql`k`)).toHaveLength(1)
})

test('keys that are one in the lake stop the table: a number and its text, bytes and their digits as_text', async () => {
  const { file, at } = await shop(`CREATE TABLE loose (k PRIMARY KEY, v text) WITHOUT ROWID;
    CREATE TABLE bytes (k blob PRIMARY KEY NOT NULL); INSERT INTO bytes VALUES (x'41'), ('41');
    INSERT INTO loose VALUES (1, 'number'), ('1', 'text'), (2, 'number')`)
  expect((await problemOf(at.ingest({ table: 'loose' }))).code).toBe('KEY_NOT_UNIQUE')
  expect((await problemOf(at.ingest({ table: 'bytes', asText: ['k'] }))).code).toBe('KEY_NOT_UNIQUE')
  file.writer.exec(`DELETE FROM loose WHERE v = 'text'`)
  await at.ingest({ table: 'loose' })
  expect(await at.live('loose', sql`k`)).toHaveLength(2)
})

test('a new row whose key is one with another in the lake does not hide that a third is gone', async () => {
  const { file, at } = await shop(`CREATE TABLE times (k datetime PRIMARY KEY NOT NULL, v text, changed_at datetime);
    INSERT INTO times VALUES ('2026-01-01 00:00', 'a', '2026-01-01'), ('2026-01-02 00:00', 'b', '2026-01-02')`)
  const times: EntryOverrides = { table: 'times', cdcCol: 'changed_at', guarantee: 'bounded_lag', lagMs: 600_000 }
  await at.ingest(times)
  file.writer.exec(
    `DELETE FROM times WHERE v = 'b'; INSERT INTO times VALUES ('2026-01-01T00:00', 'c', datetime('now'))`,
  )
  expect((await problemOf(at.ingest(times))).code).toBe('KEY_NOT_UNIQUE')
  file.writer.exec(`DELETE FROM times WHERE v = 'a'`)
  expect((await at.ingest(times)).ledger).toMatchObject({ deletes: 1n })
  expect((await at.live('times', sql`k`)).map(row => row['v'])).toEqual(['c'])
})

test('a cursor that is no time stops the table', async () => {
  const { file, at } = await shop()
  const lagged: EntryOverrides = { table: 'orders', cdcCol: 'changed_at', guarantee: 'bounded_lag', lagMs: 600_000 }
  file.writer.exec(`INSERT INTO orders VALUES (1, 'a', datetime('now'))`)
  await at.ingest(lagged)
  file.writer.exec(`INSERT INTO orders VALUES (3, 'mixed', 1700000000)`)
  expect((await problemOf(at.ingest(lagged))).code).toBe('SOURCE_VALUE_UNFIT')
})

test('an older copy put in place of the database stops the table, another file is compared whole', async () => {
  const { file, at } = await shop(SHOP, 'delete')
  file.writer.exec(`INSERT INTO orders (id, v) VALUES (1, 'a'), (2, 'b')`)
  file.writer.close()
  await copyFile(file.path, `${file.path}.backup`)
  const write = promisify(execFile)
  const later = `const { DatabaseSync } = require('node:sqlite'); new DatabaseSync(${JSON.stringify(file.path)}).exec(\`UPDATE orders SET v = 'z' WHERE id = 2\`)`
  await write(process.execPath, ['-e', later])
  await at.ingest(orders)
  await writeFile(file.path, await readFile(`${file.path}.backup`))
  const problem = await problemOf(at.ingest(orders))
  expect([problem.code, problem.hint]).toEqual(['SOURCE_WENT_BACK', expect.stringContaining('load the table anew')])
  expect(await live(at)).toEqual(['1:a', '2:z'])
  await rename(`${file.path}.backup`, file.path)
  expect((await at.ingest(orders)).ledger).toMatchObject({ inserted: 1n, deletes: 0n })
  expect(await live(at)).toEqual(['1:a', '2:b'])
})

test('a table without a key of a database that was put back is read anew when that is asked for', async () => {
  const { file, at } = await shop(`CREATE TABLE line (v text); INSERT INTO line VALUES ('a')`, 'delete')
  const line: EntryOverrides = { table: 'line' }
  const older = await readFile(file.path)
  file.writer.exec(`INSERT INTO line VALUES ('b')`)
  await at.ingest(line)
  file.writer.close()
  await writeFile(file.path, older)
  expect((await problemOf(at.ingest(line))).code).toBe('SOURCE_WENT_BACK')
  await at.ingest(line, { reload: true })
  expect((await at.bronze('line')).map(row => row['v'])).toEqual(['a'])
  expect((await at.ingest(line)).status).toBe('unchanged')
})

test('a clock that was ahead in an earlier run and has been set right stops the table, and a reload goes on from there', async () => {
  const file = await createSqliteFile(`${SHOP}; INSERT INTO orders (id, v) VALUES (1, 'a')`)
  let aheadMs = 24 * 60 * 60 * 1000
  const at = await createWorld(file.path, { clock: { ...systemClock, now: () => systemClock.now() + aheadMs } })
  await at.ingest(orders)
  aheadMs = 0
  file.writer.exec(`UPDATE orders SET v = 'b'`)
  const problem = await problemOf(at.ingest(orders))
  expect([problem.code, problem.hint]).toEqual(['SOURCE_WENT_BACK', expect.stringContaining('clock')])
  expect((await at.verify(orders)).status).toBe('not comparable')
  await at.ingest(orders, { reload: true })
  expect(await live(at)).toEqual(['1:b'])
  file.writer.exec(`UPDATE orders SET v = 'c'`)
  await at.ingest(orders)
  expect(await live(at)).toEqual(['1:c'])
})

test('a file replaced while it is read gives the moment that the snapshot saw', async () => {
  const { file, at } = await shop(`${SHOP}; INSERT INTO orders (id, v) VALUES (1, 'old')`, 'delete')
  const other = await createSqliteFile(`${SHOP}; INSERT INTO orders (id, v) VALUES (1, 'new')`, 'delete')
  const snapshot = await at.snapshot(orders)
  file.writer.close()
  await rename(other.path, file.path)
  await at.ingest(orders, { snapshot })
  expect(await live(at)).toEqual(['1:old'])
  await at.ingest(orders)
  expect(await live(at)).toEqual(['1:new'])
})

test('a project runs from a file to silver, and init, plan, verify, trace and audit know it', async () => {
  const file = await createSqliteFile(`${SHOP}; INSERT INTO orders VALUES (1, 'a', '2026-01-01 10:00'), (2, 'b', NULL)`)
  await using project = await createProject({ url: file.url, tables: [{ schema: 'main', table: 'orders' }] })
  expect(failures(await project.run())).toEqual([])
  file.writer.exec(`UPDATE orders SET v = 'changed' WHERE id = 1; DELETE FROM orders WHERE id = 2`)
  expect(failures(await project.run())).toEqual([])
  expect(await project.rows('SELECT id, v FROM {silver.orders}')).toEqual([{ id: 1n, v: 'changed' }])
  expect((await project.verify()).map(({ status }) => status)).toEqual(['equal'])

  const cwd = dirname(file.path)
  expect(await runInProcess(['init', 'sqlite:app.db'], { cwd, env: {} })).toMatchObject({ exit: 0 })
  expect(await readFile(join(cwd, 'tidemark.yml'), 'utf8')).toContain('type: sqlite')
  const run = (...args: string[]): Promise<{ exit: number; stdout: string; stderr: string }> =>
    runInProcess(args, { cwd, env: {} })
  const planned = await run('plan')
  expect([planned.exit, planned.stdout]).toEqual([0, expect.stringMatching(/bronze\.orders.*A.*full compare/)])
  expect((await run('run')).exit).toBe(0)
  expect((await run('verify')).exit).toBe(0)
  expect((await run('trace', 'orders', 'id=1')).stdout).toContain('changed')
  file.writer.exec(`INSERT INTO orders VALUES (3, 'c', NULL)`)
  const audited = await run(
    'audit',
    'orders',
    '--source',
    'sqlite:app.db',
    '--against',
    'lake/bronze/orders',
    '--key',
    'id',
  )
  expect([audited.exit, audited.stdout]).toEqual([1, expect.stringContaining('1')])
  expect((await run('plan', '--project', await temporaryFolder())).exit).not.toBe(0)
})
