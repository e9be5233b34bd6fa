/** The texts that SQL Server prints, by its manual, and the values that they become in the lake. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { CopyChunk } from '../../packages/tidemark/src/sources/segments.ts'
import { readCsvHashed } from '../../packages/tidemark/src/sources/read-csv.ts'
import { carryAsText, type SqlServerColumn } from '../../packages/tidemark/src/sources/sqlserver/column.ts'
import { CsvChunks } from '../../packages/tidemark/src/sources/sqlserver/text-rows.ts'
import { carryType } from '../../packages/tidemark/src/sources/sqlserver/types.ts'
import type { SourceColumn } from '../../packages/tidemark/src/sources/source.ts'
import { queryDuckdb, temporaryFolder } from '../support/source.ts'

interface Carried {
  type: string
  scale?: number
  precision?: number
  printed: string | null
  lake: string
  value: string | null
}

const carried: readonly Carried[] = [
  { type: 'bit', printed: '1', lake: 'boolean', value: 'true' },
  { type: 'tinyint', printed: '255', lake: 'short', value: '255' },
  { type: 'bigint', printed: '-9223372036854775808', lake: 'long', value: '-9223372036854775808' },
  {
    type: 'decimal',
    precision: 38,
    scale: 10,
    printed: '1234567890123456789012345678.0123456789',
    lake: 'decimal(38,10)',
    value: '1234567890123456789012345678.0123456789',
  },
  { type: 'money', printed: '-922337203685477.5808', lake: 'decimal(19,4)', value: '-922337203685477.5808' },
  { type: 'real', printed: '1.0000000149011612e-001', lake: 'float', value: '0.1' },
  { type: 'float', printed: '1.0000000000000001e-001', lake: 'double', value: '0.1' },
  { type: 'float', printed: '1.7976931348623157e+308', lake: 'double', value: '1.7976931348623157e+308' },
  { type: 'date', printed: '0001-01-01', lake: 'date', value: '0001-01-01' },
  { type: 'datetime', printed: '2026-03-29T02:30:00.007', lake: 'timestamp', value: '2026-03-29 02:30:00.007+00' },
  { type: 'datetime', printed: '2026-03-29T02:30:00', lake: 'timestamp', value: '2026-03-29 02:30:00+00' },
  {
    type: 'datetime2',
    scale: 7,
    printed: '9999-12-31T23:59:59.9999990',
    lake: 'timestamp',
    value: '9999-12-31 23:59:59.999999+00',
  },
  {
    type: 'datetimeoffset',
    scale: 3,
    printed: '2026-01-01T00:00:00.1230000',
    lake: 'timestamp',
    value: '2026-01-01 00:00:00.123+00',
  },
  { type: 'time', scale: 7, printed: '23:59:59.9999999', lake: 'string', value: '23:59:59.9999999' },
  { type: 'nvarchar', printed: 'a "b",\r\nä 🎵', lake: 'string', value: 'a "b",\r\nä 🎵' },
  { type: 'varchar', printed: '', lake: 'string', value: '' },
  { type: 'varchar', printed: null, lake: 'string', value: null },
  {
    type: 'uniqueidentifier',
    printed: '6F9619FF-8B86-D011-B42D-00C04FC964FF',
    lake: 'string',
    value: '6F9619FF-8B86-D011-B42D-00C04FC964FF',
  },
  { type: 'varbinary', printed: '00FF0A22', lake: 'binary', value: '00FF0A22' },
  { type: 'varbinary', printed: '', lake: 'binary', value: '' },
  {
    type: 'timestamp',
    printed: '00000000000007D1',
    lake: 'binary',
    value: '00000000000007D1',
  },
  { type: 'hierarchyid', printed: '/1/3/', lake: 'string', value: '/1/3/' },
  {
    type: 'sql_variant',
    printed: 'float:1.0000000000000001e-001',
    lake: 'string',
    value: 'float:1.0000000000000001e-001',
  },
]

function columnOf({ type, scale = 0, precision = 10 }: Carried, n: number, timezone = 'UTC'): SqlServerColumn {
  const found = carryType({ name: type, precision, scale, isAssembly: false }, timezone)
  return { name: `c${n}`, sourceType: type, nullable: true, ...found }
}

/** One row through the CSV of a segment, as DuckDB then prints it. */
async function land(columns: readonly SourceColumn[], printed: readonly (string | null)[]): Promise<object> {
  const chunks: CopyChunk[] = []
  const forms = columns.map(column => ('form' in column && column.form === 'quoted' ? 'quoted' : 'bare'))
  const lines = new CsvChunks(['bare', ...forms], 1000, chunk => chunks.push(chunk))
  lines.add(['0', ...printed])
  lines.end()
  const path = join(await temporaryFolder(), 'rows-0.csv')
  await writeFile(path, Buffer.concat(chunks.map(({ bytes }) => bytes)))
  const [row = {}] = await queryDuckdb(readCsvHashed([path], columns))
  return row
}

test('every type has its lake type, and its values arrive as they are', async () => {
  const columns = carried.map((one, n) => columnOf(one, n))
  expect(columns.map(({ deltaType }) => deltaType)).toEqual(carried.map(({ lake }) => lake))
  const row = await land(
    columns,
    carried.map(({ printed }) => printed),
  )
  expect(row).toMatchObject(Object.fromEntries(carried.map(({ value }, n) => [`c${n}`, value])))
})

test('a time without a zone is read in the zone of the source', async () => {
  const at: Carried = { type: 'datetime2', scale: 6, printed: '2026-07-01T12:00:00.000001', lake: '', value: '' }
  const row = await land([columnOf(at, 0, 'Europe/Berlin')], [at.printed])
  expect(row).toMatchObject({ c0: '2026-07-01 10:00:00.000001+00' })
})

test('as_text keeps what the lake type would refuse', async () => {
  const columns = [columnOf({ type: 'datetime2', scale: 7, printed: '', lake: '', value: '' }, 0)]
  const text = carryAsText('app', { schema: 'dbo', table: 't', columns }, ['C0'])
  const row = await land(text, ['2026-01-01T00:00:00.1234567'])
  expect([text[0]?.deltaType, row]).toMatchObject(['string', { c0: '2026-01-01T00:00:00.1234567' }])
})
