/**
 * @tidemark/delta: the Delta transaction log over any object store. No dependencies, no engine, no configuration.
 * prepare (readSnapshot) → stage (stage…: a plain value) → commit (one conditional create).
 */
export type {
  Action,
  AddFile,
  Commit,
  CommitInfo,
  DataFile,
  DomainMetadata,
  MetaData,
  PartitionValues,
  Protocol,
  RemoveFile,
  Txn,
} from './actions.ts'
export { commit, type CommitPorts, type CommitResult } from './commit.ts'
export { checkWritableSchema } from './check-schema.ts'
export { DeltaError, type DeltaErrorCode, type ErrorDetails, isDeltaError } from './errors.ts'
export { type Drift, evolve, type Evolution, printType } from './evolve.ts'
export { LocalStore } from './local-store.ts'
export type { Version } from './log-path.ts'
export { parseStats, type Stats, type StatsTree } from './parse-stats.ts'
export type { KeyRange } from './prune.ts'
export {
  addedFiles,
  isAppendOnly,
  readCommits,
  readSnapshot,
  refreshSnapshot,
  type SnapshotRequest,
} from './read-log.ts'
export {
  type ParquetWriter,
  type Relations,
  type ReplaceKeysRequest,
  stageReplaceKeys,
  type WriteOptions,
} from './replace-keys.ts'
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
} from './schema.ts'
export type { Snapshot } from './snapshot.ts'
export {
  type CreateRequest,
  stageAppend,
  stageCreate,
  stageMetadata,
  stageOverwrite,
  stageRemoveAndAdd,
} from './stage.ts'
export type { CommitDetails, DomainChange, Staged } from './staged.ts'
export { type ColumnStatistics, statsFromColumns } from './stats.ts'
export type { ObjectStore, StoredObject, StoreOptions } from './store.ts'
export { compareBytes, splitStorePath } from './store-path.ts'
