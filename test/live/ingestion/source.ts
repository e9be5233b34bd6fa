/** A database of each kind with one table `item`, which somebody alters and writes while it is being copied. */
import { setTimeout as delay } from 'node:timers/promises'
import { createMysqlDatabase, hasMariadb } from '../../support/mariadb.ts'
import { createDatabase } from '../../support/postgres.ts'
import { createSqliteFile } from '../../support/sqlite.ts'
import { createWorld, type World, type WorldOptions } from '../../support/world.ts'

export type TypeName = 'int' | 'big' | 'text'
export type TextRow = Record<string, string | null>

/** A transaction that is open. */
export interface Held {
  write(statement: string): Promise<boolean>
  end(how: 'COMMIT' | 'ROLLBACK'): Promise<void>
}

export interface Database {
  world(options: WorldOptions): Promise<World>
  /** Run a statement; false where the database refuses it, for a lock that is held or a value that does not fit. */
  write(statement: string): Promise<boolean>
  rows(query: string): Promise<TextRow[]>
  /** Left out where one transaction at a time writes. */
  hold?(): Promise<Held>
}

export interface Kind {
  readonly name: string
  readonly isHere: boolean
  /** Whether rows carry versions that the server counts; else those in bronze are made of what was read. */
  readonly versions: 'of the server' | 'of the row'
  readonly types: Readonly<Record<TypeName, string>>
  /** Type of a time, and the time now. */
  readonly time: string
  readonly now: string
  /** How an expression becomes text. */
  text(expression: string): string
  /** Inserts what has no row yet. */
  insert(table: string, rows: string): string
  /** Makes a column another type; left out where no statement does. */
  retype?(column: string, type: string): string
  /** Puts `copy` in the place of `item`, in one statement or one transaction. */
  readonly swap: string
  open(testFile: string): Promise<Database>
}

async function isTaken(statement: Promise<unknown>): Promise<boolean> {
  try {
    await statement
    return true
  } catch {
    return false
  }
}

interface Client {
  query(statement: string): Promise<unknown>
  end(): Promise<void>
}

/** A transaction of a client of its own, which ends with it. */
async function beginAs(client: Client, begin: string): Promise<Held> {
  await client.query(begin)
  return {
    write: statement => isTaken(client.query(statement)),
    end: async how => {
      await client.query(how)
      await client.end()
    },
  }
}

const postgres: Kind = {
  name: 'PostgreSQL',
  isHere: true,
  versions: 'of the server',
  types: { int: 'int', big: 'bigint', text: 'text' },
  time: 'timestamptz',
  now: 'clock_timestamp()',
  text: expression => `(${expression})::text`,
  insert: (table, rows) => `INSERT INTO ${table} ${rows} ON CONFLICT DO NOTHING`,
  retype: (column, type) =>
    `ALTER TABLE item ALTER COLUMN ${column} DROP DEFAULT, ALTER COLUMN ${column} TYPE ${type} USING ${column}::${type}`,
  swap: 'BEGIN; DROP TABLE item; ALTER TABLE copy RENAME TO item; COMMIT',
  open: async testFile => {
    const database = await createDatabase(testFile)
    const impatient = `SET lock_timeout = '100ms'`
    return {
      world: options => createWorld(database, options),
      write: async statement => {
        const taken = await isTaken(database.query(`${impatient}; ${statement}`))
        if (!taken) await database.query('ROLLBACK')
        return taken
      },
      rows: query => database.query(query),
      hold: async () => beginAs(await database.connect(), `${impatient}; BEGIN`),
    }
  },
}

const mariadb: Kind = {
  name: 'MySQL and MariaDB',
  isHere: hasMariadb,
  versions: 'of the row',
  types: { int: 'int', big: 'bigint', text: 'varchar(400)' },
  time: 'timestamp(6) NULL',
  now: 'now(6)',
  text: expression => `CAST(${expression} AS CHAR)`,
  insert: (table, rows) => `INSERT IGNORE INTO ${table} ${rows}`,
  retype: (column, type) => `ALTER TABLE item MODIFY ${column} ${type}`,
  swap: 'RENAME TABLE item TO old, copy TO item; DROP TABLE old',
  open: async testFile => {
    const database = await createMysqlDatabase(testFile)
    const impatient = 'SET SESSION innodb_lock_wait_timeout = 1, lock_wait_timeout = 1'
    return {
      world: options => createWorld(database, { type: 'mysql', ...options }),
      write: statement => isTaken(database.query(`${impatient}; ${statement}`)),
      rows: query => database.query(query),
      hold: async () => beginAs(await database.connect(), `${impatient}; START TRANSACTION`),
    }
  },
}

const sqlite: Kind = {
  name: 'SQLite',
  isHere: true,
  versions: 'of the row',
  types: { int: 'integer', big: 'integer', text: 'text' },
  time: 'datetime',
  now: `strftime('%Y-%m-%d %H:%M:%f', 'now')`,
  text: expression => `CAST(${expression} AS TEXT)`,
  insert: (table, rows) => `INSERT OR IGNORE INTO ${table} ${rows}`,
  swap: 'DROP TABLE item; ALTER TABLE copy RENAME TO item',
  open: async () => {
    const { path, writer } = await createSqliteFile()
    return {
      world: options => createWorld(path, options),
      write: async statement => {
        try {
          writer.exec(statement)
          return true
        } catch {
          await delay(0)
          return false
        }
      },
      rows: query => Promise.resolve(writer.prepare(query).all() as TextRow[]),
    }
  },
}

export const KINDS: readonly Kind[] = [postgres, mariadb, sqlite]
