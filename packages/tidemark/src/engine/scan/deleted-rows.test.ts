import { DuckDBInstance } from '@duckdb/node-api'
import { type AddFile, RowSet, type ScanFile } from '@tidemark/delta'
import { expect, test } from 'vitest'
import type { Sql } from '../sql.ts'
import { DeletedRows } from './deleted-rows.ts'

const instance = await DuckDBInstance.create(':memory:')
const connection = await instance.connect()
let names = 0
const deleted = new DeletedRows(connection, () => `deleted "rows" ${(names += 1)}`)

async function contents(table: Sql): Promise<[file: bigint, row: bigint][]> {
  const reader = await connection.runAndReadAll(`SELECT * FROM ${table.text} ORDER BY file, row`)
  return reader.getRows() as [bigint, bigint][]
}

function file(rows: readonly number[], pathOrInlineDv: string, offset: number): ScanFile {
  const deletionVector = { storageType: 'u' as const, pathOrInlineDv, offset, sizeInBytes: 1, cardinality: 1n }
  return { add: { deletionVector } as AddFile, partitionValues: [], deletedRows: RowSet.from(rows) }
}

test('each row has the place of its file, and files without deleted rows keep theirs', async () => {
  const sets = [undefined, RowSet.from([7]), RowSet.from([]), RowSet.from([3, 1, 2 ** 40])]
  expect(await contents(await deleted.ofSets(sets))).toEqual([
    [1n, 7n],
    [3n, 1n],
    [3n, 3n],
    [3n, 2n ** 40n],
  ])
  expect(await contents(await deleted.ofSets([]))).toEqual([])
})

test.each([2047, 2048, 2049, 100_000])('all of %s rows of a file arrive, and those of the next one', async count => {
  const many = Array.from({ length: count }, (_, i) => 3 * i)
  const table = await deleted.ofSets([RowSet.from(many), RowSet.from([5])])
  expect(await contents(table)).toEqual([...many.map(row => [0n, BigInt(row)]), [1n, 5n]])
})

test('the same vectors in the same order are put into a table once', async () => {
  const [a, b] = [file([1], 'vectors', 1), file([2], 'vectors', 9)]
  const first = await deleted.ofFiles('t', [a, b])
  const made = names
  expect(await deleted.ofFiles('t', [a, b])).toBe(first)
  expect(names).toBe(made)
  for (const [path, files] of [
    ['t', [b, a]],
    ['t', [a]],
    ['t', [a, file([4], 'others', 9)]],
    ['u', [a, b]],
  ] as const) {
    const table = await deleted.ofFiles(path, files)
    expect(table.text).not.toBe(first.text)
    const rows = files.flatMap((one, i) => [...(one.deletedRows ?? [])].map(row => [BigInt(i), BigInt(row)]))
    expect(await contents(table)).toEqual(rows)
  }
})
