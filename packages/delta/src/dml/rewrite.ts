/**
 * The second phase of a change: what is left of the files with a hit is written, and what is new. Files of large ranges
 * are rewritten each into its own, so that a table whose files hold ranges of a key stays so.
 */
import type { BegunFiles, WriteOptions } from '../engine/parquet.ts'
import type { Judgement } from '../engine/relations.ts'
import type { AddFile, DataFile } from '../log/actions.ts'
import { conditionsOf } from '../schema/conditions.ts'
import { isActive } from '../snapshot/protocol.ts'
import { type CheckedRows, checkRows } from '../write/check-rows.ts'
import { writeOptionsFor } from '../write/write-options.ts'
import type { Decided } from './change.ts'
import type { ChangeCounts } from './counts.ts'
import { FilesInTurn, publishedFiles } from './files-in-turn.ts'
import { markRows } from './mark-rows.ts'
import { groupForRewrite } from './rewrite-groups.ts'
import { type HitFiles, splitHits } from './split-hits.ts'

/** What was written, and which files it replaces. */
export interface Written {
  remove: readonly AddFile[]
  add: DataFile[]
  cdc: DataFile[]
  /** What all added rows are known to fulfil. */
  checked: CheckedRows
  rows: Pick<ChangeCounts, 'inserted' | 'updated' | 'deleted' | 'copied'>
}

/** No file holds a hit: all there may be to do is to add rows. */
export async function addRows<Rows, Expr>(decided: Decided<Rows, Expr>): Promise<Written> {
  const { append } = decided
  const checked = await check(decided, append)
  const add = append === undefined ? [] : await decided.parquet.write(append, writeOptions(decided))
  return { remove: [], add, cdc: [], checked, rows: { inserted: 0n, updated: 0n, deleted: 0n, copied: 0n } }
}

/** Write what the verdicts ask for. New rows are checked before any file is written. */
export async function rewrite<Rows, Expr>(decided: Decided<Rows, Expr>, judged: Judgement<Rows>): Promise<Written> {
  const { snapshot, parquet, relations, ports, signal } = decided
  const updates = new Map(judged.hits.map(hit => [hit.path, hit.updateCount]))
  const updatesOf = (files: readonly AddFile[]): bigint => files.reduce((n, f) => n + (updates.get(f.path) ?? 0n), 0n)
  const updated = [...snapshot.files.values()].filter(file => updatesOf([file]) > 0n)
  const checked = await check(decided, await newRows(decided, judged, updated))
  const hits = splitHits(snapshot, judged.hits)
  await using files = new FilesInTurn(parquet, writeOptions(decided))
  const begun: BegunFiles[] = []
  for (const group of groupForRewrite(hits.rewritten)) {
    const kept = await judged.kept(group)
    begun.push(await files.begin(updatesOf(group) > 0n ? relations.union([kept, await judged.updated(group)]) : kept))
  }
  const marked = await markRows(ports, snapshot, hits.marked, judged.positions(hits.marked), signal)
  const fresh = await newRows(decided, judged, updatesOf(hits.marked) > 0n ? hits.marked : [])
  const added = fresh === undefined ? [] : [await files.begin(fresh)]
  const cdc = await writeChanges(decided, judged, hits)
  const rewritten = await publishedFiles(begun)
  const copied = rewritten.reduce((n, file) => n + file.numRecords, 0n) - updatesOf(hits.rewritten)
  return {
    remove: [...hits.emptied, ...hits.marked, ...hits.rewritten],
    add: [...rewritten, ...marked, ...(await publishedFiles(added))],
    cdc,
    checked,
    rows: {
      inserted: judged.insertCount,
      updated: updatesOf(updated),
      deleted: judged.hits.reduce((n, hit) => n + hit.deleteCount, 0n),
      copied,
    },
  }
}

/** New versions of the updated rows of some files, and all inserted and appended rows; undefined when there are none. */
async function newRows<Rows, Expr>(
  { relations, append }: Decided<Rows, Expr>,
  judged: Judgement<Rows>,
  updated: readonly AddFile[],
): Promise<Rows | undefined> {
  const parts: Rows[] = []
  if (updated.length > 0) parts.push(await judged.updated(updated))
  if (judged.insertCount > 0n) parts.push(judged.inserted())
  if (append !== undefined) parts.push(append)
  const [first, ...more] = parts
  return first === undefined ? undefined : relations.union([first, ...more])
}

/** Rows that are only copied were judged when they came, so new ones are all there is to judge. */
async function check<Rows, Expr>(decided: Decided<Rows, Expr>, rows: Rows | undefined): Promise<CheckedRows> {
  const { snapshot, schema, checker, signal } = decided
  const { tablePath, configuration } = snapshot
  if (rows === undefined) return conditionsOf(schema, configuration)
  return checkRows({ tablePath, schema, configuration, rows, checker, signal })
}

/**
 * Change data, where adds and removes do not say what happened: rows that were copied would seem changed, and an update
 * would be two unrelated rows (Delta protocol, "Add CDC File").
 */
async function writeChanges<Rows, Expr>(
  decided: Decided<Rows, Expr>,
  judged: Judgement<Rows>,
  { rewritten }: HitFiles,
): Promise<DataFile[]> {
  const { snapshot, relations, parquet, append } = decided
  if (!isActive('changeDataFeed', snapshot)) return []
  if (rewritten.length === 0 && judged.hits.every(hit => hit.updateCount === 0n)) return []
  const changes = await judged.changes()
  const rows = append === undefined ? changes : relations.union([changes, relations.asInserted(append)])
  return parquet.write(rows, { ...writeOptions(decided), purpose: 'changes' })
}

function writeOptions<Rows, Expr>({ snapshot, schema, statsColumns, signal }: Decided<Rows, Expr>): WriteOptions {
  return { ...writeOptionsFor(snapshot, schema), statsColumns, signal }
}
