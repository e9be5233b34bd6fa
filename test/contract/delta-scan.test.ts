/**
 * Scans of tables that another program wrote: every column in the table's type, whatever the files hold, and no deleted
 * row. What Spark itself wrote is in delta-golden.test.ts.
 */
import { mkdtemp, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type DataType,
  field,
  planScan,
  RowSet,
  type StructField,
  type StructType,
  writeDeletionVectors,
} from '@tidemark/delta'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import { FILE_COLUMN, type Row } from '../../packages/tidemark/src/engine/engine.ts'
import { ident, join as joinSql, raw, type Sql, sql, text } from '../../packages/tidemark/src/engine/sql.ts'
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

/** Rows of the table as one text each, sorted, and the types of its columns. */
async function read(table: ForeignTable, query?: (scan: Sql) => Sql): Promise<{ rows: string[]; types: string[] }> {
  const scan = await table.session.scan(await table.snapshot())
  const wanted = query?.(scan) ?? scan
  const types = (await table.session.describe(scan)).map(({ name, type }) => `${name} ${type}`)
  const found = await table.session.rows(sql`SELECT CAST(r AS VARCHAR) AS r FROM (${wanted}) r ORDER BY ALL`)
  return { rows: found.map(row => String(row['r'])), types }
}

async function count(table: ForeignTable, condition: Sql = raw('true')): Promise<bigint> {
  const scan = await table.session.scan(await table.snapshot())
  return table.session.count(sql`SELECT count(*) FROM (${scan}) WHERE ${condition}`)
}

test('deleted rows are left out of every file, whatever else a query asks for', async () => {
  const files = ['a', 'b', 'c']
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ base: fc.nat(9000), stretch: fc.nat(300), step: fc.integer({ min: 1, max: 9 }) }), {
        maxLength: 6,
      }),
      fc.integer({ min: 0, max: 30_000 }),
      async (parts, bound) => {
        const table = await foreignTable()
        await table.create(struct(field('n', 'long')), { protocol: features('deletionVectors') })
        const model: number[] = []
        const adds: object[] = []
        for (const [i, name] of files.entries()) {
          // Small row groups, so that a condition skips some of them and row numbers still have to be the file's.
          await table.write(name, `SELECT range + ${i * 10_000} AS n FROM range(10000)`, 'ROW_GROUP_SIZE 2048')
          const rows = parts
            .slice(2 * i, 2 * i + 2)
            .flatMap(p => Array.from({ length: p.stretch }, (_, k) => p.base + k * p.step))
            .filter(row => row < 10_000)
          const deleted = RowSet.from(rows)
          const [deletionVector] = await writeDeletionVectors(
            { store: table.store, ids: systemIds },
            't',
            deleted.size === 0 ? [] : [deleted],
          )
          adds.push(added(name, { deletionVector }))
          for (let row = 0; row < 10_000; row += 1) if (!deleted.has(row)) model.push(i * 10_000 + row)
        }
        await table.log(...adds)
        expect(await count(table)).toBe(BigInt(model.length))
        expect(await count(table, raw(`n >= ${bound}`))).toBe(BigInt(model.filter(n => n >= bound).length))
        const scan = await table.session.scan(await table.snapshot())
        const [sums] = await table.session.rows(sql`SELECT CAST(sum(n) AS VARCHAR) AS s, min(n) AS low FROM (${scan})`)
        expect(sums).toEqual({ s: String(model.reduce((a, b) => a + b, 0)), low: BigInt(model[0] ?? 0) })
      },
    ),
    { numRuns: 8 },
  )
})

test('files with other columns, orders and nested fields come out as the table says, missing ones NULL', async () => {
  const table = await foreignTable()
  const inner = struct(field('a', 'long'), field('b', 'string'))
  await table.create(
    struct(
      field('id', 'long'),
      field('s', inner),
      field('l', array(inner)),
      field('m', map('string', struct(field('x', 'double'), field('l', array(inner))))),
      field('new', 'decimal(10,2)'),
    ),
  )
  await table.write(
    'old',
    `SELECT {'a': 1::INTEGER} AS s, 1::INTEGER AS id, [{'a': 2::INTEGER}, NULL] AS l,
    MAP {'k': {'l': [{'b': 'x', 'a': 3}], 'x': 0.5::FLOAT}} AS m`,
  )
  await table.write(
    'new',
    `SELECT 2::BIGINT AS id, {'a': 5::BIGINT, 'b': 'y'} AS s, NULL::STRUCT(a BIGINT, b VARCHAR)[] AS l,
    MAP {'k': NULL::STRUCT(x DOUBLE, l STRUCT(a BIGINT, b VARCHAR)[])} AS m, 7::DECIMAL(10,2) AS new, 'extra' AS extra`,
  )
  await table.write('bare', `SELECT NULL::STRUCT(b VARCHAR) AS s, []::STRUCT(b VARCHAR)[] AS l, 3::SMALLINT AS id`)
  await table.log(added('old'), added('new'), added('bare'))
  expect(await read(table)).toEqual({
    rows: [
      "{'id': 1, 's': {'a': 1, 'b': NULL}, 'l': [{'a': 2, 'b': NULL}, NULL], 'm': {k={'x': 0.5, 'l': [{'a': 3, 'b': x}]}}, 'new': NULL}",
      "{'id': 2, 's': {'a': 5, 'b': y}, 'l': NULL, 'm': {k=NULL}, 'new': 7.00}",
      "{'id': 3, 's': NULL, 'l': [], 'm': NULL, 'new': NULL}",
    ],
    types: [
      'id BIGINT',
      's STRUCT(a BIGINT, b VARCHAR)',
      'l STRUCT(a BIGINT, b VARCHAR)[]',
      'm MAP(VARCHAR, STRUCT(x DOUBLE, l STRUCT(a BIGINT, b VARCHAR)[]))',
      'new DECIMAL(10,2)',
    ],
  })
})

test.each<[type: string, file: string, value: string]>([
  ['short', '1::TINYINT', '1'],
  ['long', '-5::INTEGER', '-5'],
  ['double', '0.1::FLOAT', '0.10000000149011612'],
  ['double', '7::SMALLINT', '7.0'],
  ['decimal(12,2)', '3.25::DECIMAL(4,2)', '3.25'],
  ['decimal(20,3)', '9::BIGINT', '9.000'],
  ['timestamp_ntz', "'2024-02-29'::DATE", '2024-02-29 00:00:00'],
  ['timestamp', "'2024-02-29 01:02:03.000004'::TIMESTAMP", '2024-02-29 01:02:03.000004+00'],
  ['timestamp', "'2024-02-29 01:02:03.004'::TIMESTAMP_MS", '2024-02-29 01:02:03.004+00'],
  ['timestamp', "'2024-02-29 01:02:03.000004999'::TIMESTAMP_NS", '2024-02-29 01:02:03.000004+00'],
  ['timestamp_ntz', "'2024-02-29 03:02:03+02'::TIMESTAMPTZ", '2024-02-29 01:02:03'],
  // Text that is not marked as text, as old writers left it.
  ['string', `encode('é"')`, 'é"'],
  ['binary', "'é'::VARCHAR", '\\xC3\\xA9'],
])('a column of type %s reads what a file has as %s', async (type, written, value) => {
  const table = await foreignTable()
  await table.create(struct(field('v', type)), { protocol: features('timestampNtz', 'typeWidening') })
  await table.write('a', `SELECT ${written} AS v`)
  await table.write('b', 'SELECT 1 AS other')
  await table.log(added('a'), added('b'))
  const scan = await table.session.scan(await table.snapshot())
  expect(
    (await table.session.rows(sql`SELECT CAST(v AS VARCHAR) AS v FROM (${scan}) ORDER BY v`)).map(r => r['v']),
  ).toEqual([value, null])
})

test('a table may have columns named as DuckDB names its own', async () => {
  const table = await foreignTable()
  const names = ['file_row_number', 'file_index', 'filename', 'c0', 'File', 'row']
  const schema = struct(...names.map(name => field(name, 'integer')), field('p', 'string'))
  await table.create(schema, { protocol: features('deletionVectors'), partitionColumns: ['p'] })
  const adds: object[] = []
  for (const [i, file] of ['x', 'y'].entries()) {
    await table.write(
      file,
      `SELECT ${names.map((name, n) => `range + ${10 * n + 100 * i} AS "${name}"`).join(', ')} FROM range(3)`,
    )
    const [deletionVector] = await writeDeletionVectors({ store: table.store, ids: systemIds }, 't', [
      RowSet.from([0, 2]),
    ])
    adds.push(added(file, { partitionValues: { p: file }, deletionVector }))
  }
  await table.log(...adds)
  expect((await read(table)).rows).toEqual([
    "{'file_row_number': 1, 'file_index': 11, 'filename': 21, 'c0': 31, 'File': 41, 'row': 51, 'p': x}",
    "{'file_row_number': 101, 'file_index': 111, 'filename': 121, 'c0': 131, 'File': 141, 'row': 151, 'p': y}",
  ])
})

test('a path is one file, whatever characters it has', async () => {
  const table = await foreignTable()
  await table.create(struct(field('v', 'string')))
  const paths = ['a*b', 'axb', 'x[1]', 'x1', "it's", '?', '**', '{a,b}', 'ünï 😀', 's=a%20b/c', '#&+;=', '"', 'p=1/v']
  for (const path of paths) await table.write(path, `SELECT '${path.replaceAll("'", "''")}' AS v`)
  await table.log(...paths.map(path => added(encodeURIComponent(path))))
  const rows = await table.session.rows(sql`SELECT v FROM (${await table.session.scan(await table.snapshot())})`)
  expect(rows.map(row => String(row['v'])).sort()).toEqual(paths.toSorted())
})

/** Fields under column mapping; the nested metadata is what Spark writes. */
function mapped(name: string, id: number, physical: string, type: DataType = 'long'): StructField {
  return field(name, type, {
    metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physical },
  })
}

const MAPPED = struct(
  mapped('part', 1, 'p1', 'string'),
  mapped('renamed, with comma', 2, 'old'),
  mapped('s', 3, 'st', struct(mapped('inner', 4, 'in'), mapped('late', 5, 'la', 'string'))),
  mapped('l', 6, 'li', array(struct(mapped('e', 7, 'el')))),
  mapped('m', 8, 'ma', map(struct(mapped('k', 9, 'ke')), struct(mapped('v', 10, 'va')))),
)

/** A file whose columns can be found in one way only. */
const mappedFile = (byId: boolean): string =>
  byId
    ? `SELECT 1 AS x1, {'x2': 2} AS x3, [{'x4': 3}] AS x5, MAP {{'x6': 4}: {'x7': 5}} AS x8`
    : `SELECT 1 AS old, {'in': 2} AS st, [{'el': 3}] AS li, MAP {{'ke': 4}: {'va': 5}} AS ma`
const FIELD_IDS = `FIELD_IDS {x1: 2, x3: {__duckdb_field_id: 3, x2: 4}, x5: {__duckdb_field_id: 6, element: {x4: 7}},
  x8: {__duckdb_field_id: 8, key: {x6: 9}, value: {x7: 10}}}`

test.each(['name', 'id'] as const)('columns mapped by %s are found at every depth', async mode => {
  const table = await foreignTable()
  const configuration = { 'delta.columnMapping.mode': mode }
  const protocol = { minReaderVersion: 2, minWriterVersion: 5 }
  await table.create(MAPPED, { protocol, configuration, partitionColumns: ['part'] })
  await table.write('a', mappedFile(mode === 'id'), mode === 'id' ? FIELD_IDS : '')
  await table.log(added('a', { partitionValues: { p1: 'in the log' } }))
  expect((await read(table)).rows).toEqual([
    "{'part': in the log, 'renamed, with comma': 1, 's': {'inner': 2, 'late': NULL}, 'l': [{'e': 3}], 'm': {{'k': 4}={'v': 5}}}",
  ])
})

test('a file without ids is refused where columns are found by id', async () => {
  const table = await foreignTable()
  await table.create(struct(mapped('a', 1, 'x')), {
    protocol: features('columnMapping'),
    configuration: { 'delta.columnMapping.mode': 'id' },
  })
  await table.write('f', 'SELECT 1 AS x')
  await table.log(added('f'))
  await expect(read(table)).rejects.toMatchObject({
    code: 'FILE_INVALID',
    details: { tablePath: 't', version: 1n, file: 'f' },
  })
})

test('partition values of every type come from the log, also where a file has such a column', async () => {
  const values: readonly (readonly [type: string, text: string | null, value: string | null])[] = [
    ['boolean', 'true', 'true'],
    ['byte', '-128', '-128'],
    ['long', '9223372036854775807', '9223372036854775807'],
    ['float', '-Infinity', '-inf'],
    ['double', '4.9E-324', '5e-324'],
    ['double', 'NaN', 'nan'],
    ['decimal(38,10)', '4E-7', '0.0000004000'],
    ['date', '+12024-01-01', '12024-01-01'],
    ['date', '-0043-03-15', '0044-03-15 (BC)'],
    ['timestamp', '2024-02-29T01:02:03.000004Z', '2024-02-29 01:02:03.000004+00'],
    ['timestamp', '1969-12-31 23:59:59.999999', '1969-12-31 23:59:59.999999+00'],
    ['timestamp_ntz', '2024-02-29 01:02:03', '2024-02-29 01:02:03'],
    ['string', "it's \u0000 'NULL'", "it's \u0000 'NULL'"],
    ['string', '', null],
    ['binary', 'a\u0001é', '6101C3A9'],
    ['date', null, null],
  ]
  const table = await foreignTable()
  const schema = struct(field('v', 'long'), ...values.map(([type], i) => field(`p${i}`, type)))
  const partitionColumns = values.map((_, i) => `p${i}`)
  await table.create(schema, { protocol: features('timestampNtz'), partitionColumns })
  await table.write('a', `SELECT 1::BIGINT AS v, 'of the file' AS p12`)
  await table.write('b', `SELECT 2::BIGINT AS v, 'of the file' AS p12`)
  const set = Object.fromEntries(values.map(([, spelling], i) => [`p${i}`, spelling]))
  const none = Object.fromEntries(values.map((_, i) => [`p${i}`, null]))
  await table.log(added('a', { partitionValues: set }), added('b', { partitionValues: none }))
  const scan = await table.session.scan(await table.snapshot())
  const texts = values.map(([type], i) =>
    type === 'binary' ? sql`hex(${ident(`p${i}`)})` : sql`CAST(${ident(`p${i}`)} AS VARCHAR)`,
  )
  const row = async (v: number): Promise<(Row[string] | undefined)[]> => {
    const named = texts.map((t, i) => sql`${t} AS ${ident(`p${i}`)}`)
    const [found] = await table.session.rows(sql`SELECT ${joinSql(named)} FROM (${scan}) WHERE v = ${raw(String(v))}`)
    return values.map((_, i) => found?.[`p${i}`])
  }
  expect(await row(1)).toEqual(values.map(([, , value]) => value))
  expect(await row(2)).toEqual(values.map(() => null))
})

test('each row of many files keeps the partition value of its own, also when files are chosen by name', async () => {
  const table = await foreignTable()
  await table.create(struct(field('v', 'long'), field('p', 'integer')), { partitionColumns: ['p'] })
  const names = Array.from({ length: 120 }, (_, i) => `f${i}`)
  for (const [i, name] of names.entries()) await table.write(name, `SELECT ${i}::BIGINT AS v FROM range(3)`)
  await table.log(...names.map((name, i) => added(name, { partitionValues: { p: String(i * 2) } })))
  const snapshot = await table.snapshot()
  const scan = await table.session.scan(snapshot, { withPlace: true })
  expect(await table.session.count(sql`SELECT count(*) FROM (${scan}) WHERE p = 2 * v`)).toBe(360n)
  const one = sql`SELECT DISTINCT v, p FROM (${scan}) WHERE ${ident(FILE_COLUMN)} = ${text(table.session.locate(snapshot, 'f77'))}`
  expect(await table.session.rows(one)).toEqual([{ v: 77n, p: 154n }])
})

test('an absolute path is followed inside the lake and into an allowed folder, nowhere else', async () => {
  const [allowed, other] = [await mkdtemp(join(tmpdir(), 'tidemark-a-')), await mkdtemp(join(tmpdir(), 'tidemark-b-'))]
  onTestFinished(async () => {
    await rm(allowed, { recursive: true })
    await rm(other, { recursive: true })
  })
  const table = await foreignTable({ folders: [allowed] })
  await table.create(struct(field('v', 'integer')))
  const inside = join(table.root, 'elsewhere/a')
  await table.write(inside, 'SELECT 1 AS v')
  await table.write(join(allowed, 'b c'), 'SELECT 2 AS v')
  await table.log(added(`file://${inside}`), added(`file:${join(allowed, 'b%20c')}`))
  expect((await read(table)).rows).toEqual(["{'v': 1}", "{'v': 2}"])
  await table.write(join(other, 'c'), 'SELECT 3 AS v')
  await symlink(join(other, 'c'), join(allowed, 'link'))
  await symlink(join(other, 'c'), join(table.root, 't/link'))
  for (const path of [join(other, 'c'), join(allowed, '..', 'x'), join(allowed, 'link'), 'link', 's3://bucket/c']) {
    await table.log(added(path))
    await expect(read(table), path).rejects.toMatchObject({ code: 'PATH_INVALID' })
    await table.log({ remove: { path, dataChange: true } })
  }
})

test.each<[what: string, damage: (file: string) => Promise<void>, code: string]>([
  ['is missing', unlink, 'FILE_MISSING'],
  ['is empty', file => truncate(file, 0), 'FILE_INVALID'],
  ['is cut', file => truncate(file, 200), 'FILE_INVALID'],
  ['is no Parquet', file => writeFile(file, 'a,b\n1,2\n'.repeat(99)), 'FILE_INVALID'],
  [
    'has a broken footer',
    file => truncate(file, 400).then(() => writeFile(file, '    PAR1', { flag: 'a' })),
    'FILE_INVALID',
  ],
])('a data file that %s is named with table and version', async (_what, damage, code) => {
  const table = await foreignTable()
  await table.create(struct(field('v', 'long')))
  for (const name of ['good', "bad'[1]"]) await table.write(name, 'SELECT range AS v FROM range(1000)')
  await table.log(added('good'), added("bad'[1]"))
  const file = join(table.root, "t/bad'[1]")
  const wrong = { code, details: { tablePath: 't', version: 1n, file: "bad'[1]" } }
  const early = await table.session.scan(await table.snapshot())
  await damage(file)
  // Found when the table is opened, and by a query that was made while the file was still whole.
  const fresh = await newSession(table)
  await expect(fresh.scan(await table.snapshot())).rejects.toMatchObject(wrong)
  await expect(table.session.rows(sql`SELECT sum(v) FROM (${early})`)).rejects.toMatchObject(wrong)
})

/** A session that has never seen the table. */
async function newSession(table: ForeignTable): Promise<ForeignTable['session']> {
  const engine = openDuckdb({ store: table.store, ids: systemIds, scratch: undefined, folders: [table.root] })
  const session = await engine.session()
  onTestFinished(async () => {
    await session[Symbol.asyncDispose]()
    await engine.close()
  })
  return session
}

test('a column that cannot be of the table’s type is refused with its name', async () => {
  const table = await foreignTable()
  await table.create(struct(field('s', struct(field('a', 'long')))))
  await table.write('f', "SELECT 'text' AS s")
  await table.log(added('f'))
  await expect(read(table)).rejects.toMatchObject({ code: 'FILE_INVALID', details: { file: 'f', column: 's' } })
  await table.log({ remove: { path: 'f', dataChange: true } }, added('g'))
  await table.write('g', "SELECT {'a': '1'} AS s")
  await expect(read(table)).rejects.toMatchObject({ code: 'FILE_INVALID', details: { file: 'g', column: 's' } })
})

test('a pruned plan reads only its files', async () => {
  const table = await foreignTable()
  await table.create(struct(field('v', 'long'), field('p', 'string')), { partitionColumns: ['p'] })
  await table.write('a', 'SELECT 1::BIGINT AS v')
  await table.log(added('a', { partitionValues: { p: 'x' } }), added('lost', { partitionValues: { p: 'y' } }))
  const predicate = { kind: 'compare', column: ['p'], op: '=', value: 'x' } as const
  const plan = await planScan({ store: table.store }, await table.snapshot(), { predicate })
  expect(await table.session.rows(await table.session.scanPlan(plan))).toEqual([{ v: 1n, p: 'x' }])
})
