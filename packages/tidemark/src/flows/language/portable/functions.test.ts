/** Values that Spark 4 documents or gives in ANSI mode, asserted on DuckDB. The zone of the session is not UTC. */
import { beforeAll, expect, test } from 'vitest'
import { SCALAR_FUNCTIONS } from './functions.ts'
import { listPortableSql } from './reference.ts'
import { openTestSession, type TestSession } from '../../../../../../test/support/portable-session.ts'

let session: TestSession
beforeAll(async () => {
  session = await openTestSession()
})

const golden: readonly (readonly [expression: string, answer: string])[] = [
  // Arithmetic
  ['1 + 2', '3 : integer'],
  ['2147483647 + 1', 'error Out of Range Error: Overflow in addition of INT32 (2147483647 + 1)!'],
  ['2147483648 + 1', '2147483649 : long'],
  ['9223372036854775807 + 1', 'error Out of Range Error: Overflow in addition of INT64 (9223372036854775807 + 1)!'],
  ['9007199254740993 - 0', '9007199254740993 : long'],
  ['7 / 2', '3.5 : double'],
  ['1 / 0', 'error Invalid Input Error: DIVIDE_BY_ZERO: division by zero'],
  ['CAST(NULL AS INT) / 0', 'NULL : double'],
  [
    '1.0D0 / 1',
    'FLOW_NOT_PORTABLE gold/x.sql:1:11 1.0D0 is not part of the SQL that means the same on DuckDB and Spark: write CAST(… AS type) in place of a number with a letter.',
  ],
  ['-7 % 3', '-1 : integer'],
  ['7 % 0', 'error Invalid Input Error: DIVIDE_BY_ZERO: division by zero'],
  ['1.5 + 1.25', '2.75 : decimal(4,2)'],
  ['1.5 * 1.25', '1.875 : decimal(6,3)'],
  ['1.5 + 1', '2.5 : decimal(12,1)'],
  [
    '1.5 / 2',
    'FLOW_TYPES gold/x.sql:1:12 /: / of decimals is not exact in the same way on both engines; CAST one side AS DOUBLE.',
  ],
  ['CAST(1.5 AS DOUBLE) / 2', '0.75 : double'],
  ['1e1 * 2', '20.0 : double'],
  // Comparison and NULL
  ["1 = '1'", 'true : boolean'],
  ["1 = 'x'", 'error Invalid Input Error: CAST_INVALID_INPUT: a text is not a value of type long'],
  ['NULL <=> NULL', 'true : boolean'],
  ['1 IS DISTINCT FROM NULL', 'true : boolean'],
  ['2 IN (1, NULL)', 'NULL : boolean'],
  ['3 BETWEEN 1 AND 2.5', 'false : boolean'],
  ["DATE'2024-01-02' > '2024-01-01'", 'true : boolean'],
  ["true = DATE'2024-01-01'", 'FLOW_TYPES gold/x.sql:1:13 =: boolean and date have no common type.'],
  ["'a' LIKE 'A'", 'false : boolean'],
  [`'50%' LIKE '%\\%'`, 'true : boolean'],
  [`'50x' LIKE '%\\%'`, 'false : boolean'],
  ['CASE WHEN false THEN 1 WHEN NULL THEN 2 ELSE 3000000000 END', '3000000000 : long'],
  // Texts
  [`"it's" || ' "so"'`, `it's "so" : string`],
  [`'a\\tb'`, 'a\tb : string'],
  ["r'\\d'", '\\d : string'],
  ["concat('a', NULL, 'b')", 'NULL : string'],
  ["concat('a', 1, true)", 'a1true : string'],
  ["regexp_replace('100-200', r'(\\d+)', 'num')", 'num-num : string'],
  ["regexp_replace('2024-05', '(\\\\d+)-(\\\\d+)', '$2/$1')", '05/2024 : string'],
  [
    "regexp_replace('a', 'b*', 'x')",
    'FLOW_NOT_PORTABLE gold/x.sql:1:8 regexp_replace() is not part of the SQL that means the same on DuckDB and Spark: a pattern that matches the empty text: the engines replace it at different places.',
  ],
  [
    "regexp_replace('a', 'a$', 'x')",
    'FLOW_NOT_PORTABLE gold/x.sql:1:8 regexp_replace() is not part of the SQL that means the same on DuckDB and Spark: the anchor $, which in Java also matches before a last line end.',
  ],
  ["replace('ABCabc', 'abc', 'DEF')", 'ABCDEF : string'],
  ["substring('Spark SQL', 5)", 'k SQL : string'],
  ["substring('Spark SQL', -3)", 'SQL : string'],
  ["substring('Spark SQL', 5, 1)", 'k : string'],
  ["substring('abc', 0, 2)", 'ab : string'],
  ["substring('abc', -5, 4)", 'ab : string'],
  ["substring('abc', 2, -1)", ' : string'],
  ["substring('abc', CAST(NULL AS INT), 1)", 'NULL : string'],
  ["length('héllo😀')", '6 : integer'],
  ["trim('  a\\t ')", 'a\t : string'],
  ["upper('abc') || lower('ABC')", 'ABCabc : string'],
  ["'[' || ltrim('  a ') || rtrim(' b  ') || ']'", '[a  b] : string'],
  ["startswith('Spark', 'Sp') AND endswith('Spark', 'rk') AND contains('Spark', 'par')", 'true : boolean'],
  ["substr('Spark SQL', 5, 1)", 'k : string'],
  // NULL handling
  ['coalesce(NULL, 1, 2)', '1 : integer'],
  ["nvl(NULL, 'x')", 'x : string'],
  ['ifnull(1, 2)', '1 : integer'],
  ['nullif(2, 2)', 'NULL : integer'],
  ['if(1 > 2, 1, 2)', '2 : integer'],
  ['greatest(1, NULL, 3)', '3 : integer'],
  // Numbers
  ['abs(-5)', '5 : integer'],
  ['abs(-2147483647 - 1)', 'error Out of Range Error: Overflow on abs(-2147483648)'],
  ['round(2.5, 0)', '3 : decimal(2,0)'],
  ['round(-2.5)', '-3 : decimal(2,0)'],
  ['round(CAST(2.675 AS DOUBLE), 2)', '2.68 : double'],
  ['round(CAST(1e300 AS DOUBLE), 2)', '1e+300 : double'],
  ['floor(CAST(-0.1 AS DOUBLE))', '-1 : long'],
  ['least(2.5, 1, NULL)', '1.0 : decimal(11,1)'],
  ['ceil(CAST(5.1 AS DOUBLE))', '6 : long'],
  ['true IS NOT TRUE', 'false : boolean'],
  ['NULL IS TRUE', 'false : boolean'],
  // Dates, in UTC whatever the session's zone
  ["date_trunc('day', TIMESTAMP'2024-03-10 23:30:00Z')", '2024-03-09 19:00:00-05 : timestamp'],
  ["date_trunc('month', DATE'2024-03-15') = TIMESTAMP'2024-03-01'", 'true : boolean'],
  ["year(DATE'2016-07-30')", '2016 : integer'],
  ["dayofweek(DATE'2009-07-30')", '5 : integer'],
  ["weekofyear(DATE'2008-02-20')", '8 : integer'],
  ["hour(TIMESTAMP'2009-07-30 12:58:59')", '12 : integer'],
  ["EXTRACT(YEAR FROM TIMESTAMP'2024-12-31 23:59:59Z')", '2024 : integer'],
  ["datediff(DATE'2009-07-31', DATE'2009-07-30')", '1 : integer'],
  ["date_add(DATE'2016-07-30', 1)", '2016-07-31 : date'],
  ["CAST(TIMESTAMP'2024-03-10 01:00:00Z' AS DATE)", '2024-03-10 : date'],
  [
    "quarter(DATE'2016-08-31') * 1000000 + month(DATE'2016-07-30') * 10000 + day(DATE'2009-07-30') * 100 + dayofmonth(DATE'2009-07-30')",
    '3073030 : integer',
  ],
  ["dayofyear(DATE'2016-04-09')", '100 : integer'],
  ["minute(TIMESTAMP'2009-07-30 12:58:59') * 100 + second(TIMESTAMP'2009-07-30 12:58:59.9')", '5859 : integer'],
  ["date_sub(DATE'2016-07-30', 1)", '2016-07-29 : date'],
  ["to_date('2016-12-31')", '2016-12-31 : date'],
  ['current_date() = to_date(current_timestamp()) AND now() = current_timestamp', 'true : boolean'],
  // Casts
  ['CAST(2.7 AS INT)', '2 : integer'],
  ['CAST(-2.7 AS BIGINT)', '-2 : long'],
  ['CAST(CAST(1.005 AS DOUBLE) AS DECIMAL(10, 2))', '1.01 : decimal(10,2)'],
  ["CAST(' 12 ' AS INT)", '12 : integer'],
  ["CAST('1.5' AS INT)", 'error Invalid Input Error: CAST_INVALID_INPUT: a text is not a value of type integer'],
  ["TRY_CAST('1.5' AS INT)", 'NULL : integer'],
  ["CAST('2024-01-01T10:00:00' AS TIMESTAMP) = TIMESTAMP'2024-01-01 10:00:00Z'", 'true : boolean'],
  ["CAST('yes' AS BOOLEAN)", 'true : boolean'],
  ["CAST(TIMESTAMP'2024-01-01 10:00:00.120Z' AS STRING)", '2024-01-01 10:00:00.12 : string'],
  ["CAST('1' AS DECIMAL)", '1 : decimal(10,0)'],
  [
    'CAST(300 AS TINYINT)',
    "error Conversion Error: Type INT32 with value 300 can't be cast because the value is out of range for the destination type INT8",
  ],
  [
    'CAST(CAST(1 AS DOUBLE) AS STRING)',
    'FLOW_NOT_PORTABLE gold/x.sql:1:8 CAST of double AS string is not part of the SQL that means the same on DuckDB and Spark: the engines write such numbers differently.',
  ],
  [
    "CAST('a' AS VARCHAR(3))",
    'FLOW_NOT_PORTABLE gold/x.sql:1:20 VARCHAR(n) is not part of the SQL that means the same on DuckDB and Spark: write STRING, and substring where the length matters.',
  ],
]

test.each(golden)('%s gives what Spark gives', async (expression, answer) => {
  expect(await session.answer(`SELECT ${expression} AS x`)).toBe(answer)
})

test('every function of the list has a value here', () => {
  const untested = SCALAR_FUNCTIONS.filter(f => !golden.some(([expression]) => expression.includes(`${f.name}(`)))
  expect(untested.map(f => f.name)).toEqual([])
})

test('the reference names every function, aggregate and window once', () => {
  const signatures = listPortableSql().flatMap(group => group.entries.map(entry => entry.signature))
  expect(new Set(signatures).size).toBe(signatures.length)
  for (const name of ['upper(', 'date_trunc(', 'sum(', 'row_number('])
    expect(signatures.filter(s => s.startsWith(name))).toHaveLength(1)
})
