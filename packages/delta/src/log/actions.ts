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

export interface AddFile {
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
  /** Present when some rows of the file are deleted; refused by this version wherever rows would be read. */
  readonly deletionVector?: unknown
}

export interface RemoveFile {
  readonly path: string
  readonly uri: string
  readonly dataChange: boolean
  readonly deletionTimestamp?: number
}

/** An application's own progress: the latest version of each appId wins. */
export interface Txn {
  readonly appId: string
  readonly version: bigint
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
  /** Change data files; carried only so that a reader knows they are there. */
  | { readonly kind: 'cdc' }

/** One version of the log. */
export interface Commit {
  readonly version: Version
  /** Undefined when the writer left it out. */
  readonly commitInfo: CommitInfo | undefined
  readonly actions: readonly Action[]
}

/** A finished Parquet file that a commit may add. */
export interface DataFile {
  /** Decoded, relative to the table. */
  path: string
  size: bigint
  /** Milliseconds since 1970 UTC. */
  modificationTime: number
  /** JSON text from `statsFromColumns`. */
  stats: string
  numRecords: bigint
  /** One entry for each partition column; `{}` for an unpartitioned table. */
  partitionValues: Record<string, string | null>
}
