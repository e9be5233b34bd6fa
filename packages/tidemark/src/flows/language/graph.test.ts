import { beforeAll, expect, test } from 'vitest'
import type { DerivedFlow, Flow } from '../../model/flow.ts'
import { buildGraph, type DerivedTable } from './graph.ts'
import { parseFlowFile } from './lakeflow-sql.ts'
import { schemaOfFile } from './name.ts'
import { openTestSession, sayAll, type TestSession } from '../../../../../test/support/portable-session.ts'

let session: TestSession
beforeAll(async () => {
  session = await openTestSession()
})

const derivedFlow = (table: string, keys: string[]): DerivedFlow => ({
  kind: 'derived',
  name: `silver.${table}`,
  target: `silver.${table}`,
  source: `bronze.${table}`,
  output: 'current',
  keys,
  transform: [],
  expectations: [],
})
const derived: DerivedTable[] = [
  { flow: derivedFlow('DimUser', ['user_id']), streamable: true },
  { flow: derivedFlow('FactStream', ['id']), streamable: true },
  { flow: derivedFlow('Settings', []), streamable: false },
]
const tables = derived.map(({ flow, streamable }) => ({ name: flow.source, streamable }))

async function graph(text: string, file = 'gold/x.sql'): Promise<{ flows: Flow[]; said: string[] }> {
  const parsed = parseFlowFile({ file, text, schema: schemaOfFile(file) })
  if (!parsed.source) throw new Error(sayAll(parsed.problems))
  const { flows, problems } = await buildGraph({
    sources: [parsed.source],
    derived,
    tables,
    portable: session.portable,
  })
  return { flows, said: problems.map(p => sayAll([p])) }
}

const names = (flows: readonly Flow[]) => flows.map(f => `${f.kind} ${f.target}`)

test('derived tables alone are a graph', async () => {
  expect(names((await graph('')).flows)).toEqual([
    'derived silver.DimUser',
    'derived silver.FactStream',
    'derived silver.Settings',
  ])
})

test('a stream over a derived table makes its changes exist and reads them, a join reads the table', async () => {
  const { flows, said } = await graph(`
    CREATE STREAMING TABLE plays (CONSTRAINT ok EXPECT (id > 0)) AS
    SELECT f.id, dimuser.country FROM STREAM(SILVER.factstream) f LEFT JOIN silver.dimuser ON f.user_id = dimuser.user_id;`)
  expect(said).toEqual([])
  expect(names(flows)).toEqual([
    'derived silver.DimUser',
    'derived silver.FactStream',
    'derived silver.Settings',
    'derived silver.FactStream_changes',
    'append gold.plays',
  ])
  expect(flows.at(-2)).toMatchObject({
    name: 'silver.FactStream_changes',
    output: 'changes',
    source: 'bronze.FactStream',
  })
  expect(flows.at(-1)).toMatchObject({
    name: 'gold.plays',
    expectations: [{ name: 'ok' }],
    query: {
      text: 'SELECT f.id, dimuser.country FROM STREAM(`silver`.`FactStream_changes`) f LEFT JOIN `silver`.`DimUser` ON f.user_id = dimuser.user_id',
      reads: ['silver.DimUser'],
      streams: 'silver.FactStream_changes',
      volatile: false,
    },
  })
})

test('AUTO CDC streams a table directly, or a temporary view over one', async () => {
  const { flows, said } = await graph(`
    CREATE STREAMING TABLE a; CREATE STREAMING TABLE b;
    CREATE TEMPORARY VIEW v AS SELECT * FROM STREAM(silver.DimUser) -- all
      WHERE country = 'NO';
    CREATE TEMPORARY VIEW w AS SELECT v.* FROM STREAM(v);
    CREATE FLOW fa AS AUTO CDC INTO a FROM STREAM(silver.dimuser) KEYS (user_id) SEQUENCE BY s;
    CREATE FLOW fb AS AUTO CDC INTO b FROM STREAM(w) KEYS (user_id) SEQUENCE BY s STORED AS SCD TYPE 2;`)
  expect(said).toEqual([])
  expect(flows.slice(-2)).toMatchObject([
    { kind: 'auto cdc', name: 'fa', source: 'silver.DimUser_changes', query: undefined },
    {
      kind: 'auto cdc',
      name: 'fb',
      source: 'silver.DimUser_changes',
      query: {
        text: "SELECT v.* FROM (SELECT * FROM STREAM(`silver`.`DimUser_changes`) AS `DimUser` WHERE country = 'NO') AS `v`",
        streams: 'silver.DimUser_changes',
        reads: [],
      },
    },
  ])
})

test('inputs come before the flows that read them, whatever the order of the files', async () => {
  const { flows } = await graph(`
    CREATE MATERIALIZED VIEW last AS SELECT a.n FROM middle a CROSS JOIN first b;
    CREATE MATERIALIZED VIEW middle AS SELECT n FROM first;
    CREATE MATERIALIZED VIEW first AS SELECT count(*) AS n, current_date() AS d FROM silver.DimUser;`)
  expect(names(flows).slice(-3)).toEqual([
    'materialized view gold.first',
    'materialized view gold.middle',
    'materialized view gold.last',
  ])
  expect(flows.at(-3)).toMatchObject({ query: { volatile: true, reads: ['silver.DimUser'], streams: undefined } })
})

test('a flow that targets a derived table replaces it', async () => {
  const { flows } = await graph('CREATE MATERIALIZED VIEW silver.dimuser AS SELECT * FROM bronze.DimUser')
  expect(names(flows)).toEqual([
    'derived silver.FactStream',
    'derived silver.Settings',
    'materialized view silver.dimuser',
  ])
})

test.each([
  [
    'an unknown table',
    'CREATE MATERIALIZED VIEW m AS SELECT 1 AS a\n FROM silver.DimUsr',
    'FLOW_UNKNOWN_TABLE gold/x.sql:2:7 No table, view or flow target is named silver.DimUsr. Did you mean silver.DimUser?',
  ],
  [
    'an unknown stream',
    'CREATE STREAMING TABLE t; CREATE FLOW f AS AUTO CDC INTO t FROM STREAM(nope) KEYS (a) SEQUENCE BY b',
    'FLOW_UNKNOWN_TABLE gold/x.sql:1:27 No table, view or flow target is named gold.nope.',
  ],
  [
    'an unknown target',
    'CREATE STREAMING TABLE dim_user AS SELECT * FROM STREAM(silver.DimUser); CREATE FLOW f AS INSERT INTO dim_usr BY NAME SELECT * FROM STREAM(silver.DimUser)',
    'FLOW_UNKNOWN_TARGET gold/x.sql:1:74 Flow f writes into gold.dim_usr, which no file declares as a streaming table. Did you mean gold.dim_user?',
  ],
  [
    'a circle',
    'CREATE MATERIALIZED VIEW a AS SELECT x FROM b; CREATE MATERIALIZED VIEW b AS SELECT x FROM c; CREATE MATERIALIZED VIEW c AS SELECT x FROM a',
    'FLOW_CYCLE gold/x.sql:1:31 Each of these is computed from the next: gold.a → gold.b → gold.c → gold.a.',
  ],
  [
    'a circle of views',
    'CREATE TEMPORARY VIEW v AS SELECT x FROM w; CREATE TEMPORARY VIEW w AS SELECT x FROM v;',
    'FLOW_CYCLE gold/x.sql:1:1 Each of these is computed from the next: gold.v → gold.w → gold.v.',
  ],
  [
    'a table declared twice',
    'CREATE STREAMING TABLE a AS SELECT * FROM STREAM(silver.DimUser);\nCREATE TEMPORARY VIEW A AS SELECT 1 AS x',
    'FLOW_DUPLICATE gold/x.sql:2:1 The table or view gold.A is also declared at gold/x.sql:1:1.',
  ],
  [
    'a keyless table streamed',
    'CREATE STREAMING TABLE a AS SELECT * FROM STREAM(silver.Settings)',
    'FLOW_NOT_STREAMABLE gold/x.sql:1:50 STREAM(silver.Settings): it has no key, so each run replaces its rows as a whole.',
  ],
  [
    'a view streamed',
    'CREATE MATERIALIZED VIEW m AS SELECT 1 AS a; CREATE STREAMING TABLE a AS SELECT * FROM STREAM(m)',
    'FLOW_NOT_STREAMABLE gold/x.sql:1:95 STREAM(gold.m): it is a materialized view, whose rows are replaced as a whole.',
  ],
  [
    'a streaming table without a stream',
    'CREATE STREAMING TABLE a AS SELECT user_id FROM silver.DimUser',
    'FLOW_STREAM_MISSING gold/x.sql:1:29 Flow gold.a fills a streaming table, but its query has no STREAM(…).',
  ],
  [
    'a materialized view with a stream',
    'CREATE MATERIALIZED VIEW a AS SELECT user_id FROM STREAM(silver.DimUser)',
    'FLOW_QUERY gold/x.sql:1:58 A materialized view reads silver.DimUser whole: leave STREAM out.',
  ],
  [
    'a streaming table that nothing fills',
    'CREATE STREAMING TABLE a',
    'FLOW_QUERY gold/x.sql:1:1 gold.a is declared, but no flow fills it.',
  ],
  [
    'a rule with a syntax error',
    'CREATE STREAMING TABLE a (CONSTRAINT c EXPECT (x >)) AS SELECT * FROM STREAM(silver.DimUser)',
    'FLOW_SYNTAX gold/x.sql:1:51 Expected the SELECT to go on, found its end.',
  ],
  [
    'an aggregate of a stream behind a view',
    'CREATE TEMPORARY VIEW v AS SELECT user_id FROM STREAM(silver.DimUser); CREATE STREAMING TABLE a AS SELECT count(*) AS n FROM STREAM(v)',
    'FLOW_STREAM_SHAPE gold/x.sql:1:107 count() over STREAM would be right only for the rows of one batch: each row of a stream is read once.',
  ],
  [
    'a stream in DuckDB’s dialect that counts',
    '-- dialect: duckdb\nCREATE STREAMING TABLE a AS SELECT list(user_id) AS n FROM STREAM(silver.DimUser)',
    'FLOW_STREAM_SHAPE gold/x.sql:2:36 list() over STREAM would be right only for the rows of one batch: each row of a stream is read once.',
  ],
])('%s is a problem at its place', async (_, text, problem) => {
  expect((await graph(text)).said).toEqual([problem])
})

test('what a graph compiled runs: the text resolves again to the tables it names', async () => {
  const { flows } = await graph(
    'CREATE MATERIALIZED VIEW m AS WITH DimUser AS (SELECT 1 AS a) SELECT a FROM DimUser, (SELECT count(*) AS n FROM Silver.dimUser x)',
  )
  const view = flows.at(-1)
  if (view?.kind !== 'materialized view') throw new Error('no view')
  expect(view.query.reads).toEqual(['silver.DimUser'])
  await session.run('CREATE SCHEMA IF NOT EXISTS silver; CREATE TABLE silver."DimUser" (user_id INTEGER)')
  const { sql } = await session.emit(view.query.text)
  expect(await session.values(sql.text)).toEqual([['1']])
})
