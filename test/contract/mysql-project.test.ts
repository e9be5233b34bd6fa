import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Slice } from '../../packages/tidemark/src/sources/source.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase, numbersTo } from '../support/mariadb.ts'
import { createProject, failures } from '../support/project.ts'
import { never, openMysqlSource, problemOf, readRows, ref, tableOf, temporaryFolder } from '../support/source.ts'

describe.runIf(hasMariadb)('a project on MySQL or MariaDB', () => {
  let database: MysqlDatabase
  beforeAll(async () => {
    database = await createMysqlDatabase(import.meta.url)
  })
  afterAll(() => database?.drop())

  test('runs from source to silver, and verify agrees', async () => {
    await database.query(`CREATE TABLE users (id bigint PRIMARY KEY, name varchar(40), updated_at timestamp(6) NULL);
      INSERT INTO users SELECT seq, CONCAT('user ', seq), '2026-01-01' FROM ${numbersTo(1000)} numbers`)
    const tables = [{ schema: database.database, table: 'users', cdc_col: 'updated_at' }]
    await using project = await createProject({ url: database.url, tables })
    expect(failures(await project.run())).toEqual([])
    await database.query(`UPDATE users SET name = 'changed' WHERE id = 7; DELETE FROM users WHERE id = 8`)
    expect(failures(await project.run())).toEqual([])
    expect(await project.rows('SELECT count(*) AS n, max(name) FILTER (id = 7) AS name FROM {silver.users}')).toEqual([
      { n: 999n, name: 'changed' },
    ])
    expect((await project.verify()).map(({ status }) => status)).toEqual(['equal'])
  })

  test('init writes a project of the database, which plans and runs', async () => {
    const cwd = await temporaryFolder()
    await database.query('CREATE TABLE begun (id int PRIMARY KEY, updated_at timestamp NULL)')
    expect(await runInProcess(['init', database.url], { cwd, env: {} })).toMatchObject({ exit: 0 })
    expect(await readFile(join(cwd, 'tidemark.yml'), 'utf8')).toContain('type: mysql')
    const list = JSON.parse(await readFile(join(cwd, 'loop_input.json'), 'utf8')) as Record<string, unknown>[]
    const begun = { schema: database.database, table: 'begun', cdc_col: 'updated_at', primary_key: ['id'] }
    expect(list.find(entry => entry['table'] === 'begun')).toMatchObject(begun)
    const ended = await runInProcess(['run'], { cwd, env: { APP_DATABASE_URL: database.url } })
    expect([ended.exit, ended.stderr]).toEqual([0, expect.anything()])
  })

  test("a datetime is read in the source's zone", async () => {
    await database.query(
      `CREATE TABLE zoned (at datetime(6)); INSERT INTO zoned VALUES ('2026-07-01 12:00:00.000001'), ('2026-12-01 12:00')`,
    )
    const source = openMysqlSource(database, { timezone: 'Europe/Oslo' })
    const wanted = ref('zoned', database.database)
    const snapshot = await source.openSnapshot([wanted], never)
    const rows = await readRows(snapshot, tableOf(snapshot, wanted))
    expect(rows.map(row => row['at'])).toEqual(['2026-07-01 10:00:00.000001+00', '2026-12-01 11:00:00+00'])
  })

  test('a table rebuilt after the snapshot was taken, and before it was locked, costs nobody else anything', async () => {
    await database.query(`CREATE TABLE rebuilt (id int PRIMARY KEY); INSERT INTO rebuilt VALUES (1);
      CREATE TABLE beside (id int PRIMARY KEY); INSERT INTO beside VALUES (1)`)
    const wanted = [ref('rebuilt', database.database), ref('beside', database.database)]
    const all: Slice = { kind: 'all' }
    const earlier = await openMysqlSource(database).openSnapshot(wanted.slice(1), never)
    await database.query('ALTER TABLE rebuilt FORCE')
    const { tables } = await openMysqlSource(database).probe(wanted, never)
    const table = tableOf({ tables }, wanted[0] ?? ref('rebuilt'))
    const refused = await problemOf(earlier.count({ table, slice: all, columns: [], signal: never }))
    expect([refused.code, refused.exit, refused.retry]).toEqual(['SOURCE_TABLE_CHANGED', 1, 'later'])
    const other = tableOf(earlier, wanted[1] ?? ref('beside'))
    expect(await readRows(earlier, other)).toMatchObject([{ id: '1' }])
  })
})
