/**
 * Relations: the relational work that is handed in. The package decides which files to look at and what a commit holds;
 * an engine judges rows and hands relations around, never values.
 */
import type { AddFile } from '../log/actions.ts'
import type { DataType, StructType } from '../schema/schema.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { Predicate } from '../stats/predicate.ts'
import type { KeyRange, KeySpan } from '../stats/prune.ts'

/**
 * What a change does to rows, in the terms of SQL's MERGE. Of each list the first clause whose condition is TRUE decides
 * about a row; a row that no clause takes stays as it is. DELETE and UPDATE are `notMatchedBySource` clauses of a change
 * without a source, where no row of the target is matched.
 *
 * `Expr` is the engine's own expression; in it, `target` and `source` name the two sides.
 */
export interface RowChange<Rows, Expr> {
  readonly source?: MergeSource<Rows, Expr> | undefined
  /** For a row of the target that a row of the source matches. */
  readonly matched?: readonly TargetClause<Expr>[]
  /** For a row of the target that no row of the source matches. */
  readonly notMatchedBySource?: readonly TargetClause<Expr>[]
  /** For a row of the source that matches no row of the target. */
  readonly notMatched?: readonly InsertClause<Expr>[]
}

export interface MergeSource<Rows, Expr> {
  /** Must give the same rows whenever it is read during the change. */
  readonly rows: Rows
  /** Column pairs that must be equal for a match; at least one. */
  readonly keys: readonly KeyPair[]
  /** True when a NULL key equals a NULL key; SQL's `=` when false. */
  readonly nullSafe?: boolean
  /** What must hold besides for a match. */
  readonly condition?: Expr | undefined
}

export interface KeyPair {
  readonly target: string
  readonly source: string
}

export type TargetClause<Expr> =
  | { readonly kind: 'delete'; readonly when?: Expr | undefined }
  /** Columns left out keep their value. */
  | { readonly kind: 'update'; readonly when?: Expr | undefined; readonly set: Assignments<Expr> }

export interface InsertClause<Expr> {
  readonly when?: Expr | undefined
  /** Columns left out become NULL. */
  readonly values: Assignments<Expr>
}

/** New values by column name. `source` takes a column of the source as it is, so an engine need not read the target. */
export type Assignments<Expr> = ReadonlyMap<string, { readonly source: string } | { readonly expression: Expr }>

/** The verdict over the rows of some files. Holds engine resources until it is disposed of. */
export interface Judgement<Rows> extends AsyncDisposable {
  /** One entry for each file with a row to update or delete, in any order. */
  readonly hits: readonly FileHits[]
  /** Rows of the source that will be inserted. */
  readonly insertCount: bigint
  /** Rows of the target that more than one row of the source would update or delete. */
  readonly ambiguousCount: bigint
  /** Rows of the files that are neither updated nor deleted, with the columns of the schema. */
  kept(files: readonly AddFile[]): Promise<Rows>
  /** New versions of the updated rows of the files. */
  updated(files: readonly AddFile[]): Promise<Rows>
  /** The rows to insert. */
  inserted(): Rows
  /** Every changed row with `_change_type`: insert, update_preimage, update_postimage, delete. */
  changes(): Promise<Rows>
  /** Numbers of the updated and deleted rows, counted from 0 in their file; a file may come more than once. */
  positions(files: readonly AddFile[]): AsyncIterable<{ path: string; rows: readonly number[] }>
}

export interface FileHits {
  readonly path: string
  readonly updateCount: bigint
  readonly deleteCount: bigint
}

export interface JudgeRequest<Rows, Expr> {
  /** The version that is changed. */
  readonly snapshot: Snapshot
  /** The files that may hold a row to update, to delete or to match; no other file does. */
  readonly files: readonly AddFile[]
  /** The schema the commit will have; rows of older files come out with its columns, new ones NULL. */
  readonly schema: StructType
  readonly change: RowChange<Rows, Expr>
  readonly signal?: AbortSignal | undefined
}

export interface Relations<Rows, Expr> {
  /** Judge the rows of the files against the change. */
  judge(request: JudgeRequest<Rows, Expr>): Promise<Judgement<Rows>>
  /** Rows of files of a snapshot, with the columns of its schema and without deleted rows. */
  scan(snapshot: Snapshot, files: readonly AddFile[]): Promise<Rows>
  /** Number of rows for which the condition is FALSE or NULL; in it, `target` names the rows. */
  countUnless(rows: Rows, condition: Expr): Promise<bigint>
  /** A condition on rows of the target as an expression of the engine; three-valued as `Predicate` says. */
  express(predicate: Predicate<Expr>, schema: StructType): Expr
  /** The rows with the columns of the schema and no others, each in exactly its type. */
  typed(rows: Rows, schema: StructType): Rows
  /** Put relations with the same columns of the same types together, duplicates kept. */
  union(parts: readonly [Rows, ...Rows[]]): Rows
  /** The rows with the column `_change_type`, set to insert. */
  asInserted(rows: Rows): Rows
  /**
   * The range of each column among the rows, by column; lets files be left out unread. A column is left out when its text
   * does not mean the same value, in the same order, in the table's type.
   */
  keyRange?(rows: Rows, columns: readonly KeyColumn[]): Promise<ReadonlyMap<string, KeyRange> | undefined>
  /** All distinct values of each column but NULL, as `keyRange` gives its ends; without columns that have more than `limit`. */
  keyValues?(rows: Rows, columns: readonly KeyColumn[], limit: number): Promise<ReadonlyMap<string, readonly string[]>>
  /**
   * Some ranges of each column that together hold all its values but NULL, with ends as `keyRange` gives them: what lies in
   * a gap between two of them need not be read. Without columns of which the engine knows no gaps.
   */
  keySpans?(rows: Rows, columns: readonly KeyColumn[]): Promise<ReadonlyMap<string, readonly KeySpan[]>>
}

/** A column of a source that is compared with a column of the table. */
export interface KeyColumn {
  readonly name: string
  /** The type of the table's column; the source's own may be another. */
  readonly type: DataType
}
