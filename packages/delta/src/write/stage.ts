/**
 * Staging: what the next version of a table will change, as a plain value. Everything that can be refused without the
 * store is refused here; nothing is written before `commit`.
 */

import type { DataFile, MetaData } from '../log/actions.ts'
import type { FieldPath } from '../schema/alter.ts'
import type { StructType } from '../schema/schema.ts'
import { PLAIN_PROTOCOL } from '../snapshot/raise-protocol.ts'
import { NO_FILES, type Snapshot } from '../snapshot/snapshot.ts'
import type { CheckedRows } from './check-rows.ts'
import { evolvedSchema, replacedSchema } from './schema-after.ts'
import { stageOn } from './stage-on.ts'
import { type Extras, type Staged, stageInvalid } from './staged.ts'

export interface CreateRequest extends Extras {
  tablePath: string
  schema: StructType
  partitionColumns?: readonly string[]
  name?: string | undefined
  description?: string | undefined
  configuration?: Readonly<Record<string, string>>
  files?: readonly DataFile[]
  /** Columns by which rows that are read together should lie together; brings the feature clustering. */
  clusterBy?: readonly FieldPath[]
  /** The feature domainMetadata although this commit sets no domain; the same as naming it in `features`. */
  needsDomainMetadata?: boolean
}

/**
 * Stage version 0 of a table, with the lowest protocol that has what its settings, columns and `features` need.
 *
 * @example
 * ```ts
 * const schema: StructType = { type: 'struct', fields: [field('id', 'long'), field('day', 'date')] }
 * const info = { operation: 'CREATE TABLE' }
 * const staged = stageCreate({ tablePath: 'visits', schema, partitionColumns: ['day'], info })
 * const result = await commit(ports, staged)
 * console.log([result.kind, result.version]) // [ 'committed', 0n ]
 * ```
 */
export function stageCreate(request: CreateRequest): Staged {
  const { tablePath, schema, partitionColumns = [], files = [], domains = [] } = request
  const { name, description, configuration, clusterBy } = request
  const features = [...(request.features ?? [])]
  if (domains.length > 0 || request.needsDomainMetadata === true) features.push('domainMetadata')
  const change = { schema, add: files, remove: [], configuration, partitionColumns, clusterBy }
  const staged = stageOn(emptyTable(tablePath, { name, description }), { ...request, features }, change)
  const { id: _none, ...metaData } = { id: '', ...staged.metaData } as MetaData
  return { ...staged, base: undefined, protocol: staged.protocol ?? PLAIN_PROTOCOL, metaData }
}

/** What a table is changed from that is not there yet. */
function emptyTable(tablePath: string, about: { name: string | undefined; description: string | undefined }): Snapshot {
  const { name, description } = about
  return {
    tablePath,
    version: -1n,
    protocol: PLAIN_PROTOCOL,
    metaData: {
      id: '',
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      format: { provider: 'parquet', options: {} },
      schemaString: '',
      partitionColumns: [],
      configuration: {},
    },
    schema: { type: 'struct', fields: [] },
    files: new Map(),
    totals: NO_FILES,
    configuration: {},
    txns: new Map(),
    domains: new Map(),
    timestamp: undefined,
    inCommitTimestamp: undefined,
    log: { checkpoint: undefined, sizeInBytes: 0 },
    txn: () => undefined,
    domain: () => undefined,
  }
}

/**
 * Stage new rows. `schema` may add nullable columns; see `evolve`.
 *
 * @example
 * ```ts
 * const staged = stageAppend(people, { files, reads: { kind: 'none' }, info: { operation: 'WRITE' } })
 * const result = await commit(ports, staged)
 * console.log(result.version) // 2n
 * ```
 */
export function stageAppend(
  snapshot: Snapshot,
  request: Extras & { files: readonly DataFile[]; schema?: StructType | undefined },
): Staged {
  const schema = evolvedSchema(snapshot, request.schema)
  return stageOn(snapshot, request, { schema, add: request.files, remove: [] })
}

/**
 * Stage the replacement of all rows. `schema` may be any schema, since no old file stays.
 *
 * @example
 * ```ts
 * const staged = stageOverwrite(people, { files, info: { operation: 'WRITE' } })
 * console.log([staged.remove.length, staged.add.length]) // [ 2, 1 ]
 * ```
 */
export function stageOverwrite(
  snapshot: Snapshot,
  request: Extras & { files: readonly DataFile[]; schema?: StructType | undefined },
): Staged {
  const schema = replacedSchema(snapshot, request.schema)
  const remove = [...snapshot.files.values()]
  return stageOn(snapshot, request, { schema, add: request.files, remove, copiesNothing: true })
}

/**
 * Stage the removal of the files named by `remove` (add paths) and the addition of others. `dataChange` false says
 * that the same rows only lie in other files, and streaming readers will not look at them.
 *
 * @example
 * ```ts
 * const request = { remove: ['b'], files, dataChange: true, info: { operation: 'MERGE' } }
 * const result = await commit(ports, stageRemoveAndAdd(people, request))
 * console.log(result.kind === 'committed' && [...result.snapshot.files.keys()]) // [ 'a', 'c' ]
 * ```
 */
export function stageRemoveAndAdd(
  snapshot: Snapshot,
  request: Extras & {
    remove: readonly string[]
    files: readonly DataFile[]
    dataChange: boolean
    /** No row of a removed file is in an added one, so a change feed can be read from the files themselves. */
    copiesNothing?: boolean | undefined
    schema?: StructType | undefined
  },
): Staged {
  const remove = [...new Set(request.remove)].map(path => {
    const file = snapshot.files.get(path)
    if (!file) throw stageInvalid(snapshot.tablePath, `${path} is not a file of version ${snapshot.version}`)
    return file
  })
  const schema = evolvedSchema(snapshot, request.schema)
  const { files: add, dataChange, copiesNothing } = request
  return stageOn(snapshot, request, { schema, add, remove, dataChange, copiesNothing })
}

/**
 * Stage a commit without files: txn and domains only, a schema with new nullable columns, or other settings.
 *
 * @example
 * ```ts
 * const configuration = { 'delta.appendOnly': 'true' }
 * const staged = stageMetadata(people, { configuration, info: { operation: 'SET TBLPROPERTIES' } })
 * const result = await commit(ports, staged)
 * console.log(result.kind === 'committed' && result.snapshot.configuration) // { 'delta.appendOnly': 'true' }
 * ```
 */
export function stageMetadata(
  snapshot: Snapshot,
  request: Extras & {
    schema?: StructType | undefined
    /** Settings to set; null removes one. */
    configuration?: Readonly<Record<string, string | null>>
    /** What `checkRows` found all rows of the table to fulfil; needed for a new constraint. */
    checkedTable?: CheckedRows
  },
): Staged {
  const schema = evolvedSchema(snapshot, request.schema)
  const { configuration, checkedTable } = request
  return stageOn(snapshot, request, { schema, add: [], remove: [], configuration, checkedTable })
}
