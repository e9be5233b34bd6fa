/**
 * Every declared type of SQLite and the lake type that carries it: one table, read by the code and printed in the
 * documents. SQLite holds any value in any column, so each rule says which values are of its type; others are found by
 * `fits` and refused, never bent.
 */
import { integer, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { decimal } from './decimal.ts'
import { isDay, isMoment, momentText } from './moment.ts'
import type { ValueForm } from './value-form.ts'

/** How a column's values travel. */
export interface Carried {
  deltaType: string
  orderable: boolean
  /** Set where values that differ may be carried as one. */
  mayCoincide?: true
  note: string | undefined
  /** Condition under which a value that is not NULL is one of this type. */
  fits: (value: Sql) => Sql
  /** What other values are, for messages. */
  others: string
  /** What a value that fits is printed as: an integer, or the text of the value. */
  print: (value: Sql) => Sql
  /** What the segments hold of it, and which values are taken without being judged by SQLite. */
  form: ValueForm
  /** DuckDB expression that types what the segments hold. */
  decode: (column: Sql) => Sql
  /** How values are compared where their text is not their order. */
  order: (value: Sql) => Sql
  /** A literal of the type; undefined when the text is none. */
  literal: (value: string) => Sql | undefined
}

/** One line of the table in docs/reference/types.md. */
export interface SqliteTypeRule {
  /** As a person reads the rule. */
  sqlite: string
  lake: string
  note: string | undefined
  /** Undefined when the rule does not fit; the next one is asked. */
  carry: (declared: string, timezone: string) => Carried | undefined
}

const same = (value: Sql): Sql => value
const isOf = (value: Sql, ...classes: string[]): Sql =>
  sql`typeof(${value}) IN (${raw(classes.map(one => `'${one}'`).join(', '))})`
const castTo = (type: string) => (value: Sql) => sql`CAST(${value} AS ${raw(type)})`
/** A text of its own, which is never taken for JSON that an expression has made. */
const plain = (value: Sql): Sql => sql`(${value} || '')`

/** Seventeen digits tell every double from every other. */
const allDigits = (value: Sql): Sql => sql`printf('%!.17g', ${value})`
/** The shortest text that reads back as the same double. */
const shortest = (value: Sql): Sql =>
  sql`CASE WHEN CAST(printf('%!.15g', ${value}) AS REAL) = ${value} THEN printf('%!.15g', ${value}) ELSE ${allDigits(value)} END`

const number = (value: string): Sql | undefined =>
  /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i.test(value) ? raw(value) : undefined

const INT64 = 2n ** 63n
function wholeNumber(value: string): Sql | undefined {
  if (!/^[+-]?\d{1,19}$/.test(value)) return undefined
  const exact = BigInt(value.replace(/^\+/, ''))
  return exact >= -INT64 && exact < INT64 ? integer(exact) : undefined
}

const long: Carried = {
  deltaType: 'long',
  orderable: true,
  note: undefined,
  fits: v => isOf(v, 'integer'),
  others: 'values that are no integers',
  print: same,
  form: { kind: 'long' },
  decode: same,
  order: same,
  literal: wholeNumber,
}

const string: Carried = {
  ...long,
  deltaType: 'string',
  orderable: false,
  fits: v => sql`typeof(${v}) <> 'blob'`,
  others: 'bytes',
  print: v => plain(sql`CASE typeof(${v}) WHEN 'real' THEN ${shortest(v)} ELSE ${v} END`),
  form: { kind: 'any text' },
  order: v => sql`${v} COLLATE BINARY`,
  literal: text,
}

/** Where a number may stand beside the text that it is printed as. */
const anyText: Carried = { ...string, mayCoincide: true }

/** A text column holds no numbers: its affinity has made them texts. */
const plainText: Carried = {
  ...string,
  fits: v => isOf(v, 'text'),
  others: 'bytes or numbers',
  print: plain,
  form: { kind: 'text' },
}

/** What `as_text` gives: the value as SQLite prints it, bytes as hex digits. */
export const asText: Carried = {
  ...anyText,
  note: 'carried as text by as_text',
  fits: () => raw('true'),
  print: v => plain(sql`CASE typeof(${v}) WHEN 'real' THEN ${shortest(v)} WHEN 'blob' THEN hex(${v}) ELSE ${v} END`),
}

const boolean: Carried = {
  ...long,
  deltaType: 'boolean',
  orderable: false,
  fits: v => sql`(typeof(${v}) = 'integer' AND ${v} IN (0, 1))`,
  others: 'values other than 0 and 1',
  form: { kind: 'boolean' },
  literal: value => (/^(true|1)$/i.test(value) ? raw('1') : /^(false|0)$/i.test(value) ? raw('0') : undefined),
}

const double: Carried = {
  ...long,
  deltaType: 'double',
  orderable: false,
  // An integer that no double holds would be rounded. The greatest one becomes 2⁶³, which SQLite casts back to it.
  fits: v => sql`(typeof(${v}) = 'real' OR typeof(${v}) = 'integer' AND CAST(CAST(${v} AS REAL) AS INTEGER) = ${v} \
AND ${v} < ${integer(INT64 - 1n)})`,
  others: 'values that no double holds exactly',
  print: allDigits,
  form: { kind: 'double' },
  decode: castTo('DOUBLE'),
  literal: value =>
    /^[+-]?inf(inity)?$/i.test(value) ? raw(value.startsWith('-') ? '-9e999' : '9e999') : number(value),
}

const NUMERIC_NOTE = 'kept by SQLite as an integer or a double'

const binary: Carried = {
  ...long,
  deltaType: 'binary',
  orderable: false,
  fits: v => isOf(v, 'blob'),
  others: 'values that are no bytes',
  print: v => sql`hex(${v})`,
  form: { kind: 'hex' },
  literal: value => (/^(0x)?([0-9a-f]{2})*$/i.test(value) ? sql`x${text(value.replace(/^0x/i, ''))}` : undefined),
}

const date: Carried = {
  ...plainText,
  deltaType: 'date',
  orderable: true,
  fits: isDay,
  others: 'values other than YYYY-MM-DD',
  form: { kind: 'day' },
  decode: castTo('DATE'),
  literal: value => (/^\d{4}-\d{2}-\d{2}$/.test(value) ? text(value) : undefined),
}

const MOMENT = /^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:\d{2})?)?)?$/i
const MOMENT_NOTE = "texts YYYY-MM-DD HH:MM:SS; without a zone of their own read in the source's timezone"

/** A cast that fails aloud, then the instant that reads so in the zone. */
const inZone = (value: Sql, timezone: string): Sql =>
  timezone === 'UTC'
    ? sql`make_timestamptz(epoch_us(CAST(${value} AS TIMESTAMP)))`
    : sql`(CAST(${value} AS TIMESTAMP) AT TIME ZONE ${text(timezone)})`

function timestamp(timezone: string): Carried {
  return {
    ...plainText,
    deltaType: 'timestamp',
    orderable: true,
    // One moment may be written in several ways.
    mayCoincide: true,
    note: MOMENT_NOTE,
    fits: isMoment,
    others: 'values other than YYYY-MM-DD HH:MM:SS',
    form: { kind: 'moment' },
    // So long is a moment without a zone; a pattern costs more than all the rest.
    decode: value =>
      sql`CASE WHEN strlen(${value}) NOT IN (10, 16, 19) AND regexp_matches(${value}, '([Zz]|[+-][0-9][0-9]:[0-9][0-9])$') \
THEN CAST(${value} AS TIMESTAMPTZ) ELSE ${inZone(value, timezone)} END`,
    order: momentText,
    literal: value =>
      MOMENT.test(value)
        ? momentText(text(value.replace(/([+-]\d{2})$/, (zone, at) => (value.length > 10 ? `${at}:00` : zone))))
        : undefined,
  }
}

function rule(sqlite: string, pattern: RegExp, carried: Carried): SqliteTypeRule {
  const { deltaType, note } = carried
  return { sqlite, lake: deltaType, note, carry: declared => (pattern.test(declared) ? carried : undefined) }
}

const DECIMAL = /^(DECIMAL|NUMERIC|DEC|NUMBER|NUM)\b/i

/** The table. The first rule that fits decides; the last one fits everything. */
export const sqliteTypes: readonly SqliteTypeRule[] = [
  rule('`bool`, `boolean`', /^BOOL/i, boolean),
  rule('`date`', /^DATE$/i, date),
  {
    sqlite: '`datetime`, `timestamp`',
    lake: 'timestamp',
    note: MOMENT_NOTE,
    carry: (declared, timezone) => (/^(DATETIME|TIMESTAMP)/i.test(declared) ? timestamp(timezone) : undefined),
  },
  rule('holds `int`', /INT/i, long),
  rule('holds `char`, `clob` or `text`', /CHAR|CLOB|TEXT/i, plainText),
  rule('holds `blob` or `binary`', /BLOB|BINARY/i, binary),
  rule('holds `real`, `floa` or `doub`', /REAL|FLOA|DOUB/i, double),
  {
    sqlite: '`decimal(p,s)`, `numeric(p,s)`',
    lake: 'decimal(p,s)',
    note: NUMERIC_NOTE,
    carry: declared =>
      DECIMAL.test(declared) ? decimal(declared, { ...long, note: NUMERIC_NOTE, literal: number }) : undefined,
  },
  rule('`decimal`, `numeric` without digits', DECIMAL, { ...double, note: NUMERIC_NOTE }),
  rule('every other type, or none', /^/, { ...anyText, note: "carried as SQLite's text of the value" }),
]

/** How a declared type is carried. */
export function carryType(declared: string, timezone: string): Carried {
  for (const one of sqliteTypes) {
    const carried = one.carry(declared.trim(), timezone)
    if (carried !== undefined) return carried
  }
  throw new TypeError('this is a bug in tidemark: the last rule fits every type')
}
