/**
 * Staging: what the next version of a table will change, as a plain value. Everything that can be refused without the
 * store is refused here; nothing is written before `commit`.
 */

import { DeltaError } from '../errors.ts'
import type { AddFile, DataFile, MetaData } from '../log/actions.ts'
import { checkWritableSchema } from '../schema/check-schema.ts'
import { evolve } from '../schema/evolve.ts'
import { printSchema, type StructType } from '../schema/schema.ts'
import { checkRemovable, checkWritable, hasDomainMetadata } from '../snapshot/protocol.ts'
import { PLAIN_PROTOCOL, raiseProtocol } from '../snapshot/raise-protocol.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { bindPredicate } from '../stats/bind-predicate.ts'
import { checkDataFiles } from './check-files.ts'
import { buildStaged, type Extras, type NewMetaData, type Staged, stageInvalid } from './staged.ts'

export interface CreateRequest extends Extras {
  tablePath: string
  schema: StructType
  partitionColumns?: readonly string[]
  name?: string | undefined
  description?: string | undefined
  configuration?: Readonly<Record<string, string>>
  files?: readonly DataFile[]
  /** Raise the protocol for domainMetadata although this commit sets none. */
  needsDomainMetadata?: boolean
}

/**
 * Stage version 0 of a table. Protocol (1,2), or (1,7) with the feature domainMetadata when domains are set or
 * announced; a table cannot be given the feature later in this version.
 */
export function stageCreate(request: CreateRequest): Staged {
  const { tablePath, schema, partitionColumns = [], configuration = {}, files = [], domains = [] } = request
  checkWritableSchema(schema)
  for (const column of partitionColumns) {
    if (!schema.fields.some(f => f.name === column)) {
      throw stageInvalid(tablePath, `the partition column ${column} is not in the schema`)
    }
  }
  const metaData: NewMetaData = {
    ...(request.name === undefined ? {} : { name: request.name }),
    ...(request.description === undefined ? {} : { description: request.description }),
    format: { provider: 'parquet', options: {} },
    schemaString: printSchema(schema),
    partitionColumns,
    configuration,
  }
  const needsDomains = domains.length > 0 || request.needsDomainMetadata === true
  const protocol = raiseProtocol(PLAIN_PROTOCOL, needsDomains ? ['domainMetadata'] : [])
  checkWritable(tablePath, protocol, { id: '', ...metaData }, schema)
  checkDataFiles(tablePath, { files, schema, partitionColumns })
  return buildStaged(tablePath, undefined, request, { protocol, metaData, add: files })
}

/** Stage new rows. `schema` may add nullable columns; see `evolve`. */
export function stageAppend(
  snapshot: Snapshot,
  request: Extras & { files: readonly DataFile[]; schema?: StructType | undefined },
): Staged {
  const schema = evolvedSchema(snapshot, request.schema)
  return stageChange(snapshot, request, { schema, add: request.files, remove: [] })
}

/** Stage the replacement of all rows. `schema` may be any schema, since no old file stays. */
export function stageOverwrite(
  snapshot: Snapshot,
  request: Extras & { files: readonly DataFile[]; schema?: StructType | undefined },
): Staged {
  const schema = request.schema ?? snapshot.schema
  return stageChange(snapshot, request, { schema, add: request.files, remove: [...snapshot.files.values()] })
}

/**
 * Stage the removal of the files named by `remove` (add paths) and the addition of others. `dataChange` false says
 * that the same rows only lie in other files, and streaming readers will not look at them.
 */
export function stageRemoveAndAdd(
  snapshot: Snapshot,
  request: Extras & {
    remove: readonly string[]
    files: readonly DataFile[]
    dataChange: boolean
    schema?: StructType | undefined
  },
): Staged {
  const remove = [...new Set(request.remove)].map(path => {
    const file = snapshot.files.get(path)
    if (!file) throw stageInvalid(snapshot.tablePath, `${path} is not a file of version ${snapshot.version}`)
    return file
  })
  const schema = evolvedSchema(snapshot, request.schema)
  return stageChange(snapshot, request, { schema, add: request.files, remove, dataChange: request.dataChange })
}

/** Stage a commit without files: txn and domains only, a schema with new nullable columns, or other settings. */
export function stageMetadata(
  snapshot: Snapshot,
  request: Extras & {
    schema?: StructType | undefined
    /** Settings to set; null removes one. */
    configuration?: Readonly<Record<string, string | null>>
  },
): Staged {
  const schema = evolvedSchema(snapshot, request.schema)
  const configuration = { ...snapshot.configuration, ...request.configuration }
  const kept = Object.entries(configuration).filter((entry): entry is [string, string] => entry[1] !== null)
  return stageChange(snapshot, request, { schema, add: [], remove: [], configuration: Object.fromEntries(kept) })
}

interface Change {
  schema: StructType
  add: readonly DataFile[]
  remove: readonly AddFile[]
  dataChange?: boolean
  configuration?: Readonly<Record<string, string>>
}

function stageChange(snapshot: Snapshot, extras: Extras, change: Change): Staged {
  const { tablePath, protocol } = snapshot
  const { partitionColumns } = snapshot.metaData
  const metaData = changedMetaData(snapshot, change)
  const after = metaData ?? snapshot.metaData
  checkWritable(tablePath, protocol, after, change.schema)
  const dataChange = change.dataChange ?? true
  if (change.remove.length > 0 && dataChange) checkRemovable(tablePath, snapshot.metaData)
  if ((extras.domains ?? []).length > 0 && !hasDomainMetadata(protocol)) {
    throw stageInvalid(tablePath, 'it was created without the feature domainMetadata, so no domain can be set')
  }
  const { reads } = extras
  // A predicate that does not fit is told now, not when somebody happens to commit in between.
  if (reads?.kind === 'files' && reads.predicate) bindPredicate(snapshot, reads.predicate)
  checkDataFiles(tablePath, { files: change.add, schema: change.schema, partitionColumns })
  for (const { path } of change.add) {
    if (snapshot.files.has(path)) throw stageInvalid(tablePath, `${path} is already part of the table`)
  }
  return buildStaged(tablePath, snapshot, extras, { metaData, add: change.add, remove: change.remove, dataChange })
}

function changedMetaData(snapshot: Snapshot, change: Change): MetaData | undefined {
  const schemaString = printSchema(change.schema)
  const isSameSchema = schemaString === printSchema(snapshot.schema)
  if (isSameSchema && change.configuration === undefined) return undefined
  if (!isSameSchema) {
    const allowTimestampNtz = snapshot.protocol.writerFeatures?.includes('timestampNtz') ?? false
    checkWritableSchema(change.schema, { allowTimestampNtz })
  }
  return { ...snapshot.metaData, schemaString, configuration: change.configuration ?? snapshot.configuration }
}

/** The snapshot's schema evolved to `wanted`; throws SCHEMA_INCOMPATIBLE with every drift. */
export function evolvedSchema(snapshot: Snapshot, wanted: StructType | undefined): StructType {
  if (wanted === undefined) return snapshot.schema
  const evolution = evolve(snapshot.schema, wanted)
  if (evolution.kind === 'compatible') return evolution.schema
  const { tablePath } = snapshot
  const { drifts } = evolution
  const list = drifts.map(d => `${d.column} (${d.reason}: ${d.current ?? 'none'} → ${d.wanted})`).join(', ')
  throw new DeltaError('SCHEMA_INCOMPATIBLE', `The schema of ${tablePath} cannot evolve: ${list}.`, {
    tablePath,
    drifts,
  })
}
