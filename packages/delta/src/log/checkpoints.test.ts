import { expect, test } from 'vitest'
import { type CheckpointFile, completeCheckpoints } from './checkpoints.ts'
import { checkpointNames, parseLogName } from './log-path.ts'

function filesOf(...names: string[]): CheckpointFile[] {
  return names.flatMap(name => {
    const parsed = parseLogName(name)
    return parsed?.kind === 'checkpoint' ? [{ name, version: parsed.version, form: parsed.form }] : []
  })
}

test('checkpoints come newest first, each with all its files', () => {
  const uuid = '00000000000000000009.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json'
  const found = completeCheckpoints(filesOf(...checkpointNames(3n), ...checkpointNames(7n, 2), uuid))
  expect(found).toEqual([
    { version: 9n, files: [uuid], format: 'json' },
    { version: 7n, files: checkpointNames(7n, 2), format: 'parquet' },
    { version: 3n, files: checkpointNames(3n), format: 'parquet' },
  ])
})

test('a checkpoint in parts is left out while one of them is missing, whichever', () => {
  const names = checkpointNames(7n, 3)
  for (const missing of names) expect(completeCheckpoints(filesOf(...names.filter(n => n !== missing)))).toEqual([])
  expect(completeCheckpoints(filesOf(...[...names].reverse()))).toEqual([
    { version: 7n, files: names, format: 'parquet' },
  ])
})

test('parts of different counts are not mixed, and a count nobody could write is not believed', () => {
  const [first = '', second = ''] = checkpointNames(7n, 2)
  const [third = ''] = checkpointNames(7n, 3)
  expect(completeCheckpoints(filesOf(first, third))).toEqual([])
  expect(completeCheckpoints(filesOf(first, second, third))).toHaveLength(1)
  expect(completeCheckpoints(filesOf('00000000000000000007.checkpoint.0000000001.9999999999.parquet'))).toEqual([])
  expect(completeCheckpoints(filesOf('00000000000000000007.checkpoint.0000000000.0000000000.parquet'))).toEqual([])
})
