/**
 * Isolation: how much of what others committed in between a change must have seen. The words and the rules are Spark's,
 * so that both sides of a race judge it alike.
 */
import type { Staged } from './staged.ts'

export type Isolation =
  /** As if all commits had been made one after the other, in the order of their versions. */
  | 'Serializable'
  /** As if one after the other in some order: blind appends may be taken as coming later than they did. */
  | 'WriteSerializable'
  /** The rows stay the same, so new rows do not matter; only files that are gone do. */
  | 'SnapshotIsolation'

/** Operations that say that rows change, even when a commit of theirs happens to change none. */
const CHANGES_DATA =
  /^(WRITE|STREAMING UPDATE|DELETE|UPDATE|MERGE|TRUNCATE|CONVERT|CLONE|RESTORE|.*AS SELECT|(CREATE OR )?REPLACE TABLE.*)$/

/**
 * The isolation a staged change is judged under. Tables say it in `delta.isolationLevel`; without a word it is
 * WriteSerializable, and an unknown word is taken as the strictest. A MERGE or DELETE that found nothing has looked all the
 * same: of a Serializable table Spark lets it pass rows that it would have changed, and we do not.
 */
export function isolationOf(staged: Staged): Isolation {
  const level = tableIsolation(staged)
  if (staged.reads.kind === 'strict' || changesMoreThanFiles(staged)) return level
  if (staged.dataChange && staged.add.length + staged.remove.length > 0) return level
  return CHANGES_DATA.test(staged.info.operation) ? level : 'SnapshotIsolation'
}

/** True when the change only adds files and read nothing to decide on them. */
export function isBlindAppend(staged: Staged): boolean {
  return staged.reads.kind === 'none' && staged.remove.length === 0
}

function tableIsolation(staged: Staged): Isolation {
  if (staged.reads.kind === 'strict') return 'Serializable'
  const level = staged.base?.configuration['delta.isolationLevel'] ?? 'WriteSerializable'
  return level === 'WriteSerializable' ? level : 'Serializable'
}

function changesMoreThanFiles(staged: Staged): boolean {
  return (
    staged.protocol !== undefined ||
    staged.metaData !== undefined ||
    staged.txn.length > 0 ||
    staged.domains.length > 0 ||
    staged.cdc.length > 0
  )
}
