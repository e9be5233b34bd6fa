import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { Problems } from '../../../errors/problem.ts'
import { ident, sql, text as literal } from '../../../engine/sql.ts'
import { normalise } from './normalise.ts'
import { openTestSession, queryOf, sayAll, type TestSession } from '../../../../../../test/support/portable-session.ts'

let session: TestSession
beforeAll(async () => {
  session = await openTestSession()
  await session.run('CREATE SCHEMA silver; CREATE SCHEMA gold')
  await session.run('CREATE TABLE silver.DimUser (user_id INTEGER, country VARCHAR, "Full Name" VARCHAR)')
  await session.run("INSERT INTO silver.DimUser VALUES (1, 'NO', 'A'), (2, 'SE', NULL), (3, NULL, 'C')")
  await session.run(
    'CREATE TABLE silver.FactStream (user_id BIGINT, ts TIMESTAMPTZ, seconds INTEGER, price DECIMAL(10,2))',
  )
  await session.run(
    "INSERT INTO silver.FactStream VALUES (1, '2024-01-01 23:30:00Z', 10, 1.25), (1, '2024-01-02 00:30:00Z', 20, 2.50), (2, '2024-01-02 10:00:00Z', NULL, NULL), (9, NULL, 5, 0.01)",
  )
  await session.run('CREATE TABLE silver.Big AS SELECT * FROM (VALUES (9007199254740992::BIGINT), (1)) t(n)')
  await session.run('CREATE TABLE silver.Most AS SELECT * FROM (VALUES (9223372036854775807::BIGINT), (1)) t(n)')
})

const check = async (text: string, use: 'view' | 'stream' = 'view') => {
  const { compiled, problems } = await session.portable.check(queryOf(text), use)
  return compiled ?? sayAll(problems)
}

test('the aggregate of the example is typed and computed as Spark does', async () => {
  expect(
    await session.answer(`SELECT u.country, date_trunc('day', f.ts) AS day, count(*) AS streams
      FROM silver.FactStream f JOIN silver.DimUser u USING (user_id) GROUP BY u.country, date_trunc('day', f.ts) ORDER BY day, 1`),
  ).toBe(
    'NO 2023-12-31 19:00:00-05 1 | NO 2024-01-01 19:00:00-05 1 | SE 2024-01-01 19:00:00-05 1 : string timestamp long',
  )
})

test('an integer sum is BIGINT, exact beyond 2^53, and an overflow is an error', async () => {
  expect(await session.answer('SELECT sum(n) AS s, sum(DISTINCT n) AS d FROM silver.Big')).toBe(
    '9007199254740993 9007199254740993 : long long',
  )
  expect(await session.answer('SELECT sum(n) AS s FROM silver.Most')).toMatch(
    /^error Conversion Error: .*9223372036854775808/,
  )
})

test('sums and averages have Spark’s types', async () => {
  expect(
    await session.answer(
      'SELECT sum(price) AS p, sum(seconds) AS s, avg(seconds) AS a, count(seconds) AS c, max(ts) AS m FROM silver.FactStream',
    ),
  ).toBe('3.76 35 11.666666666666666 3 2024-01-02 05:00:00-05 : decimal(20,2) long double long timestamp')
  expect(await session.answer('SELECT avg(price) AS a FROM silver.FactStream')).toBe(
    'FLOW_NOT_PORTABLE gold/x.sql:1:8 avg() is not part of the SQL that means the same on DuckDB and Spark: the average of a decimal; CAST it AS DOUBLE.',
  )
})

test.each([
  [
    '* puts the column of USING first, once',
    'SELECT * FROM silver.DimUser u JOIN silver.FactStream f USING (user_id) WHERE f.seconds = 10',
    '1 NO A 2024-01-01 18:30:00-05 10 1.25 : integer string string timestamp integer decimal(10,2)',
  ],
  [
    '* EXCEPT leaves columns out',
    'SELECT * EXCEPT (`full name`, country) FROM silver.DimUser WHERE user_id > 2',
    '3 : integer',
  ],
  [
    't.* is one table',
    'SELECT u.* FROM silver.DimUser u CROSS JOIN silver.Big b WHERE b.n = 1 AND u.user_id = 1',
    '1 NO A : integer string string',
  ],
  ['NULLs come first going up', 'SELECT country FROM silver.DimUser ORDER BY country', 'NULL | NO | SE : string'],
  ['and last going down', 'SELECT country FROM silver.DimUser ORDER BY country DESC', 'SE | NO | NULL : string'],
  [
    'FULL JOIN USING takes the key from either side',
    'SELECT user_id FROM silver.DimUser FULL JOIN silver.FactStream USING (user_id) GROUP BY user_id ORDER BY user_id',
    '1 | 2 | 3 | 9 : long',
  ],
  [
    'an alias may be used in GROUP BY and HAVING',
    "SELECT coalesce(country, '?') AS c, count(*) AS n FROM silver.DimUser GROUP BY c HAVING n > 0 ORDER BY c DESC",
    'SE 1 | NO 1 | ? 1 : string long',
  ],
  [
    'GROUP BY position',
    'SELECT country, count(*) AS n FROM silver.DimUser GROUP BY 1 ORDER BY 1',
    'NULL 1 | NO 1 | SE 1 : string long',
  ],
  [
    'a common table expression',
    'WITH c AS (SELECT user_id AS id FROM silver.DimUser) SELECT a.id FROM c a JOIN c b ON a.id = b.id ORDER BY 1 LIMIT 2',
    '1 | 2 : integer',
  ],
  [
    'UNION ALL finds the common type',
    'SELECT 1 AS a UNION ALL SELECT 2.5 UNION ALL SELECT NULL ORDER BY a',
    'NULL | 1.0 | 2.5 : decimal(11,1)',
  ],
  ['a subquery in FROM', 'SELECT x.n + 1 AS m FROM (SELECT count(*) AS n FROM silver.DimUser) x', '4 : long'],
  [
    'windows',
    'SELECT row_number() OVER (PARTITION BY user_id ORDER BY ts) AS r, lag(seconds) OVER (ORDER BY ts) AS l, sum(seconds) OVER (PARTITION BY user_id ORDER BY ts) AS s FROM silver.FactStream WHERE user_id = 1 ORDER BY r',
    '1 NULL 10 | 2 10 30 : integer integer long',
  ],
  [
    'a count over all rows',
    'SELECT count(*) OVER () AS n, sum(n) OVER (ORDER BY n) AS s FROM silver.Big ORDER BY s',
    '2 1 | 2 9007199254740993 : long long',
  ],
  ['FILTER', 'SELECT count(*) FILTER (WHERE seconds > 5) AS n FROM silver.FactStream', '2 : long'],
  ['DISTINCT', 'SELECT DISTINCT seconds > 5 AS b FROM silver.FactStream ORDER BY b', 'NULL | false | true : boolean'],
  [
    'unqualified names are in the schema of the file',
    'SELECT 1 AS a FROM DimUser',
    'FLOW_QUERY gold/x.sql:1:1 Table with name DimUser does not exist!',
  ],
])('%s', async (_, text, answer) => {
  expect(await session.answer(text)).toBe(answer)
})

test.each([
  ['SELECT nme FROM silver.DimUser', 'FLOW_UNKNOWN_COLUMN gold/x.sql:1:8 There is no column nme here.'],
  [
    'SELECT\n  u.contry FROM silver.DimUser u',
    'FLOW_UNKNOWN_COLUMN gold/x.sql:2:3 There is no column u.contry here. Did you mean country?',
  ],
  [
    'SELECT user_id FROM silver.DimUser a CROSS JOIN silver.FactStream b',
    'FLOW_AMBIGUOUS gold/x.sql:1:8 user_id could be a.user_id or b.user_id.',
  ],
  [
    'SELECT count(*) FROM silver.Big',
    'FLOW_COLUMN_NAME gold/x.sql:1:8 This expression: it has no name, and each engine would invent another.',
  ],
  [
    'SELECT n, n AS N FROM silver.Big',
    'FLOW_COLUMN_NAME gold/x.sql:1:8 n: two output columns have this name; names ignore case.'.replace(' n:', ' N:'),
  ],
  [
    'SELECT NULL AS a',
    'FLOW_COLUMN_TYPE gold/x.sql:1:1 Column a is always NULL, of no type, which a Delta table cannot hold.',
  ],
  [
    'SELECT country, count(*) AS n FROM silver.DimUser',
    'FLOW_QUERY gold/x.sql:1:1 column "country" must appear in the GROUP BY clause or must be part of an aggregate function.',
  ],
])('%s is refused with its place', async (text, answer) => {
  expect(await session.answer(text)).toContain(answer)
})

test('check says what a query reads, without knowing a column', async () => {
  expect(
    await check(
      'WITH c AS (SELECT * FROM other) SELECT c.a, current_date AS d FROM c CROSS JOIN LIVE.t JOIN silver.u x ON true',
      'view',
    ),
  ).toMatchObject({
    reads: ['gold.other', 'gold.t', 'silver.u'],
    streams: undefined,
    volatile: true,
  })
  const text = 'SELECT upper(a) AS a FROM STREAM(silver.`t x`) s LEFT JOIN u ON s.k = u.k WHERE a <> "STREAM(x)"'
  const found = await check(text, 'stream')
  expect(found).toMatchObject({ reads: ['gold.u'], streams: 'silver.t x', volatile: false })
  if (typeof found === 'string') throw new Error(found)
  expect(found.references.map(r => [text.slice(r.start, r.end), r.streamed, r.hasAlias])).toEqual([
    ['STREAM(silver.`t x`)', true, true],
    ['u', false, false],
  ])
})

test.each([
  ['SELECT DISTINCT a FROM STREAM(t)', 'DISTINCT over STREAM'],
  ['SELECT count(*) AS n FROM STREAM(t)', 'count() over STREAM'],
  ['SELECT a FROM STREAM(t) GROUP BY a', 'GROUP BY over STREAM'],
  ['SELECT row_number() OVER (ORDER BY a) AS r FROM STREAM(t)', 'row_number() OVER over STREAM'],
  ['SELECT a FROM STREAM t ORDER BY a', 'ORDER BY over STREAM'],
  ['SELECT a FROM STREAM t LIMIT 1', 'LIMIT over STREAM'],
  ['SELECT a.x FROM STREAM(t) a JOIN STREAM(u) b ON a.k = b.k', 'A second STREAM, gold.u, over STREAM'],
  [
    'SELECT a.x FROM t a LEFT JOIN STREAM(u) b ON a.k = b.k',
    'An outer join that keeps rows of the other table over STREAM',
  ],
])('a stream refuses %s and names the materialized view', async (text, said) => {
  const { problems } = await session.portable.check(queryOf(text), 'stream')
  expect(problems.map(p => [p.code, p.message.startsWith(said)])).toEqual([['FLOW_STREAM_SHAPE', true]])
  expect(problems[0]?.hint).toContain('MATERIALIZED VIEW')
})

test.each([
  ["SELECT * FROM read_parquet('x')", '1:15', 'read_parquet() in FROM'],
  ['SELECT * FROM `x.parquet`', '1:15', 'A file in place of a table'],
  ['SELECT * FROM `s3://b/x`', '1:15', 'A file in place of a table'],
  ['SELECT a.b[0] AS c FROM t a', '1:8', 'a[i]'],
  ['SELECT list(a) AS l FROM t', '1:8', 'list()'],
  ["SELECT\n strftime(a, '%Y') AS y FROM t", '2:2', 'strftime()'],
  ['SELECT a FROM t WHERE EXISTS (SELECT 1)', '1:23', 'A subquery inside an expression'],
  ['SELECT a FROM t ASOF JOIN u ON t.a > u.a', '1:17', 'ASOF JOIN'],
  ['SELECT a + INTERVAL 1 DAY AS b FROM t', '1:21', 'INTERVAL'],
  ['SELECT a FROM t TABLESAMPLE 10%', '1:15', 'TABLESAMPLE'],
  ['SELECT a -> b AS c FROM t', '1:10', '->'],
  ['SELECT a FROM x.y.z', '1:15', 'A name of three parts'],
])('%s is outside the subset', async (text, at, name) => {
  const { problems } = await session.portable.check(queryOf(text), 'view')
  expect(problems[0]?.code).toBe('FLOW_NOT_PORTABLE')
  expect(`${problems[0]?.place?.line}:${problems[0]?.place?.column}`).toBe(at)
  expect(problems[0]?.message).toContain(`${name}`)
})

test('a syntax error of a query stands where the user wrote it, behind characters of many bytes', async () => {
  expect(await check("SELECT 'é😀' AS a,\n  b c d FROM t")).toMatch(
    /^FLOW_SYNTAX gold\/x\.sql:2:7 Expected the SELECT to go on, found d/,
  )
})

test('an expression over typed columns means what Spark means, and names an unknown column', async () => {
  const columns = [
    { name: 'Age', type: 'integer' },
    { name: 'name', type: 'string' },
    { name: 'born', type: 'date' },
  ]
  const place = { file: 'gold/x.sql', line: 3, column: 10 }
  const made = await session.portable.emitExpression("age / 2 > 1 AND name = 'x'", place, { columns })
  expect(await session.values(`SELECT ${made.text} FROM (SELECT 3 AS "Age", 'x' AS name)`)).toEqual([['true']])
  const said = async (text: string) =>
    session.portable.emitExpression(text, place, { columns, result: 'condition' }).then(
      made => made.text,
      error => (error instanceof Problems ? sayAll(error.problems) : String(error)),
    )
  expect(await said('nme IS NOT NULL')).toBe(
    'FLOW_UNKNOWN_COLUMN gold/x.sql:3:10 There is no column nme here. Did you mean name?',
  )
  expect(await said('age +')).toMatch(/^FLOW_SYNTAX gold\/x\.sql:3:/)
  expect(await said('sum(age) > 1')).toMatch(/^FLOW_NOT_PORTABLE gold\/x\.sql:3:10 sum\(\)/)
  expect(await said('age > 1, 2')).toMatch(/^FLOW_SYNTAX gold\/x\.sql:3:10 Expected one expression/)
  expect(await said('1 FROM silver.DimUser')).toMatch(/^FLOW_SYNTAX/)
  expect(await said('born')).toBe('FLOW_TYPES gold/x.sql:3:10 A condition: date is not boolean.')
  const value = await session.portable.emitExpression('Age + 1', place, { columns })
  expect(await session.values(`SELECT typeof(${value.text}) FROM (SELECT 3 AS "Age")`)).toEqual([['INTEGER']])
})

test('the DuckDB dialect keeps its text, gets its tables replaced and Delta’s types', async () => {
  const { sql, columns } = await session.emit(
    'SELECT list_sum([1, 2]) AS h, "country", DimUser.user_id, strftime(current_date, \'x\') AS s FROM silver.DimUser -- the end\n WHERE user_id = 1',
    'duckdb',
  )
  expect(columns).toEqual([
    { name: 'h', type: 'long' },
    { name: 'country', type: 'string' },
    { name: 'user_id', type: 'integer' },
    { name: 's', type: 'string' },
  ])
  expect(await session.values(sql.text)).toEqual([['3', 'NO', '1', 'x']])
  await expect(session.emit('SELECT [1] AS l', 'duckdb')).rejects.toThrow('FLOW_COLUMN_TYPE')
})

test('a typed query reads tables and nothing else', async () => {
  const query = await session.portable.checkUserQuery(
    'WITH x AS (SELECT 1 AS a) SELECT count(*) FROM silver.DimUser d, x, gold.y;',
  )
  expect(query.tables).toEqual(['silver.DimUser', 'gold.y'])
  expect(query.replaced(name => ident('lake', name)).text).toContain(
    '(SELECT * FROM "lake"."silver.DimUser") d, x, (SELECT * FROM "lake"."gold.y") AS "y"',
  )
  expect(query.references.map(t => [t.name, t.place.column])).toEqual([
    ['silver.DimUser', 48],
    ['gold.y', 69],
  ])
  for (const text of [
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd.csv'",
    'SELECT 1; SELECT 2',
    "COPY (SELECT 1) TO 'x'",
    'DROP TABLE x',
    "SELECT getenv('HOME')",
    "FROM (SELECT * FROM glob('*'))",
    "SELECT (SELECT max(a) FROM 'x.parquet')",
    'PIVOT x ON y',
    'SELECT * FROM (SHOW TABLES)',
    'FROM (SUMMARIZE gold.y)',
    'SELECT * FROM duckdb_settings()',
  ]) {
    await expect(session.portable.checkUserQuery(text), text).rejects.toThrow(/QUERY_REFUSED/)
  }
})

test('a typed query names tables as they are called, in double quotes or backticks', async () => {
  const query = await session.portable.checkUserQuery(
    'SELECT * FROM silver."back\\slash" a, silver.`say "hi" to a``b` b, silver."../up" c, silver."x.parquet" d',
  )
  expect(query.tables).toEqual(['silver.back\\slash', 'silver.say "hi" to a`b', 'silver.../up', 'silver.x.parquet'])
  const emitted = query.replaced(name => ident('lake', name)).text
  expect(emitted).toContain(
    '(SELECT * FROM "lake"."silver.say ""hi"" to a`b") b, (SELECT * FROM "lake"."silver.../up") c',
  )
})

/** DuckDB ends a comment at a carriage return, reads $$ and E'' as literals; the gate's own reader knows none of this. */
const BETWEEN = [
  "SELECT 1 --\r, content FROM read_text('f')",
  "SELECT 1 --\r; COPY (SELECT 1) TO 'f'",
  "SELECT $$a --$$ AS x, content FROM read_text('f') /*\n b$$ --*/",
  "SELECT $$a --$$; COPY (SELECT 1) TO 'f' /*\n b$$ --*/",
  "SELECT E'a\\' --' AS x FROM read_text('f') --'",
  "SELECT 1 FROM E'E'",
]

test.each(BETWEEN)('what the gate did not see is not run: %j', async text => {
  const run = await session.portable.checkUserQuery(text).then(
    query => query.replaced(name => ident('lake', name)).text,
    (error: unknown) => (error instanceof Problems ? 'refused' : error),
  )
  expect(run).not.toMatch(/read_text|COPY|'E'/)
})

test('what is run is one SELECT over the replaced tables, whatever was typed', async () => {
  const pieces = fc.constantFrom(
    ...[' ', '\n', '\r', '--', '/*', '*/', '$$', '$a$', "'", '"', '`', "E'", '\\', ';', ',', '(', ')'],
    ...['SELECT 1', 'a', ' AS x', ' FROM ', 'silver.DimUser', "read_text('f')", "'f.csv'", "COPY (SELECT 1) TO 'f'"],
  )
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { maxLength: 12 }), async parts => {
      const text = `SELECT 1 ${parts.join('')}`
      const query = await session.portable.checkUserQuery(text).catch((error: unknown) => {
        if (!(error instanceof Problems)) throw error
      })
      if (query === undefined) return
      const run = query.replaced(() => sql`(SELECT 1)`).text
      const [tree] = await session.values(`SELECT json_serialize_sql(${literal(run).text}, skip_default := true)`)
      expect(tree?.[0]).not.toMatch(/"type":"(TABLE_FUNCTION|BASE_TABLE)"|"error":true/)
    }),
    { numRuns: 2000 },
  )
})

test('every token of a respelt text leads back to the place it was written at', () => {
  const piece = fc.constantFrom(
    '`a``b`',
    "'it\\'s'",
    '"q"',
    'é',
    '<=>',
    '1',
    ',',
    '* EXCEPT (',
    '-- c\n',
    '/* é */',
    '\n',
    'STREAM(',
    ')',
    'FROM',
  )
  fc.assert(
    fc.property(fc.array(piece), pieces => {
      const text = `${pieces.join(' ')} marker`
      const { text: out, place } = normalise(text, { file: 'f', line: 1, column: 1 }, 'portable')
      const before = text.slice(0, text.lastIndexOf('marker'))
      const offset = Buffer.byteLength(out.slice(0, out.lastIndexOf('marker')))
      expect(place(offset)).toMatchObject({
        line: before.split('\n').length,
        column: before.length - before.lastIndexOf('\n'),
      })
    }),
  )
})
