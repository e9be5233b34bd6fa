/**
 * A table as a list of rows, for histories at random: values are texts as DuckDB casts them, columns keep their key when
 * they are renamed, and every operation gives a new table.
 */
import { compare, isNull, not, type Predicate } from '@tidemark/delta'
import type { Random } from '../../../examples/music/random.ts'
import { ident, join, raw, type Sql, sql, text } from '../../../packages/tidemark/src/engine/sql.ts'
import { toDuckType } from '../../../packages/tidemark/src/engine/types.ts'

export interface ModelColumn {
  /** Stays the same whatever the column is called. */
  readonly key: string
  readonly name: string
  readonly type: string
}

export type ModelRow = Readonly<Record<string, string | null>>

export interface ModelTable {
  readonly columns: readonly ModelColumn[]
  readonly rows: readonly ModelRow[]
}

export type ModelPredicate = (row: ModelRow) => boolean | null

/** Texts that writers of paths, statistics and logs are known to stumble over. */
const PARTS = [
  ...['a', 'b c/d=1%', "o'k", 'é', '\u{1F600}', '%41', 'x:y', ' lead', 'trail.', 'a\nb', '"', '\\', '#?&+'],
  ...['__HIVE_DEFAULT_PARTITION__', 'NULL', '.', '..', '\u{7f}'],
]
const LONG = 'é\u{1F600}'.repeat(20)
const STRINGS = ['', 'a', 'zz', LONG, `${LONG}x`, `${'a'.repeat(31)}\u{1F600}b`, '\u{10FFFF}'.repeat(40), '\u{FFFF}']
const DOUBLES = ['nan', 'inf', '-inf', '-0.0', '1.5', '-2.25', '1e+308', '5e-324']
/** The first of these are floats as well. */
const FLOATS = 6
const IDS = ['-9223372036854775808', '9223372036854775807', '9007199254740993', '9007199254740992', '-1']
const DATES = ['1969-12-31', '0001-01-01', '9999-12-31', '2024-02-29']
const TIMES = ['1969-12-31 23:59:59.999999+00', '2024-02-29 12:00:00.0005+00', '2024-02-29 12:00:00+00']
const NAIVE_TIMES = ['2024-02-29 00:00:00', '0001-01-01 00:00:00', '1969-12-31 23:59:59.999999']
const DECIMALS = ['0.00', '-0.01', '99999999999999999999999999999999999.99', '12345678901234567890.12']

/** Some of the types that columns may grow into. */
export const WIDER: Readonly<Record<string, readonly string[]>> = {
  byte: ['short', 'integer', 'double', 'decimal(12,1)'],
  integer: ['long', 'double', 'decimal(12,2)'],
  long: ['decimal(22,1)'],
  float: ['double'],
  date: ['timestamp_ntz'],
  'decimal(37,2)': ['decimal(38,3)'],
  'decimal(22,1)': ['decimal(30,4)'],
}

/** The text of a value in a wider type. */
export function wideText(value: string, from: string, to: string): string {
  if (to === 'timestamp_ntz') return `${value} 00:00:00`
  if (to === 'double') return value.includes('.') || from === 'float' ? value : `${value}.0`
  const scale = Number(/^decimal\(\d+,(\d+)\)$/.exec(to)?.[1] ?? 0)
  const [whole = '', part = ''] = value.split('.')
  return scale === 0 ? whole : `${whole}.${part.padEnd(scale, '0')}`
}

/** A value of a column's type; keys are mostly small, so that changes meet. */
export function randomValue(random: Random, { key, type }: ModelColumn): string | null {
  if (key === 'id') {
    return wideText(random.chance(0.03) ? random.pick(IDS) : String(random.integer(0, 60)), 'long', type)
  }
  if (random.chance(0.15)) return null
  if (key === 'part') return random.pick(PARTS.slice(0, random.chance(0.8) ? 4 : PARTS.length))
  if (type === 'string') return random.pick(STRINGS)
  if (type === 'double') return random.pick(DOUBLES)
  if (type === 'float') return random.pick(DOUBLES.slice(0, FLOATS))
  if (type === 'date') return random.pick(DATES)
  if (type === 'timestamp') return random.pick(TIMES)
  if (type === 'timestamp_ntz') return random.pick(NAIVE_TIMES)
  if (type === 'decimal(12,1)' || type === 'decimal(12,2)') return wideText(String(random.integer(-5, 5)), 'byte', type)
  if (type.startsWith('decimal')) return wideText(random.pick(DECIMALS), 'decimal(37,2)', type)
  return String(random.integer(-5, 5))
}

export function randomRows(random: Random, table: ModelTable, count: number): ModelRow[] {
  return Array.from({ length: count }, () =>
    Object.fromEntries(table.columns.map(column => [column.key, randomValue(random, column)])),
  )
}

/** The rows as a query with the table's columns. */
export function rowsQuery({ columns }: ModelTable, rows: readonly ModelRow[]): Sql {
  const select = (row: ModelRow | undefined): Sql =>
    join(
      columns.map(({ key, name, type }) => {
        const value = row?.[key]
        const literal = value === null || value === undefined ? raw('NULL') : text(value)
        return sql`CAST(${literal} AS ${toDuckType(type)}) AS ${ident(name)}`
      }),
    )
  if (rows.length === 0) return sql`SELECT ${select(undefined)} WHERE false`
  return join(
    rows.map(row => sql`SELECT ${select(row)}`),
    ' UNION ALL ',
  )
}

/** The rows of a relation in the form of `printRows`. */
export function textQuery({ columns }: ModelTable, relation: Sql): Sql {
  const cast = columns.map(({ key, name }) => sql`CAST(${ident(name)} AS VARCHAR) AS ${ident(key)}`)
  return sql`SELECT ${join(cast)} FROM (${relation})`
}

/** Equal rows have one text: a file that holds 0 and -0 gives back one of them for both. */
export function printRow({ columns }: Pick<ModelTable, 'columns'>, row: ModelRow): string {
  return JSON.stringify(columns.map(({ key }) => (row[key] === '-0.0' ? '0.0' : (row[key] ?? null))))
}

/** The rows in an order of their own, to be compared. */
export function printRows(table: ModelTable): string[] {
  return table.rows.map(row => printRow(table, row)).toSorted()
}

type Pair = { predicate: Predicate<Sql>; holds: ModelPredicate }

/** A condition on one column, for both sides. */
export function randomPredicate(random: Random, table: ModelTable): Pair {
  const column = random.pick(table.columns)
  const { key, name } = column
  if (random.chance(0.1)) return { predicate: isNull(name), holds: row => (row[key] ?? null) === null }
  const op = random.pick(['=', '<>', '<', '<=', '>', '>='] as const)
  const wanted = someValue(random, column)
  const holds: ModelPredicate = row => {
    const cell = row[key] ?? null
    if (cell === null) return null
    const order = compareTexts(column.type, cell, wanted)
    return { '=': order === 0, '<>': order !== 0, '<': order < 0, '<=': order <= 0, '>': order > 0, '>=': order >= 0 }[
      op
    ]
  }
  const pair = { predicate: compare(name, op, wanted), holds }
  if (!random.chance(0.2)) return pair
  return {
    predicate: not(pair.predicate),
    holds: row => {
      const truth = pair.holds(row)
      return truth === null ? null : !truth
    },
  }
}

function someValue(random: Random, column: ModelColumn): string {
  for (;;) {
    const value = randomValue(random, column)
    if (value !== null) return value
  }
}

function compareTexts(type: string, a: string, b: string): number {
  if (type === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  if (type === 'double' || type === 'float') return orderOf(toNumber(a), toNumber(b))
  if (['byte', 'short', 'integer', 'long'].includes(type)) return orderOf(BigInt(a), BigInt(b))
  if (type.startsWith('decimal')) return orderOf(BigInt(scaled(a)), BigInt(scaled(b)))
  return orderOf(a.padEnd(40), b.padEnd(40))
}

function orderOf<T extends number | bigint | string>(a: T, b: T): number {
  if (typeof a === 'number' && typeof b === 'number' && (Number.isNaN(a) || Number.isNaN(b))) {
    return Number(Number.isNaN(a)) - Number(Number.isNaN(b))
  }
  return a < b ? -1 : a > b ? 1 : 0
}

function toNumber(value: string): number {
  return Number(value.replace('inf', 'Infinity'))
}

function scaled(value: string): string {
  const [whole = '0', part = ''] = value.split('.')
  return `${whole}${part.padEnd(4, '0')}`
}
