/**
 * Twenty thousand hostile names on each real database: really created, loaded, changed and verified. Every value arrives under
 * its own name, and a table that the names ask to be dropped stays.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ident, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { lakeColumnName } from '../../packages/tidemark/src/ingest/system-columns.ts'
import { hostileNames, type NameLimits } from '../support/hostile-names.ts'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase } from '../support/mariadb.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { problemOf } from '../support/source.ts'
import { createSqliteFile } from '../support/sqlite.ts'
import { createWorld, type EntryOverrides, type World } from '../support/world.ts'

const NAMES = 20_000
/** Names of columns in one table, beside that of the table itself. */
const WIDE = 999
/** Of so many names one table's are followed through a change, with its deletes, and verified. */
const FOLLOWED = 5 * (WIDE + 1)

interface Place {
  world: World
  write: (statements: string) => Promise<void>
  quote: (name: string) => string
  limits: NameLimits
}

const double = (name: string): string => `"${name.replaceAll('"', '""')}"`

async function expectUnharmed({ world, write, quote, limits }: Place): Promise<void> {
  await write('CREATE TABLE canary (id int PRIMARY KEY)')
  await write('INSERT INTO canary VALUES (1)')
  const names = hostileNames(NAMES, limits)
  for (let i = 0; i < names.length; i += WIDE + 1) {
    const [table = '', ...columns] = names.slice(i, i + WIDE + 1)
    const [key = '', second = ''] = columns
    const last = columns.at(-1) ?? ''
    await write(
      `CREATE TABLE ${quote(table)} (${columns.map(name => `${quote(name)} int NOT NULL`).join(', ')}, PRIMARY KEY (${quote(second)}, ${quote(key)}))`,
    )
    await write(`INSERT INTO ${quote(table)} VALUES (${columns.map((_, n) => n).join(', ')})`)
    const name = `hostile_${i}`
    const entry: EntryOverrides = {
      table,
      name,
      cdcCol: key,
      guarantee: 'best_effort',
      filter: `${double(second)} > 0`,
    }
    const keys = sql`${ident(lakeColumnName(key))}, ${ident(lakeColumnName(second))}`
    const values = Object.fromEntries(columns.map((column, n) => [lakeColumnName(column), n]))
    const arrived = async (): Promise<unknown> =>
      (await world.live(name, keys)).map(row =>
        Object.fromEntries(Object.entries(row).map(([column, value]) => [column, Number(value)])),
      )
    await world.ingest(entry)
    expect(await arrived()).toEqual([values])
    if (i % FOLLOWED === 0) {
      await write(`UPDATE ${quote(table)} SET ${quote(last)} = -1, ${quote(key)} = 1000000`)
      expect((await world.ingest(entry)).ledger, table).toMatchObject({ inserted: 1n, deletes: 1n })
      expect(await arrived()).toEqual([{ ...values, [lakeColumnName(key)]: 1_000_000, [lakeColumnName(last)]: -1 }])
      expect(await world.verify(entry), table).toMatchObject({ status: 'equal', sourceRows: 1n })
    }
    await write(`DROP TABLE ${quote(table)}`)
  }
  expect((await world.ingest({ table: 'canary' })).ledger).toMatchObject({ inserted: 1n })
  // No database lets a name hold NUL: it is a name that is not there.
  for (const nul of ['a\0b', "canary\0'; DROP TABLE canary; --"]) {
    expect((await problemOf(world.ingest({ table: nul }))).code).toBe('SOURCE_TABLE_MISSING')
  }
}

describe('PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase(import.meta.url)
  })
  afterAll(() => database.drop())

  test('twenty thousand hostile names are only names', async () => {
    await expectUnharmed({
      world: await createWorld(database),
      write: async statements => void (await database.query(statements)),
      quote: double,
      limits: { chars: 63, bytes: 63, isAstral: true },
    })
  })
})

describe.runIf(hasMariadb)('MySQL and MariaDB', () => {
  let database: MysqlDatabase
  beforeAll(async () => {
    database = await createMysqlDatabase(import.meta.url)
  })
  afterAll(() => database?.drop())

  test('twenty thousand hostile names are only names', async () => {
    await expectUnharmed({
      world: await createWorld(database, { type: 'mysql' }),
      write: async statements => void (await database.query(statements)),
      quote: name => `\`${name.replaceAll('`', '``')}\``,
      limits: { chars: 64, bytes: 512, isAstral: false },
    })
  })
})

test('twenty thousand hostile names are only names to SQLite', async () => {
  const file = await createSqliteFile()
  await expectUnharmed({
    world: await createWorld(file.path),
    write: statements => Promise.resolve(file.writer.exec(statements)),
    quote: double,
    limits: { chars: 128, bytes: 512, isAstral: true },
  })
})
