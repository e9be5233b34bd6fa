/**
 * A table's conditions judged as Spark would: they are Spark SQL, so they go through the portable subset, and one that
 * is not in it is refused rather than guessed.
 */
import { type Condition, printType, type RowChecker, type StructType } from '@tidemark/delta'
import type { Session } from '../engine/engine.ts'
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import { Problem, Problems } from '../errors/problem.ts'
import type { PortableSql } from './language/portable/portable-sql.ts'

type Expressions = Pick<PortableSql, 'emitExpression'>

/** Judges rows in the session by conditions that the portable subset can express. */
export function portableChecker(session: Session, portable: Expressions): RowChecker<Sql> {
  return {
    countViolations: async (rows, conditions, { schema, signal }) => {
      const read = await Promise.all(conditions.map(condition => readCondition(portable, condition, schema)))
      const usable = read.flatMap(one => ('refused' in one ? [] : [one]))
      if (usable.length === 0) return read.flatMap(one => ('refused' in one ? [one] : []))
      const counts = usable.map((one, i) => sql`count(*) FILTER ((${one.sql}) IS NOT TRUE) AS ${ident(`c${i}`)}`)
      const [row] = await session.rows(sql`SELECT ${join(counts)} FROM (${rows})`, signal)
      return read.map(one => {
        if ('refused' in one) return one
        const count = row?.[`c${usable.indexOf(one)}`]
        return typeof count === 'bigint' ? count : { refused: 'the engine gave no count' }
      })
    },
  }
}

async function readCondition(
  portable: Expressions,
  condition: Condition,
  schema: StructType,
): Promise<{ sql: Sql } | { refused: string }> {
  const columns = schema.fields.map(({ name, type }) => ({ name, type: printType(type) }))
  const place = { file: `${condition.kind} ${condition.name}`, line: 1, column: 1 }
  const volatile: string[] = []
  try {
    const onVolatile = (): void => void volatile.push(condition.sql)
    const made = await portable.emitExpression(condition.sql, place, { columns, result: 'condition', onVolatile })
    return volatile.length === 0 ? { sql: made } : { refused: 'its value depends on the time of day' }
  } catch (error) {
    if (error instanceof Problem) return { refused: error.message }
    if (error instanceof Problems) return { refused: error.problems[0]?.message ?? 'it is not understood' }
    throw error
  }
}
