import { RowSet } from '@tidemark/delta'
import { expect, test } from 'vitest'
import { raw, type Sql } from '../sql.ts'
import { createDeletedRows } from './deleted-rows.ts'

async function statements(files: readonly (RowSet | undefined)[]): Promise<string[]> {
  const run: string[] = []
  await createDeletedRows(async (statement: Sql) => void run.push(statement.text), raw('d'), files)
  return run
}

test('rows of one file name it once, those of many files each their own', async () => {
  expect(await statements([RowSet.from([4, 2])])).toEqual([
    'CREATE TEMP TABLE d (file UBIGINT, row BIGINT)',
    "INSERT INTO d SELECT 0, unnest(CAST(string_split('2 4', ' ') AS BIGINT[]))",
  ])
  const [, both] = await statements([undefined, RowSet.from([7]), RowSet.from([1, 3])])
  expect(both).toBe(
    "INSERT INTO d SELECT unnest(CAST(string_split('1 2 2', ' ') AS UBIGINT[])), unnest(CAST(string_split('7 1 3', ' ') AS BIGINT[]))",
  )
})

test('a thousand files of few rows are one statement, a file of many rows is several', async () => {
  const few = Array.from({ length: 1000 }, (_, row) => RowSet.from([row, row + 9]))
  expect(await statements(few)).toHaveLength(2)
  const many = RowSet.from(Array.from({ length: 250_000 }, (_, row) => 2 * row))
  expect(await statements([many, RowSet.from([1])])).toHaveLength(4)
})
