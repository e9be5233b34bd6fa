/**
 * Every MySQL and MariaDB type and the lake type that carries it: one table, read by the code and printed in the
 * documents. What a type loses is said in its note; a value that cannot be held is found by `unfit`, never bent.
 */
import { raw, type Sql, sql, text } from '../../engine/sql.ts'
import type { MysqlColumn, Unfit } from './column.ts'
import type { TextForm } from './text-form.ts'
import { hasLostLetter, isOfUnicode, knownText } from './charsets.ts'

/** A type as information_schema describes it. */
export interface CatalogType {
  /** `int`, `decimal`, in lower case. */
  name: string
  /** `int(10) unsigned`. */
  full: string
  /** Digits of a decimal, bits of a bit. */
  precision: number
  scale: number
  /** Left out for bytes that are no text. */
  charset: string | undefined
}

type Carried = Pick<
  MysqlColumn,
  'deltaType' | 'orderable' | 'local' | 'mayCoincide' | 'note' | 'select' | 'decode' | 'unfit' | 'form' | 'literal'
>

/** One line of the table in docs/reference/types.md. */
export interface MysqlTypeRule {
  /** Names of the types; empty for the rule that takes what is left. */
  names: readonly string[]
  /** As a person writes the type. */
  mysql: string
  lake: string
  note: string | undefined
  /** Undefined when the rule does not fit after all; the next one is asked. */
  carry: (type: CatalogType, timezone: string) => Carried | undefined
}

const unchanged = (value: Sql): Sql => value
const castTo = (type: string) => (value: Sql) => sql`CAST(${value} AS ${raw(type)})`
const number = (value: string): Sql | undefined =>
  /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?$/i.test(value) ? raw(value) : undefined

function plain(deltaType: string, duckType: string, form: TextForm, orderable = false): Carried {
  const decode = castTo(duckType)
  return {
    deltaType,
    orderable,
    note: undefined,
    select: unchanged,
    decode,
    unfit: undefined,
    form,
    literal: number,
  }
}

const string: Carried = { ...plain('string', 'VARCHAR', 'text'), decode: unchanged, literal: text }

/** A text; where the server may know no letter of Unicode for one in it, that is found rather than replaced. */
function characters(charset: string | undefined): Carried {
  if (charset === undefined || isOfUnicode(charset)) return string
  const unfit = { values: 'letters that Unicode does not have, as the server knows it', test: hasLostLetter }
  // Several codes may be one letter of Unicode.
  return { ...string, form: 'known text', select: knownText, unfit, mayCoincide: true }
}

/** Types of one integer: signed, and unsigned in the next that holds it. */
function integerType(name: string, signed: Whole, unsigned: Whole): MysqlTypeRule[] {
  const rule = (mysql: string, [delta, duck, form]: Whole, isUnsigned: boolean): MysqlTypeRule => ({
    names: [name],
    mysql,
    lake: delta,
    note: undefined,
    carry: type => (type.full.includes('unsigned') === isUnsigned ? plain(delta, duck, form, true) : undefined),
  })
  return [rule(name, signed, false), rule(`${name} unsigned`, unsigned, true)]
}

/** A whole number in the lake, in DuckDB, and as it is printed. */
type Whole = [delta: string, duck: string, form: TextForm]

const SHORT: Whole = ['short', 'SMALLINT', 'int16']
const INTEGER: Whole = ['integer', 'INTEGER', 'int32']
const LONG: Whole = ['long', 'BIGINT', 'int64']
const UNSIGNED_LONG: Whole = ['decimal(20,0)', 'DECIMAL(20,0)', { precision: 20, scale: 0 }]

/** Decimal digits that Delta and DuckDB carry. */
const MAX_PRECISION = 38
const DECIMAL_NOTE = 'more than 38 digits: carried as exact text'

function decimal({ precision, scale }: CatalogType): Carried {
  if (precision > MAX_PRECISION) return { ...string, literal: number, note: DECIMAL_NOTE }
  return plain(`decimal(${precision},${scale})`, `DECIMAL(${precision},${scale})`, { precision, scale })
}

/** The server rounds a float to six digits where it prints it; as a double it prints all of them. */
const allDigits = (value: Sql): Sql => sql`(${value} * 1e0)`

const BIT_NOTE = 'as a number; one bit as a truth value'

function bits({ precision }: CatalogType): Carried {
  const select = (value: Sql): Sql => sql`(${value} + 0)`
  if (precision === 1) return { ...plain('boolean', 'BOOLEAN', 'boolean'), select, note: BIT_NOTE }
  const [delta, duck, form] = precision > 63 ? UNSIGNED_LONG : LONG
  return { ...plain(delta, duck, form), select, note: BIT_NOTE }
}

/** Dates that are none: zeros in them, and the 31st of February that ALLOW_INVALID_DATES lets in. */
const isNoDate = (v: Sql): Sql => sql`(YEAR(${v}) = 0 OR MONTH(${v}) = 0 OR DAYOFMONTH(${v}) = 0 OR \
DAYOFMONTH(${v}) > CASE WHEN MONTH(${v}) IN (4, 6, 9, 11) THEN 30 WHEN MONTH(${v}) <> 2 THEN 31 \
WHEN YEAR(${v}) % 4 = 0 AND (YEAR(${v}) % 100 <> 0 OR YEAR(${v}) % 400 = 0) THEN 29 ELSE 28 END)`

const NO_DATES: Unfit = { values: 'zero or impossible dates', test: isNoDate }

const DATE = /^\d{4}-\d{2}-\d{2}$/
const MOMENT = /^\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$/
const moment = (value: string): Sql | undefined => (MOMENT.test(value) ? text(value.replace('T', ' ')) : undefined)

const date: Carried = {
  ...plain('date', 'DATE', 'date', true),
  unfit: NO_DATES,
  literal: value => (DATE.test(value) ? text(value) : undefined),
}

/** A cast that fails aloud, then the instant that reads so in UTC. */
const inUtc = (value: Sql): Sql => sql`make_timestamptz(epoch_us(CAST(${value} AS TIMESTAMP)))`

const timestamp: Carried = {
  ...plain('timestamp', 'TIMESTAMP', 'moment', true),
  decode: inUtc,
  unfit: NO_DATES,
  literal: moment,
}

function datetime(_type: CatalogType, timezone: string): Carried {
  const note = `without a zone, read as ${timezone}`
  if (timezone === 'UTC') return { ...timestamp, local: true, note }
  // Near the ends the zone could lead out of the years that the lake has.
  const test = (v: Sql): Sql => sql`(${isNoDate(v)} OR ${v} < '0001-01-02' OR ${v} >= '9999-12-31')`
  const decode = (value: Sql): Sql => sql`(CAST(${value} AS TIMESTAMP) AT TIME ZONE ${text(timezone)})`
  return {
    ...timestamp,
    form: 'local moment',
    local: true,
    note,
    decode,
    unfit: { values: 'zero, impossible or too far dates', test },
  }
}

const hexLiteral = (value: string): Sql | undefined =>
  /^(0x)?([0-9a-f]{2})*$/i.test(value) ? sql`x${text(value.replace(/^0x/i, ''))}` : undefined

const binary: Carried = {
  ...plain('binary', 'BLOB', 'bytes'),
  decode: unchanged,
  literal: hexLiteral,
}

const GEOMETRY_NOTE = 'as it is stored: four bytes of SRID, then WKB'
const TIME_NOTE = 'the lake has no time of day, carried as text'
const GEOMETRIES = ['geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring', 'multipolygon']

const LETTERS_NOTE = 'a letter that Unicode does not have is refused'

function texts(names: readonly string[], mysql: string, note?: string): MysqlTypeRule {
  const carry = ({ charset }: CatalogType): Carried => ({ ...characters(charset), note })
  return { names, mysql, lake: 'string', note: note ?? LETTERS_NOTE, carry }
}

function simple(names: readonly string[], mysql: string, carried: Carried): MysqlTypeRule {
  return { names, mysql, lake: carried.deltaType, note: carried.note, carry: () => carried }
}

/** The table. The first rule that fits decides; the last one fits everything. */
export const mysqlTypes: readonly MysqlTypeRule[] = [
  ...integerType('tinyint', SHORT, SHORT),
  ...integerType('smallint', SHORT, INTEGER),
  ...integerType('mediumint', INTEGER, INTEGER),
  ...integerType('int', INTEGER, LONG),
  ...integerType('bigint', LONG, UNSIGNED_LONG),
  { names: ['decimal'], mysql: 'decimal(p,s)', lake: 'decimal(p,s) or string', note: DECIMAL_NOTE, carry: decimal },
  simple(['float'], 'float', { ...plain('float', 'FLOAT', 'text'), select: allDigits }),
  simple(['double'], 'double', { ...plain('double', 'DOUBLE', 'text'), select: allDigits }),
  { names: ['bit'], mysql: 'bit(n)', lake: 'boolean, long or decimal(20,0)', note: BIT_NOTE, carry: bits },
  simple(['year'], 'year', plain('short', 'SMALLINT', 'int16')),
  simple(['date'], 'date', date),
  { names: ['datetime'], mysql: 'datetime', lake: 'timestamp', note: "read in the source's timezone", carry: datetime },
  simple(['timestamp'], 'timestamp', timestamp),
  simple(['time'], 'time', { ...string, note: TIME_NOTE }),
  texts(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext'], 'char, varchar, text'),
  simple(['json'], 'json', string),
  texts(['enum', 'set'], 'enum, set', "the server's text of the value"),
  simple(['uuid', 'inet4', 'inet6'], 'uuid, inet4, inet6', string),
  simple(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob'], 'binary, varbinary, blob', binary),
  simple([...GEOMETRIES, 'geometrycollection', 'geomcollection'], 'geometry types', { ...binary, note: GEOMETRY_NOTE }),
  {
    names: [],
    mysql: 'every other type',
    lake: 'string or binary',
    note: "carried as the server's text or bytes",
    carry: type => ({
      ...(type.charset === undefined ? binary : string),
      note: `${type.name}, carried as the server gives it`,
    }),
  },
]

/** How a type is carried. */
export function carryType(type: CatalogType, timezone: string): Carried {
  for (const rule of mysqlTypes) {
    if (rule.names.length > 0 && !rule.names.includes(type.name)) continue
    const carried = rule.carry(type, timezone)
    if (carried) return carried
  }
  throw new TypeError('this is a bug in tidemark: the last rule fits every type')
}
