/**
 * Actions of a commit, in the protocol's spelling (Delta protocol, "Actions"). Only the actions that decide a table's
 * state are here; unknown ones and unknown fields are left aside when reading.
 */
import type { Version } from './log-path.ts'

/** Free JSON by the protocol; these are the fields this package writes and reads. */
export interface CommitInfo {
  readonly timestamp?: number
  readonly operation?: string
  /** Uuid of the attempt that made the commit: how a writer recognises its own. */
  readonly txnId?: string
  readonly engineInfo?: string
  readonly userMetadata?: string
  readonly [field: string]: unknown
}

export interface Protocol {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  /** Present exactly when minReaderVersion is 3. */
  readonly readerFeatures?: readonly string[]
  /** Present exactly when minWriterVersion is 7. */
  readonly writerFeatures?: readonly string[]
}

export interface MetaData {
  /** Uuid of the table, stable over its life. */
  readonly id: string
  readonly name?: string
  readonly description?: string
  readonly format: { readonly provider: string; readonly options: Readonly<Record<string, string>> }
  readonly schemaString: string
  readonly partitionColumns: readonly string[]
  readonly configuration: Readonly<Record<string, string>>
  readonly createdTime?: number
}

export type PartitionValues = Readonly<Record<string, string | null>>

/** Where the deleted rows of a data file are written down (Delta protocol, "Deletion Vector Descriptor Schema"). */
export interface DeletionVectorDescriptor {
  /** `u`: a file named by a uuid, `p`: a file by its absolute path, `i`: the bytes themselves. */
  readonly storageType: 'u' | 'p' | 'i'
  readonly pathOrInlineDv: string
  /** Where the vector begins in its file; undefined for inline ones. */
  readonly offset?: number
  /** Bytes of the serialized vector, without its length and checksum. */
  readonly sizeInBytes: number
  /** Number of deleted rows. */
  readonly cardinality: bigint
}

/** What row tracking says about a file; absent unless the table has the feature. */
export interface RowTracking {
  readonly baseRowId?: bigint
  readonly defaultRowCommitVersion?: bigint
}

export interface AddFile extends RowTracking {
  /** Decoded and canonical: relative to the table, or absolute. */
  readonly path: string
  /** The path as the log spells it; a remove repeats it. */
  readonly uri: string
  readonly partitionValues: PartitionValues
  readonly size: bigint
  /** Milliseconds since 1970 UTC. */
  readonly modificationTime: number
  readonly dataChange: boolean
  /** JSON text; see `parseStats`. */
  readonly stats?: string
  readonly tags?: Readonly<Record<string, string>>
  /** Present when some rows of the file are deleted. */
  readonly deletionVector?: DeletionVectorDescriptor
  readonly clusteringProvider?: string
}

/** Ends a file's life: the file with exactly this path and deletion vector. */
export interface RemoveFile extends RowTracking {
  readonly path: string
  readonly uri: string
  readonly dataChange: boolean
  /** Milliseconds since 1970 UTC. */
  readonly deletionTimestamp?: number
  /** This and `size` are given by writers that set extendedFileMetadata; a checkpoint may leave them out. */
  readonly partitionValues?: PartitionValues
  readonly size?: bigint
  readonly stats?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly deletionVector?: DeletionVectorDescriptor
}

/** Rows that a commit changed, written out; they are all of its changes when a commit has any. */
export interface CdcFile {
  readonly path: string
  readonly uri: string
  readonly partitionValues: PartitionValues
  readonly size: bigint
  readonly tags?: Readonly<Record<string, string>>
}

/** An application's own progress: the latest version of each appId wins. */
export interface Txn {
  readonly appId: string
  readonly version: bigint
  /** Milliseconds since 1970 UTC. */
  readonly lastUpdated?: number
}

export interface DomainMetadata {
  readonly domain: string
  readonly configuration: string
  readonly removed?: boolean
}

export type Action =
  | { readonly kind: 'protocol'; readonly protocol: Protocol }
  | { readonly kind: 'metaData'; readonly metaData: MetaData }
  | { readonly kind: 'add'; readonly add: AddFile }
  | { readonly kind: 'remove'; readonly remove: RemoveFile }
  | { readonly kind: 'txn'; readonly txn: Txn }
  | { readonly kind: 'domainMetadata'; readonly domainMetadata: DomainMetadata }
  | { readonly kind: 'cdc'; readonly cdc: CdcFile }

/** One version of the log. */
export interface Commit {
  readonly version: Version
  /** Undefined when the writer left it out. */
  readonly commitInfo: CommitInfo | undefined
  readonly actions: readonly Action[]
  /** Size of its file. */
  readonly sizeInBytes: number
}

/** The `stats` of a file that the log has without any. */
export const NO_STATS = '{}'

/** A finished Parquet file that a commit may add, or change data that it carries. */
export interface DataFile extends RowTracking {
  /** Decoded, relative to the table. */
  path: string
  /** The log's own spelling of the path, for a file that is in the table already. */
  uri?: string
  size: bigint
  /** Milliseconds since 1970 UTC. */
  modificationTime: number
  /** JSON text from `statsFromColumns`, or `NO_STATS`. */
  stats: string
  /** Physical rows, those of a deletion vector included. */
  numRecords: bigint
  /** One entry for each partition column; `{}` for an unpartitioned table. */
  partitionValues: Record<string, string | null>
  tags?: Readonly<Record<string, string>>
  deletionVector?: DeletionVectorDescriptor
  clusteringProvider?: string
}
