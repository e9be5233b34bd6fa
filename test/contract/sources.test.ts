/** The contract of sources, over every database that this machine has. */
import { afterAll, beforeAll, describe } from 'vitest'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase } from '../support/mariadb.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { never, openMysqlSource, openSource, openSqliteSource, ref } from '../support/source.ts'
import { createSqliteFile } from '../support/sqlite.ts'
import { sourceContract } from './source.contract.ts'

describe('PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase(import.meta.url)
  })
  afterAll(() => database.drop())

  sourceContract({
    name: 'PostgreSQL',
    dialect: 'postgres',
    open: async (name, values) => {
      await database.query(`CREATE TABLE ${name} (id int PRIMARY KEY, v text)`)
      await database.query(`INSERT INTO ${name} SELECT n, v FROM unnest($1::text[]) WITH ORDINALITY AS u (v, n)`, [
        values,
      ])
      return { snapshot: await openSource(database).openSnapshot([ref(name)], never), wanted: ref(name) }
    },
  })
})

describe.runIf(hasMariadb)('MySQL and MariaDB', () => {
  let database: MysqlDatabase
  beforeAll(async () => {
    database = await createMysqlDatabase(import.meta.url)
  })
  afterAll(() => database?.drop())

  sourceContract({
    name: 'MySQL and MariaDB',
    dialect: 'mysql',
    open: async (name, values) => {
      await database.query(`CREATE TABLE ${name} (id int PRIMARY KEY AUTO_INCREMENT, v longtext)`)
      for (const value of values) await database.query(`INSERT INTO ${name} (v) VALUES (?)`, [value])
      const wanted = ref(name, database.database)
      return { snapshot: await openMysqlSource(database).openSnapshot([wanted], never), wanted }
    },
  })
})

sourceContract({
  name: 'SQLite',
  dialect: 'sqlite',
  open: async (name, values) => {
    const file = await createSqliteFile(`CREATE TABLE ${name} (id integer PRIMARY KEY, v text)`)
    const insert = file.writer.prepare(`INSERT INTO ${name} (v) VALUES (?)`)
    file.writer.exec('BEGIN')
    for (const value of values) insert.run(value)
    file.writer.exec('COMMIT')
    const wanted = ref(name, 'main')
    return { snapshot: await openSqliteSource(file.path).openSnapshot([wanted], never), wanted }
  },
})
