import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseFlowFile } from './lakeflow-sql.ts'
import { placeAt, printPlace } from './place.ts'
import { tokenize } from './token.ts'

const parse = (text: string, file = 'gold/user.sql', schema = 'gold') => parseFlowFile({ file, text, schema })
const said = (text: string) => parse(text).problems.map(p => `${p.code} ${p.place && printPlace(p.place)} ${p.message}`)

test('a streaming table with rules and an AUTO CDC flow reads into plain values', () => {
  const { source, problems } = parse(`-- the users
CREATE OR REFRESH STREAMING TABLE gold.dim_user (
  CONSTRAINT valid_id EXPECT (user_id IS NOT NULL) ON VIOLATION DROP ROW,
  CONSTRAINT \`in time\` EXPECT (coalesce(a, ')') <> ';') ON VIOLATION FAIL UPDATE,
  CONSTRAINT soft EXPECT (a > 0)
) COMMENT 'who listens; and how';
CREATE FLOW dim_user_cdc AS AUTO CDC INTO dim_user
FROM STREAM(silver.DimUser) KEYS (user_id, \`second key\`) APPLY AS DELETE WHEN _op = 'delete' SEQUENCE BY updated_at STORED AS SCD TYPE 2;`)
  expect(problems).toEqual([])
  expect(source).toEqual({
    file: 'gold/user.sql',
    datasets: [
      {
        kind: 'streaming table',
        name: 'gold.dim_user',
        comment: 'who listens; and how',
        expectations: [
          {
            name: 'valid_id',
            expression: 'user_id IS NOT NULL',
            onViolation: 'drop',
            place: { file: 'gold/user.sql', line: 3, column: 31, length: 7 },
          },
          {
            name: 'in time',
            expression: "coalesce(a, ')') <> ';'",
            onViolation: 'fail',
            place: { file: 'gold/user.sql', line: 4, column: 32, length: 8 },
          },
          {
            name: 'soft',
            expression: 'a > 0',
            onViolation: 'warn',
            place: { file: 'gold/user.sql', line: 5, column: 27, length: 1 },
          },
        ],
        place: { file: 'gold/user.sql', line: 2, column: 1, length: 6 },
      },
    ],
    flows: [
      {
        kind: 'auto cdc',
        name: 'dim_user_cdc',
        target: 'gold.dim_user',
        source: 'silver.DimUser',
        keys: ['user_id', 'second key'],
        sequenceBy: 'updated_at',
        applyAsDeleteWhen: "_op = 'delete'",
        scdType: 2,
        place: { file: 'gold/user.sql', line: 7, column: 1, length: 6 },
      },
    ],
  })
})

test.each([
  ['any order', 'SEQUENCE BY s STORED AS SCD TYPE 1 KEYS (k) FROM STREAM t APPLY AS DELETE WHEN d'],
  ['the usual order', 'FROM STREAM(gold.t) KEYS (k) APPLY AS DELETE WHEN d SEQUENCE BY s'],
  ['LIVE', 'FROM STREAM(LIVE.t) KEYS (k) APPLY AS DELETE WHEN d SEQUENCE BY s STORED AS SCD TYPE 1'],
])('the clauses of AUTO CDC mean the same in %s', (_, clauses) => {
  const wanted = {
    source: 'gold.t',
    keys: ['k'],
    sequenceBy: 's',
    applyAsDeleteWhen: 'd',
    scdType: 1,
    target: 'gold.x',
    kind: 'auto cdc',
  }
  for (const head of [
    'CREATE FLOW f AS AUTO CDC INTO x',
    'CREATE FLOW f AS FLOW AUTO CDC INTO x',
    'CREATE FLOW f AS APPLY CHANGES INTO LIVE.x',
    'APPLY CHANGES INTO LIVE.x',
    'CREATE OR REFRESH STREAMING TABLE x FLOW AUTO CDC',
  ]) {
    const { source, problems } = parse(`${head} ${clauses}`)
    expect(problems).toEqual([])
    expect(source?.flows).toMatchObject([wanted])
  }
})

test('queries are kept as written, with the place of their first character', () => {
  const { source, problems } = parse(
    "CREATE TEMPORARY VIEW v AS SELECT ';' AS a -- ; no end\n FROM STREAM(silver.t) ;;\nCREATE OR REFRESH MATERIALIZED VIEW m (CONSTRAINT c EXPECT (a) ) AS\n  SELECT 1 AS a;\nCREATE STREAMING TABLE s AS SELECT * FROM STREAM v;\nCREATE FLOW f AS INSERT INTO s BY NAME SELECT 2 AS a",
  )
  expect(problems).toEqual([])
  expect(
    source?.datasets.map(d =>
      'query' in d ? [d.kind, d.query.text, d.query.place.line, d.query.place.column] : [d.kind],
    ),
  ).toEqual([
    ['temporary view', "SELECT ';' AS a -- ; no end\n FROM STREAM(silver.t)", 1, 28],
    ['materialized view', 'SELECT 1 AS a', 4, 3],
    ['streaming table'],
  ])
  expect(source?.flows).toMatchObject([
    { kind: 'append', name: 'gold.s', target: 'gold.s', query: { text: 'SELECT * FROM STREAM v' } },
    { kind: 'append', name: 'f', target: 'gold.s', query: { text: 'SELECT 2 AS a' } },
  ])
})

test('every syntax error of a file is reported at its place, and nothing of the file is used', () => {
  expect(
    said(
      'CREATE TABLE x;\nCREATE FLOW f AS AUTO CDC INTO t\n FROM silver.s KEYS (a) SEQUENCE BY b;\nSELECT 1;\nCREATE FLOW g AS INSERT INTO t SELECT 1',
    ),
  ).toEqual([
    'FLOW_SYNTAX gold/user.sql:1:8 Expected STREAMING TABLE, MATERIALIZED VIEW, TEMPORARY VIEW or FLOW, found TABLE.',
    'FLOW_SYNTAX gold/user.sql:3:7 Expected STREAM, found silver.',
    'FLOW_SYNTAX gold/user.sql:4:1 Expected CREATE, found SELECT.',
    'FLOW_SYNTAX gold/user.sql:5:32 Expected BY NAME, found SELECT.',
  ])
  expect(parse('CREATE STREAMING TABLE ok; CREATE x').source).toBeUndefined()
})

test('a literal that is not closed is reported where it opens', () => {
  expect(said("CREATE OR REFRESH MATERIALIZED VIEW m AS SELECT 'a\n;")).toEqual([
    'FLOW_SYNTAX gold/user.sql:1:49 Expected the end of this literal or comment, found the end of the file.',
  ])
})

test.each([
  ['CREATE OR REFRESH PRIVATE STREAMING TABLE t', '1:19 PRIVATE'],
  ["CREATE STREAMING TABLE t (a INT COMMENT 'x, y', b DECIMAL(1,2))", '1:27 A column list'],
  ['CREATE STREAMING TABLE t CLUSTER BY (a) AS SELECT 1', '1:26 CLUSTER BY'],
  ['CREATE STREAMING TABLE t CLUSTER BY AUTO', '1:26 CLUSTER BY'],
  ['CREATE STREAMING TABLE t PARTITIONED BY (a)', '1:26 PARTITIONED BY'],
  ['CREATE TEMPORARY STREAMING TABLE t', '1:8 CREATE TEMPORARY STREAMING'],
  ['CREATE FLOW f AS INSERT INTO ONCE t BY NAME SELECT 1', '1:30 INSERT INTO ONCE'],
  [
    'CREATE FLOW f AS AUTO CDC INTO t FROM STREAM(s) KEYS (a) APPLY AS TRUNCATE WHEN x SEQUENCE BY b',
    '1:58 APPLY AS TRUNCATE WHEN',
  ],
  ['CREATE FLOW f AS AUTO CDC INTO t FROM STREAM(s) KEYS (a) SEQUENCE BY b COLUMNS * EXCEPT (c)', '1:72 COLUMNS'],
  [
    'CREATE FLOW f AS AUTO CDC INTO t FROM STREAM(s) KEYS (a) SEQUENCE BY b STORED AS SCD TYPE 2 TRACK HISTORY ON x',
    '1:93 TRACK HISTORY ON',
  ],
  ['CREATE FLOW f AS AUTO CDC INTO t FROM STREAM(s) KEYS (a) SEQUENCE BY STRUCT(a, b)', '1:70 SEQUENCE BY STRUCT'],
  ['CREATE VIEW v AS SELECT 1', '1:8 CREATE VIEW'],
])('a clause that is known but not built says so: %s', (text, wanted) => {
  const [first, ...others] = parse(text).problems
  expect(others).toEqual([])
  expect(first?.code).toBe('FLOW_UNBUILT')
  expect(`${first?.place?.line}:${first?.place?.column} ${first?.message}`).toMatch(`${wanted} is part of the language`)
})

test('properties of a table are read; those that would change what the table is are refused at their name', () => {
  const wanted = parse(
    "CREATE STREAMING TABLE t COMMENT 'c' TBLPROPERTIES ('delta.enableDeletionVectors' = true, 'owner' = 'sales')",
  )
  expect(wanted.problems).toEqual([])
  expect(wanted.source?.datasets[0]).toMatchObject({
    comment: 'c',
    properties: { 'delta.enableDeletionVectors': 'true', owner: 'sales' },
  })
  const known = 'delta.enableDeletionVectors, delta.enableChangeDataFeed, delta.logRetentionDuration, '
  expect(
    said("CREATE STREAMING TABLE t TBLPROPERTIES ('delta.appendOnly' = 'true', 'delta.checkpointInterval' = 'often')"),
  ).toEqual([
    expect.stringContaining(`FLOW_PROPERTY gold/user.sql:1:41 delta.appendOnly must be one of ${known}`),
    'FLOW_PROPERTY gold/user.sql:1:70 delta.checkpointInterval must be a number of commits, 1 or more.',
  ])
  expect(said("CREATE STREAMING TABLE t TBLPROPERTIES ('a' = )")).toEqual([
    'FLOW_SYNTAX gold/user.sql:1:47 Expected a text in quotes, found ).',
  ])
})

test('targets are in silver or gold, names have at most two parts', () => {
  expect(said('CREATE STREAMING TABLE bronze.t; CREATE STREAMING TABLE a.b.c;')).toEqual([
    'FLOW_NAME gold/user.sql:1:24 bronze.t: a flow fills tables of silver or gold.',
    'FLOW_NAME gold/user.sql:1:57 a.b.c: a name has at most two parts, schema.table.',
  ])
})

test('a comment on the first lines chooses the dialect, a later one does not', () => {
  const dialect = (text: string) => {
    const dataset = parse(text).source?.datasets[0]
    return dataset && 'query' in dataset ? dataset.query.dialect : undefined
  }
  const view = 'CREATE MATERIALIZED VIEW "x" AS SELECT 1'
  expect(dialect(`-- ours\n-- dialect: duckdb\n${view}`)).toBe('duckdb')
  expect(dialect(`${view.replaceAll('"', '`')}\n-- dialect: duckdb`)).toBe('portable')
})

test('every token stands at its offsets, and tokens and blanks together are the text', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ' ',
      '\n',
      "'it''s'",
      "'a\\'b'",
      '"d;q"',
      '`n``m`',
      '-- c;\n',
      '/* ; /* */ */',
      'sélect',
      '<=>',
      '1.5e3',
      ';',
      "r'\\d'",
      '😀',
    ),
    fc.string({ maxLength: 3 }),
  )
  fc.assert(
    fc.property(fc.array(piece), pieces => {
      const text = pieces.join('')
      let at = 0
      for (const token of tokenize(text, 'portable')) {
        expect(token.start).toBeGreaterThanOrEqual(at)
        expect(text.slice(token.start, token.end)).toBe(token.text)
        at = token.end
      }
      expect(at).toBe(text.length)
    }),
  )
})

test('a place leads back to its offset', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '\n', 'é', '😀')), fc.nat(), (chars, n) => {
      const text = chars.join('')
      const offset = text.length === 0 ? 0 : n % text.length
      const { line, column } = placeAt(text, offset, { file: 'f', line: 1, column: 1 })
      const before = text
        .split('\n')
        .slice(0, line - 1)
        .reduce((sum, l) => sum + l.length + 1, 0)
      expect(before + column - 1).toBe(offset)
    }),
  )
})
