import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-flows-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

/** Load files in a process of their own, as the command line does: there Node itself runs the TypeScript. */
async function load(files: Record<string, string>): Promise<{ flows: unknown[]; said: string[] }> {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, file)), { recursive: true })
    await writeFile(join(root, file), text)
  }
  const program = `
    import { loadFlows } from ${JSON.stringify(new URL('./load-flows.ts', import.meta.url).href)}
    const { flows, problems } = await loadFlows(${JSON.stringify(Object.keys(files))}, ${JSON.stringify(root)})
    const said = problems.map(p => p.code + ' ' + p.place.file + ':' + p.place.line + ':' + p.place.column + ' ' + p.message)
    console.log(JSON.stringify({ flows, said }))`
  const flags = ['--conditions=source', '--input-type=module', '--eval', program]
  const { stdout } = await promisify(execFile)(process.execPath, flags)
  return JSON.parse(stdout)
}

test('a TypeScript file and a SQL file declare the same flows', async () => {
  const { flows, said } = await load({
    'gold/typed.ts': `import { autoCdcFlow, expectAllOrDrop, streamingTable } from 'tidemark'

export const dimUser = streamingTable({ name: 'dim_user', expectations: expectAllOrDrop({ valid_id: 'user_id IS NOT NULL' }) })
export const cdc: object = autoCdcFlow({ target: dimUser, source: 'silver.DimUser', keys: ['user_id'], sequenceBy: 'updated_at', storedAsScdType: 2 })
`,
    'gold/plain.sql': `CREATE STREAMING TABLE dim_user (CONSTRAINT valid_id EXPECT (user_id IS NOT NULL) ON VIOLATION DROP ROW);
CREATE FLOW cdc AS AUTO CDC INTO dim_user FROM STREAM(silver.DimUser) KEYS (user_id) SEQUENCE BY updated_at STORED AS SCD TYPE 2`,
  })
  expect(said).toEqual([])
  const withoutPlaces = flows.map(flow =>
    JSON.parse(JSON.stringify(flow, (key, value) => (key === 'place' || key === 'file' ? undefined : value))),
  )
  expect(withoutPlaces[0]).toEqual(withoutPlaces[1])
  expect(flows[0]).toMatchObject({
    datasets: [{ place: { line: 3, column: 1 }, expectations: [{ place: { line: 3, column: 102 } }] }],
    flows: [{ place: { line: 4, column: 1 } }],
  })
})

test('queries keep their place in the template that holds them', async () => {
  const { flows } = await load({
    'gold/queries.ts':
      "import * as t from 'tidemark'\nexport const v = t.materializedView({\n  name: 'm',\n  query: `\n    SELECT 1 AS a;\n  `,\n})\nexport const f = t.appendFlow({ name: 'g', target: 'silver.t', query: 'SELECT 2', dialect: 'duckdb' })\nexport const w = t.temporaryView({ name: 'w', query: 'SELECT 3' })",
  })
  expect(flows).toMatchObject([
    {
      datasets: [
        {
          kind: 'materialized view',
          name: 'gold.m',
          query: { text: 'SELECT 1 AS a', dialect: 'portable', place: { line: 5, column: 5 } },
        },
        { kind: 'temporary view', name: 'gold.w' },
      ],
      flows: [
        { kind: 'append', name: 'g', target: 'silver.t', query: { dialect: 'duckdb', place: { line: 8, column: 72 } } },
      ],
    },
  ])
})

test('a module that fails, an export that is no flow and a bad file are problems, and the other files go on', async () => {
  const { flows, said } = await load({
    'gold/throws.ts': 'const a = 1\nthrow new Error("no " + a)\n',
    'gold/missing.ts': "import { nope } from './nowhere.ts'\nexport { nope }",
    'gold/exports.ts':
      "import { streamingTable } from 'tidemark'\nexport const helper = () => 1\nexport const odd = { a: 1 }\nexport const bad = streamingTable({ name: 3 as never })\nexport default streamingTable({ name: 'x' })\nexport const wrong = streamingTable({ name: 'bronze.x' })",
    'gold/bad.sql': 'CREATE x',
    'gold/good.sql': 'CREATE TEMPORARY VIEW v AS SELECT 1 AS a',
  })
  expect(said).toEqual([
    'FLOW_MODULE gold/throws.ts:2:7 Loading gold/throws.ts failed: Error: no 1',
    expect.stringMatching(/^FLOW_MODULE gold\/missing\.ts:1:1 .*nowhere\.ts/),
    'FLOW_EXPORT gold/exports.ts:1:1 Export default: a flow is exported under a name.',
    'FLOW_EXPORT gold/exports.ts:2:1 Export helper: a function is neither a dataset nor a flow.',
    'FLOW_EXPORT gold/exports.ts:3:1 Export odd: this object was not made by one of the functions for flows.',
    expect.stringMatching(/^FLOW_EXPORT gold\/exports\.ts:4:1 Export bad: name: /),
    'FLOW_NAME gold/exports.ts:6:1 bronze.x: a flow fills tables of silver or gold.',
    'FLOW_SYNTAX gold/bad.sql:1:8 Expected STREAMING TABLE, MATERIALIZED VIEW, TEMPORARY VIEW or FLOW, found x.',
  ])
  expect(flows).toHaveLength(1)
})
