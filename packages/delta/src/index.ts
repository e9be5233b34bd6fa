/**
 * @tidemark/delta: the Delta transaction log over any object store. No dependencies, no engine, no configuration.
 * prepare (readSnapshot) → stage (stage…: a plain value) → commit (one conditional create).
 *
 * The examples beside the functions speak of a table `people` with the columns id and name: Ann and Bo lie in the file
 * `a`, Cy in `b`, and `files` holds one more that no commit names yet. `ports`, `parquet` and `relations` are what the
 * README says that the package needs.
 */

export { readDeletionVectors, type VectorContext, type VectorRequest } from './deletion-vector/read-vectors.ts'
export { RowSet } from './deletion-vector/row-set.ts'
export { type VectorPorts, writeDeletionVectors } from './deletion-vector/write-vectors.ts'
export { type ChangeRequest, type StagedChange, stageChange } from './dml/change.ts'
export type { ChangeCounts } from './dml/counts.ts'
export { stageDelete, stageUpdate } from './dml/delete-update.ts'
export { type OverwriteWhereRequest, stageOverwriteWhere } from './dml/overwrite-where.ts'
export { type ReplaceKeysRequest, stageReplaceKeys } from './dml/replace-keys.ts'
export {
  type ChangePart,
  type ChangePlan,
  type ChangesRequest,
  planChanges,
  type VersionChanges,
} from './engine/changes.ts'
export { type ParquetCodec, parquetCodec } from './engine/parquet-codec.ts'
export type { BegunFiles, ParquetWriter, RowOrder, WriteOptions } from './engine/parquet.ts'
export type {
  Assignments,
  FileHits,
  InsertClause,
  Judgement,
  JudgeRequest,
  KeyColumn,
  KeyPair,
  MergeSource,
  Relations,
  RowChange,
  TargetClause,
} from './engine/relations.ts'
export type { RowChecker } from './engine/row-checker.ts'
export { planScan, type ScanFile, type ScanPlan, type ScanRequest } from './engine/scan.ts'
export { DeltaError, type DeltaErrorCode, type ErrorDetails, isDeltaError } from './errors.ts'
export type {
  Action,
  AddFile,
  CdcFile,
  Commit,
  CommitInfo,
  DataFile,
  DeletionVectorDescriptor,
  DomainMetadata,
  MetaData,
  PartitionValues,
  Protocol,
  RemoveFile,
  RowTracking,
  Txn,
} from './log/actions.ts'
export { isCheckpointDue } from './keep/checkpoint-policy.ts'
export { type CleanedLog, type CleanPorts, cleanLog } from './keep/clean-log.ts'
export type { Upkeep } from './keep/keep-log.ts'
export { writeVersionChecksum } from './keep/version-checksum.ts'
export { type CheckpointPorts, type WrittenCheckpoint, writeCheckpoint } from './keep/write-checkpoint.ts'
export { deletionVectorId, fileKey, isSameFile } from './log/file-key.ts'
export type { Version } from './log/log-path.ts'
export type { LogParquet, TableStore } from './log/table-store.ts'
export { type OptimizeRequest, smallFileCount, stageOptimize } from './maintain/optimize.ts'
export { type RestoreRequest, stageRestore } from './maintain/restore.ts'
export { type VacuumPorts, type VacuumRequest, type VacuumResult, vacuum } from './maintain/vacuum.ts'
export type { FieldPath } from './schema/alter.ts'
export { checkWritableSchema } from './schema/check-schema.ts'
export {
  assignColumnMapping,
  type ColumnMapping,
  columnMappingOf,
  fieldId,
  MAX_COLUMN_ID,
  type NewMapping,
  physicalName,
  physicalSchema,
} from './schema/column-mapping.ts'
export type { Condition } from './schema/conditions.ts'
export { type Drift, type Evolution, evolve, printType } from './schema/evolve.ts'
export { isWidening } from './schema/widen.ts'
export {
  type ArrayType,
  type DataType,
  field,
  type MapType,
  parseDecimal,
  parseSchema,
  printSchema,
  type StructField,
  type StructType,
} from './schema/schema.ts'
export { addedFiles, isAppendOnly, readCommits, readHistory } from './snapshot/read-commits.ts'
export { readSnapshot, refreshSnapshot, type SnapshotRequest } from './snapshot/read-snapshot.ts'
export type { LogTail, Snapshot } from './snapshot/snapshot.ts'
export { findVersionAt, findVersionSince } from './snapshot/version-at.ts'
export type { TableColumns } from './stats/bound-column.ts'
export { type CivilTime, parseTime } from './stats/civil-time.ts'
export type { StatsTarget } from './stats/indexed-columns.ts'
export { parseStats, type Stats, type StatsTree } from './stats/parse-stats.ts'
export { type PartitionValue, parsePartitionValue, printPartitionValue } from './stats/partition-value.ts'
export {
  and,
  type ColumnPath,
  type CompareOperator,
  compare,
  expression,
  isIn,
  isNull,
  not,
  or,
  type Predicate,
  printPredicate,
} from './stats/predicate.ts'
export { evaluate, type KeyRange, type KeySpan, keysPredicate, pruneFiles, rangePredicate } from './stats/prune.ts'
export { type ColumnStatistics, statsFromColumns } from './stats/stats.ts'
export { LocalStore } from './store/local-store.ts'
export { removeLeftTemporaries } from './store/local-temporaries.ts'
export type {
  Claim,
  ClaimOptions,
  CreateOptions,
  HeldObject,
  ObjectStore,
  Rival,
  StoredObject,
  StoreOptions,
} from './store/store.ts'
export { findStorePath } from './store/store-location.ts'
export { compareBytes, isStorePath, splitStorePath } from './store/store-path.ts'
export { needsChangeFiles } from './write/change-feed-rules.ts'
export { type CheckedRows, type CheckRequest, checkRows } from './write/check-rows.ts'
export { type CommitOptions, type CommitPorts, type CommitResult, commit } from './write/commit.ts'
export type { ConflictRule } from './write/conflict.ts'
export type { Reads } from './write/reads.ts'
export { evolvedSchema, replacedSchema } from './write/schema-after.ts'
export {
  type CreateRequest,
  stageAppend,
  stageCreate,
  stageMetadata,
  stageOverwrite,
  stageRemoveAndAdd,
} from './write/stage.ts'
export { type Alteration, settingsWith, stageAlter } from './write/stage-alter.ts'
export type { CommitDetails, DomainChange, Extras, Staged } from './write/staged.ts'
export { writeOptionsFor } from './write/write-options.ts'
