/**
 * Random texts of portable SQL over the tables of portable-tables.ts, each expression of a type that it is asked for.
 * Conditions cannot fail, because neither engine says in which order it tries them; expressions may (an overflow).
 */
import fc, { type Arbitrary } from 'fast-check'

type Kind =
  | 'tinyint'
  | 'smallint'
  | 'int'
  | 'bigint'
  | 'float'
  | 'double'
  | 'decimal'
  | 'string'
  | 'date'
  | 'timestamp'
  | 'timestamp_ntz'
  | 'binary'
  | 'boolean'

const COLUMNS: Readonly<Record<Kind, readonly string[]>> = {
  tinyint: ['b'],
  smallint: ['s'],
  int: ['i', 'id'],
  bigint: ['l'],
  float: ['f'],
  double: ['d'],
  decimal: ['m', 'w'],
  string: ['t'],
  date: ['dt'],
  timestamp: ['ts'],
  timestamp_ntz: ['nt'],
  binary: ['bi'],
  boolean: ['bo'],
}

const LITERALS: Readonly<Record<Kind, readonly string[]>> = {
  tinyint: ['CAST(7 AS TINYINT)', 'CAST(NULL AS TINYINT)'],
  smallint: ['CAST(-300 AS SMALLINT)'],
  int: ['0', '1', '-1', '7', '100', '2147483647', '-2147483648'],
  bigint: ['2147483648', '9007199254740993', 'CAST(3 AS BIGINT)', '-9223372036854775808'],
  float: ['CAST(0.1 AS FLOAT)', 'CAST(16777217 AS FLOAT)'],
  double: ['1e0', '0.1e0', '1e308', "CAST('NaN' AS DOUBLE)", "CAST('-0.0' AS DOUBLE)", "CAST('Infinity' AS DOUBLE)"],
  decimal: ['0.5', '1.25', '-0.05', '10.0', '123456789.123', 'CAST(2 AS DECIMAL(5,0))'],
  string: ["''", "'a'", "'B'", "'straße 😀'", "' x '", "'12'", "'2024-02-29'"],
  date: ["DATE'2024-02-29'", "DATE'1969-12-31'", "DATE'0001-01-01'"],
  timestamp: ["TIMESTAMP'2024-02-29 23:59:59.999999'", "TIMESTAMP'1969-12-31 23:59:59.5'"],
  timestamp_ntz: ["TIMESTAMP_NTZ'2024-02-29 12:00:00'"],
  binary: ["CAST('a' AS BINARY)"],
  boolean: ['true', 'false', 'CAST(NULL AS BOOLEAN)'],
}

const INTEGERS: readonly Kind[] = ['tinyint', 'smallint', 'int', 'bigint']
const NUMBERS: readonly Kind[] = [...INTEGERS, 'float', 'double', 'decimal']
const KINDS = Object.keys(COLUMNS) as Kind[]

type Make = (kind: Kind) => Arbitrary<string>

/** Joins parts and arbitraries to one text. */
function text(parts: TemplateStringsArray, ...holes: Arbitrary<string>[]): Arbitrary<string> {
  return fc.tuple(...holes).map(values => parts.map((part, i) => part + (values[i] ?? '')).join(''))
}

const pick = (...values: readonly string[]): Arbitrary<string> => fc.constantFrom(...values)
const leaf: Make = kind => fc.constantFrom(...COLUMNS[kind], ...COLUMNS[kind], ...LITERALS[kind])

/** An expression of a kind; `depth` levels of operators and functions at most. */
function expression(kind: Kind, depth: number): Arbitrary<string> {
  if (depth === 0) return leaf(kind)
  const make: Make = of => expression(of, depth - 1)
  return fc.oneof(
    { weight: 1, arbitrary: leaf(kind) },
    { weight: 3, arbitrary: fc.oneof(...forms(kind, make), ...anyForms(kind, make)) },
  )
}

/** Forms that exist for every kind. */
function anyForms(kind: Kind, make: Make): Arbitrary<string>[] {
  const condition = make('boolean')
  return [
    text`CASE WHEN ${condition} THEN ${make(kind)} ELSE ${make(kind)} END`,
    text`if(${condition}, ${make(kind)}, ${make(kind)})`,
    text`coalesce(${make(kind)}, ${make(kind)})`,
    text`nullif(${make(kind)}, ${make(kind)})`,
    ...(kind === 'boolean' || kind === 'binary'
      ? []
      : [text`${pick('greatest', 'least')}(${make(kind)}, ${make(kind)})`]),
  ]
}

function forms(kind: Kind, make: Make): Arbitrary<string>[] {
  const sum = text`(${make(kind)} ${pick('+', '-', '*')} ${make(kind)})`
  switch (kind) {
    case 'tinyint':
    case 'smallint':
      return [sum, text`(${make(kind)} % ${make(kind)})`]
    case 'int':
      return [
        sum,
        text`(${make('int')} % ${pick('2', '7', '-3', '-1')})`,
        text`(- ${make('int')})`,
        text`(${make('tinyint')} + ${make('int')})`,
        text`abs(${make('int')})`,
        text`length(${make('string')})`,
        text`${pick('year', 'quarter', 'month', 'day', 'dayofweek', 'dayofyear', 'weekofyear')}(${make('date')})`,
        text`${pick('hour', 'minute', 'second')}(${make('timestamp')})`,
        text`datediff(${make('date')}, ${make('date')})`,
        text`CAST(${make('boolean')} AS INT)`,
        text`TRY_CAST(${fc.oneof(...NUMBERS.map(make), make('string'))} AS INT)`,
      ]
    case 'bigint':
      return [
        sum,
        text`(${make('int')} ${pick('+', '-', '*')} ${make('bigint')})`,
        text`CAST(${make('int')} AS BIGINT)`,
        text`${pick('floor', 'ceil')}(${make('double')})`,
        text`TRY_CAST(${fc.oneof(...NUMBERS.map(make))} AS BIGINT)`,
      ]
    case 'float':
      return [
        sum,
        text`CAST(${fc.oneof(...NUMBERS.map(make))} AS FLOAT)`,
        text`round(${make('float')}, ${pick('0', '1', '3')})`,
      ]
    case 'double':
      return [
        sum,
        text`(${fc.oneof(make('float'), make('double'))} ${pick('+', '-', '*')} ${fc.oneof(...NUMBERS.map(make))})`,
        text`(${fc.oneof(...INTEGERS.map(make))} / ${pick('2', '7', '10', '-3')})`,
        text`CAST(${fc.oneof(...NUMBERS.map(make))} AS DOUBLE)`,
        text`round(${make('double')}, ${pick('0', '1', '2', '5')})`,
        text`TRY_CAST(${make('string')} AS DOUBLE)`,
      ]
    case 'decimal':
      return [
        sum,
        text`(${make('decimal')} ${pick('+', '-', '*')} ${fc.oneof(...INTEGERS.map(make))})`,
        text`CAST(${make('decimal')} AS DECIMAL(12,3))`,
        text`TRY_CAST(${fc.oneof(...NUMBERS.map(make))} AS DECIMAL(20,4))`,
        text`round(${make('decimal')}, ${pick('0', '1', '2')})`,
        text`abs(${make('decimal')})`,
      ]
    case 'string':
      return [
        text`(${make('string')} || ${make('string')})`,
        text`concat(${make('string')}, ${fc.oneof(make('int'), make('decimal'), make('date'), make('timestamp'), make('boolean'))})`,
        text`${pick('upper', 'lower', 'trim', 'ltrim', 'rtrim')}(${make('string')})`,
        text`substring(${make('string')}, ${pick('0', '1', '2', '-1', '-3')}, ${pick('0', '1', '2', '10')})`,
        text`replace(${make('string')}, ${make('string')}, ${make('string')})`,
        text`regexp_replace(${make('string')}, ${pick("r'[a-z]'", "r'\\d+'", "r'(.)(.)'", "r'\\s'")}, ${pick("''", "'$0$0'", "'-'")})`,
        text`CAST(${fc.oneof(...INTEGERS.map(make), make('decimal'), make('date'), make('timestamp'), make('timestamp_ntz'), make('boolean'))} AS STRING)`,
      ]
    case 'date':
      return [
        text`${pick('date_add', 'date_sub')}(${make('date')}, ${pick('0', '1', '31', '-366')})`,
        text`CAST(${fc.oneof(make('timestamp'), make('timestamp_ntz'))} AS DATE)`,
        text`to_date(${fc.oneof(make('timestamp'), make('date'))})`,
        text`TRY_CAST(${make('string')} AS DATE)`,
      ]
    case 'timestamp':
      return [
        text`date_trunc(${pick("'year'", "'quarter'", "'month'", "'week'", "'day'", "'hour'", "'minute'", "'second'")}, ${fc.oneof(make('timestamp'), make('timestamp_ntz'), make('date'))})`,
        text`CAST(${fc.oneof(make('date'), make('timestamp_ntz'))} AS TIMESTAMP)`,
        text`TRY_CAST(${make('string')} AS TIMESTAMP)`,
      ]
    case 'timestamp_ntz':
      return [text`CAST(${fc.oneof(make('date'), make('timestamp'))} AS TIMESTAMP_NTZ)`]
    case 'binary':
      return [text`CAST(${make('string')} AS BINARY)`]
    case 'boolean':
      return [condition(1)]
  }
}

/** A condition over columns and literals; nothing in it can fail. */
function condition(depth: number): Arbitrary<string> {
  const pair = (left: readonly Kind[], right: readonly Kind[]): Arbitrary<string> =>
    text`${fc.oneof(...left.map(leaf))} ${pick('=', '<>', '<', '<=', '>', '>=', '<=>', 'IS DISTINCT FROM')} ${fc.oneof(...right.map(leaf))}`
  const same = fc.constantFrom(...KINDS).chain(kind => pair([kind], [kind]))
  const flat = fc.oneof(
    same,
    pair(NUMBERS, NUMBERS),
    pair(['date', 'timestamp'], ['date', 'timestamp']),
    text`${fc.constantFrom(...KINDS).chain(leaf)} IS ${pick('', 'NOT ')}NULL`,
    text`${leaf('int')} ${pick('', 'NOT ')}IN (${leaf('int')}, ${leaf('bigint')}, ${pick('NULL', '1.0', '3')})`,
    text`${leaf('decimal')} ${pick('', 'NOT ')}BETWEEN ${leaf('int')} AND ${leaf('decimal')}`,
    text`${leaf('string')} ${pick('', 'NOT ')}LIKE ${pick("'a%'", "'_'", "'%😀'", "''")}`,
    text`${pick('startswith', 'endswith', 'contains')}(${leaf('string')}, ${leaf('string')})`,
    text`${leaf('boolean')} IS ${pick('', 'NOT ')}${pick('TRUE', 'FALSE')}`,
    leaf('boolean'),
  )
  if (depth === 0) return flat
  const inner = condition(depth - 1)
  return fc.oneof(flat, text`(${inner} ${pick('AND', 'OR')} ${inner})`, text`(NOT (${inner}))`)
}

const anyKind = (depth: number): Arbitrary<string> => fc.constantFrom(...KINDS).chain(kind => expression(kind, depth))
/** Rows without the ends of the integer types, so that most arithmetic has values. */
const where = fc.oneof(text` WHERE ${condition(2)}`, pick(' WHERE id IN (1, 4, 5, 6)', ' WHERE id IN (1, 4, 5, 6)', ''))

/** Aggregates whose value does not depend on the order of rows. */
const aggregate = fc.oneof(
  pick('count(*)', 'sum(id)', 'sum(i)', 'sum(m)', 'sum(DISTINCT i)', 'avg(i)', 'avg(s)', 'sum(d)', 'max(d)', 'min(f)'),
  text`${pick('count', 'min', 'max', 'count')}(${anyKind(1)})`,
  text`count(DISTINCT ${fc.constantFrom(...KINDS).chain(leaf)})`,
  text`sum(${fc.oneof(leaf('tinyint'), leaf('smallint'), leaf('decimal'))})`,
  text`count(*) FILTER (WHERE ${condition(1)})`,
)

const projection = text`SELECT id, ${anyKind(2)} AS x, ${anyKind(3)} AS y, ${anyKind(3)} AS z FROM edges${where}`
const grouped = text`SELECT ${anyKind(1)} AS k, ${aggregate} AS x, ${aggregate} AS y FROM edges${where} GROUP BY ${pick('k', '1', 'ALL')}${pick('', '', ' HAVING count(*) > 1')}`
const total = text`SELECT ${aggregate} AS x, ${aggregate} AS y, ${aggregate} AS z FROM edges${where}`
const distinct = text`SELECT DISTINCT ${anyKind(1)} AS x, ${anyKind(1)} AS y FROM edges${where}`
const ordered = text`SELECT ${anyKind(1)} AS x, id FROM edges${where} ORDER BY ${pick('x', 'x DESC', '1 NULLS LAST', 'x DESC NULLS FIRST')}, id LIMIT ${pick('1', '3', '10')}`
const union = fc
  .oneof(
    fc.constantFrom(...KINDS).map(kind => [kind, kind] as const),
    fc.tuple(fc.constantFrom(...NUMBERS), fc.constantFrom(...NUMBERS)),
  )
  .chain(
    ([a, b]) =>
      text`SELECT ${expression(a, 1)} AS x FROM edges ${pick('UNION', 'UNION ALL')} SELECT ${expression(b, 1)} FROM edges`,
  )
const joined = text`SELECT p.user_id AS p, e.v, ${pick('p.country', 'coalesce(p.country, e.v)', 'e.v + p.user_id', 'p.user_id <=> e.user_id')} AS x FROM people p ${pick('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN')} events e ON ${pick('p.user_id = e.user_id', 'p.user_id <=> e.user_id', 'p.user_id = e.v / 10', 'p.user_id < e.user_id AND e.v > 1')}`
const merged = text`SELECT ${pick('*', 'user_id, v', 'user_id, country')} FROM people ${pick('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN')} events USING (user_id)`
const windowed = text`SELECT id, ${pick('row_number()', 'rank()', 'dense_rank()', 'lag(i)', 'lead(t, 2)', 'sum(id)', 'count(*)', 'max(d)', 'min(t)', 'sum(m)', 'avg(s)')} OVER (${pick('', 'PARTITION BY bo ', 'PARTITION BY d ', 'PARTITION BY t, bo ')}ORDER BY ${pick('id', 'id DESC', 'd, id', 't DESC, id', 'dt NULLS LAST, id')}) AS x FROM edges${where}`
const nested = text`WITH c AS (${projection}) SELECT c.*, p.country FROM c LEFT JOIN people p ON c.id = p.user_id`

/** Any query of the grammar. */
export const portableQuery: Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: projection },
  { weight: 3, arbitrary: grouped },
  { weight: 2, arbitrary: total },
  { weight: 2, arbitrary: distinct },
  { weight: 2, arbitrary: ordered },
  { weight: 2, arbitrary: union },
  { weight: 1, arbitrary: joined },
  { weight: 1, arbitrary: merged },
  { weight: 2, arbitrary: windowed },
  { weight: 1, arbitrary: nested },
)
