/**
 * One small table that drifts, on each database that a machine without licences has: the same story by the statements of
 * each. `item` has `id`, an integer `n` and a text `name`.
 */
import { type TestContext } from 'vitest'
import { createMysqlDatabase, hasMariadb } from './mariadb.ts'
import { createDatabase } from './postgres.ts'
import { isTried } from './releases/tried.ts'
import { createSqliteFile } from './sqlite.ts'
import { createWorld, type World } from './world.ts'

export interface Drifting {
  at: World
  query(statements: string): Promise<unknown>
  /** `n` becomes a text. */
  retype(): Promise<unknown>
  /** `n` becomes a type that holds 30,000,000,000. */
  grow(): Promise<unknown>
  /** `name` is no more. */
  dropName(): Promise<unknown>
}

export interface DriftingKind {
  name: string
  isHere: boolean
  open(url: string, context: TestContext): Promise<Drifting>
}

const ITEM = `CREATE TABLE item (id int PRIMARY KEY, n int, name varchar(20));
  INSERT INTO item VALUES (1, 10, 'a'), (2, 20, 'b'), (3, NULL, 'c')`

const DROP_NAME = 'ALTER TABLE item DROP COLUMN name'

function drifting(at: World, query: Drifting['query'], [text, larger]: [text: string, larger: string]): Drifting {
  return { at, query, retype: () => query(text), grow: () => query(larger), dropName: () => query(DROP_NAME) }
}

export const DRIFTING: readonly DriftingKind[] = [
  {
    name: 'postgres',
    isHere: isTried('postgres'),
    open: async (url, { onTestFinished }) => {
      const database = await createDatabase(url)
      onTestFinished(() => database.drop())
      await database.query(ITEM)
      return drifting(await createWorld(database), statements => database.query(statements), [
        'ALTER TABLE item ALTER COLUMN n TYPE text',
        'ALTER TABLE item ALTER COLUMN n TYPE bigint',
      ])
    },
  },
  {
    name: 'mariadb',
    isHere: hasMariadb,
    open: async (url, { onTestFinished }) => {
      const database = await createMysqlDatabase(url)
      onTestFinished(() => database.drop())
      await database.query(ITEM)
      const at = await createWorld(database, { type: 'mysql' })
      return drifting(at, statements => database.query(statements), [
        'ALTER TABLE item MODIFY n varchar(20)',
        'ALTER TABLE item MODIFY n bigint',
      ])
    },
  },
  {
    name: 'sqlite',
    isHere: isTried('sqlite'),
    open: async () => {
      const file = await createSqliteFile(ITEM)
      // There is no statement that changes a type, and an integer holds 64 bits already.
      const made = (type: string): string =>
        `ALTER TABLE item RENAME TO old; CREATE TABLE item (id int PRIMARY KEY, n ${type}, name varchar(20));
          INSERT INTO item SELECT id, n, name FROM old; DROP TABLE old`
      const query = async (statements: string): Promise<unknown> => file.writer.exec(statements)
      return drifting(await createWorld(file.path), query, [made('text'), made('decimal(20,0)')])
    },
  },
]
