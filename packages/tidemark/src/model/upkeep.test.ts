import type { CommitResult, Snapshot } from '@tidemark/delta'
import { expect, test } from 'vitest'
import { upkeepWarning } from './upkeep.ts'

const committed = (upkeep: Extract<CommitResult, { kind: 'committed' }>['upkeep']): CommitResult => {
  return { kind: 'committed', version: 7n, snapshot: { tablePath: 'silver/t' } as Snapshot, upkeep }
}

test('a log that could not be looked after is told with the first line of the reason; nothing else is', () => {
  const failed = committed({ kind: 'failed', error: new Error('no space left.\nat somewhere') })
  expect(upkeepWarning(failed)).toBe(
    'silver/t is committed, but its log could not be looked after: no space left. The next commit tries again.',
  )
  expect(upkeepWarning(committed({ kind: 'none' }))).toBeUndefined()
  expect(upkeepWarning(committed({ kind: 'done', checkpoint: 7n }))).toBeUndefined()
  const lost = { kind: 'conflict', version: 7n, rule: 'TableExists', reason: '', winner: undefined } as const
  expect(upkeepWarning(lost)).toBeUndefined()
})
