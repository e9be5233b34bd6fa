/** What DuckDB answers to portable SQL as we emit it, in the form in which Spark's answers are kept. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { ident, type Sql } from '../../packages/tidemark/src/engine/sql.ts'
import { Problems } from '../../packages/tidemark/src/errors/problem.ts'
import {
  createPortableSql,
  type PortableSql,
} from '../../packages/tidemark/src/flows/language/portable/portable-sql.ts'
import type { Answer } from './answer.ts'
import { duckdbTable, TABLES } from './portable-tables.ts'
import { queryOf } from './portable-session.ts'
import { sparkType, wireRows } from './interop/read-own.ts'
import { canonicalRow } from './interop/wire.ts'

export interface OwnSession extends AsyncDisposable {
  answer(query: string): Promise<Answer>
}

/** DuckDB behind portable SQL with the tables of portable-tables.ts, in a zone that is not UTC so that nothing depends on it. */
export async function openOwn(): Promise<OwnSession> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run("SET TimeZone = 'UTC'")
  for (const name of Object.keys(TABLES)) await connection.run(duckdbTable(name))
  await connection.run("SET TimeZone = 'America/New_York'")
  const portable = createPortableSql({ rows: query => readObjects(connection, query) })
  return {
    answer: query => answerOwn(connection, portable, query),
    [Symbol.asyncDispose]: async () => {
      connection.closeSync()
      instance.closeSync()
      await Promise.resolve()
    },
  }
}

async function readObjects(connection: DuckDBConnection, query: Sql): Promise<Record<string, unknown>[]> {
  return (await connection.runAndReadAll(query.text)).getRowObjects()
}

async function answerOwn(connection: DuckDBConnection, portable: PortableSql, query: string): Promise<Answer> {
  try {
    const table = (name: string): Sql => ident(name.split('.').at(-1) ?? name)
    const { sql, columns } = await portable.emit(queryOf(query), { relation: table })
    const found = await connection.runAndReadAll(sql.text)
    return { kind: 'rows', types: columns.map(c => sparkType(c.type)), rows: wireRows(found).map(canonicalRow) }
  } catch (error) {
    if (error instanceof Problems) {
      const [first] = error.problems
      return { kind: 'refused', code: first?.code ?? '', why: first?.message ?? '' }
    }
    if (error instanceof Error) return { kind: 'error', why: error.message.split('\n')[0] ?? '' }
    throw error
  }
}
