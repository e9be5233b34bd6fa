/** What every Source promises of texts and segments, as one suite to run over each database. */
import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { type FilterDialect, parseFilter } from '../../packages/tidemark/src/sources/filter.ts'
import type {
  Slice,
  SliceCount,
  SourceSnapshot,
  SourceTable,
  TableRef,
} from '../../packages/tidemark/src/sources/source.ts'
import { copySegments, never, readKeys, readRows, tableOf } from '../support/source.ts'

export interface SourceContract {
  name: string
  dialect: FilterDialect
  /** Make a table `name (id, v)` whose rows are the texts, numbered from 1, and open a snapshot with it. */
  open: (name: string, values: readonly (string | null)[]) => Promise<{ snapshot: SourceSnapshot; wanted: TableRef }>
}

const texts: readonly [string, readonly (string | null)[]][] = [
  ['NULL and the empty text stay different', ['', null, ' ', 'NULL', '""', 'null', '\\N']],
  [
    'quotes, commas, tabs and backslashes come through',
    ['"', '""', '","', "'", '\\', '\\"', ',', ',,,', '\t', '"a', 'a"', '#comment', '-- x', ';'],
  ],
  [
    'line breaks of every kind inside a value are data',
    ['\n', '\r', '\r\n', '\n\r', 'a\nb', 'a\r\nb\r', '\n\n\n', '"\n"', '\u0085', '\u2028', '\v', '\f'],
  ],
  ['the end-of-data mark of COPY inside a value is data', ['\\.', '\\.\n', 'a\n\\.\nb', '.']],
  [
    'blanks around a value, emoji and combined letters come through',
    [' a ', '  ', '😀', 'e\u0301', '\u200b', 'ß→ẞ', '\u{10ffff}', '日本語', '\u0001'],
  ],
  [
    'text that looks like a number, a date or a truth value stays text',
    ['007', '1e5', '2026-01-01', 'true', 'NaN', 'inf', '+1', '0x1F', '1,5'],
  ],
]

export function sourceContract({ name, dialect, open }: SourceContract): void {
  const tableWith = async (
    table: string,
    values: readonly (string | null)[],
  ): Promise<{ snapshot: SourceSnapshot; table: SourceTable }> => {
    const { snapshot, wanted } = await open(table, values)
    return { snapshot, table: tableOf(snapshot, wanted) }
  }
  const roundTrip = async (
    table: string,
    values: readonly (string | null)[],
    segmentBytes = 5000,
  ): Promise<unknown[]> => {
    const opened = await tableWith(table, values)
    const rows = await readRows(opened.snapshot, opened.table, { segmentBytes })
    return rows.sort((a, b) => Number(a['id']) - Number(b['id'])).map(row => row['v'])
  }

  describe(`what every source promises: ${name}`, () => {
    test.each(texts.map(([promise, values], n) => ({ promise, values, n })))('$promise', async ({ values, n }) => {
      expect(await roundTrip(`texts_${n}`, values)).toEqual(values)
    })

    test('segments are cut only between rows and counted exactly, whatever the rows hold', async () => {
      const values = Array.from({ length: 1000 }, (_, i) => `${i}\n"${'x'.repeat(i % 97)}",\r\n`)
      const { snapshot, table } = await tableWith('cuts', values)
      const segments = await copySegments(snapshot, table, { segmentBytes: 5000 })
      expect(segments.length).toBeGreaterThan(5)
      for (const segment of segments) {
        const bytes = await readFile(segment.path)
        expect(BigInt(bytes.length)).toBe(segment.bytes)
        // Cut between rows: a line ends, or the file says where its rows are.
        const end = segment.path.endsWith('.parquet') ? 'PAR1' : '\n'
        expect(bytes.toString('latin1').endsWith(end)).toBe(true)
      }
      expect(segments.reduce((sum, segment) => sum + segment.rows, 0n)).toBe(1000n)
      expect(await roundTrip('cuts_again', values)).toEqual(values)
    })

    test('rows that do not belong to a table are in no count, no copy and no list of keys', async () => {
      const { snapshot, table } = await tableWith('belonging', ['a', null, '', null, 'null'])
      const id = table.columns.filter(column => column.name === 'id')
      const some = { ...table, onlyWith: 'v' }
      const looked = (slice: Slice): Promise<SliceCount> =>
        snapshot.count({ table: some, slice, columns: table.columns, cursor: 'v', signal: never })
      const keyed: Slice = { kind: 'keys', columns: ['id'], keys: [['1'], ['2'], ['9']] }
      expect(await looked({ kind: 'all' })).toEqual({ total: 3n, inSlice: 3n, withoutCursor: 2n })
      expect((await looked(keyed)).inSlice).toBe(1n)
      const ids = (rows: Record<string, string | null>[]): number[] =>
        rows.map(row => Number(row['id'])).sort((a, b) => a - b)
      expect(ids(await readRows(snapshot, some))).toEqual([1, 3, 5])
      expect(ids(await readRows(snapshot, some, { slice: keyed }))).toEqual([1])
      expect(ids(await readKeys(snapshot, some, id))).toEqual([1, 3, 5])
      expect(ids(await readKeys(snapshot, table, id))).toEqual([1, 2, 3, 4, 5])
    })

    test('rows that a filter keeps out are in no count, no copy and no list of keys', async () => {
      const { snapshot, table } = await tableWith('filtered', ['a', null, "it's", 'é', 'b'])
      const id = table.columns.filter(column => column.name === 'id')
      const filter = parseFilter(`v IN ('it''s', 'é') OR "id" < 3`, table, dialect)
      if ('refused' in filter) throw new Error(filter.refused)
      const some = { ...table, filter }
      const keyed: Slice = { kind: 'keys', columns: ['id'], keys: [['1'], ['5']] }
      const looked = (of: SourceTable, slice: Slice): Promise<SliceCount> =>
        snapshot.count({ table: of, slice, columns: table.columns, cursor: 'v', signal: never })
      expect(await looked(some, { kind: 'all' })).toEqual({ total: 4n, inSlice: 4n, withoutCursor: 1n })
      expect((await looked(some, keyed)).inSlice).toBe(1n)
      expect((await looked({ ...some, onlyWith: 'v' }, { kind: 'all' })).total).toBe(3n)
      const ids = (rows: Record<string, string | null>[]): number[] =>
        rows.map(row => Number(row['id'])).sort((a, b) => a - b)
      expect(ids(await readRows(snapshot, some))).toEqual([1, 2, 3, 4])
      expect(ids(await readRows(snapshot, some, { slice: keyed }))).toEqual([1])
      expect(ids(await readKeys(snapshot, some, id))).toEqual([1, 2, 3, 4])
    })

    test('a row of many megabytes comes through beside short ones', async () => {
      const long = `"${'0123456789,\n'.repeat(400_000)}"`
      const values = ['short', long, 'short again', null]
      const read = await roundTrip('long_rows', values, 64 * 1024 * 1024)
      expect([read[0], read[1] === long, ...read.slice(2)]).toEqual(['short', true, 'short again', null])
    })
  })
}
