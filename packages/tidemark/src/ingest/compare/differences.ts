/**
 * The rows of differing ranges, side by side: which keys one side lacks, and which rows say something else. Only these
 * rows are ever held, on disk where they do not fit, and they are joined a slice of the ranges at a time.
 */
import type { Session } from '../../engine/engine.ts'
import { ident, integer, join, type Sql, sql } from '../../engine/sql.ts'
import { keyNames, type Shape, sameKey, valueNames } from './shape.ts'
import { type DifferingRanges, type KeptApart, rowHash, withRange } from './sums.ts'

/** Rows of one side that lie in differing ranges, filled part by part: the common form, `range`, `slice`, and the rest. */
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

  async add(rows: Sql, { apart, ranges }: { apart: KeptApart; ranges: DifferingRanges }): Promise<void> {
    const chosen = sql`SELECT * FROM ${withRange(this.#shape, rows, apart)} JOIN ${ranges.table} USING (range)`
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

export interface DifferenceRequest {
  ranges: DifferingRanges
  /** Rows of the source. */
  source: Sql
  /** Rows of the target in some slice, one for each key, as a relation; given that slice of both sides. */
  target: (slice: { source: Sql; target: Sql }) => Sql
  /** Chosen rows of the target. */
  chosen: Sql
  /** Columns computed from `s` and `t`, the rows of both sides. */
  more?: readonly Sql[]
  signal: AbortSignal
}

/**
 * A temporary table of the differing keys: `k…`, `key_text`, `range`, `h` (hash of the target's row), whether each column
 * differs as `d…`, and `kind`: missing (in the target), extra (in the target only) or changed.
 */
export async function findDifferences(session: Session, shape: Shape, request: DifferenceRequest): Promise<Sql> {
  const { ranges, source, target, chosen, more = [], signal } = request
  const found = ident(session.temporaryName('differences'))
  for (let slice = 0; slice < Math.max(ranges.slices, 1); slice += 1) {
    const within = (rows: Sql): Sql => sql`(SELECT * FROM ${rows} WHERE slice = ${integer(slice)})`
    const parts = { source: within(source), target: within(chosen) }
    const select = compareSides(shape, { source: parts.source, target: target(parts), more })
    const statement = slice === 0 ? sql`CREATE TEMP TABLE ${found} AS ${select}` : sql`INSERT INTO ${found} ${select}`
    await session.run(statement, signal)
  }
  return found
}

function compareSides(shape: Shape, at: { source: Sql; target: Sql; more: readonly Sql[] }): Sql {
  const keys = keyNames(shape)
  const own = keys.map(name => sql`coalesce(s.${name}, t.${name}) AS ${name}`)
  const text = sql`concat_ws(', ', ${join(keys.map(name => sql`CAST(coalesce(s.${name}, t.${name}) AS VARCHAR)`))})`
  const changed = valueNames(shape).map(name => sql`s.${name} IS DISTINCT FROM t.${name}`)
  const differs = changed.length === 0 ? sql`false` : join(changed, ' OR ')
  const columns = [
    ...own,
    sql`${text} AS key_text`,
    sql`coalesce(s.range, t.range) AS range`,
    sql`t.h AS h`,
    ...changed.map((condition, n) => sql`${condition} AS ${ident(`d${n}`)}`),
    ...at.more,
  ]
  const hashed = sql`(SELECT *, ${rowHash(shape)} AS h FROM ${at.target})`
  return sql`SELECT ${join(columns)}, \
CASE WHEN t.range IS NULL THEN 'missing' WHEN s.range IS NULL THEN 'extra' ELSE 'changed' END AS kind \
FROM ${at.source} AS s FULL JOIN ${hashed} AS t ON ${sameKey(shape, sql`s`, sql`t`)} \
WHERE t.range IS NULL OR s.range IS NULL OR ${differs}`
}

/** How often each column differs in some of the differences: names of people, the most frequent first. */
export async function countByColumn(
  session: Session,
  shape: Shape,
  differences: Sql,
  signal: AbortSignal,
): Promise<{ column: string; rows: bigint }[]> {
  if (shape.values.length === 0) return []
  const counts = shape.values.map((_, n) => sql`count(*) FILTER (${ident(`d${n}`)}) AS ${ident(`n${n}`)}`)
  const [row] = await session.rows(sql`SELECT ${join(counts)} FROM ${differences}`, signal)
  return shape.values
    .map(({ name }, n) => ({ column: name, rows: BigInt(String(row?.[`n${n}`] ?? 0)) }))
    .filter(({ rows }) => rows > 0n)
    .toSorted((a, b) => (a.rows === b.rows ? (a.column < b.column ? -1 : 1) : a.rows > b.rows ? -1 : 1))
}
