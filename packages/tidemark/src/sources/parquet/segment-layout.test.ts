/** The bytes of a small file, and files of all types read back by DuckDB. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { expect, onTestFinished, test } from 'vitest'
import { ColumnValues } from './column-values.ts'
import { type ParquetColumn, parquetLayout, rowGroup } from './segment-layout.ts'

/** A column whose values are given as bytes, NULL as undefined. */
function columnOf(values: readonly (Buffer | undefined)[]): ColumnValues {
  const column = new ColumnValues()
  values.forEach((value, row) => {
    if (value === undefined) {
      column.setNull(row)
      return
    }
    column.reserve(value.length)
    column.bytes.set(value, column.filled)
    column.filled += value.length
  })
  column.rows = values.length
  return column
}

function fileOf(columns: readonly ParquetColumn[], groups: readonly (readonly ColumnValues[])[]): Buffer {
  const layout = parquetLayout(columns)
  const parts = groups.flatMap(group => layout.add(rowGroup(group, 0)))
  return Buffer.concat([layout.start, ...parts, layout.end()])
}

async function readBack(file: Buffer, query = 'SELECT *'): Promise<unknown[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-layout-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'one.parquet')
  await writeFile(path, file)
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(`${query} FROM read_parquet('${path}')`)).getRowsJS()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

const int = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
const text = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([int(bytes.length), bytes])
}

test('a file is these bytes', async () => {
  const columns: ParquetColumn[] = [
    { name: 'n', type: 'int32' },
    { name: 't', type: 'text' },
  ]
  const file = fileOf(columns, [[columnOf([int(1), int(-2), int(3)]), columnOf([text('a'), undefined, text('')])]])
  expect(file.toString('hex')).toBe(
    [
      '50415231',
      // A page's header, its levels, its values.
      '1500152415242c15061500150615060000',
      '020000000601',
      '01000000feffffff03000000',
      '1500151e151e2c15061500150615060000',
      '0200000003fd',
      '010000006100000000',
      // Version and schema; rows and the group with its two columns; who wrote it.
      '1502193c4804726f77731504001502250218016e00150c2502180174250000',
      '1606191c192c',
      '26081c1502192500061918016e150016061646164626080000',
      '264e1c150c19250006191801741500160616401640264e0000',
      '1686011606002808746964656d61726b00',
      '68000000',
      '50415231',
    ].join(''),
  )
  expect(await readBack(file)).toEqual([
    [1, 'a'],
    [-2, null],
    [3, ''],
  ])
})

test('every type is what DuckDB calls so', async () => {
  const types: [ParquetColumn['type'], Buffer, string, string][] = [
    ['boolean', Buffer.from([1]), 'BOOLEAN', 'true'],
    ['int16', int(-3), 'SMALLINT', '-3'],
    ['int32', int(-3), 'INTEGER', '-3'],
    ['uint32', int(-1), 'UINTEGER', '4294967295'],
    ['int64', Buffer.concat([int(-1), int(0x7fff_ffff)]), 'BIGINT', '9223372036854775807'],
    ['float', int(0x7fc0_0000), 'FLOAT', 'nan'],
    ['double', Buffer.concat([int(0), int(-0x8000_0000)]), 'DOUBLE', '-0.0'],
    ['instant', Buffer.concat([int(-1), int(-1)]), 'TIMESTAMP WITH TIME ZONE', '1969-12-31 23:59:59.999999+00'],
    ['moment', Buffer.concat([int(1), int(0)]), 'TIMESTAMP', '1970-01-01 00:00:00.000001'],
    ['date', int(-1), 'DATE', '1969-12-31'],
    ['uuid', Buffer.from('a0eebc999c0b4ef8bb6d6bb9bd380a11', 'hex'), 'UUID', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    ['text', text('é'), 'VARCHAR', 'é'],
    ['bytes', text(Buffer.from([0, 255])), 'BLOB', '\\x00\\xFF'],
    [{ precision: 18, scale: 2 }, Buffer.concat([int(-105), int(-1)]), 'DECIMAL(18,2)', '-1.05'],
    [{ precision: 19, scale: 1 }, Buffer.from(`${'00'.repeat(15)}0b`, 'hex'), 'DECIMAL(19,1)', '1.1'],
  ]
  const columns = types.map(([type], n) => ({ name: `c${n}`, type }))
  const group = types.map(([, value]) => columnOf([undefined, value]))
  const names = columns.map(({ name }) => name)
  const asked = names.map(name => `typeof(${name}), CAST(${name} AS VARCHAR)`).join(', ')
  const [nulls, values] = await readBack(fileOf(columns, [group]), `SELECT ${asked}`)
  expect(values).toEqual(types.flatMap(([, , type, printed]) => [type, printed]))
  expect(nulls).toEqual(types.flatMap(([, , type]) => [type, null]))
})

test('groups follow one another, and memory that was used before leaves nothing behind', async () => {
  const columns: ParquetColumn[] = [{ name: 'n', type: 'int32' }]
  const layout = parquetLayout(columns)
  const parts: Uint8Array[] = [layout.start]
  const column = new ColumnValues()
  const rowsOf = [700_000, 1, 9]
  for (const [g, rows] of rowsOf.entries()) {
    column.clear()
    column.reserve(rows * 4)
    for (let row = 0; row < rows; row++) {
      if (g === 0 ? row % 3 === 0 : row === 8) column.setNull(row)
      else {
        column.view.setInt32(column.filled, row + g, true)
        column.filled += 4
      }
    }
    column.rows = rows
    parts.push(...layout.add(rowGroup([column], 0)).map(bytes => Uint8Array.from(bytes)))
  }
  parts.push(layout.end())
  const sums = (await readBack(Buffer.concat(parts), 'SELECT count(*)::INT, count(n)::INT, sum(n)::VARCHAR'))[0]
  let sum = 1
  for (let row = 0; row < 700_000; row++) sum += row % 3 === 0 ? 0 : row
  for (let row = 0; row < 8; row++) sum += row + 2
  expect(sums).toEqual([700_010, 466_666 + 1 + 8, String(sum)])
})

test('text that is none is refused by the reader', async () => {
  const file = fileOf([{ name: 't', type: 'text' }], [[columnOf([text(Buffer.from([0x61, 0xff]))])]])
  await expect(readBack(file)).rejects.toThrow(/UTF-?8/i)
})
