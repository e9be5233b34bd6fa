import { expect, test } from 'vitest'
import { isCheckpointDue } from './checkpoint-policy.ts'

const due = (version: bigint, log: { checkpoint?: bigint; bytes?: number }, configuration = {}): boolean =>
  isCheckpointDue({
    version,
    configuration,
    log: { checkpoint: log.checkpoint, sizeInBytes: log.bytes ?? 0 },
  })

const MIB = 1024 * 1024

test('a log of a hundred commits is due, counted from the last checkpoint', () => {
  expect([due(98n, {}), due(99n, {})]).toEqual([false, true])
  expect([due(149n, { checkpoint: 50n }), due(150n, { checkpoint: 50n })]).toEqual([false, true])
})

test('a large log is due after ten commits, and a short one never by its size alone', () => {
  expect([due(8n, { bytes: 500 * MIB }), due(9n, { bytes: 4 * MIB }), due(9n, { bytes: 4 * MIB - 1 })]).toEqual([
    false,
    true,
    false,
  ])
})

test("the table's own interval is the only thing that counts where it has one", () => {
  const every = (interval: string): object => ({ 'delta.checkpointInterval': interval })
  expect([due(1n, {}, every('3')), due(2n, {}, every('3'))]).toEqual([false, true])
  expect(due(500n, { bytes: 500 * MIB }, every('1000'))).toBe(false)
  for (const nonsense of ['0', '-1', 'often', '']) expect(due(99n, {}, every(nonsense))).toBe(true)
})
