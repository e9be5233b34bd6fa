/**
 * A side in little: for each of 262,144 ranges of the keys' hash the number of rows, a hash that does not depend on their
 * order, and the bounds of the cursor. Sides of any size are held in as many lines, and two that differ differ in the
 * ranges of the keys that do.
 */
import type { Session } from '../../engine/engine.ts'
import { ident, integer, join, type Sql, sql } from '../../engine/sql.ts'
import { columnNames, keyNames, type Shape } from './shape.ts'

const RANGES = 262_144

/** Rows of both sides that are looked at together; more are taken one slice of the ranges after the other. */
const SLICE_ROWS = 250_000

/** Rows that are kept apart have ranges of their own, below zero. */
export const IS_SETTLED: Sql = sql`range >= 0`

/** The ranges in which two sides differ: a temporary table of `range` and `slice`, slices counted from 0. */
export interface DifferingRanges {
  table: Sql
  count: bigint
  slices: number
}

/** Hash of a row in the common form, 64 bits. */
export function rowHash(shape: Shape): Sql {
  const names = columnNames(shape)
  return names.length === 0 ? sql`hash(0)` : sql`hash(${join(names)})`
}

/** Number of the range of a row's key. */
export function rangeOf(shape: Shape): Sql {
  const keys = keyNames(shape)
  return keys.length === 0 ? integer(0) : sql`CAST(hash(${join(keys)}) % ${integer(RANGES)} AS INTEGER)`
}

/** Keys that are kept apart, as a relation of them; nobody, everybody, or these. */
export type KeptApart = 'nobody' | 'everybody' | { keys: Sql }

/** `range` of rows in the common form, as a relation with all their columns. */
export function withRange(shape: Shape, rows: Sql, apart: KeptApart): Sql {
  const own = rangeOf(shape)
  if (apart === 'everybody') return sql`(SELECT *, -1 - ${own} AS range FROM ${rows})`
  if (apart === 'nobody') return sql`(SELECT *, ${own} AS range FROM ${rows})`
  const list = join(keyNames(shape))
  return sql`(SELECT r.*, CASE WHEN a.__apart THEN -1 - ${own} ELSE ${own} END AS range \
FROM ${rows} AS r LEFT JOIN (SELECT ${list}, true AS __apart FROM ${apart.keys}) AS a USING (${list}))`
}

/** Rows in the common form as `k…, h, c`: key, hash and cursor. */
export function hashed(shape: Shape, rows: Sql, more: readonly Sql[] = []): Sql {
  const columns = [...keyNames(shape), sql`${rowHash(shape)} AS h`, sql`c`, ...more]
  return sql`(SELECT ${join(columns)} FROM ${rows})`
}

export interface Totals {
  rows: bigint
  /** Sum of the hashes of the rows that are not kept apart. */
  hash: bigint
  /** Smallest and largest cursor, as text; undefined without one. */
  min: string | undefined
  max: string | undefined
}

/** The sums of one side, filled part by part. */
export class Sums {
  readonly table: Sql
  readonly #session: Session
  readonly #shape: Shape
  readonly #signal: AbortSignal
  #isEmpty = true

  constructor(session: Session, shape: Shape, signal: AbortSignal) {
    this.#session = session
    this.#shape = shape
    this.#signal = signal
    this.table = ident(session.temporaryName('sums'))
  }

  /** Add rows given as `k…, h, c`. What is held stays as small as before. */
  async add(rows: Sql, apart: KeptApart): Promise<void> {
    const part = sql`SELECT range, CAST(count(*) AS BIGINT) AS n, sum(CAST(h AS HUGEINT)) AS h, min(c) AS low, \
max(c) AS high FROM ${withRange(this.#shape, rows, apart)} GROUP BY range`
    const all = this.#isEmpty
      ? part
      : sql`SELECT range, CAST(sum(n) AS BIGINT) AS n, sum(h) AS h, min(low) AS low, max(high) AS high \
FROM (SELECT * FROM ${this.table} UNION ALL ${part}) GROUP BY range`
    await this.#session.run(sql`CREATE OR REPLACE TEMP TABLE ${this.table} AS ${all}`, this.#signal)
    this.#isEmpty = false
  }

  async totals(): Promise<Totals> {
    if (this.#isEmpty) return { rows: 0n, hash: 0n, min: undefined, max: undefined }
    const [row] = await this.#session.rows(
      sql`SELECT CAST(coalesce(sum(n), 0) AS VARCHAR) AS n, \
CAST(coalesce(sum(h) FILTER (${IS_SETTLED}), 0) AS VARCHAR) AS h, \
CAST(min(low) AS VARCHAR) AS low, CAST(max(high) AS VARCHAR) AS high FROM ${this.table}`,
      this.#signal,
    )
    const bound = (name: string): string | undefined => (row?.[name] === null ? undefined : String(row?.[name]))
    return { rows: BigInt(String(row?.['n'])), hash: BigInt(String(row?.['h'])), min: bound('low'), max: bound('high') }
  }

  /** The largest cursor, as an expression of its own type. */
  get newest(): Sql {
    return this.#isEmpty ? sql`NULL` : sql`(SELECT max(high) FROM ${this.table})`
  }

  async differing(other: Sums): Promise<DifferingRanges> {
    const table = ident(this.#session.temporaryName('differing'))
    const mine = this.#isEmpty ? NO_SUMS : this.table
    const theirs = other.#isEmpty ? NO_SUMS : other.table
    await this.#session.run(
      sql`CREATE TEMP TABLE ${table} AS SELECT range, CAST(sum(coalesce(a.n, 0) + coalesce(b.n, 0)) OVER (ORDER BY range) \
// ${integer(SLICE_ROWS)} AS INTEGER) AS slice FROM ${mine} AS a FULL JOIN ${theirs} AS b USING (range) \
WHERE a.n IS DISTINCT FROM b.n OR a.h IS DISTINCT FROM b.h`,
      this.#signal,
    )
    const [row] = await this.#session.rows(
      sql`SELECT count(*) AS n, coalesce(max(slice), -1) + 1 AS slices FROM ${table}`,
    )
    return { table, count: BigInt(String(row?.['n'])), slices: Number(row?.['slices']) }
  }
}

const NO_SUMS: Sql = sql`(SELECT 0 AS range, 0::BIGINT AS n, 0::HUGEINT AS h WHERE false)`
