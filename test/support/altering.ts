/**
 * One small table `orders (id, n, v)` that is altered in every way a table can be, by the statements of each database. Each
 * alteration comes with rows of its own: 4 is inserted after it.
 */
import { onTestFinished } from 'vitest'
import { createMysqlDatabase, hasMariadb } from './mariadb.ts'
import { createDatabase } from './postgres.ts'
import { isTried } from './releases/tried.ts'
import { createSqliteFile } from './sqlite.ts'
import { createWorld, type World } from './world.ts'

export type Alteration =
  | 'a column dropped'
  | 'a column added'
  | 'a column dropped and another of its name and type added'
  | 'a column retyped'
  | 'a column renamed'
  | 'the table dropped and made again'
  | 'the table dropped'
  | 'the table made'
  | 'the key changed'

interface Altering {
  at: World
  /** Resolves when the database has done it, which may be after a snapshot has been closed. */
  alter: (how: Alteration) => Promise<void>
}

export interface AlteringKind {
  name: string
  isHere: boolean
  open(url: string): Promise<Altering>
}

const COLUMNS = 'id int PRIMARY KEY, n int NOT NULL, v varchar(20)'
const ROWS = `INSERT INTO orders VALUES (1, 10, 'a'), (2, 20, 'b'), (3, 30, 'c')`

const AGAIN = `CREATE TABLE orders (${COLUMNS}); ${ROWS.replace("'b'", "'B'")}, (4, 40, 'd')`

/** What every database says alike. */
const ALIKE: Partial<Record<Alteration, string>> = {
  'a column dropped': `ALTER TABLE orders DROP COLUMN v; INSERT INTO orders VALUES (4, 40)`,
  'a column added': `ALTER TABLE orders ADD COLUMN w varchar(20) DEFAULT 'x'; INSERT INTO orders VALUES (4, 40, 'd', 'y')`,
  'a column dropped and another of its name and type added': `ALTER TABLE orders DROP COLUMN v; \
ALTER TABLE orders ADD COLUMN v varchar(20); INSERT INTO orders VALUES (4, 40, 'd')`,
  'a column renamed': `ALTER TABLE orders RENAME COLUMN v TO w; INSERT INTO orders VALUES (4, 40, 'd')`,
  'the table dropped and made again': `DROP TABLE orders; ${AGAIN}`,
  'the table dropped': 'DROP TABLE orders',
  'the table made': AGAIN,
}

function statementOf(how: Alteration, own: { retype: string; key: string }): string {
  if (how === 'a column retyped') return `${own.retype}; INSERT INTO orders VALUES (4, 'forty', 'd')`
  if (how === 'the key changed') return `${own.key}; INSERT INTO orders VALUES (4, 40, 'd')`
  return ALIKE[how] ?? ''
}

export const ALTERED: readonly AlteringKind[] = [
  {
    name: 'PostgreSQL',
    isHere: isTried('postgres'),
    open: async url => {
      const database = await createDatabase(url)
      onTestFinished(() => database.drop())
      await database.query(`CREATE TABLE orders (${COLUMNS}); ${ROWS}`)
      const own = {
        retype: 'ALTER TABLE orders ALTER COLUMN n TYPE varchar(20)',
        key: 'ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD PRIMARY KEY (n)',
      }
      const alter = async (how: Alteration): Promise<void> => void (await database.query(statementOf(how, own)))
      return { at: await createWorld(database), alter }
    },
  },
  {
    name: 'MySQL and MariaDB',
    isHere: hasMariadb,
    open: async url => {
      const database = await createMysqlDatabase(url)
      onTestFinished(() => database.drop())
      await database.query(`CREATE TABLE orders (${COLUMNS}); ${ROWS}`)
      const own = {
        retype: 'ALTER TABLE orders MODIFY n varchar(20) NOT NULL',
        key: 'ALTER TABLE orders DROP PRIMARY KEY, ADD PRIMARY KEY (n)',
      }
      const alter = async (how: Alteration): Promise<void> => void (await database.query(statementOf(how, own)))
      return { at: await createWorld(database, { type: 'mysql' }), alter }
    },
  },
  {
    name: 'SQLite',
    isHere: isTried('sqlite'),
    open: async () => {
      const { path, writer } = await createSqliteFile(`CREATE TABLE orders (${COLUMNS}); ${ROWS}`)
      const again = (columns: string): string =>
        `ALTER TABLE orders RENAME TO old; CREATE TABLE orders (${columns}); INSERT INTO orders SELECT * FROM old; DROP TABLE old`
      const own = {
        retype: again('id int PRIMARY KEY, n varchar(20) NOT NULL, v varchar(20)'),
        key: again('id int NOT NULL, n int PRIMARY KEY, v varchar(20)'),
      }
      const alter = (how: Alteration): Promise<void> => Promise.resolve(writer.exec(statementOf(how, own)))
      return { at: await createWorld(path), alter }
    },
  },
]
