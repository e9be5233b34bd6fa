/** Keyless tables: no row can be told from another, so the table is read whole and replaced whole, atomically. */
import type { Snapshot } from '@tidemark/delta'
import { sql } from '../engine/sql.ts'
import { contentHash } from './content-hash.ts'
import { land, nextVersion } from './land.ts'
import type { Mark } from './mark.ts'
import { readCandidates } from './read.ts'
import type { Decision } from './slice.ts'
import { makeMark } from './make-mark.ts'
import { changed, type ExtractOutcome, extractLedger, unchanged } from './outcome.ts'
import { entries, rescuedIn, type Work, write } from './work.ts'

/** Keyless tables: the whole table is replaced in one commit when its content differs. */
export async function reload(
  work: Work,
  decision: Decision & { kind: 'reload' },
  current: Snapshot | undefined,
  before: Mark | undefined,
): Promise<ExtractOutcome | 'conflict'> {
  const { context, wanted, session } = work
  const { schema } = wanted
  const { candidates, read } = await readCandidates(work, { kind: 'all' })
  const columns = wanted.lake.map(({ name }) => name)
  const { rows, hash } = await contentHash(session, candidates, columns)
  const content = `${rows}:${hash}`
  const method = 'whole reload'
  const version = nextVersion(current)
  const mark = makeMark(work, decision, { liveRows: read, version, content, before, whole: true, cursor: undefined })
  const same = current !== undefined && before?.content === content && schema === current.schema
  const ledger = extractLedger(read, 0n, 0n)
  if (same && isSettled(before, mark)) return { ...unchanged(current, 'the content is the same', method), ledger }
  const rowsToWrite = entries(work, sql`SELECT * FROM ${candidates}`, decision.seq)
  const files = same ? [] : await write(work, rowsToWrite, { current, schema, replaces: true })
  await work.snapshot.durable(context.signal)
  const operation = same ? ('mark' as const) : ('overwrite' as const)
  const result = await land(context, { tablePath: wanted.tablePath, current, schema, files, mark, operation })
  if (result.kind === 'conflict') return 'conflict'
  if (same) {
    const reason = 'the content is the same; the mark was renewed'
    return { ...unchanged(current, reason, method), ledger, versionAfter: result.version }
  }
  const rescued = await rescuedIn(work, candidates)
  return changed(current?.version, result.version, extractLedger(read, read, 0n, rescued), method)
}

/** The mark says nothing new but a later position. */
function isSettled(before: Mark, next: Mark): boolean {
  const same = (key: 'identity' | 'fingerprint' | 'settings'): boolean => before[key] === next[key]
  return (
    same('identity') && same('fingerprint') && same('settings') && before.backfills.length === next.backfills.length
  )
}
