/**
 * The rows of differing ranges, side by side: which keys one side lacks, and which rows say something else. Only these
 * rows are ever held, in the engine, which spills what does not fit its memory.
 */
import type { Session } from '../../engine/engine.ts'
import { ident, join, type Sql, sql } from '../../engine/sql.ts'
import { columnNames, keyNames, type Shape, sameKey, valueNames } from './shape.ts'
import { type KeptApart, withRange } from './sums.ts'

/** Rows of one side that lie in chosen ranges, filled part by part: the common form, `range`, and what came with it. */
export class ChosenRows {
  readonly table: Sql
  readonly #session: Session
  readonly #shape: Shape
  readonly #signal: AbortSignal
  #exists = false

  constructor(session: Session, shape: Shape, signal: AbortSignal) {
    this.#session = session
    this.#shape = shape
    this.#signal = signal
    this.table = ident(session.temporaryName('chosen'))
  }

  async add(rows: Sql, { apart, ranges }: { apart: KeptApart; ranges: Sql }): Promise<void> {
    const chosen = sql`SELECT * FROM ${withRange(this.#shape, rows, apart)} SEMI JOIN ${ranges} USING (range)`
    const statement = this.#exists
      ? sql`INSERT INTO ${this.table} ${chosen}`
      : sql`CREATE TEMP TABLE ${this.table} AS ${chosen}`
    await this.#session.run(statement, this.#signal)
    this.#exists = true
  }

  /** The rows as a relation; without any, an empty one with the columns of `like` and `row_version`. */
  async relation(like: Sql): Promise<Sql> {
    if (!this.#exists) {
      const none = sql`SELECT *, CAST(NULL AS VARCHAR) AS row_version FROM ${like} WHERE false`
      await this.#session.run(sql`CREATE TEMP TABLE ${this.table} AS ${none}`, this.#signal)
      this.#exists = true
    }
    return this.table
  }
}

/**
 * A temporary table of the differing keys: `k…`, `key_text`, `range`, and `kind`: missing (in the target), extra (in the
 * target only) or changed. `more` adds columns computed from `s` and `t`, the rows of both sides.
 */
export async function findDifferences(
  session: Session,
  shape: Shape,
  at: { source: Sql; target: Sql; more?: readonly Sql[]; signal: AbortSignal },
): Promise<Sql> {
  const found = ident(session.temporaryName('differences'))
  const keys = keyNames(shape)
  const own = keys.map(name => sql`coalesce(s.${name}, t.${name}) AS ${name}`)
  const text = sql`concat_ws(', ', ${join(keys.map(name => sql`CAST(coalesce(s.${name}, t.${name}) AS VARCHAR)`))})`
  const changed = valueNames(shape).map(name => sql`s.${name} IS DISTINCT FROM t.${name}`)
  const differs = changed.length === 0 ? sql`false` : join(changed, ' OR ')
  const columns = [...own, sql`${text} AS key_text`, sql`coalesce(s.range, t.range) AS range`, ...(at.more ?? [])]
  await session.run(
    sql`CREATE TEMP TABLE ${found} AS SELECT ${join(columns)}, \
CASE WHEN t.range IS NULL THEN 'missing' WHEN s.range IS NULL THEN 'extra' ELSE 'changed' END AS kind \
FROM ${at.source} AS s FULL JOIN ${at.target} AS t ON ${sameKey(shape, sql`s`, sql`t`)} \
WHERE t.range IS NULL OR s.range IS NULL OR ${differs}`,
    at.signal,
  )
  return found
}

/** Sum of the hashes of some keys' rows, to be taken out of a side's sum. */
export function hashOfKeys(shape: Shape, rows: Sql, keys: Sql): Sql {
  const list = join(keyNames(shape))
  const hash = sql`hash(${join(columnNames(shape))})`
  return sql`SELECT CAST(coalesce(sum(CAST(${hash} AS HUGEINT)), 0) AS VARCHAR) AS h FROM ${rows} SEMI JOIN ${keys} USING (${list})`
}
