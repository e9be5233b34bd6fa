/** The first load of a keyed table: every row of the snapshot, straight to files, one commit. */
import type { DataFile } from '@tidemark/delta'
import { land } from './land.ts'
import { cutTable, type LoadedTable, loadInParts } from './load-in-parts.ts'
import { endLoad } from './load-record.ts'
import { nextListed } from './listed.ts'
import type { Mark } from './mark.ts'
import { readInto } from './read.ts'
import type { Decision } from './slice.ts'
import {
  assertUnique,
  changed,
  type ExtractOutcome,
  extractLedger,
  fileRelation,
  isUniqueInSource,
  makeMark,
  nextCursor,
  type Work,
} from './work.ts'

/** First load: every row goes straight to files. */
export async function baseline(
  work: Work,
  decision: Decision & { kind: 'baseline' },
): Promise<ExtractOutcome | 'conflict'> {
  const { context, wanted, snapshot } = work
  const { schema } = wanted
  const cut = await cutTable(work)
  const loaded = cut === undefined ? undefined : await loadInParts(work, cut, schema)
  const { rows, files } = loaded ?? (await readInto(work, { kind: 'all' }, schema, decision.seq))
  const isContinued = loaded !== undefined && loaded.resumed > 0
  // Parts of several snapshots may hold two versions of a key, told apart by their `_seq`.
  if (files.length > 0 && !isContinued && !isUniqueInSource(wanted)) {
    await assertUnique(work, await fileRelation(work, files))
  }
  const mark = await firstMark(work, decision, { rows, loaded })
  await snapshot.durable(context.signal)
  const landing = { tablePath: wanted.tablePath, current: undefined, schema, files, mark, operation: 'append' as const }
  const result = await land(context, landing)
  if (result.kind === 'conflict') {
    work.held = files.length === 0 || isContinued ? undefined : await heldFiles(work, files, rows)
    return 'conflict'
  }
  if (loaded !== undefined) await endLoad(context.store, wanted.tablePath)
  const outcome = changed(undefined, result.version, extractLedger(rows, rows, 0n), methodOf(loaded))
  return { ...outcome, isContinued }
}

/** The mark of a load in parts stands where the server stood before its first part. */
async function firstMark(
  work: Work,
  decision: Decision & { kind: 'baseline' },
  at: { rows: bigint; loaded: LoadedTable | undefined },
): Promise<Mark> {
  const { rows, loaded } = at
  const facts = { version: 0n, content: undefined, before: undefined, whole: true }
  if (loaded === undefined) {
    const [cursor, listed] = [await nextCursor(work), await nextListed(work, undefined)]
    return makeMark(work, decision, { ...facts, liveRows: rows, cursor, listed })
  }
  const { keys, seq, plan } = loaded
  const { position, cursor } = plan
  return makeMark(work, { seq, seqBase: decision.seqBase }, { ...facts, liveRows: keys, cursor, position })
}

async function heldFiles(work: Work, files: readonly DataFile[], rows: bigint): Promise<Work['held']> {
  return { slice: 'all', candidates: await fileRelation(work, files), read: rows, total: rows }
}

function methodOf(loaded: LoadedTable | undefined): string {
  if (loaded === undefined) return 'first full load'
  const { plan, resumed, heldMs } = loaded
  const taken = resumed === 0 ? '' : `, ${resumed} of them read by an earlier run`
  const held = heldMs === 0 ? '' : `, which waited ${Math.round(heldMs / 1000)} s for a busy source`
  return `first full load in ${plan.chunks.length} parts${taken}${held}`
}
