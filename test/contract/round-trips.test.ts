/**
 * What a database is asked by a run that finds nothing new: where nothing at all has happened, the same few statements
 * however many tables are wanted; else a bounded number for each table.
 */
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import { type CliProject, createProject } from '../support/cli.ts'
import { createMysqlDatabase, hasMariadb } from '../support/mariadb.ts'
import { createDatabase } from '../support/postgres.ts'

const [FEW, MANY] = [2, 14]
const names: readonly string[] = Array.from({ length: MANY }, (_, i) => `t${i}`)

interface Database {
  type: 'postgres' | 'mysql'
  url: string
  schema: string
  /** Statements that were sent to it. */
  sent: () => Promise<number>
}

/** A project over so many of its tables, loaded. */
async function loaded({ type, url, schema }: Database, tables: number, entry: object = {}): Promise<CliProject> {
  const list = names.slice(0, tables).map(table => ({ schema, table, ...entry }))
  const source = `{ type: ${type}, url: { secret: env:APP_URL }, tables: list.json }`
  const files = { 'tidemark.yml': `name: t\nsources:\n  app: ${source}\n`, 'list.json': JSON.stringify(list) }
  const project = await createProject(files, { APP_URL: url }, 'in this process')
  expect((await project.run()).status).toBe('succeeded')
  return project
}

/** Statements of a run that finds nothing new in any table. */
async function sentByRun({ sent }: Database, project: CliProject): Promise<number> {
  const before = await sent()
  const { steps } = await project.run()
  expect(new Set(steps.map(({ status }) => status))).toEqual(new Set(['unchanged']))
  return (await sent()) - before
}

/** More tables may be read over one more connection, which takes some statements to begin with. */
const CONNECTION = 10

test('PostgreSQL is asked for one table what it is asked for many, and four statements a table while others write', async () => {
  await using database = await createDatabase(import.meta.url)
  await database.query('CREATE TABLE elsewhere (id int)')
  await database.query(
    names.map(name => `CREATE TABLE ${name} (id int PRIMARY KEY); INSERT INTO ${name} VALUES (1)`).join(';'),
  )
  const calls = vi.spyOn(pg.Client.prototype, 'query')
  const source: Database = {
    type: 'postgres',
    url: database.url,
    schema: 'public',
    sent: () => Promise.resolve(calls.mock.calls.length),
  }
  const [few, many] = [await loaded(source, FEW), await loaded(source, MANY)]
  const idle = await sentByRun(source, few)
  expect(idle).toBeGreaterThan(3)
  expect(idle).toBeLessThan(25)
  expect(await sentByRun(source, many)).toBe(idle)
  await database.query('INSERT INTO elsewhere VALUES (1)')
  const [ofFew, ofMany] = [await sentByRun(source, few), await sentByRun(source, many)]
  expect(ofMany - ofFew).toBeLessThanOrEqual(4 * (MANY - FEW) + CONNECTION)
  calls.mockRestore()
})

test.skipIf(!hasMariadb)('MySQL and MariaDB are asked three statements a table', async () => {
  const database = await createMysqlDatabase(import.meta.url)
  const table = '(id int PRIMARY KEY, at timestamp(6) DEFAULT now(6))'
  await database.query(
    names.map(name => `CREATE TABLE ${name} ${table}; INSERT INTO ${name} (id) VALUES (1)`).join(';'),
  )
  const sent = async (): Promise<number> => {
    const [row] = await database.query(`SHOW GLOBAL STATUS LIKE 'Questions'`)
    return Number(row?.['Value'])
  }
  const source: Database = { type: 'mysql', url: database.url, schema: database.database, sent }
  for (const entry of [{}, { cdc_col: 'at', guarantee: 'server_clock' }]) {
    const [few, many] = [await loaded(source, FEW, entry), await loaded(source, MANY, entry)]
    const [ofFew, ofMany] = [await sentByRun(source, few), await sentByRun(source, many)]
    expect(ofFew).toBeGreaterThan(3 * FEW)
    expect(ofMany - ofFew).toBeLessThanOrEqual(3 * (MANY - FEW) + CONNECTION)
  }
  await database.drop()
})
