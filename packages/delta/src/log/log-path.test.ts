import { expect, test } from 'vitest'
import { commitPath, parseLogName, printLogName } from './log-path.ts'

test('a commit name prints and parses back, beyond 2^53 too', () => {
  for (const version of [0n, 7n, 2n ** 53n + 1n, 10n ** 20n - 1n]) {
    expect(parseLogName(printLogName(version))).toEqual({ kind: 'commit', version })
  }
  expect(commitPath('bronze/t', 12n)).toBe('bronze/t/_delta_log/00000000000000000012.json')
})

test.each([
  '00000000000000000010.checkpoint.parquet',
  '00000000000000000010.checkpoint.0000000001.0000000002.parquet',
  '00000000000000000010.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json',
])('%s is a checkpoint of version 10', name => {
  expect(parseLogName(name)).toEqual({ kind: 'checkpoint', version: 10n })
})

test.each([
  '00000000000000000010.crc',
  '00000000000000000004.00000000000000000006.compacted.json',
  '_last_checkpoint',
  '1.json',
  '.00000000000000000010.json.crc',
  '_staged_commits/00000000000000000010.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json',
  '00000000000000000010.json.tmp',
])('%s says nothing about versions', name => {
  expect(parseLogName(name)).toBeUndefined()
})
