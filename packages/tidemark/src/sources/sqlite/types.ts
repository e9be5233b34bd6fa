/**
 * Every declared type of SQLite and the lake type that carries it: one table, read by the code and printed in the
 * documents. SQLite holds any value in any column, so each rule says which values are of its type; others are found by
 * `fits` and refused, never bent.
 */
import { integer, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { isDay, isMoment, momentText } from './moment.ts'

/** How a column's values travel. */
export interface Carried {
  deltaType: string
  orderable: boolean
  note: string | undefined
  /** Condition under which a value that is not NULL is one of this type. */
  fits: (value: Sql) => Sql
  /** What other values are, for messages. */
  others: string
  /** CSV text of a value that fits. */
  print: (value: Sql) => Sql
  /** DuckDB expression that types the CSV text. */
  decode: (csvColumn: Sql) => Sql
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
const quoted = (value: Sql): Sql => sql`concat('"', replace(${value}, '"', '""'), '"')`

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
  decode: castTo('BIGINT'),
  order: same,
  literal: wholeNumber,
}

const string: Carried = {
  ...long,
  deltaType: 'string',
  orderable: false,
  fits: v => sql`typeof(${v}) <> 'blob'`,
  others: 'bytes',
  print: v => quoted(sql`CASE typeof(${v}) WHEN 'real' THEN ${shortest(v)} ELSE ${v} END`),
  decode: same,
  order: v => sql`${v} COLLATE BINARY`,
  literal: text,
}

/** A text column holds no numbers: its affinity has made them texts. */
const plainText: Carried = {
  ...string,
  fits: v => isOf(v, 'text'),
  others: 'bytes or numbers',
  print: quoted,
}

/** What `as_text` gives: the value as SQLite prints it, bytes as hex digits. */
export const asText: Carried = {
  ...string,
  note: 'carried as text by as_text',
  fits: () => raw('true'),
  print: v => quoted(sql`CASE typeof(${v}) WHEN 'real' THEN ${shortest(v)} WHEN 'blob' THEN hex(${v}) ELSE ${v} END`),
}

const boolean: Carried = {
  ...long,
  deltaType: 'boolean',
  orderable: false,
  fits: v => sql`(typeof(${v}) = 'integer' AND ${v} IN (0, 1))`,
  others: 'values other than 0 and 1',
  decode: castTo('BOOLEAN'),
  literal: value => (/^(true|1)$/i.test(value) ? raw('1') : /^(false|0)$/i.test(value) ? raw('0') : undefined),
}

const double: Carried = {
  ...long,
  deltaType: 'double',
  orderable: false,
  // An integer that no double holds would be rounded.
  fits: v => sql`(typeof(${v}) = 'real' OR typeof(${v}) = 'integer' AND CAST(CAST(${v} AS REAL) AS INTEGER) = ${v})`,
  others: 'values that no double holds exactly',
  print: allDigits,
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
  print: v => sql`concat('"', hex(${v}), '"')`,
  decode: value => sql`unhex(${value})`,
  literal: value => (/^(0x)?([0-9a-f]{2})*$/i.test(value) ? sql`x${text(value.replace(/^0x/i, ''))}` : undefined),
}

const date: Carried = {
  ...plainText,
  deltaType: 'date',
  orderable: true,
  fits: isDay,
  others: 'values other than YYYY-MM-DD',
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
    note: MOMENT_NOTE,
    fits: isMoment,
    others: 'values other than YYYY-MM-DD HH:MM:SS',
    decode: value =>
      sql`CASE WHEN regexp_matches(${value}, '([Zz]|[+-][0-9][0-9]:[0-9][0-9])$') THEN CAST(${value} AS TIMESTAMPTZ) \
ELSE ${inZone(value, timezone)} END`,
    order: momentText,
    literal: value =>
      MOMENT.test(value)
        ? momentText(text(value.replace(/([+-]\d{2})$/, (zone, at) => (value.length > 10 ? `${at}:00` : zone))))
        : undefined,
  }
}

/** Decimal digits that Delta and DuckDB carry. */
const MAX_PRECISION = 38

/** A double is carried as the decimal of the declared scale, when that reads back as the same double. */
function decimal(declared: string): Carried | undefined {
  const [, digits = '', after = '0'] = /\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)/.exec(declared) ?? []
  const [precision, scale] = [Number(digits), Number(after)]
  if (digits === '' || precision < 1 || precision > MAX_PRECISION || scale > precision) return undefined
  const print = (v: Sql): Sql =>
    sql`CASE typeof(${v}) WHEN 'integer' THEN ${v} ELSE printf(${text(`%!.${scale}f`)}, ${v}) END`
  const isWithin = (v: Sql): Sql => sql`abs(CAST(${v} AS REAL)) < 1e${integer(precision - scale)}`
  return {
    ...long,
    deltaType: `decimal(${precision},${scale})`,
    orderable: false,
    note: NUMERIC_NOTE,
    fits: v => sql`(${isOf(v, 'integer', 'real')} AND ${isWithin(v)} AND CAST(${print(v)} AS NUMERIC) = ${v})`,
    others: `values that are no numbers of ${precision} digits, ${scale} after the point`,
    print,
    decode: castTo(`DECIMAL(${precision},${scale})`),
    literal: number,
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
    carry: declared => (DECIMAL.test(declared) ? decimal(declared) : undefined),
  },
  rule('`decimal`, `numeric` without digits', DECIMAL, { ...double, note: NUMERIC_NOTE }),
  rule('every other type, or none', /^/, { ...string, note: "carried as SQLite's text of the value" }),
]

/** How a declared type is carried. */
export function carryType(declared: string, timezone: string): Carried {
  for (const one of sqliteTypes) {
    const carried = one.carry(declared.trim(), timezone)
    if (carried !== undefined) return carried
  }
  throw new TypeError('this is a bug in tidemark: the last rule fits every type')
}
