/** What is said about an expression that fails or is refused. Values stand in spark-answers.golden. */
import { beforeAll, expect, test } from 'vitest'
import { listPortableSql } from './reference.ts'
import { openTestSession, type TestSession } from '../../../../../../test/support/portable-session.ts'

let session: TestSession
beforeAll(async () => {
  session = await openTestSession()
})

const said: readonly (readonly [expression: string, answer: string])[] = [
  ['2147483647 + 1', 'error Out of Range Error: Overflow in addition of INT32 (2147483647 + 1)!'],
  ['9223372036854775807 + 1', 'error Out of Range Error: Overflow in addition of INT64 (9223372036854775807 + 1)!'],
  ['1 / 0', 'error Invalid Input Error: DIVIDE_BY_ZERO: division by zero'],
  [
    '1.0D0 / 1',
    'FLOW_NOT_PORTABLE gold/x.sql:1:11 1.0D0 is not part of the SQL that means the same on DuckDB and Spark: write CAST(… AS type) in place of a number with a letter.',
  ],
  ['7 % 0', 'error Invalid Input Error: DIVIDE_BY_ZERO: division by zero'],
  [
    '1.5 / 2',
    'FLOW_TYPES gold/x.sql:1:12 /: / of decimals is not exact in the same way on both engines; CAST one side AS DOUBLE.',
  ],
  ["1 = 'x'", 'error Invalid Input Error: CAST_INVALID_INPUT: a text is not a value of type long'],
  ["true = DATE'2024-01-01'", 'FLOW_TYPES gold/x.sql:1:13 =: boolean and date have no common type.'],
  [
    "regexp_replace('a', 'b*', 'x')",
    'FLOW_NOT_PORTABLE gold/x.sql:1:8 regexp_replace() is not part of the SQL that means the same on DuckDB and Spark: a pattern that matches the empty text: the engines replace it at different places.',
  ],
  [
    "regexp_replace('a', 'a$', 'x')",
    'FLOW_NOT_PORTABLE gold/x.sql:1:8 regexp_replace() is not part of the SQL that means the same on DuckDB and Spark: the anchor $, which in Java also matches before a last line end.',
  ],
  ['abs(-2147483647 - 1)', 'error Out of Range Error: Overflow on abs(-2147483648)'],
  ["CAST('1.5' AS INT)", 'error Invalid Input Error: CAST_INVALID_INPUT: a text is not a value of type integer'],
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
  [
    "greatest(1, 2) + date_add(DATE'2024-01-01', CAST(1 AS BIGINT))",
    'FLOW_TYPES gold/x.sql:1:25 date_add(): days in long; CAST them AS INT.',
  ],
  [
    "X'00FF'",
    "FLOW_NOT_PORTABLE gold/x.sql:1:9 X'…' is not part of the SQL that means the same on DuckDB and Spark: write CAST('…' AS BINARY) for bytes, r'…' for a text without escapes.",
  ],
  ['CASE WHEN NULL THEN 1 END', 'FLOW_TYPES gold/x.sql:1:18 A condition: a bare NULL is not boolean.'],
  ["NOT 'true'", 'FLOW_TYPES gold/x.sql:1:12 A condition: string is not boolean.'],
  [
    "regexp_replace('a', '(a)', '$2')",
    'FLOW_NOT_PORTABLE gold/x.sql:1:8 regexp_replace() is not part of the SQL that means the same on DuckDB and Spark: a replacement with $2, and the pattern has 1 groups.',
  ],
]

test.each(said)('%s says what is wrong', async (expression, answer) => {
  expect(await session.answer(`SELECT ${expression} AS x`)).toBe(answer)
})

test('the reference names every function, aggregate and window once', () => {
  const signatures = listPortableSql().flatMap(group => group.entries.map(entry => entry.signature))
  expect(new Set(signatures).size).toBe(signatures.length)
  for (const name of ['upper(', 'date_trunc(', 'sum(', 'row_number('])
    expect(signatures.filter(s => s.startsWith(name))).toHaveLength(1)
})
