import { readdir, truncate, writeFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import type { Slice, SourceSnapshot, SourceTable } from '../../packages/tidemark/src/sources/source.ts'
import { memoryGrowth } from '../support/memory-growth.ts'
import { createSqliteFile, type SqliteFile } from '../support/sqlite.ts'
import {
  copySegments,
  never,
  openSqliteSource,
  problemAt,
  problemOf,
  readRows,
  ref,
  tableOf,
  temporaryFolder,
} from '../support/source.ts'

const own = (table: string): ReturnType<typeof ref> => ref(table, 'main')
const all: Slice = { kind: 'all' }

async function open(file: SqliteFile, table: string): Promise<{ snapshot: SourceSnapshot; table: SourceTable }> {
  const snapshot = await openSqliteSource(file.path).openSnapshot([own(table)], never)
  return { snapshot, table: tableOf(snapshot, own(table)) }
}

/** [declared type, literal, lake type, value in DuckDB] */
const carried: readonly [string, string, string, string][] = [
  ['integer', '-9223372036854775808', 'long', '-9223372036854775808'],
  ['bigint', '9223372036854775807', 'long', '9223372036854775807'],
  ['tinyint(1)', '7', 'long', '7'],
  ['boolean', '1', 'boolean', 'true'],
  ['real', '0.1', 'double', '0.1'],
  ['double precision', '5e-324', 'double', '5e-324'],
  ['float', '1.7976931348623157e308', 'double', '1.7976931348623157e+308'],
  ['real', '-9e999', 'double', '-inf'],
  ['real', '12345678901234567', 'double', '1.2345678901234568e+16'],
  ['decimal(10,2)', '10.25', 'decimal(10,2)', '10.25'],
  ['decimal(10,2)', '-7', 'decimal(10,2)', '-7.00'],
  ['decimal(20,4)', '0.1', 'decimal(20,4)', '0.1000'],
  ['decimal(20,4)', '9999999999999999', 'decimal(20,4)', '9999999999999999.0000'],
  ['decimal(18)', '-999999999999999999', 'decimal(18,0)', '-999999999999999999'],
  ['numeric', '9007199254740992', 'double', '9007199254740992.0'],
  ['date', "'2024-02-29'", 'date', '2024-02-29'],
  ['datetime', "'2026-03-29 02:30:00.123456'", 'timestamp', '2026-03-29 02:30:00.123456+00'],
  ['datetime', "'2026-03-29T02:30'", 'timestamp', '2026-03-29 02:30:00+00'],
  ['timestamp', "'2026-03-29T02:30:00Z'", 'timestamp', '2026-03-29 02:30:00+00'],
  ['timestamp', "'2026-03-29 02:30:00.5+02:00'", 'timestamp', '2026-03-29 00:30:00.5+00'],
  ['datetime', "'2026-03-29'", 'timestamp', '2026-03-29 00:00:00+00'],
  ['text', "''", 'string', ''],
  ['varchar(3)', "'a\"b,c'", 'string', 'a"b,c'],
  ['clob', "'x' || char(13, 10) || 'y'", 'string', 'x\r\ny'],
  ['blob', "x'00ff0a22'", 'binary', '00FF0A22'],
  ['blob', "x''", 'binary', ''],
  ['uuid', "'8c2f'", 'string', '8c2f'],
  ['uuid', "'0012'", 'string', '12'],
  ['json', '0.1', 'string', '0.1'],
  ['', "'no type'", 'string', 'no type'],
]

test('every declared type arrives as its lake type with its exact value, and as NULL', async () => {
  const file = await createSqliteFile(
    `CREATE TABLE carried (${carried.map(([type], i) => `c${i} ${type}`).join(', ')});
     INSERT INTO carried VALUES (${carried.map(([, literal]) => literal).join(', ')}); INSERT INTO carried (c0) VALUES (NULL)`,
  )
  const { snapshot, table } = await open(file, 'carried')
  expect(table.columns.map(c => c.deltaType)).toEqual(carried.map(([, , lake]) => lake))
  const counted = await snapshot.count({ table, slice: all, columns: table.columns, signal: never })
  expect(counted).toMatchObject({ total: 2n, inSlice: 2n })
  const [values, nulls] = await readRows(snapshot, table)
  for (const [i, [type, literal, , expected]] of carried.entries()) {
    expect([type, literal, values?.[`c${i}`]]).toEqual([type, literal, expected])
    expect(nulls?.[`c${i}`]).toBeNull()
  }
})

/** [declared type, a value it may not hold, its text by as_text] */
const misfits: readonly [string, string, string][] = [
  ['integer', "'twelve'", 'twelve'],
  ['integer', '1.5', '1.5'],
  ['integer', "x'0a'", '0A'],
  ['boolean', '2', '2'],
  ['real', "'n/a'", 'n/a'],
  ['numeric', '9007199254740993', '9007199254740993'],
  ['numeric', '9223372036854775807', '9223372036854775807'],
  ['decimal(5,2)', '0.125', '0.125'],
  ['decimal(5,2)', '1000', '1000'],
  ['decimal(18,2)', '10000000000000000', '10000000000000000'],
  ['decimal(5,2)', '0.1 + 0.2', '0.30000000000000004'],
  ['date', "'2026-02-30'", '2026-02-30'],
  ['date', '20260230', '20260230'],
  ['datetime', '1700000000', '1700000000'],
  ['datetime', "'yesterday'", 'yesterday'],
  ['datetime', "'2026-02-31 10:00:00'", '2026-02-31 10:00:00'],
  ['datetime', "'2026-01-01 10:00:00.1234567'", '2026-01-01 10:00:00.1234567'],
  ['datetime', "'2026-01-01 24:00:00'", '2026-01-01 24:00:00'],
  ['text', "x'ff'", 'FF'],
  ['blob', "'text'", 'text'],
  ['', "x'00'", '00'],
]

test('a value that is not of its column stops the table by column and count, and as_text carries it', async () => {
  const file = await createSqliteFile(
    `CREATE TABLE misfits (${misfits.map(([type], i) => `c${i} ${type}`).join(', ')});
     INSERT INTO misfits VALUES (${misfits.map(([, literal]) => literal).join(', ')})`,
  )
  const { snapshot, table } = await open(file, 'misfits')
  for (const [i, [type, literal, expected]] of misfits.entries()) {
    const columns = table.columns.slice(i, i + 1)
    const problem = await problemOf(snapshot.count({ table, slice: all, columns, signal: never }))
    expect([type, literal, problem.code]).toEqual([type, literal, 'SOURCE_VALUE_UNFIT'])
    expect(problem.message).toContain('has 1 row with')
    expect((await problemOf(copySegments(snapshot, table, { columns }))).message).toBe(problem.message)
    const text = openSqliteSource(file.path)
      .carryAsText(table, [`C${i}`])
      .slice(i, i + 1)
    expect([type, (await readRows(snapshot, table, { columns: text }))[0]?.[`c${i}`]]).toEqual([type, expected])
  }
})

test('doubles come through bit for bit', async () => {
  const file = await createSqliteFile('CREATE TABLE doubles (id integer PRIMARY KEY, v real)')
  const bits = new BigUint64Array(1)
  const insert = file.writer.prepare('INSERT INTO doubles (v) VALUES (?)')
  const values: number[] = [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1, 1 / 3, 2 ** 53 + 2]
  for (let seed = 1n; values.length < 2000; seed = (seed * 6364136223846793005n + 1442695040888963407n) % 2n ** 64n) {
    bits[0] = seed
    const [value = 0] = new Float64Array(bits.buffer)
    if (Number.isFinite(value)) values.push(value)
  }
  file.writer.exec('BEGIN')
  for (const value of values) insert.run(value)
  file.writer.exec('COMMIT')
  const { snapshot, table } = await open(file, 'doubles')
  const rows = await readRows(snapshot, table)
  expect(rows.map(row => Number(row['v']))).toEqual(values)
})

test('texts with NUL come through, and one that is no UTF-8 is an error with its column', async () => {
  const file = await createSqliteFile(`CREATE TABLE texts (id integer PRIMARY KEY, a text, b text);
    INSERT INTO texts VALUES (1, 'x' || char(0) || 'y', 'ä😀'), (2, 'ok', 'a,"b' || CAST(x'c328' AS text))`)
  const { snapshot, table } = await open(file, 'texts')
  const few: Slice = { kind: 'keys', columns: ['id'], keys: [['1']] }
  expect(await readRows(snapshot, table, { slice: few })).toMatchObject([{ a: 'x\0y', b: 'ä😀' }])
  const problem = await problemOf(copySegments(snapshot, table))
  expect([problem.code, problem.message]).toEqual([
    'SOURCE_TEXT_INVALID',
    expect.stringContaining('a text in b holds bytes that are no UTF-8. The row begins with 2,"ok"'),
  ])
})

test('a view that SQLite cannot compute is unusable, and the file is not said to be no database', async () => {
  const file = await createSqliteFile(`CREATE TABLE least (n integer); INSERT INTO least VALUES (-9223372036854775808);
    CREATE VIEW computed AS SELECT abs(n) AS n FROM least`)
  const { snapshot, table } = await open(file, 'computed')
  const problem = await problemOf(copySegments(snapshot, table))
  expect([problem.code, problem.message]).toEqual([
    'SOURCE_TABLE_UNUSABLE',
    expect.stringContaining('main.computed: integer overflow'),
  ])
})

test('a row that is too long is refused by its length, and its values are never read', async () => {
  const file = await createSqliteFile(`CREATE TABLE long (id integer PRIMARY KEY, a text, b blob);
    INSERT INTO long VALUES (1, 'ok', x'00'), (2, 'abc', zeroblob(300000000))`)
  const { snapshot, table } = await open(file, 'long')
  const few: Slice = { kind: 'keys', columns: ['id'], keys: [['1']] }
  expect(await readRows(snapshot, table, { slice: few })).toHaveLength(1)
  const grown = await memoryGrowth(async () => {
    const problem = await problemOf(copySegments(snapshot, table))
    expect([problem.code, problem.params['bytes']]).toEqual(['SOURCE_ROW_TOO_LONG', 300_000_003])
  })
  expect(grown, 'KiB').toBeLessThan(150_000)
})

test.each(['wal', 'delete'] as const)('all readers of a snapshot see one moment (%s)', async journal => {
  const file = await createSqliteFile(
    'CREATE TABLE moving (id int PRIMARY KEY); INSERT INTO moving VALUES (1)',
    journal,
  )
  const { snapshot, table } = await open(file, 'moving')
  const write = (): void => file.writer.exec('INSERT INTO moving VALUES (2); DELETE FROM moving WHERE id = 1')
  if (journal === 'wal') write()
  else expect(write).toThrow('database is locked')
  const ids = async (): Promise<unknown[]> => (await readRows(snapshot, table)).map(row => row['id'])
  expect([await ids(), await ids()]).toEqual([['1'], ['1']])
  await snapshot.close()
  if (journal === 'delete') write()
  const later = await open(file, 'moving')
  expect((await readRows(later.snapshot, later.table)).map(row => row['id'])).toEqual(['2'])
  expect(later.snapshot.position.order).toBeGreaterThan(snapshot.position.order)
  expect(later.snapshot.position.identity).toBe(snapshot.position.identity)
  expect(later.snapshot.position.log).toBeGreaterThanOrEqual(snapshot.position.log)
})

test('keys, nullability, generated columns and views are described as SQLite means them', async () => {
  const file = await createSqliteFile(`CREATE TABLE rowid_key (id INTEGER PRIMARY KEY, v text NOT NULL);
    CREATE TABLE pair (b text, a int, v int, twice int AS (v * 2), kept int AS (v + 1) STORED, PRIMARY KEY (b, a)) WITHOUT ROWID;
    CREATE TABLE loose (k text PRIMARY KEY, n int); INSERT INTO pair VALUES ('x', 1, 21);
    CREATE VIEW shown AS SELECT b, CAST(v AS integer) AS number, v || '!' AS said FROM pair;
    CREATE VIEW broken AS SELECT * FROM nowhere; CREATE VIRTUAL TABLE found USING fts5(words)`)
  const source = openSqliteSource(file.path)
  const names = ['rowid_key', 'PAIR', 'loose', 'shown', 'broken', 'found', 'parr']
  const snapshot = await source.openSnapshot(names.map(own), never)
  const described = (name: string): SourceTable => tableOf(snapshot, own(name))
  expect(described('rowid_key')).toMatchObject({
    primaryKey: ['id'],
    columns: [{ nullable: false }, { nullable: false }],
  })
  expect(described('PAIR')).toMatchObject({ table: 'pair', primaryKey: ['b', 'a'] })
  expect(described('PAIR').columns.map(c => [c.name, c.nullable])).toEqual([
    ['b', false],
    ['a', false],
    ['v', true],
    ['twice', true],
    ['kept', true],
  ])
  expect(described('loose').columns[0]?.nullable).toBe(true)
  expect(described('shown')).toMatchObject({
    kind: 'view',
    columns: [{}, { deltaType: 'long' }, { deltaType: 'string' }],
  })
  expect(await readRows(snapshot, described('PAIR'))).toMatchObject([{ twice: '42', kept: '22' }])
  expect(await readRows(snapshot, described('shown'))).toMatchObject([{ b: 'x', number: '21', said: '21!' }])
  expect(problemAt(snapshot, own('broken')).code).toBe('SOURCE_TABLE_UNUSABLE')
  expect(problemAt(snapshot, own('parr'))).toMatchObject({
    code: 'SOURCE_TABLE_MISSING',
    hint: 'Did you mean main.pair?',
  })
  expect(described('found').outsideSnapshot).toContain('module')
  expect((await source.listTables(never)).map(one => one.table)).toEqual([
    'broken',
    'found',
    'loose',
    'pair',
    'rowid_key',
    'shown',
  ])
})

test('an abort is answered at once, and a reader that leaves early leaves the snapshot usable', async () => {
  const file = await createSqliteFile(`CREATE TABLE few (id int); INSERT INTO few VALUES (7);
    CREATE VIEW many AS WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 3000000) SELECT n FROM s`)
  const snapshot = await openSqliteSource(file.path).openSnapshot([own('many'), own('few')], never)
  const table = tableOf(snapshot, own('many'))
  const directory = await temporaryFolder()
  const request = { table, columns: table.columns, slice: all, directory, prefix: 'rows', segmentBytes: 200_000 }
  for await (const segment of snapshot.copy({ ...request, signal: never })) {
    expect(segment.rows).toBeGreaterThan(0n)
    break
  }
  expect((await readdir(directory)).length).toBeLessThanOrEqual(2)
  const abort = new AbortController()
  const counting = snapshot.count({ table, slice: all, columns: [], signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(counting).rejects.toThrow('enough')
  expect(await readRows(snapshot, tableOf(snapshot, own('few')))).toMatchObject([{ id: '7' }])
})

test('each way not to get in has its own problem', async () => {
  const folder = await temporaryFolder()
  await writeFile(`${folder}/text.db`, 'this is no database, but it is long enough to be looked at'.repeat(100))
  const wide = await createSqliteFile(`PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (v text)`)
  const torn = await createSqliteFile(
    `CREATE TABLE t (v text); INSERT INTO t SELECT printf('%5000s', value) FROM json_each('[1,2,3,4,5,6,7,8,9]')`,
    'delete',
  )
  torn.writer.close()
  await truncate(torn.path, 8192)
  const locked = await createSqliteFile('CREATE TABLE t (v text)', 'delete')
  locked.writer.exec('BEGIN EXCLUSIVE')
  const cases = [
    [`${folder}/absent.db`, 'SOURCE_UNREACHABLE', 'later'],
    [folder, 'SOURCE_UNREACHABLE', 'later'],
    [`${folder}/text.db`, 'SOURCE_FILE_UNREADABLE', 'after-change'],
    [wide.path, 'SOURCE_FILE_UNREADABLE', 'after-change'],
    [torn.path, 'SOURCE_FILE_UNREADABLE', 'after-change'],
    [locked.path, 'SOURCE_DATABASE_LOCKED', 'later'],
  ] as const
  for (const [path, code, retry] of cases) {
    const problem = await problemOf(openSqliteSource(path, { busyTimeoutMs: 100 }).openSnapshot([own('t')], never))
    expect([path, problem.code, problem.exit, problem.retry]).toEqual([path, code, 3, retry])
    expect(problem.hint, path).not.toMatch(/firewall|server/)
  }
})

test('rows of a slice are compared by time, however their moments are written', async () => {
  const file = await createSqliteFile(`CREATE TABLE written (id integer PRIMARY KEY, at datetime);
    INSERT INTO written VALUES (1, '2026-01-01 09:59:59.999999'), (2, '2026-01-01T10:00:00Z'), (3, '2026-01-01 12:00:00+02:00'),
      (4, '2026-01-01T11:59:59+02:00'), (5, NULL), (6, '2026-01-02'), (7, '2026-01-01 10:00')`)
  const { snapshot, table } = await open(file, 'written')
  const ids = async (slice: Slice): Promise<unknown[]> =>
    (await readRows(snapshot, table, { slice })).map(row => Number(row['id']))
  expect(await ids({ kind: 'cursor', column: 'at', from: '2026-01-01 10:00:00' })).toEqual([2, 3, 5, 6, 7])
  expect(await ids({ kind: 'range', column: 'AT', from: undefined, to: '2026-01-01T10:00:00' })).toEqual([1, 4])
  expect(await snapshot.cursorHorizon(table, 'at', { kind: 'newest' }, never)).toBe('2026-01-02 00:00:00.000000')
  for (const from of ["x'; DROP TABLE written; --", '2026-02-30']) {
    const slice: Slice = { kind: 'range', column: 'at', from, to: undefined }
    expect((await problemOf(copySegments(snapshot, table, { slice }))).code).toBe('SOURCE_RANGE_INVALID')
  }
})

test('hostile names are created, read and never run', async () => {
  const names = [
    'a"b',
    "x'; DROP TABLE canary; --",
    'select',
    'ünï',
    '\u202ertl',
    'a`b]c[',
    ' blank ',
    '--',
    'n'.repeat(128),
  ]
  const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`
  const made = names.map(
    (name, n) => `CREATE TABLE ${quote(name)} (id integer PRIMARY KEY, ${quote(`${name}!`)} text);
      INSERT INTO ${quote(name)} VALUES (${n}, 'v')`,
  )
  const file = await createSqliteFile(`CREATE TABLE canary (id int); ${made.join(';')}`)
  const snapshot = await openSqliteSource(file.path).openSnapshot(names.map(own), never)
  for (const [n, name] of names.entries()) {
    const table = tableOf(snapshot, own(name))
    const slice: Slice = { kind: 'keys', columns: [`${name}!`], keys: [['v']] }
    expect(await readRows(snapshot, table, { slice })).toMatchObject([{ id: String(n), [`${name}!`]: 'v' }])
  }
  expect(file.writer.prepare('SELECT count(*) AS n FROM canary').get()).toEqual({ n: 0 })
})
