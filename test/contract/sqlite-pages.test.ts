/** Rows of SQLite are read in pages by their numbers: each row is in one page, whatever numbers and lengths rows have. */
import { expect, test } from 'vitest'
import type { Slice, SourceSnapshot, SourceTable } from '../../packages/tidemark/src/sources/source.ts'
import { readRows as readingOf } from '../../packages/tidemark/src/sources/sqlite/page-sql.ts'
import { readGroups } from '../../packages/tidemark/src/sources/sqlite/read-rows.ts'
import { SegmentRows } from '../../packages/tidemark/src/sources/sqlite/segment-rows.ts'
import { sqliteSlice } from '../../packages/tidemark/src/sources/sqlite/slice-sql.ts'
import { memoryGrowth } from '../support/memory-growth.ts'
import { createSqliteFile, type SqliteFile } from '../support/sqlite.ts'
import {
  copySegments,
  never,
  openSqliteSource,
  problemOf,
  readKeys,
  readRows,
  ref,
  tableOf,
} from '../support/source.ts'

const own = (table: string): ReturnType<typeof ref> => ref(table, 'main')

async function open(file: SqliteFile, table: string): Promise<{ snapshot: SourceSnapshot; table: SourceTable }> {
  const snapshot = await openSqliteSource(file.path).openSnapshot([own(table)], never)
  return { snapshot, table: tableOf(snapshot, own(table)) }
}

const numbers = (rows: number): string =>
  `WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${rows})`

test.each([
  ['in one run', 'n'],
  ['with gaps', 'n * 1000003'],
  ['in two clumps', 'CASE WHEN n > 3000 THEN 9223372036854775807 - n ELSE n END'],
  ['at both ends', 'CASE n WHEN 1 THEN -9223372036854775808 WHEN 2 THEN 9223372036854775807 ELSE n - 5000 END'],
])('rows numbered %s come once each', async (_how, number) => {
  const file = await createSqliteFile(`CREATE TABLE t (id integer PRIMARY KEY, v text);
    ${numbers(10_000)} INSERT INTO t SELECT ${number}, 'value ' || n FROM s`)
  const { snapshot, table } = await open(file, 't')
  const wanted = file.writer.prepare('SELECT CAST(id AS text) AS id, v FROM t ORDER BY id').all()
  const rows = (await readRows(snapshot, table)).map(({ id, v }) => ({ id, v }))
  expect(sorted(rows)).toEqual(sorted(wanted.map(row => ({ ...row }) as Record<string, string>)))
  const keys = await readKeys(snapshot, table, table.columns.slice(0, 1))
  expect(keys.map(({ id }) => id).toSorted()).toEqual(wanted.map(({ id }) => String(id)).toSorted())
})

test.each([
  ['CREATE TABLE t (rowid text, _rowid_ text, id int, v text)', 'a'],
  ['CREATE TABLE t (rowid text, _rowid_ text, oid int, v text)', 'a'],
  ['CREATE TABLE t (ROWID integer PRIMARY KEY, b text, id int, v text)', '-7'],
  ['CREATE TABLE t (a int PRIMARY KEY, b text, id int, v text) WITHOUT ROWID', '-7'],
  ['CREATE TABLE t (a text PRIMARY KEY, b text, id int, v text) WITHOUT ROWID', 'a'],
  ['CREATE TABLE t (a int, b text, id int, v text, PRIMARY KEY (a, id)) WITHOUT ROWID', '-7'],
])('%s is read whole', async (made, first) => {
  const key = first === 'a' ? "'a' || n" : '-6 - n'
  const file = await createSqliteFile(`${made}; ${numbers(5000)} INSERT INTO t SELECT ${key}, 'b' || n, n, 'v' FROM s`)
  const { snapshot, table } = await open(file, 't')
  const rows = await readRows(snapshot, table)
  const [name = '', , id = ''] = table.columns.map(column => column.name)
  expect(rows.map(row => Number(row[id])).toSorted((a, b) => a - b)).toEqual(
    Array.from({ length: 5000 }, (_, n) => n + 1),
  )
  expect(rows.find(row => row[id] === '1')?.[name]).toBe(first === 'a' ? 'a1' : '-7')
})

test('a key of a table without row numbers that is no integer is refused, and comes as text where it may', async () => {
  const file = await createSqliteFile(`CREATE TABLE t (id int PRIMARY KEY, v int) WITHOUT ROWID;
    ${numbers(3000)} INSERT INTO t SELECT n, n FROM s; INSERT INTO t VALUES ('x', 1), (x'00', 2), (2.5, 3)`)
  const { snapshot, table } = await open(file, 't')
  const problem = await problemOf(copySegments(snapshot, table))
  expect([problem.code, problem.message]).toEqual([
    'SOURCE_VALUE_UNFIT',
    expect.stringContaining('id (INT as long) has 3 rows'),
  ])
  const columns = openSqliteSource(file.path).carryAsText(table, ['id'])
  const odd = (await readRows(snapshot, table, { columns })).filter(
    ({ id }) => !/^\d+$/.test(String(id)) || id === '00',
  )
  expect(odd.map(({ id, v }) => `${id}:${v}`).toSorted()).toEqual(['00:2', '2.5:3', 'x:1'])
})

test('stretches of a key that has an index of its own hold their rows, misfits too', async () => {
  const file = await createSqliteFile(`CREATE TABLE t (id bigint NOT NULL PRIMARY KEY, v int);
    ${numbers(9000)} INSERT INTO t SELECT n * 7 % 9001 - 4500, n FROM s`)
  const { snapshot, table } = await open(file, 't')
  const stretch = (from: bigint | undefined, to: bigint | undefined): Slice => ({
    kind: 'chunk',
    column: 'id',
    from,
    to,
  })
  const slices = [stretch(undefined, -4000n), stretch(-4000n, 1n), stretch(1n, 1n), stretch(1n, undefined)]
  const parts = await Promise.all(slices.map(slice => readRows(snapshot, table, { slice })))
  expect(parts.map(rows => rows.length)).toEqual([499, 4001, 0, 4500])
  expect(
    parts
      .flat()
      .map(({ id }) => Number(id))
      .toSorted((a, b) => a - b),
  ).toEqual(Array.from({ length: 9000 }, (_, n) => n - 4499))
  await snapshot.close()
  file.writer.exec('INSERT INTO t VALUES (2000.5, 1)')
  const later = await open(file, 't')
  const problem = await problemOf(copySegments(later.snapshot, later.table, { slice: stretch(1n, undefined) }))
  expect(problem.code).toBe('SOURCE_VALUE_UNFIT')
  const others = later.table.columns.slice(1)
  expect(await readRows(later.snapshot, later.table, { slice: stretch(1n, undefined), columns: others })).toHaveLength(
    4501,
  )
})

test('long rows among short ones are held one by one', async () => {
  const file = await createSqliteFile(`CREATE TABLE t (id integer PRIMARY KEY, v text);
    ${numbers(12_000)} INSERT INTO t SELECT n, CASE WHEN n BETWEEN 6000 AND 6150 THEN printf('%.*c', 1000000, 'x') WHEN n % 1000 = 0
      THEN printf('%.*c', 9000000, 'y') ELSE 'short' END FROM s`)
  const { snapshot, table } = await open(file, 't')
  let rows = 0n
  const grown = await memoryGrowth(async () => {
    for (const segment of await copySegments(snapshot, table)) rows += segment.rows
  })
  expect(rows).toBe(12_000n)
  expect(grown, 'KiB').toBeLessThan(300_000)
})

test('a row that is too long is refused, as the first and as the only one, too', async () => {
  for (const [rows, view] of [
    ['zeroblob(200000000)', false],
    ['zeroblob(200000000)', true],
  ] as const) {
    const file =
      await createSqliteFile(`CREATE TABLE t (id integer PRIMARY KEY, v blob); CREATE VIEW shown AS SELECT * FROM t;
      INSERT INTO t VALUES (1, ${rows})`)
    const { snapshot, table } = await open(file, view ? 'shown' : 't')
    for (const more of ['', `INSERT INTO t VALUES (2, x'00')`]) {
      if (more !== '') file.writer.exec(more)
      const problem = await problemOf(copySegments(snapshot, table))
      expect([problem.code, problem.params['bytes']]).toEqual(['SOURCE_ROW_TOO_LONG', 200_000_000])
    }
  }
})

test('a table of two thousand columns is read', async () => {
  const names = Array.from({ length: 1999 }, (_, n) => `c${n}`)
  const file =
    await createSqliteFile(`CREATE TABLE t (id integer PRIMARY KEY, ${names.map((name, n) => `${name} ${n % 2 === 0 ? 'int' : 'text'}`).join(', ')});
    ${numbers(300)} INSERT INTO t (id, c0, c1, c899, c900, c1997, c1998) SELECT n, n, 'a', 'b', 7, 'é"', -n FROM s`)
  const { snapshot, table } = await open(file, 't')
  const rows = await readRows(snapshot, table)
  expect(rows).toHaveLength(300)
  expect(rows.find(({ id }) => id === '9')).toMatchObject({
    c0: '9',
    c1: 'a',
    c2: null,
    c899: 'b',
    c900: '7',
    c1997: 'é"',
    c1998: '-9',
  })
})

test('a value that an expression makes for JSON stays the text that it is', async () => {
  const file =
    await createSqliteFile(`CREATE TABLE t (id integer PRIMARY KEY, v text, j text AS (json(v)), n int AS (json('7')) VIRTUAL);
    INSERT INTO t (id, v) VALUES (1, '"abc"'), (2, '[1, 2]'), (3, 'null')`)
  const { snapshot, table } = await open(file, 't')
  const rows = await readRows(snapshot, table, { columns: table.columns.slice(0, 3) })
  expect(rows.map(({ id, j }) => `${id}:${j}`).toSorted()).toEqual(['1:"abc"', '2:[1,2]', '3:null'])
})

test('an odd value far behind and another column of them change no row before', async () => {
  const file = await createSqliteFile(`CREATE TABLE t (id integer PRIMARY KEY, at datetime, v, d double);
    ${numbers(9000)} INSERT INTO t SELECT n, CASE n WHEN 5000 THEN '0001-06-01 10:00' ELSE '2026-01-01 10:00:00' END,
      CASE n WHEN 7000 THEN 0.5 ELSE 'v' || n END, n / 4.0 FROM s`)
  const { snapshot, table } = await open(file, 't')
  const rows = await readRows(snapshot, table, { segmentBytes: 50_000 })
  expect(rows).toHaveLength(9000)
  const by = new Map(rows.map(row => [row['id'], row]))
  expect(by.size).toBe(9000)
  expect(by.get('5000')).toMatchObject({ at: '0001-06-01 10:00:00+00', v: 'v5000', d: '1250.0' })
  expect(by.get('7000')).toMatchObject({ at: '2026-01-01 10:00:00+00', v: '0.5' })
  expect(by.get('7001')).toMatchObject({ v: 'v7001', d: '1750.25' })
})

function sorted(rows: readonly Record<string, unknown>[]): string[] {
  return rows.map(row => JSON.stringify(row)).toSorted()
}

test.each([
  ['all', '1', false],
  ['fifteen', '0', true],
])(
  'of a SQLite that prints %s digits of a double in JSON the lines of doubles and decimals are taken rightly',
  async (_, answer, isJudged) => {
    const file = await createSqliteFile('CREATE TABLE t (id integer PRIMARY KEY, v double, d decimal(18,2), s text)')
    const { table } = await open(file, 't')
    const slice = sqliteSlice({ kind: 'all' }, name => {
      throw new Error(name)
    })
    if ('reason' in slice) throw new Error(slice.reason)
    const asked: string[] = []
    const session: Parameters<typeof readGroups>[0] = {
      query: async () => [[answer]],
      // oxlint-disable-next-line require-yield -- a table without rows
      copyOut: async function* (start) {
        if (start.kind === 'pages') asked.push(start.statements.lines.rest)
        return 0n
      },
    }
    const rows = new SegmentRows(table.columns, 'rows')
    const options = { named: { source: 'app', table: 't' }, chunkBytes: 1000, groupBytes: 1000, signal: never }
    for await (const group of readGroups(session, readingOf(table, slice, table.columns), rows, options)) {
      expect(group.rows).toBe(0)
    }
    expect(asked).toHaveLength(1)
    expect(asked[0]?.includes(`printf('%!.17g', t."v")`)).toBe(isJudged)
    expect(asked[0]?.includes(`printf('%!.2f', t."d")`)).toBe(isJudged)
  },
)
