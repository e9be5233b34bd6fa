/**
 * Places of rows as a query gives them, by where a file lies and the row's number in it, and as the log names them.
 */
import type { AddFile, Snapshot } from '@tidemark/delta'
import type { Cell, Session } from './engine.ts'

/** The numbers file by file, of a result of file and row that is sorted by file; a file that lies in several batches comes once for each. */
export async function* rowPlaces(
  batches: AsyncIterable<readonly (readonly Cell[])[]>,
  pathOf: (place: unknown) => string,
): AsyncGenerator<{ path: string; rows: readonly number[] }> {
  for await (const [files = [], rows = []] of batches) {
    for (let start = 0, end = 1; start < files.length; end += 1) {
      if (files[end] === files[start]) continue
      yield { path: pathOf(files[start]), rows: rows.slice(start, end).map(Number) }
      start = end
    }
  }
}

/** The path of each of these files by where it lies. A hit that cannot be told to its file would never come into effect. */
export function pathFinder(
  session: Pick<Session, 'locate'>,
  snapshot: Snapshot,
  files: readonly AddFile[],
): (place: unknown) => string {
  const paths = new Map(files.map(file => [session.locate(snapshot, file.path), file.path]))
  return place => {
    const path = paths.get(String(place))
    if (path !== undefined) return path
    throw new TypeError(`this is a bug in tidemark: a hit in ${String(place)}, which was not asked for`)
  }
}
