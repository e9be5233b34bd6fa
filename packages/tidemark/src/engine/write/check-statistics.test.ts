import { DuckDBMapValue } from '@duckdb/node-api'
import { expect, test } from 'vitest'
import { findWrong } from './check-statistics.ts'

function answer(n: Record<string, string>, t: Record<string, string>): unknown[][] {
  const map = (of: Record<string, unknown>): DuckDBMapValue =>
    new DuckDBMapValue(Object.entries(of).map(([key, value]) => ({ key, value: value as string })))
  return [['question.parquet', 4096n, 1n, 1n, map({ '"n"': map(n), '"t"': map(t) })]]
}

const right = [
  { min: '-99999999999999999999.5', max: '99999999999999999999.5' },
  { min: 'a', max: 'z' },
] as const

test('right statistics are no problem', () => {
  expect(findWrong(answer(...right))).toBeUndefined()
})

test.each([
  ['those of one row group', answer({ ...right[0], max: '0.0' }, right[1])],
  ['those of another type', answer(right[0], { min: 'a', max: 'm' })],
  ['none at all', answer({}, right[1])],
  ['no file', []],
])('%s stop the engine before it writes', (_, told) => {
  expect(findWrong(told)).toMatchObject({ code: 'ENGINE_STATISTICS_WRONG' })
})
