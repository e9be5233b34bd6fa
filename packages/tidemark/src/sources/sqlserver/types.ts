/**
 * Every SQL Server type and the lake type that carries it: one table, read by the code and printed in the documents. The
 * server prints each value itself, in a style that loses nothing; a value that cannot be held is found by `unfit`.
 */
import { raw, type Sql, sql, text } from '../../engine/sql.ts'
import type { Literal, SqlServerColumn, Unfit } from './column.ts'

/** A type as sys.columns and sys.types describe it; an alias is resolved to the type it stands for. */
export interface CatalogType {
  /** `decimal`, in lower case. */
  name: string
  precision: number
  scale: number
  /** A type of an assembly, whose text only its own methods know. */
  isAssembly: boolean
}

type Carried = Omit<SqlServerColumn, 'name' | 'sourceType' | 'nullable'>

/** One line of the table in docs/reference/types.md. */
export interface SqlServerTypeRule {
  /** Names of the types; empty for the rule that takes what is left. */
  names: readonly string[]
  /** As a person writes the type. */
  sqlserver: string
  lake: string
  note: string | undefined
  /** Undefined when the rule does not fit after all; the next one is asked. */
  carry: (type: CatalogType, timezone: string) => Carried | undefined
}

const castTo = (type: string) => (value: Sql) => sql`CAST(${value} AS ${raw(type)})`

/** What a text is compared as. An empty text would be zero, or the year 1900. */
const written =
  (type: string, style?: number) =>
  (value: string): Literal | undefined =>
    value.trim() === '' || value.includes('\0') ? undefined : { type: raw(type), value: value.trim(), style }

/** Printed by `CONVERT(type, value[, style])`. */
const printed = (type: string, style?: number) => (value: Sql) =>
  sql`CONVERT(${raw(type)}, ${value}${raw(style === undefined ? '' : `, ${style}`)})`

function plain(delta: string, duck: string, select: (value: Sql) => Sql, literal: Carried['literal']): Carried {
  return {
    deltaType: delta,
    orderable: false,
    note: undefined,
    select,
    selectText: select,
    decode: castTo(duck),
    unfit: undefined,
    form: 'bare',
    literal,
  }
}

const whole = (type: string, delta: string, duck: string): Carried => ({
  ...plain(delta, duck, printed('varchar(20)'), written(type)),
  orderable: true,
})

function decimal({ precision, scale }: CatalogType): Carried {
  const type = `decimal(${precision},${scale})`
  return plain(type, type.toUpperCase(), printed('varchar(41)'), written(type))
}

/** Style 2 keeps all four digits behind the point. */
const money = (type: string, delta: string): Carried =>
  plain(delta, delta.toUpperCase(), printed('varchar(30)', 2), written(type))

/** Style 3 has seventeen digits, from which each number comes back. */
const double = plain('double', 'DOUBLE', printed('varchar(32)', 3), written('float'))
const single: Carried = {
  ...plain('float', 'FLOAT', v => sql`CONVERT(varchar(32), CONVERT(float, ${v}), 3)`, written('real')),
}

const string: Carried = {
  ...plain('string', 'VARCHAR', printed('nvarchar(max)'), value =>
    value.includes('\0') ? undefined : { type: raw('nvarchar(max)'), value, style: undefined },
  ),
  decode: value => value,
  form: 'quoted',
}

const hexOf = (value: Sql): Sql => sql`CONVERT(varchar(max), CONVERT(varbinary(max), ${value}), 2)`

const binary: Carried = {
  ...plain('binary', 'BLOB', hexOf, value =>
    /^(0x)?([0-9a-f]{2})*$/i.test(value)
      ? { type: raw('varbinary(max)'), value: `0x${value.replace(/^0x/i, '')}`, style: 1 }
      : undefined,
  ),
  decode: value => sql`unhex(${value})`,
  // Quoted, because no bytes at all are not NULL.
  form: 'quoted',
}

const rowVersion: Carried = {
  ...binary,
  orderable: true,
  note: 'the eight bytes as they are',
  literal: value => {
    const found = binary.literal(value)
    return found === undefined || found.value.length !== 18 ? undefined : { ...found, type: raw('binary(8)') }
  },
}

const MOMENT = /^(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2})(:\d{2})?(\.\d{1,7})?)?$/

/** The one spelling that depends on no setting of the session. */
const moment =
  (type: string) =>
  (value: string): Literal | undefined => {
    const [, day, minute = '00:00', second = ':00', fraction = ''] = MOMENT.exec(value.trim()) ?? []
    return day === undefined
      ? undefined
      : { type: raw(type), value: `${day}T${minute}${second}${fraction}`, style: 126 }
  }

const date: Carried = {
  ...plain('date', 'DATE', printed('varchar(10)', 23), value =>
    /^\d{4}-\d{2}-\d{2}$/.test(value.trim()) ? { type: raw('date'), value: value.trim(), style: 23 } : undefined,
  ),
  orderable: true,
}

const FINE = 'values finer than a microsecond'
const isFine = (value: Sql): Sql => sql`DATEPART(nanosecond, ${value}) % 1000 <> 0`
const FINE_NOTE = 'values finer than a microsecond stop the table; as_text carries all seven digits'

/** A cast that fails aloud, then the instant that reads so in UTC. */
const inUtc = (value: Sql): Sql => sql`make_timestamptz(epoch_us(CAST(${value} AS TIMESTAMP)))`

/** Times without a zone, in the source's zone. Near the ends the zone could lead out of the years that the lake has. */
function local(type: string, width: number, isSevenDigits: boolean, timezone: string): Carried {
  const select = printed(`varchar(${width})`, 126)
  const zoned = timezone !== 'UTC'
  const far = (v: Sql): Sql =>
    sql`(${v} < CONVERT(datetime2(7), N'0001-01-02T00:00:00', 126) OR ${v} >= CONVERT(datetime2(7), N'9999-12-31T00:00:00', 126))`
  const tests: Unfit[] = [
    ...(isSevenDigits ? [{ values: FINE, test: isFine }] : []),
    ...(zoned ? [{ values: 'too far dates', test: far }] : []),
  ]
  const note = isSevenDigits ? `; ${FINE_NOTE}` : ''
  return {
    ...plain('timestamp', 'TIMESTAMP', select, moment(type)),
    orderable: true,
    local: true,
    note: `without a zone, read as ${timezone}${note}`,
    decode: zoned ? v => sql`(CAST(${v} AS TIMESTAMP) AT TIME ZONE ${text(timezone)})` : inUtc,
    unfit: joinUnfit(tests),
  }
}

function joinUnfit(tests: readonly Unfit[]): Unfit | undefined {
  const [first, second] = tests
  if (first === undefined || second === undefined) return first
  return {
    values: `${first.values} or ${second.values}`,
    test: v => sql`(${first.test(v)} OR ${second.test(v)})`,
  }
}

const OFFSET_MOMENT = /^(.*?)\s*(Z|[+-]\d{2}:\d{2})?$/i

function offset({ scale }: CatalogType): Carried {
  const type = `datetimeoffset(${scale})`
  const select = (v: Sql): Sql => sql`CONVERT(varchar(27), CONVERT(datetime2(7), SWITCHOFFSET(${v}, '+00:00')), 126)`
  return {
    ...plain('timestamp', 'TIMESTAMP', select, value => {
      const [, time = '', zone = 'Z'] = OFFSET_MOMENT.exec(value.trim()) ?? []
      const found = moment(type)(time)
      return found && { ...found, value: `${found.value}${zone.toUpperCase() === 'Z' ? '+00:00' : zone}` }
    }),
    selectText: printed('varchar(34)', 121),
    orderable: true,
    note: `the instant; its offset is not carried${scale === 7 ? `; ${FINE_NOTE}` : ''}`,
    decode: inUtc,
    unfit: scale === 7 ? { values: FINE, test: isFine } : undefined,
  }
}

const TIME_NOTE = 'the lake has no time of day, carried as text'
const time: Carried = { ...string, select: printed('varchar(16)', 121), form: 'bare', note: TIME_NOTE }
const hierarchy: Carried = { ...string, select: v => sql`${v}.ToString()`, note: 'its path as text: /1/3/' }

const SPATIAL_NOTE = 'as it is stored; as_text carries SRID and well-known text'
const spatial: Carried = {
  ...binary,
  note: SPATIAL_NOTE,
  selectText: v => sql`N'SRID=' + CONVERT(nvarchar(11), ${v}.STSrid) + N';' + ${v}.AsTextZM()`,
}

/** Each of a variant's types in the style that loses nothing; the type itself stands in front. */
function printVariant(v: Sql): Sql {
  const as = (type: string, style: number): Sql =>
    sql`CONVERT(nvarchar(4000), CONVERT(${raw(type)}, ${v}), ${raw(String(style))})`
  const cases: readonly [string, Sql][] = [
    ['float', as('float', 3)],
    ['real', sql`CONVERT(nvarchar(4000), CONVERT(float, CONVERT(real, ${v})), 3)`],
    ['money', as('money', 2)],
    ['smallmoney', as('smallmoney', 2)],
    ['date', as('date', 23)],
    ['datetime', as('datetime', 126)],
    ['smalldatetime', as('smalldatetime', 126)],
    ['datetime2', as('datetime2(7)', 126)],
    ['datetimeoffset', as('datetimeoffset(7)', 121)],
    ['time', as('time(7)', 121)],
    // 4,000 characters do not hold the digits of the longest.
    ['binary', sql`CONVERT(nvarchar(max), CONVERT(varbinary(8000), ${v}), 2)`],
    ['varbinary', sql`CONVERT(nvarchar(max), CONVERT(varbinary(8000), ${v}), 2)`],
    ['varchar', sql`CONVERT(nvarchar(max), CONVERT(varchar(8000), ${v}))`],
    ['char', sql`CONVERT(nvarchar(max), CONVERT(varchar(8000), ${v}))`],
  ]
  const base = sql`CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY(${v}, 'BaseType'))`
  const whens = cases.reduce((all, [name, print]) => sql`${all} WHEN ${text(name)} THEN ${print}`, raw(''))
  return sql`${base} + N':' + CASE ${base}${whens} ELSE CONVERT(nvarchar(max), CONVERT(nvarchar(4000), ${v})) END`
}

const variant: Carried = { ...string, select: printVariant, note: 'the base type, a colon, and the value as text' }

function simple(names: readonly string[], sqlserver: string, carried: Carried): SqlServerTypeRule {
  return { names, sqlserver, lake: carried.deltaType, note: carried.note, carry: () => carried }
}

const LOCAL_NOTE = "read in the source's timezone"

/** The table. The first rule that fits decides; the last one fits everything. */
export const sqlServerTypes: readonly SqlServerTypeRule[] = [
  simple(['bit'], 'bit', plain('boolean', 'BOOLEAN', printed('varchar(1)'), written('bit'))),
  simple(['tinyint'], 'tinyint', whole('tinyint', 'short', 'SMALLINT')),
  simple(['smallint'], 'smallint', whole('smallint', 'short', 'SMALLINT')),
  simple(['int'], 'int', whole('int', 'integer', 'INTEGER')),
  simple(['bigint'], 'bigint', whole('bigint', 'long', 'BIGINT')),
  { names: ['decimal', 'numeric'], sqlserver: 'decimal(p,s)', lake: 'decimal(p,s)', note: undefined, carry: decimal },
  simple(['money'], 'money', money('money', 'decimal(19,4)')),
  simple(['smallmoney'], 'smallmoney', money('smallmoney', 'decimal(10,4)')),
  simple(['real'], 'real', single),
  simple(['float'], 'float', double),
  simple(['date'], 'date', date),
  {
    names: ['smalldatetime', 'datetime'],
    sqlserver: 'smalldatetime, datetime',
    lake: 'timestamp',
    note: LOCAL_NOTE,
    carry: ({ name }, timezone) => local(name, 23, false, timezone),
  },
  {
    names: ['datetime2'],
    sqlserver: 'datetime2(n)',
    lake: 'timestamp',
    note: `${LOCAL_NOTE}; with n = 7, ${FINE_NOTE}`,
    carry: ({ scale }, timezone) => local(`datetime2(${scale})`, 27, scale === 7, timezone),
  },
  {
    names: ['datetimeoffset'],
    sqlserver: 'datetimeoffset(n)',
    lake: 'timestamp',
    note: `the instant; as_text keeps the offset; with n = 7, ${FINE_NOTE}`,
    carry: offset,
  },
  simple(['time'], 'time', time),
  // Already what the driver is to see; the others are made so by the server, which knows their code page.
  simple(['nchar', 'nvarchar', 'sysname'], 'nchar, nvarchar', { ...string, select: value => value }),
  simple(['char', 'varchar', 'text', 'ntext'], 'char, varchar, text, ntext', string),
  simple(['uniqueidentifier'], 'uniqueidentifier', {
    ...string,
    select: printed('varchar(36)'),
    form: 'bare',
    literal: written('uniqueidentifier'),
  }),
  simple(['xml', 'json'], 'xml, json', string),
  simple(['binary', 'varbinary', 'image'], 'binary, varbinary, image', binary),
  simple(['timestamp', 'rowversion'], 'rowversion', rowVersion),
  simple(['hierarchyid'], 'hierarchyid', hierarchy),
  simple(['geometry', 'geography'], 'geometry, geography', spatial),
  simple(['sql_variant'], 'sql_variant', variant),
  {
    names: [],
    sqlserver: 'every other type',
    lake: 'string or binary',
    note: "carried as the server's text, a type of an assembly as it is stored",
    carry: type => ({ ...(type.isAssembly ? binary : string), note: `${type.name}, carried as the server gives it` }),
  },
]

/** How a type is carried. */
export function carryType(type: CatalogType, timezone: string): Carried {
  for (const rule of sqlServerTypes) {
    if (rule.names.length > 0 && !rule.names.includes(type.name)) continue
    const carried = rule.carry(type, timezone)
    if (carried) return carried
  }
  throw new TypeError('this is a bug in tidemark: the last rule fits every type')
}
