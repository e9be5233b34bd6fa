import { expect, test } from 'vitest'
import { checkpointNames, commitPath, parseLogName, printLogName } from './log-path.ts'

test('a commit name prints and parses back, beyond 2^53 too', () => {
  for (const version of [0n, 7n, 2n ** 53n + 1n, 10n ** 20n - 1n]) {
    expect(parseLogName(printLogName(version))).toEqual({ kind: 'commit', version })
  }
  expect(commitPath('bronze/t', 12n)).toBe('bronze/t/_delta_log/00000000000000000012.json')
})

test.each([
  ['checkpoint.parquet', { kind: 'classic' }],
  ['checkpoint.0000000001.0000000002.parquet', { kind: 'part', part: 1, parts: 2 }],
  ['checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json', { kind: 'uuid', format: 'json' }],
  ['checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.parquet', { kind: 'uuid', format: 'parquet' }],
])('%s is a checkpoint', (rest, form) => {
  expect(parseLogName(`00000000000000000010.${rest}`)).toEqual({ kind: 'checkpoint', version: 10n, form })
})

test('a compacted log names its range, and a checksum its version', () => {
  expect(parseLogName('00000000000000000004.00000000000000000006.compacted.json')).toEqual({
    kind: 'compacted',
    version: 4n,
    to: 6n,
  })
  expect(parseLogName('00000000000000000010.crc')).toEqual({ kind: 'checksum', version: 10n })
})

test.each([
  '00000000000000000006.00000000000000000004.compacted.json',
  '_last_checkpoint',
  '1.json',
  '.00000000000000000010.json.crc',
  '_staged_commits/00000000000000000010.3a0d65cd-4056-49b8-937b-95f9e3ee90e5.json',
  '_sidecars/3a0d65cd-4056-49b8-937b-95f9e3ee90e5.parquet',
  '00000000000000000010.json.tmp',
  '00000000000000000010.checkpoint.txt',
])('%s says nothing', name => {
  expect(parseLogName(name)).toBeUndefined()
})

test('the names of a checkpoint are those that are recognised', () => {
  expect(checkpointNames(7n).map(parseLogName)).toEqual([
    { kind: 'checkpoint', version: 7n, form: { kind: 'classic' } },
  ])
  expect(checkpointNames(7n, 3).map(parseLogName)).toEqual(
    [1, 2, 3].map(part => ({ kind: 'checkpoint', version: 7n, form: { kind: 'part', part, parts: 3 } })),
  )
})
