/** Versions of rows in Parquet beside those of the same rows in CSV, as the engine reads both. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, onTestFinished, test } from 'vitest'
import { type Sql, sql } from '../../engine/sql.ts'
import { readCsvHashed } from '../read-csv.ts'
import type { SourceColumn } from '../source.ts'
import { ColumnValues } from './column-values.ts'
import { hashedColumns, keyColumns, readHashed, readHashedKeys, versionTexts } from './hashed-rows.ts'
import { parquetLayout, rowGroup } from './segment-layout.ts'

type Value = string | undefined
const ROWS: readonly (readonly Value[])[] = [
  ['1', 'plain', 'short'],
  ['-22', '', undefined],
  [undefined, 'a "quoted", b\n', '0:'],
  ['4', 'zwölf', '-'],
]

test.each([
  { name: 'no column', masks: [] },
  { name: 'the first', masks: [0] },
  { name: 'the last two', masks: [1, 2] },
  { name: 'all', masks: [0, 1, 2] },
])('rows have the values and the version that they have by CSV: $name is masked', async ({ masks }) => {
  const columns = ['n', 't', 'u'].map((name, index): SourceColumn => {
    const own = (value: Sql): Sql => (name === 'n' ? sql`CAST(${value} AS INTEGER)` : value)
    const mask = (value: Sql): Sql => sql`('***' || right(CAST(${own(value)} AS VARCHAR), 1))`
    const plain = { name, sourceType: 'any', deltaType: 'string', nullable: true, orderable: false, note: undefined }
    return masks.includes(index) ? { ...plain, masked: true, decode: mask } : { ...plain, decode: own }
  })
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-hashed-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const [parquet, csv] = [join(folder, 'rows.parquet'), join(folder, 'rows.csv')]
  await writeFile(parquet, fileOf(columns))
  const quoted = (value: Value): string => (value === undefined ? '' : `"${value.replaceAll('"', '""')}"`)
  await writeFile(csv, ROWS.map(row => `0,${row.map(quoted).join(',')}\n`).join(''))
  const read = await rowsOf(readHashed([parquet], columns))
  expect(read).toHaveLength(ROWS.length)
  expect(read).toEqual(await rowsOf(readCsvHashed([csv], columns)))
})

test('keys are read by their names', async () => {
  const key: SourceColumn = {
    ...{ name: 'k', sourceType: 'any', deltaType: 'integer', nullable: false, orderable: true, note: undefined },
    decode: value => value,
  }
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-hashed-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const layout = parquetLayout(keyColumns(1, () => 'int32'))
  const file = [layout.start, ...layout.add(rowGroup([columnOf([int(7)])], 0)), layout.end()]
  await writeFile(join(folder, 'keys.parquet'), Buffer.concat(file))
  expect(await rowsOf(readHashedKeys([join(folder, 'keys.parquet')], [key]))).toEqual(['7'])
})

/** What is not masked as numbers and texts, what is masked as the text that it is made of. */
function fileOf(columns: readonly SourceColumn[]): Buffer {
  const texts: Value[][] = ROWS.map(row => {
    const parts = ['']
    row.forEach((value, index) => {
      if (columns[index]?.masked === true) parts.push('')
      else parts[parts.length - 1] += value === undefined ? '-' : `${Buffer.byteLength(value)}:${value}`
    })
    return parts
  })
  const isNumber = (index: number): boolean => index === 0 && columns[0]?.masked !== true
  const values = columns.map((_, index) => {
    const all = ROWS.map(row => row[index])
    return columnOf(all.map(value => value && (isNumber(index) ? int(Number(value)) : text(value))))
  })
  const versions = Array.from({ length: versionTexts(columns) }, (_, n) =>
    columnOf(texts.map(row => text(row[n] ?? ''))),
  )
  const layout = parquetLayout(hashedColumns(columns, index => (isNumber(index) ? 'int32' : 'text')))
  return Buffer.concat([layout.start, ...layout.add(rowGroup([...values, ...versions], 0)), layout.end()])
}

function columnOf(values: readonly (Buffer | string | undefined)[]): ColumnValues {
  const column = new ColumnValues()
  values.forEach((value, row) => {
    const bytes = value === '' ? text('') : value
    if (typeof bytes !== 'object') return column.setNull(row)
    column.reserve(bytes.length)
    column.bytes.set(bytes, column.filled)
    column.filled += bytes.length
  })
  column.rows = values.length
  return column
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}

const text = (value: string): Buffer => Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)])

async function rowsOf(relation: Sql): Promise<string[]> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    const reader = await connection.runAndReadAll(`SELECT * FROM (${relation.text})`)
    return reader.getRowsJS().map(String).sort()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
