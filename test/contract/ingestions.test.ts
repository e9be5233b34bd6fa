/** The contracts of ingestion, over every database that this machine has, and over the stand-in for SQL Server. */
import { afterAll, beforeAll, describe } from 'vitest'
import { createSqlServerSource } from '../../packages/tidemark/src/sources/sqlserver/sqlserver.ts'
import { createMysqlDatabase, hasMariadb, type MysqlDatabase, numbersTo } from '../support/mariadb.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { openMysqlSource, openSource, openSqliteSource } from '../support/source.ts'
import { isTried } from '../support/releases/tried.ts'
import { createSqliteFile, type SqliteFile } from '../support/sqlite.ts'
import { FakeSqlServer, server } from '../support/sqlserver-fake.ts'
import { createWorld } from '../support/world.ts'
import { type IngestionClass, ingestionContract, type Shop } from './ingestion.contract.ts'
import { ingestionSqlContract } from './ingestion-sql.contract.ts'

const byCursor = { table: 'orders', cdcCol: 'changed_at' }
const exact = (how: string, method: RegExp): IngestionClass => ({
  name: `exact by ${how}`,
  entry: { table: 'orders' },
  method,
})
const serverClock: IngestionClass = {
  name: "by the server's clock",
  entry: { ...byCursor, guarantee: 'server_clock' },
  method: /^cursor changed_at$/,
}
const boundedLag: IngestionClass = {
  name: 'by a bounded lag',
  entry: { ...byCursor, guarantee: 'bounded_lag', lagMs: 600_000 },
  method: /^cursor changed_at, lag 10m$/,
}
const bestEffort: IngestionClass = {
  name: 'by a plain cursor',
  entry: { ...byCursor, guarantee: 'best_effort' },
  method: /^plain cursor changed_at$/,
}

/** Rows as a statement that inserts or replaces them. */
function upsert(rows: Readonly<Record<number, string>>, now: string, kind: 'postgres' | 'mysql' | 'sqlite'): string {
  const values = Object.entries(rows).map(([id, v]) => `(${id}, '${v}', ${now})`)
  const insert = `INSERT INTO orders (id, v, changed_at) VALUES ${values.join(', ')}`
  if (kind === 'mysql') return `${insert} ON DUPLICATE KEY UPDATE v = VALUES(v), changed_at = VALUES(changed_at)`
  return `${insert} ON CONFLICT (id) DO UPDATE SET v = excluded.v, changed_at = excluded.changed_at`
}

const removing = (ids: readonly number[]): string => `DELETE FROM orders WHERE id IN (${ids.join(', ')})`
const ORDERS = (time: string): string =>
  `DROP TABLE IF EXISTS orders; CREATE TABLE orders (id int PRIMARY KEY, v varchar(99), changed_at ${time})`

describe.runIf(isTried('postgres'))('PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase(import.meta.url)
  })
  afterAll(() => database.drop())
  const write = async (statements: string): Promise<void> => void (await database.query(statements))

  ingestionContract({
    name: 'PostgreSQL',
    classes: [exact('row versions', /^xmin scan$/), serverClock, boundedLag, bestEffort],
    open: async (): Promise<Shop> => {
      await write(ORDERS('timestamptz'))
      return {
        world: await createWorld(database),
        put: rows => write(upsert(rows, 'clock_timestamp()', 'postgres')),
        remove: (...ids) => write(removing(ids)),
        hold: async rows => {
          const client = await database.connect()
          await client.query(`BEGIN; ${upsert(rows, 'now()', 'postgres')}`)
          return async () => void (await client.query('COMMIT'))
        },
      }
    },
  })

  ingestionSqlContract({
    name: 'PostgreSQL',
    source: () => Promise.resolve(openSource(database)),
    world: options => createWorld(database, options),
    write,
    time: 'timestamptz',
    prints: { price: '12.50', zero: '0.00', yes: 'true', no: 'false' },
    ago: minutes => `clock_timestamp() - interval '${minutes} minutes'`,
    fill: n => `INSERT INTO big SELECT i, repeat('x', 200) FROM generate_series(1, ${n}) i`,
    kill: () =>
      write(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY%'`,
      ),
  })
})

describe.runIf(hasMariadb)('MySQL and MariaDB', () => {
  let database: MysqlDatabase
  beforeAll(async () => {
    database = await createMysqlDatabase(import.meta.url)
  })
  afterAll(() => database?.drop())
  const write = async (statements: string): Promise<void> => void (await database.query(statements))

  ingestionContract({
    name: 'MySQL and MariaDB',
    classes: [exact('comparing', /^full compare: rows carry no version$/), serverClock, boundedLag, bestEffort],
    open: async (): Promise<Shop> => {
      await write(ORDERS('timestamp(6) NULL'))
      return {
        world: await createWorld(database, { type: 'mysql' }),
        put: rows => write(upsert(rows, 'now(6)', 'mysql')),
        remove: (...ids) => write(removing(ids)),
        hold: async rows => {
          const client = await database.connect()
          await client.query(`START TRANSACTION; ${upsert(rows, 'now(6)', 'mysql')}`)
          return async () => void (await client.query('COMMIT'))
        },
      }
    },
  })

  ingestionSqlContract({
    name: 'MySQL and MariaDB',
    source: () => Promise.resolve(openMysqlSource(database)),
    world: options => createWorld(database, { ...options, type: 'mysql' }),
    write,
    time: 'timestamp(6) NULL',
    prints: { price: '12.50', zero: '0.00', yes: '1', no: '0' },
    ago: minutes => `now(6) - interval ${minutes} minute`,
    fill: n => `INSERT INTO big SELECT seq, repeat('x', 200) FROM ${numbersTo(n)} numbers`,
    kill: async () => {
      const running = await database.query(`SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT 0,%'`)
      for (const row of running) await write(`KILL ${row['id'] ?? row['ID'] ?? ''}`)
    },
  })
})

describe.runIf(isTried('sqlite'))('SQLite', () => {
  let file: SqliteFile
  const now = (minutes = 0): string => `strftime('%Y-%m-%d %H:%M:%f', 'now', '-${minutes} minutes')`
  const write = (statements: string): Promise<void> => Promise.resolve(file.writer.exec(statements))

  ingestionContract({
    name: 'SQLite',
    classes: [exact('comparing', /^full compare: rows carry no version$/), boundedLag, bestEffort],
    oneWriter: true,
    open: async (): Promise<Shop> => {
      file = await createSqliteFile(ORDERS('datetime'))
      return {
        world: await createWorld(file.path),
        put: rows => write(upsert(rows, now(), 'sqlite')),
        remove: (...ids) => write(removing(ids)),
        hold: async rows => {
          await write(`BEGIN; ${upsert(rows, now(5), 'sqlite')}`)
          return () => write('COMMIT')
        },
      }
    },
  })

  describe('one file', () => {
    ingestionSqlContract({
      name: 'SQLite',
      source: () => Promise.resolve(openSqliteSource(file.path)),
      world: options => createWorld(file.path, options),
      write: async statements => {
        if (!statements.startsWith('DROP TABLE IF EXISTS')) return await write(statements)
        file = await createSqliteFile(statements)
      },
      time: 'datetime',
      prints: { price: '12.5', zero: '0', yes: '1', no: '0' },
      ago: now,
    })
  })
})

describe.runIf(isTried('sqlserver'))('SQL Server, as its stand-in answers', () => {
  ingestionContract({
    name: 'SQL Server',
    classes: [
      { ...exact('tracked changes', /^change tracking$/), entry: { schema: 'dbo', table: 'orders' } },
      { ...exact('rowversion', /^rowversion rv$/), entry: { schema: 'dbo', table: 'orders' } },
      { ...exact('comparing', /^full compare: rows carry no version$/), entry: { schema: 'dbo', table: 'orders' } },
    ],
    noOpenTransactions: 'the stand-in commits at once; its own tests set the horizons of open transactions',
    open: async ({ name }): Promise<Shop> => {
      const db = new FakeSqlServer()
      if (name.includes('tracked')) db.tracked = { since: 0n, minValid: 0n }
      db.hasRowVersion = name.includes('rowversion')
      const source = createSqlServerSource({ name: 'app', connection: server, timezone: 'UTC', open: db.open })
      return {
        world: await createWorld(server, { type: 'sqlserver', source }),
        put: rows => Promise.resolve(db.commit(rows)),
        remove: (...ids) => Promise.resolve(db.commit(Object.fromEntries(ids.map(id => [id, null])))),
      }
    },
  })
})
