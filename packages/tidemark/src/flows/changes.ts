/**
 * What a changed declaration means for a flow's next batch, in words for `plan`. A stream goes on with new rows by the
 * new declaration; what its table holds stays as it was made. Changes that cannot go on like this are refused elsewhere.
 */
import type { Snapshot } from '@tidemark/delta'
import { ruleHash } from './expect.ts'
import type { BatchRecord, StreamFlow } from './record.ts'
import { shellWord } from '../errors/shell-word.ts'

/** Notes about a flow that is about to decide a batch: `last` is the one before, `target` the table as it is. */
export function describeChanges(
  flow: StreamFlow,
  last: BatchRecord | undefined,
  target: Snapshot | undefined,
): readonly string[] {
  if (target === undefined) return []
  if (last === undefined) return target.files.size === 0 ? [] : [describeNewFlow(flow)]
  return differing(flow, last.flow).map(
    what => `${what} changed: it counts for new rows; --full-refresh ${shellWord(flow.target)} applies it to all`,
  )
}

function describeNewFlow(flow: StreamFlow): string {
  const end = flow.kind === 'append' ? ', and appends every row of it' : ''
  return `new flow into a table that has rows: it reads its stream from the start${end}`
}

function differing(now: StreamFlow, before: StreamFlow): string[] {
  const rules = ruleHash(now.expectations) === ruleHash(before.expectations) ? [] : ['the rules']
  if (now.kind === 'derived' && before.kind === 'derived') {
    return [...(JSON.stringify(now.transform) === JSON.stringify(before.transform) ? [] : ['transform']), ...rules]
  }
  if (now.kind === 'append' && before.kind === 'append') {
    return [...(now.query.text === before.query.text ? [] : ['the query']), ...rules]
  }
  if (now.kind === 'auto cdc' && before.kind === 'auto cdc') {
    const query = now.query?.text === before.query?.text ? [] : ['the query']
    return [...query, ...(now.applyAsDeleteWhen === before.applyAsDeleteWhen ? [] : ['APPLY AS DELETE WHEN']), ...rules]
  }
  return []
}
