/**
 * What an engine must be able to do with the rows of a table: find and leave out those with certain keys.
 */
import type { AddFile } from '../log/actions.ts'
import type { KeyRange } from '../stats/prune.ts'

/** The relational work an engine does. Keys are compared null-safe: NULL equals NULL. */
export interface Relations<Rows> {
  /** Paths of those files that hold at least one row whose key is in `keys`. */
  findFiles(files: AddFile[], keys: Rows, keyColumns: string[]): Promise<string[]>
  /** The rows of `files` whose key is not in `keys`. */
  withoutKeys(files: AddFile[], keys: Rows, keyColumns: string[]): Promise<Rows>
  /** Range of each key column among `keys`, as text in SQL form; lets files be left out unread. */
  keyRange?(keys: Rows, keyColumns: string[]): Promise<ReadonlyMap<string, KeyRange> | undefined>
}
