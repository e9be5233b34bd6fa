import { expect, test } from 'vitest'
import { fileList } from './file-list.ts'

test('characters that DuckDB would expand stand for themselves', () => {
  expect(fileList(['/lake/[a]*?.parquet', "/it's/{b}.parquet"]).text).toBe(
    "['/lake/[[]a][*][?].parquet', '/it''s/{b}.parquet']",
  )
})
