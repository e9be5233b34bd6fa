/** The gate for queries a person types: one SELECT in DuckDB's dialect that can reach nothing but tables of the lake. */
import { Problems } from '../../../errors/problem.ts'
import { gate, replaceTables } from './gate.ts'
import { type ParserSession, parseSelect } from './parse.ts'
import type { UserQuery } from './portable-sql.ts'
import { readTimeTravel } from './time-travel.ts'

/** Stands for a file's name in the places of problems. */
export const QUERY_NAME = 'query'

export async function checkUserQuery(session: ParserSession, text: string): Promise<UserQuery> {
  const place = { file: QUERY_NAME, line: 1, column: 1 }
  const { text: written, tables: moments } = readTimeTravel(text.replace(/[\s;]+$/, ''), place)
  const { parsed, problems } = await parseSelect(session, { text: written, place, dialect: 'duckdb' })
  if (!parsed) throw new Problems(problems)
  const { normalised } = parsed
  const found = gate(parsed.root, normalised)
  if (found.problems.length > 0) throw new Problems(found.problems)
  const names = found.tables.map(table => table.parts.join('.'))
  return {
    tables: [...new Set(names)],
    moments,
    references: found.tables.map((table, i) => ({ name: names[i] ?? '', place: normalised.place(table.location) })),
    replaced: relation => {
      const replacements = found.tables.map((table, i) => ({ table, by: relation(names[i] ?? '') }))
      return replaceTables(normalised, replacements)
    },
  }
}
