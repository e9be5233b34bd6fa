/**
 * Files that a batch needs and that are no longer there. OPTIMIZE may have put their rows into others, and `vacuum` takes
 * away what has been without use for long.
 */
import { type AddFile, addedFiles, type Commit, readCommits, type Snapshot } from '@tidemark/delta'
import { FLOW_SOURCE_CLEANED } from '../errors/flow-run.ts'
import type { Problem } from '../errors/problem.ts'
import type { TableName } from '../model/flow.ts'
import type { ObjectStore } from '../model/ports.ts'
import { getSource } from './commit-table.ts'
import type { FlowContext } from './context.ts'
import type { BatchRecord, StreamFlow } from './record.ts'

/** A file that came with a commit. */
export interface Added {
  file: AddFile
  version: bigint
}

/** The files that commits added. */
export function addedBy(commits: readonly Commit[]): Added[] {
  return commits.flatMap(commit => addedFiles(commit).map(file => ({ file, version: commit.version })))
}

/**
 * The problem of the first file of a batch that is gone, if any. Files that the table has now are not looked for: were one
 * of them missing, the table would be damaged.
 */
export async function findCleaned(
  { store }: FlowContext,
  { flow, table }: { flow: StreamFlow; table: TableName },
  current: Snapshot,
  added: readonly Added[],
): Promise<Problem | undefined> {
  const moved = added.filter(({ file }) => !current.files.has(file.path))
  if (moved.length === 0) return undefined
  const there = await listPaths(store, current.tablePath)
  const gone = moved.find(({ file }) => !there.has(`${current.tablePath}/${file.path}`))
  if (gone === undefined) return undefined
  const at = { flow: flow.name, table, version: String(gone.version), file: gone.file.path, target: flow.target }
  return FLOW_SOURCE_CLEANED(at, { place: flow.place, state: 'Nothing was written.' })
}

/** Why a batch recorded earlier can be read no more: rows of its stream, or of a table beside it as it was, are gone. */
export async function findUnreadable(context: FlowContext, record: BatchRecord): Promise<Problem | undefined> {
  const { flow, source, reads } = record
  const { after, upTo } = source
  const pinned = after === undefined ? [{ table: source.table, version: upTo }, ...reads] : reads
  for (const { table, version } of pinned) {
    const then = await getSource(context, flow, table, version)
    const added = [...then.files.values()].map(file => ({ file, version }))
    const problem = await findCleaned(context, { flow, table }, await getSource(context, flow, table), added)
    if (problem !== undefined) return problem
  }
  if (after === undefined) return undefined
  const current = await getSource(context, flow, source.table)
  const added = addedBy(await readCommits(context.store, current.tablePath, { after, upTo }))
  return findCleaned(context, { flow, table: source.table }, current, added)
}

/** Paths of all objects in a folder. */
export async function listPaths(store: ObjectStore, folder: string): Promise<ReadonlySet<string>> {
  const paths = new Set<string>()
  for await (const { path } of store.list(folder)) paths.add(path)
  return paths
}
