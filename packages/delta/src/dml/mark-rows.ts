/**
 * Marking rows as deleted: the files stay, each with a deletion vector of all its deleted rows, old and new.
 */
import { readDeletionVectors } from '../deletion-vector/read-vectors.ts'
import { RowSet } from '../deletion-vector/row-set.ts'
import { type VectorPorts, writeDeletionVectors } from '../deletion-vector/write-vectors.ts'
import type { AddFile, DataFile } from '../log/actions.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { looseStats } from '../stats/parse-stats.ts'
import { dataFileOf } from '../write/data-file.ts'

/**
 * Write one file of deletion vectors and return the data files as they are to be added again; the commit has to remove
 * them as they were.
 *
 * @param positions the newly deleted rows of the files; a file may come more than once
 */
export async function markRows(
  ports: VectorPorts,
  snapshot: Snapshot,
  files: readonly AddFile[],
  positions: AsyncIterable<{ path: string; rows: readonly number[] }>,
  signal?: AbortSignal,
): Promise<DataFile[]> {
  if (files.length === 0) return []
  const { tablePath, version } = snapshot
  const had = files.flatMap(file => (file.deletionVector ? [{ dataFile: file.path, vector: file.deletionVector }] : []))
  const vectors = await readDeletionVectors({ store: ports.store, tablePath, version, signal }, had)
  const sets = new Map(had.map(({ dataFile }, i) => [dataFile, vectors[i] ?? RowSet.empty]))
  await addPositions(sets, positions)
  const wanted = files.map(file => sets.get(file.path) ?? RowSet.empty)
  const descriptors = await writeDeletionVectors(ports, tablePath, wanted, { signal })
  return files.map((file, i) => {
    const deletionVector = descriptors[i]
    if (deletionVector === undefined) throw new TypeError('this is a bug in @tidemark/delta: a vector is missing')
    const known = dataFileOf(file)
    return { ...known, stats: looseStats(known.stats), deletionVector }
  })
}

/** Rows of one file that are put into its set at once: every union goes through whole containers. */
const ROWS_AT_ONCE = 100_000

/** Rows of a file mostly come one part after the other, and are gathered until another file's come. */
async function addPositions(
  sets: Map<string, RowSet>,
  positions: AsyncIterable<{ path: string; rows: readonly number[] }>,
): Promise<void> {
  let gathered: { path: string; parts: (readonly number[])[]; count: number } | undefined
  const flush = (): void => {
    if (gathered !== undefined) {
      const { path, parts } = gathered
      sets.set(path, (sets.get(path) ?? RowSet.empty).add(parts.flat()))
    }
    gathered = undefined
  }
  for await (const { path, rows } of positions) {
    if (gathered?.path !== path || gathered.count >= ROWS_AT_ONCE) flush()
    gathered ??= { path, parts: [], count: 0 }
    gathered.parts.push(rows)
    gathered.count += rows.length
  }
  flush()
}
