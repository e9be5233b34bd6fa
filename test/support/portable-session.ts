/** A DuckDB session for tests of portable SQL, and short ways to run one expression or query in it. */
import { DuckDBInstance } from '@duckdb/node-api'
import { Problems } from '../../packages/tidemark/src/errors/problem.ts'
import { ident } from '../../packages/tidemark/src/engine/sql.ts'
import type { Query } from '../../packages/tidemark/src/model/flow.ts'
import { printPlace } from '../../packages/tidemark/src/flows/language/place.ts'
import {
  createPortableSql,
  type Emitted,
  type PortableSql,
} from '../../packages/tidemark/src/flows/language/portable/portable-sql.ts'

export interface TestSession {
  portable: PortableSql
  run(statement: string): Promise<void>
  /** Values as DuckDB prints them. */
  values(query: string): Promise<(string | null)[][]>
  emit(text: string, dialect?: Query['dialect']): Promise<Emitted>
  /** Rows of a query with its types, or what was said about it. */
  answer(text: string): Promise<string>
}

export async function openTestSession(): Promise<TestSession> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  // A zone that is not UTC, so that nothing depends on it.
  await connection.run("SET TimeZone = 'America/New_York'")
  const rows = async (text: string): Promise<Record<string, unknown>[]> =>
    (await connection.runAndReadAll(text)).getRowObjects()
  const portable = createPortableSql({ rows: query => rows(query.text) })
  const values: TestSession['values'] = async query => {
    const reader = await connection.runAndReadAll(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${query})`)
    return reader.getRowsJson() as (string | null)[][]
  }
  const emit: TestSession['emit'] = (text, dialect = 'portable') =>
    portable.emit(queryOf(text, dialect), { relation: name => ident(...name.split('.')) })
  return {
    portable,
    values,
    emit,
    run: async statement => void (await connection.run(statement)),
    answer: async text => {
      try {
        const { sql: made, columns } = await emit(text)
        const found = await values(made.text)
        return `${found.map(row => row.map(v => v ?? 'NULL').join(' ')).join(' | ')} : ${columns.map(c => c.type).join(' ')}`
      } catch (error) {
        if (error instanceof Problems) return sayAll(error.problems)
        return `error ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : ''}`
      }
    },
  }
}

export function queryOf(text: string, dialect: Query['dialect'] = 'portable'): Query {
  return { text, dialect, place: { file: 'gold/x.sql', line: 1, column: 1 } }
}

export function sayAll(problems: Problems['problems']): string {
  return problems.map(p => `${p.code} ${p.place ? printPlace(p.place) : ''} ${p.message}`).join('\n')
}
