/**
 * DeltaError: the one kind of error this package throws. `code` is stable, `details` names the files, versions and
 * columns concerned, and `message` says what is wrong and what state things are in.
 */

export type DeltaErrorCode =
  /** The object does not exist. */
  | 'NOT_FOUND'
  /** A store path is malformed or leads outside the store. */
  | 'PATH_INVALID'
  /** A write failed before it could have taken effect: nothing was published. */
  | 'NOT_WRITTEN'
  /** A log file cannot be understood: torn, not JSON, or an action lacks a required field. */
  | 'LOG_INVALID'
  /** A version between the first and the latest is missing. */
  | 'LOG_GAP'
  /** The log names no protocol, no metaData, or has no commits beside its other files. */
  | 'LOG_INCOMPLETE'
  /** Older versions are kept in Parquet checkpoints only, and the caller brought nobody to read Parquet. */
  | 'CHECKPOINT_NEEDED'
  /** A checkpoint, or a sidecar of it, is missing, torn or not what it says, and the log does not reach back without it. */
  | 'CHECKPOINT_INVALID'
  /** The wanted version does not exist. */
  | 'VERSION_NOT_FOUND'
  /** The table uses a feature this version does not implement. */
  | 'FEATURE_UNSUPPORTED'
  /** The table's own settings forbid this change, or demand work this version does not do. */
  | 'WRITE_REFUSED'
  /** Rows break a constraint, an invariant, a generated value or a column without NULL. */
  | 'CONSTRAINT_VIOLATED'
  /** A schema cannot be stored, or cannot be read. */
  | 'SCHEMA_INVALID'
  /** A wanted schema differs from the table's in more than new nullable columns. */
  | 'SCHEMA_INCOMPATIBLE'
  /** A predicate names a column the table lacks, or compares it with what is not a value of its type. */
  | 'PREDICATE_INVALID'
  /** A file that the log names does not exist: somebody removed it while the table still needs it. */
  | 'FILE_MISSING'
  /** A data file or deletion vector is damaged, or is not what the log says of it. */
  | 'FILE_INVALID'
  /** A version does not tell which rows it changed, or they cannot be read with the columns of a later one. */
  | 'CHANGES_UNAVAILABLE'
  /** The arguments of a stage function contradict the snapshot. */
  | 'STAGE_INVALID'
  /** Several rows of a merge's source would change one row of the table. */
  | 'MERGE_AMBIGUOUS'
  /** New rows of an overwrite do not fulfil its condition. */
  | 'ROWS_OUTSIDE'
  /** Files that should hold the same rows hold another number of them. */
  | 'ROWS_DIFFER'
  /** Whether the commit exists could not be found out. */
  | 'COMMIT_UNDECIDED'

export type ErrorDetails = Readonly<Record<string, unknown>>

/**
 * What every refusal and failure of this package is: a stable code, a message for people, and the facts of it.
 *
 * @example
 * ```ts
 * const error = await readSnapshot(ports, { tablePath: 'people', version: 7n }).catch((error: unknown) => error)
 * console.log(error instanceof DeltaError && [error.code, error.details['latest']]) // [ 'VERSION_NOT_FOUND', 1n ]
 * ```
 */
export class DeltaError extends Error {
  override readonly name = 'DeltaError'
  readonly code: DeltaErrorCode
  readonly details: ErrorDetails

  constructor(code: DeltaErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

/**
 * True for a DeltaError, with one of the given codes when any are given.
 *
 * @example
 * ```ts
 * const error = await readSnapshot(ports, { tablePath: 'people', version: 7n }).catch((error: unknown) => error)
 * console.log(isDeltaError(error, 'VERSION_NOT_FOUND', 'LOG_GAP')) // true
 * ```
 */
export function isDeltaError(error: unknown, ...codes: readonly DeltaErrorCode[]): error is DeltaError {
  return error instanceof DeltaError && (codes.length === 0 || codes.includes(error.code))
}
