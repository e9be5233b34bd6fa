/** The first load of a keyed table: every row of the snapshot, straight to files, one commit. */
import {
  assertUnique,
  changed,
  type ExtractOutcome,
  extractLedger,
  fileRelation,
  makeMark,
  nextCursor,
  type Work,
} from './work.ts'
import { bronzeSchema } from './bronze-schema.ts'
import { land } from './land.ts'
import { readAll } from './read.ts'
import type { Decision } from './slice.ts'

/** First load: every row goes straight to files. */
export async function baseline(
  work: Work,
  decision: Decision & { kind: 'baseline' },
): Promise<ExtractOutcome | 'conflict'> {
  const { context, wanted } = work
  const schema = bronzeSchema(wanted.table, wanted.columns)
  const { rows, files } = await readAll(work, schema, decision.seq)
  if (files.length > 0) await assertUnique(work, fileRelation(context, wanted, files))
  const mark = makeMark(work, decision, {
    liveRows: rows,
    version: 0n,
    content: undefined,
    before: undefined,
    whole: true,
    cursor: await nextCursor(work),
  })
  await work.snapshot.durable(context.signal)
  const landing = { tablePath: wanted.tablePath, current: undefined, schema, files, mark, operation: 'append' as const }
  const result = await land(context, landing)
  if (result.kind === 'conflict') {
    work.held =
      files.length === 0
        ? undefined
        : { slice: 'all', candidates: fileRelation(context, wanted, files), read: rows, total: rows }
    return 'conflict'
  }
  return changed(undefined, result.version, extractLedger(rows, rows, 0n), 'first full load')
}
