/** The first load of a keyed table, and one that replaces what is there: every row of the snapshot to files, one commit. */
import { columnMappingOf, type DataFile, type Snapshot, type StructType } from '@tidemark/delta'
import { sql } from '../engine/sql.ts'
import { land, nextVersion } from './land.ts'
import { cutTable, type LoadedTable, loadInParts } from './load-in-parts.ts'
import { endLoad } from './load-record.ts'
import { nextListed } from './listed.ts'
import type { Mark } from './mark.ts'
import { readCandidates } from './read.ts'
import { readInto } from './read-into.ts'
import type { Decision } from './slice.ts'
import { makeMark, nextCursor } from './make-mark.ts'
import { changed, type ExtractOutcome, extractLedger } from './outcome.ts'
import { assertUnique, entries, fileRelation, isUniqueInSource, type Work, write } from './work.ts'

/**
 * First load: every row goes straight to files.
 *
 * @param current the table whose rows the load replaces, all of them; undefined for one that is made
 */
export async function baseline(
  work: Work,
  decision: Decision & { kind: 'baseline' },
  current?: Snapshot,
): Promise<ExtractOutcome | 'conflict'> {
  const { context, wanted, snapshot } = work
  const { schema, tablePath } = wanted
  const { rows, files, loaded } = await readAll(work, decision, { schema, current })
  const isContinued = loaded !== undefined && loaded.resumed > 0
  const mark = await firstMark(work, decision, { rows, loaded, version: nextVersion(current) })
  await snapshot.durable(context.signal)
  const operation = current === undefined ? ('append' as const) : ('overwrite' as const)
  const result = await land(context, {
    tablePath,
    current,
    schema,
    files,
    mark,
    operation,
    isRebuild: current !== undefined,
  })
  if (result.kind === 'conflict') {
    const isOfUse = current === undefined && files.length > 0 && !isContinued
    work.held = isOfUse ? await heldFiles(work, files, rows) : undefined
    return 'conflict'
  }
  if (loaded !== undefined) await endLoad(context.store, tablePath)
  const method = current === undefined ? methodOf(loaded) : methodOf(loaded).replace('first full load', 'reload')
  return { ...changed(current?.version, result.version, extractLedger(rows, rows, 0n), method), isContinued }
}

/**
 * All rows as files, each key once but where parts of several snapshots hold versions of it, told apart by their `_seq`.
 *
 * @throws {KEY_NOT_UNIQUE}
 */
async function readAll(
  work: Work,
  { seq }: Decision & { kind: 'baseline' },
  { schema, current }: { schema: StructType; current: Snapshot | undefined },
): Promise<{ rows: bigint; files: readonly DataFile[]; loaded: LoadedTable | undefined }> {
  if (current !== undefined && !isPlain(current)) {
    const { candidates, read } = await readCandidates(work, { kind: 'all' })
    await assertUnique(work, candidates)
    const rows = entries(work, sql`SELECT * FROM ${candidates}`, seq)
    return { rows: read, files: await write(work, rows, { current, schema, replaces: true }), loaded: undefined }
  }
  const cut = await cutTable(work)
  const loaded = cut === undefined ? undefined : await loadInParts(work, cut, { schema, current })
  const { rows, files } = loaded ?? (await readInto(work, { kind: 'all' }, schema, seq))
  const isOfOneSnapshot = loaded === undefined || loaded.resumed === 0
  if (files.length > 0 && isOfOneSnapshot && !isUniqueInSource(work.wanted)) {
    await assertUnique(work, await fileRelation(work, files))
  }
  return { rows, files, loaded }
}

/** Files of such a table are written as those of a new one: no names of its own for columns, no folders by value. */
function isPlain(current: Snapshot): boolean {
  return columnMappingOf(current) === 'none' && current.metaData.partitionColumns.length === 0
}

/** The mark of a load in parts stands where the server stood before its first part. */
async function firstMark(
  work: Work,
  decision: Decision & { kind: 'baseline' },
  at: { rows: bigint; loaded: LoadedTable | undefined; version: bigint },
): Promise<Mark> {
  const { rows, loaded, version } = at
  const facts = { version, content: undefined, before: undefined, whole: true }
  if (loaded === undefined) {
    const [cursor, listed] = [await nextCursor(work), await nextListed(work, undefined)]
    return makeMark(work, decision, { ...facts, liveRows: rows, cursor, listed })
  }
  const { keys, seq, plan } = loaded
  const { position, cursor } = plan
  return makeMark(work, { seq, seqBase: decision.seqBase }, { ...facts, liveRows: keys, cursor, position })
}

async function heldFiles(work: Work, files: readonly DataFile[], rows: bigint): Promise<Work['held']> {
  return {
    slice: 'all',
    candidates: await fileRelation(work, files),
    read: rows,
    total: { count: Promise.resolve(rows) },
  }
}

function methodOf(loaded: LoadedTable | undefined): string {
  if (loaded === undefined) return 'first full load'
  const { plan, resumed, heldMs } = loaded
  const taken = resumed === 0 ? '' : `, ${resumed} of them read by an earlier run`
  const held = heldMs === 0 ? '' : `, which waited ${Math.round(heldMs / 1000)} s for a busy source`
  return `first full load in ${plan.chunks.length} parts${taken}${held}`
}
