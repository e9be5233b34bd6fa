/**
 * Reads: what a change was decided on, said by whoever decided it. It is what a commit that came in between must have
 * left alone; a change that says nothing lets nothing come between.
 */
import type { Predicate } from '../stats/predicate.ts'

export type Reads =
  /** No commit at all may come between: look again, plan again. */
  | { readonly kind: 'strict' }
  /** Nothing of the table mattered: a blind append. */
  | { readonly kind: 'none'; readonly appIds?: readonly string[] }
  /**
   * The rows of these files mattered, and any new row for which `predicate` holds would have; without a predicate, any
   * new row. A change that adds what it did not find names in its predicate what it looked for.
   */
  | {
      readonly kind: 'files'
      /** By `AddFile.path`. */
      readonly files: readonly string[]
      readonly predicate?: Predicate<unknown> | undefined
      readonly appIds?: readonly string[]
    }
  /** Every row mattered. */
  | { readonly kind: 'table'; readonly appIds?: readonly string[] }

/** What a change is staged with when its maker says nothing. */
export const STRICT: Reads = { kind: 'strict' }
