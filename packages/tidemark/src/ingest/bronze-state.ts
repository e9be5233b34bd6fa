/** What a bronze table's log says about itself: its mark, and whether everything in it was written by ingestion. */
import { addedFiles, type Commit, isAppendOnly, readCommits, readSnapshot, type Snapshot } from '@tidemark/delta'
import {
  BRONZE_FOREIGN_CHANGE,
  BRONZE_MARK_UNREADABLE,
  BRONZE_WITHOUT_MARK,
  FOLDER_NOT_OURS,
  KEY_CHANGED,
} from '../errors/ingest.ts'
import type { IngestContext } from './context.ts'
import { type Mark, markDomain, parseMark } from './mark.ts'
import type { ExtractTable } from './work.ts'

/** What looking at a bronze table takes: the lake, and whose mark is looked for. */
export type Onlooker = Pick<IngestContext, 'store' | 'logParquet' | 'source' | 'signal'>

/**
 * A bronze table as it is now, with its mark; both undefined before the first load. Reads the log alone, never the
 * source, so that a plan can tell what a run would stumble over.
 *
 * @throws {FOLDER_NOT_OURS} there is no table, and its folder is not empty
 * @throws {BRONZE_WITHOUT_MARK} {BRONZE_FOREIGN_CHANGE} {KEY_CHANGED} as `assertOurs`
 */
export async function inspectBronze(
  onlooker: Onlooker,
  wanted: ExtractTable,
): Promise<{ current: Snapshot; mark: Mark } | { current: undefined; mark: undefined }> {
  const current = await readSnapshot(onlooker, { tablePath: wanted.tablePath, signal: onlooker.signal })
  if (current !== undefined) return { current, mark: await assertOurs(onlooker, wanted, current) }
  await checkNewFolder(onlooker, wanted)
  return { current, mark: undefined }
}

/**
 * The mark of a table all of whose data was written by ingestion. Costs a request for each commit after the mark's own.
 *
 * @throws {BRONZE_WITHOUT_MARK} the table exists and this source has no mark in it
 * @throws {BRONZE_MARK_UNREADABLE} a newer version wrote the mark, or it is damaged
 * @throws {BRONZE_FOREIGN_CHANGE} a later commit changed data
 * @throws {KEY_CHANGED} the table was loaded by another key
 */
export async function assertOurs(onlooker: Onlooker, wanted: ExtractTable, current: Snapshot): Promise<Mark> {
  const state = 'Nothing was written.'
  const { store, source, signal } = onlooker
  const configuration = current.domain(markDomain(source))
  if (configuration === undefined) throw BRONZE_WITHOUT_MARK({ table: wanted.name, source }, { state })
  const mark = readMark(wanted, configuration)
  const later = await readCommits(store, current.tablePath, { after: mark.version, upTo: current.version, signal })
  const foreign = later.find(changesData)
  if (foreign !== undefined) {
    const by = `operation ${foreign.commitInfo?.operation ?? 'unknown'}`
    throw BRONZE_FOREIGN_CHANGE({ table: wanted.name, version: String(foreign.version), by }, { state })
  }
  if (mark.keys.join('\0') !== wanted.keys.join('\0')) {
    const [before, now] = [mark.keys.join(', '), wanted.keys.join(', ')]
    throw KEY_CHANGED({ table: wanted.name, before, now }, { state })
  }
  return mark
}

function readMark({ name }: ExtractTable, configuration: string): Mark {
  try {
    return parseMark(configuration)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw BRONZE_MARK_UNREADABLE({ table: name, reason }, { cause, state: 'Nothing was written.' })
  }
}

/**
 * A table is only created in a folder that holds nothing yet.
 *
 * @throws {FOLDER_NOT_OURS} there are files and no _delta_log
 */
async function checkNewFolder({ store }: Onlooker, wanted: ExtractTable): Promise<void> {
  for await (const { path } of store.list(wanted.tablePath)) {
    if (isLeftover(path)) continue
    const found = path.slice(wanted.tablePath.length + 1)
    throw FOLDER_NOT_OURS({ table: wanted.name, folder: wanted.tablePath, found }, { state: 'Nothing was written.' })
  }
}

/** Data files of a first load that died before its commit. */
function isLeftover(path: string): boolean {
  return /\/part-[0-9a-f-]{36}-\d+\.parquet$/.test(path)
}

function changesData(commit: Commit): boolean {
  return addedFiles(commit).length > 0 || !isAppendOnly(commit)
}
