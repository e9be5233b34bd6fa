/**
 * Data files as the product writes them, read back through its own scan: every type and every form of table, in files as
 * large and in the order that were asked for.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  assignColumnMapping,
  type DataFile,
  type DataType,
  field,
  parseStats,
  RowSet,
  type StructField,
  type StructType,
  type WriteOptions,
  writeDeletionVectors,
} from '@tidemark/delta'
import { expect, test } from 'vitest'
import {
  ident,
  integer,
  join as joinSql,
  raw,
  type Sql,
  sql,
  text,
  textList,
} from '../../packages/tidemark/src/engine/sql.ts'
import { emptyRelation, toDuckType } from '../../packages/tidemark/src/engine/types.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'
import { added, features, type ForeignTable, foreignTable } from '../support/foreign-table.ts'

const struct = (...fields: StructField[]): StructType => ({ type: 'struct', fields })
const array = (elementType: DataType): DataType => ({ type: 'array', elementType, containsNull: true })
const map = (keyType: DataType, valueType: DataType): DataType => ({
  type: 'map',
  keyType,
  valueType,
  valueContainsNull: true,
})

/** Values at the edges of each type, as SQL text that can be cast to it; NULL is added to all. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  boolean: ['true', 'false'],
  byte: ['-128', '127'],
  short: ['-32768', '32767'],
  integer: ['-2147483648', '2147483647'],
  long: ['-9223372036854775808', '9223372036854775807'],
  float: ['-3.4028235e38', '1e-45', '0.1', 'nan', 'inf', '-inf'],
  double: ['-1.7976931348623157e308', '5e-324', '0.1', 'nan', 'inf', '-inf'],
  'decimal(9,2)': ['-9999999.99', '0.01'],
  'decimal(18,0)': ['-999999999999999999', '1'],
  'decimal(38,10)': ['9999999999999999999999999999.9999999999', '-0.0000000001'],
  string: ['', 'a', 'it\'s "quoted" \\ \n\t', 'ünï 😀', ' '.repeat(40), '__HIVE_DEFAULT_PARTITION__', 'a=b/c%20'],
  binary: ['', 'a', '\\xC3\\xA9'],
  date: ['0001-01-01', '1582-10-10', '9999-12-31', '1970-01-01'],
  timestamp: ['0001-01-01 00:00:00+00', '1969-12-31 23:59:59.999999+00', '9999-12-31 23:59:59.999999+00'],
  timestamp_ntz: ['0001-01-01 00:00:00', '1969-12-31 23:59:59.999999', '9999-12-31 23:59:59.999999'],
}
const TYPES = Object.keys(VALUES)

/** A relation with a column for each type; every value is in some row, and so is NULL. */
function everyType(name: (type: string) => string): Sql {
  const rows = Math.max(...Object.values(VALUES).map(values => values.length)) + 1
  const columns = TYPES.map(type => {
    const values = VALUES[type] ?? []
    const list = sql`CAST(${textList(values)} AS ${toDuckType(type)}[])`
    return sql`list_extract(${list}, CAST(range % ${integer(values.length + 1)} AS BIGINT)) AS ${ident(name(type))}`
  })
  return sql`SELECT range AS n, ${joinSql(columns)} FROM range(${integer(2 * rows)})`
}

const nameOf = (type: string): string => type.replace(/\W+/g, '_')
const FLAT = struct(field('n', 'long'), ...TYPES.map(type => field(nameOf(type), type)))
/** The same columns again inside a list, a map and structs. */
const INNER = struct(...TYPES.map(type => field(`${nameOf(type)} (inner)`, type)))
const NESTED = struct(
  field('n', 'long'),
  field('s', INNER),
  field('l', array(array(INNER))),
  field('m', map('string', struct(field('deep', array(INNER)), field('never', 'date')))),
)
const inner = joinSql(TYPES.map(type => sql`${ident(`${nameOf(type)} (inner)`)} := ${ident(nameOf(type))}`))
const NESTED_ROWS = sql`SELECT n, s, CASE n % 4 WHEN 0 THEN [[s, NULL], [], NULL] WHEN 1 THEN [] WHEN 2 THEN [[s]] END AS l, \
CASE n % 3 WHEN 0 THEN MAP {'a': {'deep': [s, NULL], 'never': NULL}, '': NULL} WHEN 1 THEN MAP {} END AS m \
FROM (SELECT n, CASE WHEN n % 5 = 4 THEN NULL ELSE struct_pack(${inner}) END AS s FROM (${everyType(nameOf)}))`

/** Write rows and make them the next version of the table, with these deleted rows in each file. */
async function write(
  table: ForeignTable,
  rows: Sql,
  options: Omit<WriteOptions, 'tablePath'>,
  deleted: readonly number[] = [],
): Promise<DataFile[]> {
  const files = await table.session.writeParquet(rows, { tablePath: 't', ...options })
  const adds: object[] = []
  for (const file of files) {
    const { store } = table
    const sets = deleted.length === 0 ? [] : [RowSet.from(deleted)]
    const [deletionVector] = await writeDeletionVectors({ store, ids: systemIds }, 't', sets)
    adds.push(added(file.path, { partitionValues: file.partitionValues, deletionVector }))
  }
  await table.log(...adds)
  return files
}

/** Rows on one side only, of what was written and what is read. */
async function differences(table: ForeignTable, rows: Sql, schema: StructType): Promise<bigint> {
  const names = joinSql(schema.fields.map(f => ident(f.name)))
  const kept = table.session.temporaryName('rows')
  await table.session.run(sql`CREATE TEMP TABLE ${ident(kept)} AS SELECT ${names} FROM (${rows})`)
  const read = sql`SELECT ${names} FROM (${await table.session.scan(await table.snapshot())})`
  const wanted = sql`SELECT * FROM ${ident(kept)}`
  const missing = await table.session.count(sql`SELECT count(*) FROM (${wanted} EXCEPT ALL ${read})`)
  return missing + (await table.session.count(sql`SELECT count(*) FROM (${read} EXCEPT ALL ${wanted})`))
}

const PROTOCOL = features('timestampNtz', 'columnMapping', 'deletionVectors')
const mapping = (mode: string): Record<string, string> => ({ 'delta.columnMapping.mode': mode })
const mappedSchema = (schema: StructType): StructType =>
  assignColumnMapping(schema, { maxColumnId: undefined, names: systemIds }).schema

for (const [form, schema, rows] of [
  ['flat', FLAT, everyType(nameOf)],
  ['nested', NESTED, NESTED_ROWS],
] as const) {
  test.each(['none', 'name', 'id'] as const)(
    `every type, ${form}, is read as it was written, mapped by %s`,
    async mode => {
      const table = await foreignTable()
      const written = mode === 'none' ? schema : mappedSchema(schema)
      await table.create(written, { protocol: PROTOCOL, configuration: mapping(mode) })
      const files = await write(table, rows, { schema: written, columnMapping: mode })
      expect(files).toHaveLength(1)
      const scan = await table.session.scan(await table.snapshot())
      expect(await table.session.describe(scan)).toEqual(await table.session.describe(emptyRelation(schema)))
      expect(await differences(table, rows, schema)).toBe(0n)
    },
  )
}

test.each(TYPES)('a table partitioned by %s keeps every value of it, and NULL', async type => {
  const table = await foreignTable()
  const schema = mappedSchema(struct(field('n', 'long'), field('the part', type), field('other', 'integer')))
  const options = { schema, columnMapping: 'name', partitionColumns: ['the part', 'other'] } as const
  const { partitionColumns } = options
  await table.create(schema, { protocol: PROTOCOL, configuration: mapping('name'), partitionColumns })
  const values = sql`SELECT n, ${ident(nameOf(type))} AS "the part", CAST(n % 2 AS INTEGER) AS other FROM (${everyType(nameOf)})`
  const files = await write(table, values, options)
  const [, part, other] = schema.fields.map(f => String(f.metadata['delta.columnMapping.physicalName']))
  for (const file of files) expect(Object.keys(file.partitionValues)).toEqual([part, other])
  // The log cannot tell an empty text from NULL.
  const expected =
    type === 'string' || type === 'binary'
      ? sql`SELECT * REPLACE (nullif("the part", '') AS "the part") FROM (${values})`
      : values
  expect(await differences(table, expected, schema)).toBe(0n)
})

test('deleted rows of written files are left out, whatever the table', async () => {
  for (const mode of ['none', 'name', 'id'] as const) {
    const table = await foreignTable()
    const schema = mode === 'none' ? FLAT : mappedSchema(FLAT)
    const options = {
      schema,
      columnMapping: mode,
      partitionColumns: ['boolean'],
      orderBy: { columns: ['n'], curve: 'linear' },
    } as const
    await table.create(schema, { protocol: PROTOCOL, configuration: mapping(mode), partitionColumns: ['boolean'] })
    await write(table, everyType(nameOf), options, [0, 2])
    const left = sql`SELECT * EXCLUDE (place) FROM (SELECT *, row_number() OVER (PARTITION BY boolean ORDER BY n) AS place \
FROM (${everyType(nameOf)})) WHERE place NOT IN (1, 3)`
    expect(await differences(table, left, schema)).toBe(0n)
  }
})

test('files carry field ids and physical names at every depth, and their statistics too', async () => {
  const table = await foreignTable()
  const schema = mappedSchema(
    struct(field('a', 'long'), field('l', array(struct(field('b', 'long')))), field('s', struct(field('c', 'date')))),
  )
  const rows = sql`SELECT 1 AS a, [{'b': 2}] AS l, {'c': DATE '2024-01-01'} AS s`
  const [file] = await table.session.writeParquet(rows, {
    tablePath: 't',
    schema,
    columnMapping: 'name',
    statsColumns: ['a'],
  })
  const place = text(join(table.root, 't', file?.path ?? ''))
  const columns = await table.session.rows(
    sql`SELECT name, field_id FROM parquet_schema(${place}) WHERE field_id IS NOT NULL`,
  )
  const ids = new Map(columns.map(row => [String(row['name']), row['field_id']]))
  const physical = (f: StructField | undefined): string => String(f?.metadata['delta.columnMapping.physicalName'])
  const [a, l, s] = schema.fields
  expect(ids.size).toBe(5)
  expect([a, l, s].map(f => ids.get(physical(f)))).toEqual([1n, 2n, 4n])
  const date = s && (s.type as StructType).fields[0]
  expect(parseStats(file?.stats)?.minValues).toEqual({
    [physical(a)]: '1',
    [physical(s)]: { [physical(date)]: '2024-01-01' },
  })
})

test('a NULL where the schema forbids it stops the write with the column, at every depth', async () => {
  const table = await foreignTable()
  const schema = struct(
    field('a', 'long', { nullable: false }),
    field('s', struct(field('b', 'long', { nullable: false }))),
    field('l', { type: 'array', elementType: 'long', containsNull: false }),
    field('p', 'string', { nullable: false }),
  )
  const refused = async (column: string, rows: string, more: Partial<WriteOptions> = {}): Promise<void> => {
    const writing = table.session.writeParquet(raw(rows), { tablePath: 't', schema, ...more })
    await expect(writing, rows).rejects.toMatchObject({ code: 'STAGE_INVALID', details: { tablePath: 't', column } })
  }
  await refused('a', "SELECT NULL AS a, NULL AS s, NULL AS l, 'x' AS p")
  await refused('s.b', "SELECT 1 AS a, {'b': NULL} AS s, NULL AS l, 'x' AS p")
  await refused('l.element', "SELECT 1 AS a, NULL AS s, [1, NULL] AS l, 'x' AS p")
  await refused('p', 'SELECT 1 AS a, NULL AS s, NULL AS l, NULL AS p', { partitionColumns: ['p'] })
  expect(await readdir(table.root)).toEqual([])
  const right = raw("SELECT 1 AS a, NULL AS s, NULL AS l, 'x' AS p UNION ALL SELECT 2, {'b': 3}, [4], 'y'")
  expect(await table.session.writeParquet(right, { tablePath: 't', schema })).toHaveLength(1)
})

test('infinite times and binary partition values that are no text are refused, and leave no file', async () => {
  const table = await foreignTable()
  const refused = async (type: DataType, value: string, partitionColumns: readonly string[] = []): Promise<void> => {
    const rows = raw(`SELECT ${value} AS v`)
    const writing = table.session.writeParquet(rows, {
      tablePath: 't',
      schema: struct(field('v', type)),
      partitionColumns,
    })
    await expect(writing, value).rejects.toMatchObject({ code: 'STAGE_INVALID' })
  }
  await refused('date', "DATE 'infinity'")
  await refused('timestamp', "TIMESTAMPTZ '-infinity'")
  await refused(array(struct(field('t', 'timestamp'))), "[{'t': TIMESTAMPTZ 'infinity'}]")
  await refused('timestamp', "TIMESTAMPTZ 'infinity'", ['v'])
  await refused('binary', "'\\xFF'::BLOB", ['v'])
  expect(await readdir(table.root)).toEqual([])
  const text = struct(field('v', 'string'))
  expect(
    await table.session.writeParquet(raw("SELECT 'infinity' AS v"), { tablePath: 't', schema: text }),
  ).toHaveLength(1)
})

test('no rows make no file, in any form', async () => {
  const table = await foreignTable()
  const none = raw('SELECT 1::BIGINT AS v, 2::BIGINT AS p WHERE false')
  const schema = struct(field('v', 'long'), field('p', 'long'))
  const orderBy = { columns: ['v'], curve: 'linear' } as const
  for (const more of [
    {},
    { partitionColumns: ['p'] },
    { orderBy },
    { partitionColumns: ['p'], orderBy },
    { targetFileBytes: 9n },
  ]) {
    expect(await table.session.writeParquet(none, { tablePath: 't', schema, ...more })).toEqual([])
  }
  expect(await readdir(table.root)).toEqual([])
})

test('changes lie in their own folder, with the kind of change as a column', async () => {
  const table = await foreignTable()
  const schema = struct(field('v', 'long'), field('p', 'long'))
  const rows = raw("SELECT 1 AS v, 2 AS p, 'insert' AS _change_type UNION ALL SELECT 3, 4, 'delete'")
  const options = { tablePath: 't', schema, partitionColumns: ['p'], purpose: 'changes' } as const
  const files = await table.session.writeParquet(rows, options)
  const found = files.map(f => `${f.partitionValues['p']} ${f.path.replace(/-[0-9a-f-]{36}-\d/, '')}`)
  expect(found.toSorted()).toEqual(['2 _change_data/cdc.parquet', '4 _change_data/cdc.parquet'])
  const places = textList(files.map(f => join(table.root, 't', f.path)))
  expect(await table.session.rows(sql`FROM read_parquet(${places}) ORDER BY v`)).toEqual([
    { v: 1n, _change_type: 'insert' },
    { v: 3n, _change_type: 'delete' },
  ])
})

const MANY =
  raw(`SELECT range AS n, (range * 7919) % 200000 AS a, (range * 104729) % 199999 AS b, 'text ' || hash(range) AS s,
  range % 3 AS p FROM range(200000)`)
const MANY_SCHEMA = struct(
  ...['n', 'a', 'b'].map(name => field(name, 'long')),
  field('s', 'string'),
  field('p', 'long'),
)
const bounds = (file: DataFile, column: string): [bigint, bigint] => {
  const stats = parseStats(file.stats)
  return [BigInt(String(stats?.minValues[column])), BigInt(String(stats?.maxValues[column]))]
}

test('files are about as large as they were asked for', async () => {
  const table = await foreignTable()
  const target = 500_000n
  for (const more of [{ orderBy: { columns: ['a'], curve: 'linear' } }, { partitionColumns: ['p'] }] as const) {
    const files = await table.session.writeParquet(MANY, {
      tablePath: 't',
      schema: MANY_SCHEMA,
      targetFileBytes: target,
      ...more,
    })
    expect(files.length).toBeGreaterThan(3)
    expect(files.reduce((n, f) => n + f.numRecords, 0n)).toBe(200_000n)
    for (const { size } of files) expect(size > target / 3n && size < target * 2n, String(size)).toBe(true)
  }
  const rotated = await table.session.writeParquet(MANY, {
    tablePath: 't',
    schema: MANY_SCHEMA,
    targetFileBytes: 1000n,
  })
  expect(rotated.length).toBeGreaterThan(1)
})

test('sorted rows are in order within each file and from file to file of a partition', async () => {
  const table = await foreignTable()
  const orderBy = { columns: ['a', 's'], curve: 'linear' } as const
  const options = { tablePath: 't', schema: MANY_SCHEMA, orderBy, targetFileBytes: 300_000n, partitionColumns: ['p'] }
  const files = await table.session.writeParquet(MANY, options)
  for (const p of ['0', '1', '2']) {
    const ranges = files.filter(f => f.partitionValues['p'] === p).map(f => bounds(f, 'a'))
    expect(ranges.length).toBeGreaterThan(1)
    for (const [i, [min]] of ranges.entries()) expect(min).toBeGreaterThan(ranges[i - 1]?.[1] ?? -1n)
  }
  const places = textList(files.map(f => join(table.root, 't', f.path)))
  const steps = sql`SELECT a < lag(a) OVER (PARTITION BY filename ORDER BY file_row_number) AS back FROM read_parquet(${places}, filename = true, file_row_number = true)`
  expect(await table.session.count(sql`SELECT count(*) FROM (${steps}) WHERE back`)).toBe(0n)
})

test.each(['linear', 'z-order'] as const)('rows sorted by doubles keep their negative zeros: %s', async curve => {
  const table = await foreignTable()
  const schema = struct(field('d', 'double'), field('f', 'float'), field('n', 'long'))
  const rows = raw("SELECT CAST('-0.0' AS DOUBLE) AS d, CAST('-0.0' AS FLOAT) AS f, range AS n FROM range(9)")
  for (const columns of [['d'], ['f', 'd', 'n']]) {
    const files = await table.session.writeParquet(rows, { tablePath: 't', schema, orderBy: { columns, curve } })
    const places = textList(files.map(f => join(table.root, 't', f.path)))
    const texts = sql`SELECT DISTINCT CAST(d AS VARCHAR) || CAST(f AS VARCHAR) AS t FROM read_parquet(${places})`
    expect(await table.session.rows(texts)).toEqual([{ t: '-0.0-0.0' }])
  }
})

test.each(['none', 'name'] as const)('columns of no type are in no file, mapped by %s', async columnMapping => {
  const table = await foreignTable()
  const inner = struct(field('a', 'long'), field('nothing', 'void'))
  const plain = struct(field('v', 'void'), field('id', 'long'), field('s', inner))
  const schema =
    columnMapping === 'none' ? plain : assignColumnMapping(plain, { maxColumnId: undefined, names: 'own' }).schema
  const rows = raw("SELECT NULL AS v, 1 AS id, {'a': 2, 'nothing': NULL} AS s")
  const files = await table.session.writeParquet(rows, { tablePath: 't', schema, columnMapping })
  const places = textList(files.map(f => join(table.root, 't', f.path)))
  expect(await table.session.rows(sql`SELECT name FROM parquet_schema(${places})`)).toEqual(
    ['duckdb_schema', 'id', 's', 'a'].map(name => ({ name })),
  )
  expect(Object.keys(parseStats(files[0]?.stats)?.nullCount ?? {})).toEqual(['id', 's'])
})

test.each([
  ['snappy', 'SNAPPY'],
  ['UNCOMPRESSED', 'UNCOMPRESSED'],
  ['gzip', 'GZIP'],
  ['lz4_raw', 'LZ4_RAW'],
  ['nobody knows this', 'ZSTD'],
  [undefined, 'ZSTD'],
])('files are compressed as the table asks: %s', async (codec, found) => {
  const table = await foreignTable()
  const configuration: Record<string, string> = codec === undefined ? {} : { 'delta.parquet.compression.codec': codec }
  const schema = struct(field('v', 'long'), field('p', 'long'))
  for (const partitionColumns of [[], ['p']]) {
    const options = { tablePath: 't', schema, configuration, partitionColumns }
    const files = await table.session.writeParquet(raw('SELECT 1 AS v, 2 AS p'), options)
    const places = textList(files.map(f => join(table.root, 't', f.path)))
    expect(await table.session.rows(sql`SELECT DISTINCT compression AS c FROM parquet_metadata(${places})`)).toEqual([
      { c: found },
    ])
  }
})

test('a text that is told to have one value is the same column and has the same statistics; another value ends the write', async () => {
  const table = await foreignTable()
  const schema = struct(field('v', 'long'), field('one', 'string'))
  const value = 'it\'s "one", of more than twelve bytes'
  const rows = sql`SELECT range AS v, CASE WHEN range % 10 > 0 THEN ${text(value)} END AS one FROM range(100000)`
  const options = { tablePath: 't', schema, statsColumns: ['one'] }
  const columns = async ([file]: DataFile[]): Promise<unknown[]> => {
    const place = text(join(table.root, 't', String(file?.path)))
    const encodings = sql`SELECT DISTINCT encodings FROM parquet_metadata(${place}) WHERE path_in_schema = 'one'`
    const [{ encodings: found } = {}] = await table.session.rows(encodings)
    expect(await table.session.rows(sql`SELECT DISTINCT one FROM read_parquet(${place}) ORDER BY one`)).toEqual([
      { one: value },
      { one: null },
    ])
    const described = sql`SELECT name, type, converted_type, logical_type, repetition_type FROM parquet_schema(${place})`
    return [await table.session.rows(described), file?.stats, found === 'RLE_DICTIONARY']
  }
  const [looked, lookedStats] = await columns(await table.session.writeParquet(rows, options))
  const told = await columns(await table.session.writeParquet(rows, { ...options, oneValue: { one: value } }))
  expect(told).toEqual([looked, lookedStats, true])
  const other = { ...options, oneValue: { one: 'another' } }
  await expect(table.session.writeParquet(rows, other)).rejects.toThrow('of more than twelve bytes')
})

test('a z-order lets a condition on any of its columns rule out most files', async () => {
  const table = await foreignTable()
  const orderBy = { columns: ['a', 'b'], curve: 'z-order' } as const
  const options = { tablePath: 't', schema: MANY_SCHEMA, orderBy, targetFileBytes: 100_000n }
  const files = await table.session.writeParquet(MANY, options)
  expect(files.length).toBeGreaterThan(15)
  expect(files.reduce((n, f) => n + f.numRecords, 0n)).toBe(200_000n)
  for (const column of ['a', 'b']) {
    const hits = files.filter(f => {
      const [min, max] = bounds(f, column)
      return min <= 1234n && max >= 1234n
    })
    expect(hits.length, column).toBeLessThan(files.length / 2)
  }
})

test('hundreds of partitions are one file each, with the rows of their own', async () => {
  const table = await foreignTable()
  const schema = struct(field('n', 'long'), field('p', 'integer'))
  await table.create(schema, { partitionColumns: ['p'] })
  const rows = raw('SELECT range AS n, CAST(hash(range) % 400 AS INTEGER) AS p FROM range(20000)')
  const files = await write(table, rows, { schema, partitionColumns: ['p'] })
  expect(new Set(files.map(f => f.partitionValues['p'])).size).toBe(400)
  expect(files.length).toBeLessThan(420)
  expect(await differences(table, rows, schema)).toBe(0n)
})
