/**
 * Staging: what the next version of a table will change, as a plain value. Everything that can be refused without the
 * store is refused here; nothing is written before `commit`.
 */

import { DeltaError } from '../errors.ts'
import type { AddFile, DataFile } from '../log/actions.ts'
import { evolve } from '../schema/evolve.ts'
import type { StructType } from '../schema/schema.ts'
import { checkRemovable, isActive } from '../snapshot/protocol.ts'
import { PLAIN_PROTOCOL } from '../snapshot/raise-protocol.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { bindPredicate } from '../stats/bind-predicate.ts'
import { checkDataFiles } from './check-files.ts'
import { checkDomains } from './domains.ts'
import { checkRowTracking } from './row-tracking.ts'
import { buildStaged, type Extras, type NewMetaData, type Staged, stageInvalid } from './staged.ts'
import { rulesAfter } from './rules-after.ts'

export interface CreateRequest extends Extras {
  tablePath: string
  schema: StructType
  partitionColumns?: readonly string[]
  name?: string | undefined
  description?: string | undefined
  configuration?: Readonly<Record<string, string>>
  files?: readonly DataFile[]
  /** The feature domainMetadata although this commit sets no domain; the same as naming it in `features`. */
  needsDomainMetadata?: boolean
}

/** Stage version 0 of a table, with the lowest protocol that has what its settings, columns and `features` need. */
export function stageCreate(request: CreateRequest): Staged {
  const { tablePath, schema, partitionColumns = [], files = [], domains = [] } = request
  for (const column of partitionColumns) {
    if (!schema.fields.some(f => f.name === column)) {
      throw stageInvalid(tablePath, `the partition column ${column} is not in the schema`)
    }
  }
  const empty: NewMetaData = {
    ...(request.name === undefined ? {} : { name: request.name }),
    ...(request.description === undefined ? {} : { description: request.description }),
    format: { provider: 'parquet', options: {} },
    schemaString: '',
    partitionColumns,
    configuration: {},
  }
  const needsDomains = domains.length > 0 || request.needsDomainMetadata === true
  const features = [...(request.features ?? []), ...(needsDomains ? ['domainMetadata'] : [])]
  const { configuration } = request
  const before = { protocol: PLAIN_PROTOCOL, metaData: empty }
  const { protocol, metaData } = rulesAfter(tablePath, before, { schema, configuration, features })
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
    /** Change data files; when there are any, they tell all changes of the commit. */
    cdc?: readonly DataFile[]
    schema?: StructType | undefined
  },
): Staged {
  const remove = [...new Set(request.remove)].map(path => {
    const file = snapshot.files.get(path)
    if (!file) throw stageInvalid(snapshot.tablePath, `${path} is not a file of version ${snapshot.version}`)
    return file
  })
  const schema = evolvedSchema(snapshot, request.schema)
  return stageChange(snapshot, request, {
    schema,
    add: request.files,
    remove,
    dataChange: request.dataChange,
    cdc: request.cdc ?? [],
  })
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
  return stageChange(snapshot, request, { schema, add: [], remove: [], configuration: request.configuration })
}

interface Change {
  schema: StructType
  add: readonly DataFile[]
  remove: readonly AddFile[]
  dataChange?: boolean
  cdc?: readonly DataFile[]
  configuration?: Readonly<Record<string, string | null>> | undefined
}

function stageChange(snapshot: Snapshot, extras: Extras, change: Change): Staged {
  const { tablePath } = snapshot
  const { schema, configuration, add, remove, dataChange = true } = change
  const rules = rulesAfter(tablePath, snapshot, { schema, configuration, features: extras.features })
  checkRowTracking(snapshot, { protocol: rules.protocol, configuration: rules.metaData.configuration })
  if (remove.length > 0 && dataChange) checkRemovable(tablePath, snapshot.metaData)
  checkDomains(tablePath, rules.protocol, extras.domains ?? [])
  const { reads } = extras
  // A predicate that does not fit is told now, not when somebody happens to commit in between.
  if (reads?.kind === 'files' && reads.predicate) bindPredicate(snapshot, reads.predicate)
  checkDataFiles(tablePath, { files: add, schema, partitionColumns: rules.metaData.partitionColumns })
  const removed = new Set(remove.map(file => file.path))
  for (const { path } of add) {
    if (snapshot.files.has(path) && !removed.has(path)) {
      throw stageInvalid(tablePath, `${path} is already part of the table`)
    }
  }
  return buildStaged(tablePath, snapshot, extras, {
    protocol: rules.protocol === snapshot.protocol ? undefined : rules.protocol,
    metaData: rules.metaData === snapshot.metaData ? undefined : rules.metaData,
    add,
    remove,
    cdc: change.cdc ?? [],
    dataChange,
  })
}

/** The snapshot's schema evolved to `wanted`; throws SCHEMA_INCOMPATIBLE with every drift. */
export function evolvedSchema(snapshot: Snapshot, wanted: StructType | undefined): StructType {
  if (wanted === undefined) return snapshot.schema
  const evolution = evolve(snapshot.schema, wanted, { widenTypes: isActive('typeWidening', snapshot) })
  if (evolution.kind === 'compatible') return evolution.schema
  const { tablePath } = snapshot
  const { drifts } = evolution
  const list = drifts.map(d => `${d.column} (${d.reason}: ${d.current ?? 'none'} → ${d.wanted})`).join(', ')
  throw new DeltaError('SCHEMA_INCOMPATIBLE', `The schema of ${tablePath} cannot evolve: ${list}.`, {
    tablePath,
    drifts,
  })
}
