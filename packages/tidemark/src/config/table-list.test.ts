import { describe, expect, test } from 'vitest'
import { printJsonSchemas } from './json-schema.ts'
import { parseJson } from './json-text.ts'
import { type ReadList, readList } from './read-list.ts'
import { sourceText } from './source-text.ts'
import type { ConfigNode } from './node.ts'
import { parseYaml } from './yaml-text.ts'
import { checkLakeNames, findUnusableNames } from './lake-name.ts'

interface Options {
  file?: string
  prefix?: string
  defaults?: string
}

/** Read a list as if it had been fetched under the given name. */
async function read(
  text: string,
  { file = 'loop_input.json', prefix = '', defaults }: Options = {},
): Promise<ReadList> {
  const silverDefaults = defaults === undefined ? undefined : parseYaml(sourceText('tidemark.yml', defaults)).node
  return readList(
    {
      kind: 'address',
      url: `https://lists.example.org/${file}`,
      headers: {},
      allowPrivate: false,
      place: { file: 'tidemark.yml', line: 6, column: 13 },
    },
    {
      entry: { source: 'app', prefix, drift: 'addNewColumns', silverDefaults },
      scope: { variables: new Map([['from', '2025-01-01']]), builtins: {} },
      secrets: { env: {}, root: '/' },
      isProduction: true,
      fetchText: async () => ({ kind: 'text', text, etag: undefined }),
      local: '/no/such/folder',
      signal: new AbortController().signal,
    },
  )
}

async function problemsOf(text: string, options?: Options): Promise<string[]> {
  const { problems, away } = await read(text, options)
  return [...problems, ...away].map(
    one => `${one.place?.line}:${one.place?.column}+${one.place?.length} ${one.code} ${one.message} | ${one.hint}`,
  )
}

const seed = { schema: 'dbo', table: 'DimUser', cdcCol: 'updated_at' }

describe('the dialects in which lists exist', () => {
  test.each([
    ['an array', '[{"schema" : "dbo", "table" : "DimUser", "cdc_col" : "updated_at", "from_date" : ""}]'],
    ['an object around one', '{"loop_input": [{"schema": "dbo", "table": "DimUser", "cdc_col": "updated_at"}]}'],
    ['a lookup’s output', '{"count": 1, "value": [{"schema": "dbo", "table": "DimUser", "cdc_col": "updated_at"}]}'],
    [
      'a pipeline parameter',
      '{"loop_input": {"type": "array", "defaultValue": [{"schema": "dbo", "table": "DimUser", "cdc_col": "updated_at"}]}}',
    ],
    [
      'a parameter alone',
      '{"type": "Array", "defaultValue": [{"schema": "dbo", "table": "DimUser", "cdc_col": "updated_at"}]}',
    ],
    [
      'a whole pipeline',
      '{"name": "p", "properties": {"parameters": {"loop_input": {"type": "array", "defaultValue": [{"schema": "dbo", "table": "DimUser", "cdc_col": "updated_at"}]}}}}',
    ],
    [
      'other key names',
      '{"table_list": [{"tableName": "DimUser", "tableSchemaName": "dbo", "Watermark_Column": "updated_at"}]}',
    ],
    [
      'single-table parameters',
      '{"p_schema": {"type": "string", "defaultValue": "dbo"}, "p_table": "DimUser", "p_cdc_col": "updated_at", "p_from_date": ""}',
    ],
    ['blanks around values', '[{"schema": " dbo ", "table": "DimUser ", "cdc_col": " updated_at", "from_date": "  "}]'],
    [
      'null for nothing',
      '[{"schema": "dbo", "table": "DimUser", "cdc_col": "updated_at", "from_date": null, "primary_key": null}]',
    ],
    ['keys for other readers', '[{"schema": "dbo", "table": "DimUser", "cdc_col": "updated_at", "x_owner": {"a": 1}}]'],
  ])('%s is read', async (_, text) => {
    const { tables, problems } = await read(text)
    expect(problems).toEqual([])
    expect(tables).toMatchObject([{ ...seed, fromDate: undefined, primaryKey: undefined }])
  })

  test('YAML, and files without an ending in either form, are read', async () => {
    const yaml = '- schema: dbo\n  table: DimUser\n  cdc_col: updated_at\n'
    expect((await read(yaml, { file: 'list.yml' })).tables).toMatchObject([seed])
    expect((await read(yaml, { file: 'loop_input' })).tables).toMatchObject([seed])
    expect(
      (await read('[{"schema":"dbo","table":"DimUser","cdc_col":"updated_at"}]', { file: 'loop_input.txt' })).tables,
    ).toMatchObject([seed])
  })

  test('from_date stays the text that was written, with its T, Z, fraction and all its digits', async () => {
    const dates = ['"2025-10-07T19:49:56.1234567Z"', '12345678901234567890', '"2025-01-01"', '"${var.from}"']
    const text = `[${dates.map((date, i) => `{"schema":"s","table":"t${i}","cdc_col":"c","backdate":${date}}`).join(',')}]`
    expect((await read(text)).tables.map(table => table.fromDate)).toEqual([
      '2025-10-07T19:49:56.1234567Z',
      '12345678901234567890',
      '2025-01-01',
      '2025-01-01',
    ])
  })
})

describe('broken lists', () => {
  test('values without quotes, as one real list has them, are one problem and hide no other', async () => {
    const text =
      '[\n{"schema":dbo, "table":DimUser, "cdc_col":updated_at, "from_date":""},\n{"schema":dbo, "tabel":DimDate}\n]'
    expect(await problemsOf(text)).toMatchInlineSnapshot(`
      [
        "2:11+3 CONFIG_SYNTAX This is not valid JSON: a text is not in double quotes (and in 4 more places). | Write "dbo".",
        "3:1+31 CONFIG_MISSING_KEY \`table\` is missing in a table entry. | Add \`table\`: a table name or a pattern with *.",
        "3:16+7 CONFIG_UNKNOWN_KEY \`tabel\` is not a key of a table entry. | Did you mean "table"?",
      ]
    `)
  })
  test.each([
    ['<!DOCTYPE html><html>', 'raw file'],
    ['', 'is empty'],
    ['"hello"', 'is a single value'],
    ['{"tabels": []}', 'is an object without a list'],
    ['[1]', 'must be a map of keys'],
    ['just text', 'is a single value', 'loop_input'],
    ['[{"schema":"a","table":"t"', 'is missing'],
  ])('%s is refused: %s', async (text, reason, file = 'loop_input.json') => {
    expect((await problemsOf(text, { file })).join()).toContain(reason)
  })
  test('an empty list is a warning, since nothing would ever be read', async () => {
    const { problems, warnings } = await read('[]')
    expect(problems).toEqual([])
    expect(warnings.map(one => one.code)).toEqual(['LIST_EMPTY'])
  })
  test('every key is judged: unknown, planned, contradictory, of the wrong type', async () => {
    const text = `[
  {"schema": "a", "table": "t1", "guarantee": "exact", "drift": "evolve", "timestamps": "x"},
  {"schema": "a", "table": "t2", "delets": "detect", "primary_key": [1]},
  {"schema": "a", "table": "*", "name": "all"},
  {"schema": "*", "table": "t3", "exclude": ["x"]},
  {"schema": "a", "table": "t4", "from_date": "2025-01-01"},
  {"schema": "a", "table": "t5", "tableName": "t6"},
  {"schema": "a", "table": true, "deletes": "dedect"},
  {"schema": "a", "table": "t7", "silver": {"keep": "history", "transform": [{"uper": "x"}, {"trim": "a", "upper": "b"}, {"cast": {"a": "bigint", "b": "timestamp_ntz"}}]}},
  {"schema": "a", "table": "t8", "silver": {"transform": [{"trim": "a", "upper": "b"}, {"cast": {"a": "bigint", "b": "decimal(39,0)"}}], "expect": {"r": "x"}, "expect_or_drop": {"r": "y"}}},
  {"schema": "a", "table": "t9", "silver": {"properties": {"delta.enableDeletionVector": true, "delta.enableChangeDataFeed": "maybe", "owner": 7}}}
]`
    expect(await problemsOf(text)).toMatchInlineSnapshot(`
      [
        "2:75+12 CONFIG_PLANNED \`timestamps\` is planned, but this version does not do it. | Set \`timezone:\` on the source; timestamps become \`timestamp\`.",
        "2:65+8 CONFIG_VALUE \`drift\` must be one of addNewColumns, addNewColumnsWithTypeWidening, rescue, failOnNewColumns, none. | Correct the value of \`drift\`.",
        "3:34+8 CONFIG_UNKNOWN_KEY \`delets\` is not a key of a table entry. | Did you mean "deletes"?",
        "4:41+5 CONFIG_CONFLICT A pattern stands for many tables and cannot have one \`name\`. | Use \`prefix:\` on the source, or list the table by its name.",
        "5:14+3 CONFIG_VALUE \`schema\` must be one schema, without *. | Only \`table\` may be a pattern; write an entry a schema.",
        "5:45+5 CONFIG_CONFLICT \`exclude\` is for patterns, and \`table\` is an exact name. | Remove \`exclude\`.",
        "6:47+12 CONFIG_CONFLICT \`from_date\` is a value of \`cdc_col\`, which is missing. | Add \`cdc_col\`, or remove \`from_date\`.",
        "7:34+11 CONFIG_CONFLICT \`tableName\` means \`table\`, which this entry gives as well. | Keep one of the two.",
        "8:28+4 CONFIG_VALUE \`table\` must be a table name or a pattern with *. | Put it in quotes: "true".",
        "8:45+8 CONFIG_VALUE \`deletes\` must be one of detect, ignore. | Did you mean "detect"?",
        "9:45+6 CONFIG_PLANNED \`silver.keep\` is planned, but this version does not do it. | Write an AUTO CDC flow with STORED AS SCD TYPE 2 in gold/ for history.",
        "9:152+15 CONFIG_PLANNED \`silver.transform[2].cast.b: timestamp_ntz\` is planned, but this version does not do it. | Set \`timezone:\` on the source; timestamps become \`timestamp\`.",
        "9:79+6 CONFIG_UNKNOWN_KEY \`uper\` is not a key of silver.transform[0]. | Did you mean "upper"?",
        "10:59+27 CONFIG_VALUE \`silver.transform[0]\` must be one transformation an item. | Write each as its own item: they are applied in order.",
        "10:103+8 CONFIG_VALUE \`silver.transform[1].cast.a\` must be a type of the lake: string, long, integer, short, byte, float, double, boolean, binary, date, timestamp or decimal(precision,scale). | Did you mean long?",
        "10:118+15 CONFIG_VALUE \`silver.transform[1].cast.b\` must be a type of the lake: string, long, integer, short, byte, float, double, boolean, binary, date, timestamp or decimal(precision,scale). | The precision is 1 to 38, the scale at most the precision.",
        "10:179+3 CONFIG_CONFLICT Rule r is given twice in silver. | Give each rule its own name.",
        "11:90+4 CONFIG_VALUE \`silver.properties.delta.enableDeletionVector\` must be one of delta.enableDeletionVectors, delta.enableChangeDataFeed, delta.logRetentionDuration, delta.deletedFileRetentionDuration, delta.checkpointInterval, delta.targetFileSize, or a name of your own. | Did you mean delta.enableDeletionVectors?",
        "11:126+7 CONFIG_VALUE \`silver.properties.delta.enableChangeDataFeed\` must be true or false. | Correct the value of \`silver.properties.delta.enableChangeDataFeed\`.",
      ]
    `)
  })
})

describe('an entry', () => {
  test('carries its transformations in order and its rules with what they do', async () => {
    const text = `- schema: s
  table: t
  primary_key: id
  as_text: [odd]
  deletes: ignore
  guarantee: best_effort
  silver:
    transform:
      - { rename: { a: b, c: d } }
      - { cast: { n: "DECIMAL(10, 2)" } }
      - { trim: [x, y] }
      - { upper: u }
      - { lower: l }
      - { replace: { column: r, find: "-", with: "" } }
      - { derive: { total: "a * b" } }
      - { drop: ["tmp_*", z] }
    expect: { warned: a > 0 }
    expect_or_drop: { dropped: b > 0 }
    expect_or_fail: { failed: c > 0 }
`
    const { tables, problems } = await read(text, { file: 'l.yml' })
    expect(problems).toEqual([])
    expect(tables[0]).toMatchObject({
      primaryKey: ['id'],
      asText: ['odd'],
      deletes: 'ignore',
      guarantee: 'best_effort',
    })
    expect(tables[0]?.silver).toMatchObject({
      transform: [
        { kind: 'rename', from: 'a', to: 'b' },
        { kind: 'rename', from: 'c', to: 'd' },
        { kind: 'cast', column: 'n', type: 'decimal(10,2)' },
        { kind: 'trim', column: 'x' },
        { kind: 'trim', column: 'y' },
        { kind: 'upper', column: 'u' },
        { kind: 'lower', column: 'l' },
        { kind: 'replace', column: 'r', find: '-', with: '' },
        { kind: 'derive', column: 'total', expression: 'a * b' },
        { kind: 'drop', pattern: 'tmp_*' },
        { kind: 'drop', pattern: 'z' },
      ],
      expectations: [
        { name: 'warned', expression: 'a > 0', onViolation: 'warn', place: { line: 17, column: 23 } },
        { name: 'dropped', expression: 'b > 0', onViolation: 'drop' },
        { name: 'failed', expression: 'c > 0', onViolation: 'fail' },
      ],
    })
  })

  test('takes the project’s silver defaults, and its own keys win over them', async () => {
    const defaults = 'transform: [{ drop: "tmp_*" }]\nexpect_or_drop: { a: x > 0, b: y > 0 }\n'
    const text =
      '[{"schema":"s","table":"t"},{"schema":"s","table":"u","silver":{"transform":[{"trim":"c"}],"expect":{"a":"x > 1"}}}]'
    const { tables } = await read(text, { defaults })
    const rules = tables.map(table =>
      table.silver.expectations.map(rule => `${rule.name}: ${rule.expression} ${rule.onViolation}`),
    )
    expect(tables.map(table => table.silver.transform)).toEqual([
      [{ kind: 'drop', pattern: 'tmp_*' }],
      [{ kind: 'trim', column: 'c' }],
    ])
    expect(rules).toEqual([
      ['a: x > 0 drop', 'b: y > 0 drop'],
      ['a: x > 1 warn', 'b: y > 0 drop'],
    ])
  })

  test('has the properties of the project’s silver defaults, each unless it gives another value', async () => {
    const defaults = 'properties: { delta.enableDeletionVectors: true, owner: sales }\n'
    const own = '{"properties": {"delta.enableDeletionVectors": false}}'
    const text = `[{"schema": "s", "table": "t"}, {"schema": "s", "table": "u", "silver": ${own}}]`
    const { tables } = await read(text, { defaults })
    expect(tables.map(table => table.silver.properties)).toEqual([
      { 'delta.enableDeletionVectors': 'true', owner: 'sales' },
      { 'delta.enableDeletionVectors': 'false', owner: 'sales' },
    ])
  })

  test('is named after its table with the source’s prefix, by its own name without, and a pattern has none', async () => {
    const text =
      '[{"schema":"s","table":"t"},{"schema":"s","table":"u","name":"v"},{"schema":"s","table":"w_*","exclude":"w_x"}]'
    const { tables } = await read(text, { prefix: 'crm_' })
    expect(tables.map(table => table.name)).toEqual(['crm_t', 'v', undefined])
    expect(tables[2]?.exclude).toEqual(['w_x'])
  })

  test('with the lake name of an earlier one is a problem that names both ways out', async () => {
    const text = '[{"schema":"a","table":"Orders"},\n {"schema":"b","table":"orders"},\n {"schema":"b","table":"con"}]'
    const { tables } = await read(text)
    const found = [...checkLakeNames(tables), ...findUnusableNames(tables)]
    expect(
      found.map(one => `${one.place?.line}:${one.place?.column} ${one.message} ${one.hint}`),
    ).toMatchInlineSnapshot(`
      [
        "2:24 b.orders would be orders in the lake, and so is the entry at https://lists.example.org/loop_input.json:1. Names that differ only in case are the same. Give one entry a \`name:\`, or give its source a \`prefix:\`.",
        "3:24 The table name "bronze.con" is the name of a device on Windows. Give the table another name in the lake with \`name:\` in its entry, or rename the target of the flow.",
      ]
    `)
  })
})

test('aliases in YAML are followed, and cannot be used to fill the memory', async () => {
  const shared =
    '- &a { schema: s, table: t, silver: &s { expect: { r: x } } }\n- { schema: s, table: u, silver: *s }\n'
  expect((await read(shared, { file: 'l.yml' })).tables[1]?.silver.expectations).toHaveLength(1)
  const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`)
  const bomb = `l0: &l0 [x, x]\n${levels.join('\n')}\n`
  expect(
    parseYaml(sourceText('l.yml', bomb))
      .problems.map(one => one.message)
      .join(),
  ).toContain('aliases multiply')
})

test('the two parsers agree on JSON that is also YAML', () => {
  const text = printJsonSchemas()['tidemark.schema.json']
  const strip = (node: ConfigNode | undefined): unknown =>
    JSON.parse(JSON.stringify(node, (key, value) => (['raw', 'place', 'keyPlace'].includes(key) ? undefined : value)))
  expect(strip(parseJson(sourceText('a', text)).node)).toEqual(strip(parseYaml(sourceText('a', text)).node))
})
