/**
 * Places of rows as a query gives them, by where a file lies and the row's number in it, and as the log names them. A hit
 * that cannot be told to its file would never come into effect.
 */
import type { AddFile, Snapshot } from '@tidemark/delta'
import type { Cell, Session } from './engine.ts'

/**
 * The numbers file by file, of a result of two columns that is sorted by the first: the number of a row's file among
 * `files`, and its row. A file that lies in several batches comes once for each.
 */
export async function* rowPlaces(
  batches: AsyncIterable<readonly (readonly Cell[])[]>,
  files: readonly AddFile[],
): AsyncGenerator<{ path: string; rows: readonly number[] }> {
  for await (const [numbers = [], rows = []] of batches) {
    for (let start = 0, end = 1; start < numbers.length; end += 1) {
      if (numbers[end] === numbers[start]) continue
      yield {
        path: files[Number(numbers[start])]?.path ?? unknown(numbers[start]),
        rows: rows.slice(start, end).map(Number),
      }
      start = end
    }
  }
}

/** The path of each of these files by where it lies. */
export function pathFinder(
  session: Pick<Session, 'locate'>,
  snapshot: Snapshot,
  files: readonly AddFile[],
): (place: unknown) => string {
  const paths = new Map(files.map(file => [session.locate(snapshot, file.path), file.path]))
  return place => paths.get(String(place)) ?? unknown(place)
}

function unknown(place: unknown): never {
  throw new TypeError(`this is a bug in tidemark: a hit in ${String(place)}, which was not asked for`)
}
