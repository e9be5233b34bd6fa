/**
 * Every PostgreSQL type and the lake type that carries it: one table, read by the code and printed in the documents.
 * What a type loses is said in its note; a value that cannot be held is found by `unfit`, never bent.
 */
import { raw, type Sql, sql, text } from '../../engine/sql.ts'
import type { PostgresColumn, Unfit } from './column.ts'
import type { Wire } from './wire.ts'

/** A type as the catalog describes it, domains already followed to their base type. */
export interface CatalogType {
  /** Name in pg_type: `int4`, `numeric`, `_text`. */
  name: string
  /** -1 without one. */
  modifier: number
  isArray: boolean
  /** True for a type of a user's own, whatever it is called. */
  isOwn?: boolean
}

type Carried = Pick<
  PostgresColumn,
  'deltaType' | 'orderable' | 'local' | 'note' | 'select' | 'decode' | 'unfit' | 'typed' | 'typedForm' | 'wire'
>

/** One line of the table in docs/reference/types.md. */
export interface TypeRule {
  /** pg_type names; empty for rules that look at more than the name. */
  names: readonly string[]
  /** As a person writes the type. */
  postgres: string
  lake: string
  note: string | undefined
  /** Undefined when the rule does not fit after all; the next one is asked. */
  carry: (type: CatalogType, timezone: string) => Carried | undefined
}

const FIRST_DAY = sql`date '0001-01-01'`
const DAY_AFTER_LAST = sql`date '10000-01-01'`
const TIME_UNFIT = 'infinity, BC or a year after 9999'
/** Decimal digits that Delta and DuckDB carry. */
const MAX_PRECISION = 38

const unchanged = (value: Sql): Sql => value
const castTo = (type: string) => (value: Sql) => sql`CAST(${value} AS ${raw(type)})`

function plain(deltaType: string, duckType: string, wire: Wire, orderable = false): Carried {
  return {
    deltaType,
    orderable,
    note: undefined,
    select: unchanged,
    decode: castTo(duckType),
    unfit: undefined,
    typed: duckType,
    wire,
  }
}

function asString(note: string | undefined, wire?: Wire): Carried {
  return {
    deltaType: 'string',
    orderable: false,
    note,
    select: unchanged,
    decode: unchanged,
    unfit: undefined,
    typed: undefined,
    wire,
  }
}

function asTyped(name: 'text' | 'varchar' | 'uuid', duckType: string): TypeRule {
  return simple(name, name, { ...asString(undefined, name === 'uuid' ? name : 'text'), typed: duckType })
}

function simple(name: string, postgres: string, carried: Carried): TypeRule {
  return { names: [name], postgres, lake: carried.deltaType, note: carried.note, carry: () => carried }
}

const NUMERIC_NOTE = 'no fixed number of digits, or more than 38: carried as exact text'

function decimal(precision: number, scale: number, select: (value: Sql) => Sql, unfit: Unfit): Carried {
  const type = `decimal(${precision},${scale})`
  const decode = castTo(type.toUpperCase())
  const wire = { precision, scale }
  return { deltaType: type, orderable: false, note: undefined, select, decode, unfit, typed: undefined, wire }
}

/**
 * numeric(p,s) in as many digits as its values can have: a negative scale adds zeros before the point, a scale above
 * the precision needs as many digits as it says. The modifier packs precision and an 11-bit signed scale.
 */
function numeric({ modifier }: CatalogType): Carried {
  if (modifier < 4) return asString(NUMERIC_NOTE)
  const packed = modifier - 4
  const scale = ((packed & 0x7ff) ^ 1024) - 1024
  const declared = (packed >> 16) & 0xffff
  const precision = scale < 0 ? declared - scale : Math.max(declared, scale)
  if (precision > MAX_PRECISION) return asString(NUMERIC_NOTE)
  const isNaN = (value: Sql): Sql => sql`${value} = 'NaN'::numeric`
  const carried = decimal(precision, Math.max(scale, 0), unchanged, { values: 'NaN', test: isNaN })
  return scale < 0 || scale > declared ? carried : { ...carried, typed: `DECIMAL(${precision},${scale})` }
}

const money: Carried = {
  ...decimal(19, 2, value => sql`${value}::numeric`, {
    values: 'more than two decimals or 19 digits',
    test: v => sql`(${v}::numeric <> round(${v}::numeric, 2) OR abs(${v}::numeric) >= 1e17)`,
  }),
  note: 'as many decimals as `lc_monetary` of the database says, two at most; its currency sign is not carried',
}

const outsideOfDays = (day: Sql): Sql => sql`(${day} < ${FIRST_DAY} OR ${day} >= ${DAY_AFTER_LAST})`

/** Sent as a number of days: DuckDB would read the text of a date before Christ as one after. */
const date: Carried = {
  deltaType: 'date',
  orderable: true,
  note: undefined,
  select: value => sql`(${value} - date '1970-01-01')`,
  decode: value => sql`(DATE '1970-01-01' + CAST(${value} AS INTEGER))`,
  unfit: { values: TIME_UNFIT, test: outsideOfDays, found: outsideOfDays },
  typed: 'DATE',
  typedForm: { select: unchanged, decode: unchanged },
  wire: 'days',
}

/** Typed by CAST, which fails aloud: a column that the reader itself types turns text it cannot parse into NULL. */
const readInstant = castTo('TIMESTAMP WITH TIME ZONE')

const isOutside = (instant: Sql): Sql =>
  sql`(${instant} < timestamptz '0001-01-01 00:00:00+00' OR ${instant} >= timestamptz '10000-01-01 00:00:00+00')`

const timestamptz: Carried = {
  ...plain('timestamp', 'TIMESTAMP WITH TIME ZONE', 'timestamptz', true),
  decode: readInstant,
  unfit: { values: TIME_UNFIT, test: isOutside, found: isOutside },
}

function timestamp(_type: CatalogType, timezone: string): Carried {
  const instant = (value: Sql): Sql => sql`(${value} AT TIME ZONE ${text(timezone)})`
  // Far dates are judged before the conversion, which fails on them.
  const test = (value: Sql): Sql =>
    sql`CASE WHEN ${value} < timestamp '0001-01-03' OR ${value} >= timestamp '9999-12-30' THEN \
${value} < timestamp '0001-01-01' - interval '2 days' OR ${value} >= timestamp '10000-01-03' \
OR CASE WHEN isfinite(${value}) AND ${value} > timestamp '0001-01-01' - interval '9 days' \
AND ${value} < timestamp '10000-01-09' THEN ${isOutside(instant(value))} ELSE true END ELSE false END`
  return {
    ...timestamptz,
    local: true,
    note: `without a zone, read as ${timezone}`,
    select: instant,
    unfit: { values: TIME_UNFIT, test, found: isOutside },
  }
}

const bytea: Carried = { ...plain('binary', 'BLOB', 'bytea'), typed: undefined }

const array: Carried = { ...asString('array, carried as JSON text', 'jsonb'), select: value => sql`to_jsonb(${value})` }

/** Its documents come as they were written: jsonb has one value a key, and an order of its own. */
const documents: Carried = { ...asString(array.note, 'text'), select: value => sql`to_json(${value})` }

/** The table. The first rule that fits decides; the last one fits everything. */
export const postgresTypes: readonly TypeRule[] = [
  {
    names: [],
    postgres: 'any array',
    lake: 'string',
    note: array.note,
    carry: type => (type.isArray ? (type.name === '_json' && type.isOwn !== true ? documents : array) : undefined),
  },
  simple('bool', 'boolean', plain('boolean', 'BOOLEAN', 'bool')),
  simple('int2', 'smallint', plain('short', 'SMALLINT', 'int2', true)),
  simple('int4', 'integer', plain('integer', 'INTEGER', 'int4', true)),
  simple('int8', 'bigint', plain('long', 'BIGINT', 'int8', true)),
  simple('oid', 'oid', { ...plain('long', 'BIGINT', 'uint4'), typed: undefined }),
  simple('float4', 'real', plain('float', 'FLOAT', 'float4')),
  simple('float8', 'double precision', plain('double', 'DOUBLE', 'float8')),
  { names: ['numeric'], postgres: 'numeric(p,s)', lake: 'decimal(p,s) or string', note: NUMERIC_NOTE, carry: numeric },
  simple('money', 'money', money),
  simple('date', 'date', date),
  {
    names: ['timestamp'],
    postgres: 'timestamp without time zone',
    lake: 'timestamp',
    note: "read in the source's timezone",
    carry: timestamp,
  },
  simple('timestamptz', 'timestamp with time zone', timestamptz),
  simple('bytea', 'bytea', bytea),
  asTyped('text', 'VARCHAR'),
  asTyped('varchar', 'VARCHAR'),
  asTyped('uuid', 'UUID'),
  simple('bpchar', 'character(n), with its padding', asString(undefined, 'text')),
  ...(['name', 'json'] as const).map(name => simple(name, name, asString(undefined, 'text'))),
  simple('jsonb', 'jsonb', asString(undefined, 'jsonb')),
  ...['char', 'citext', 'xml', 'inet', 'cidr'].map(name => simple(name, name, asString(undefined))),
  simple('time', 'time without time zone', asString('the lake has no time of day, carried as text')),
  simple('timetz', 'time with time zone', asString('the lake has no time of day, carried as text')),
  simple('interval', 'interval', asString('carried as ISO 8601 text')),
  {
    names: [],
    postgres: 'every other type: enum, range, composite, bit, geometric, network, extension types',
    lake: 'string',
    note: "carried as the server's text",
    carry: type => asString(`${type.name.replace(/^_/, '')}, carried as the server's text`),
  },
]

/** How a type is carried. */
export function carryType(type: CatalogType, timezone: string): Carried {
  for (const rule of postgresTypes) {
    if (rule.names.length > 0 && (type.isArray || type.isOwn === true || !rule.names.includes(type.name))) continue
    const carried = rule.carry(type, timezone)
    if (carried) return carried
  }
  throw new TypeError('this is a bug in tidemark: the last rule fits every type')
}
