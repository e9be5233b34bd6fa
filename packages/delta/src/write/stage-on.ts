/**
 * Staging on a snapshot: every change of a table goes through here, so that no rule of the table is kept by one kind of
 * change and forgotten by another.
 */
import type { AddFile, DataFile, DomainMetadata, MetaData } from '../log/actions.ts'
import type { FieldPath } from '../schema/alter.ts'
import { findUnstorable } from '../schema/check-schema.ts'
import { columnMappingOf, physicalName } from '../schema/column-mapping.ts'
import { conditionsOf, printCondition } from '../schema/conditions.ts'
import type { StructType } from '../schema/schema.ts'
import { checkRemovable, refused } from '../snapshot/protocol.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { bindPredicate } from '../stats/bind-predicate.ts'
import { checkChangeFiles, checkFeedColumns } from './change-feed-rules.ts'
import { checkDataFiles } from './check-files.ts'
import { type CheckedRows, requireChecked } from './check-rows.ts'
import { checkClusteringStats, clusteringColumns, clusteringDomain } from './clustering.ts'
import { checkDomains } from './domains.ts'
import { checkRowTracking } from './row-tracking.ts'
import { type Rules, rulesAfter } from './rules-after.ts'
import { buildStaged, type Extras, type Staged, stageInvalid, type TableRules } from './staged.ts'

export interface Change {
  schema: StructType
  add: readonly DataFile[]
  remove: readonly AddFile[]
  dataChange?: boolean
  /** No row of a removed file is in an added one. */
  copiesNothing?: boolean | undefined
  configuration?: Readonly<Record<string, string | null>> | undefined
  partitionColumns?: readonly string[] | undefined
  /** Columns to cluster by from now on. */
  clusterBy?: readonly FieldPath[] | undefined
  /** What the rows that are there already were found to fulfil. */
  checkedTable?: CheckedRows | undefined
}

/** A change beside the table it makes. */
interface Staging {
  readonly snapshot: Snapshot
  readonly extras: Extras
  readonly change: Change & { readonly dataChange: boolean; readonly cdc: readonly DataFile[] }
  readonly after: Rules<MetaData> & { readonly schema: StructType }
  readonly rules: TableRules
  /** Files of the snapshot that are there afterwards as they were. */
  readonly stay: readonly AddFile[]
  /** Files that were not there before; the others come again, with other statistics or a deletion vector. */
  readonly fresh: readonly DataFile[]
  /** Name of a top-level column in files, partition values and stats. */
  readonly physicalName: (column: string) => string
}

/** Stage a change of a table; throws a DeltaError for whatever the table's rules forbid. */
export function stageOn(snapshot: Snapshot, extras: Extras, change: Change): Staged {
  const staging = prepare(snapshot, extras, change)
  const { after, rules } = staging
  const { add, remove, cdc, dataChange, copiesNothing = false } = staging.change
  checkRowTracking(snapshot, rules, staging.fresh)
  checkFeedColumns(snapshot.tablePath, rules, after.schema)
  if (remove.length > 0 && dataChange) checkRemovable(snapshot.tablePath, snapshot.metaData)
  checkDomains(snapshot.tablePath, after.protocol, extras.domains ?? [])
  // A predicate that does not fit is told now, not when somebody happens to commit in between.
  if (extras.reads?.kind === 'files' && extras.reads.predicate) bindPredicate(snapshot, extras.reads.predicate)
  checkFiles(staging)
  checkChangeFiles(snapshot.tablePath, rules, { add, remove, cdc, dataChange, copiesNothing })
  checkConditions(staging)
  const domains = clusterAfter(staging)
  return buildStaged(snapshot.tablePath, snapshot, extras, {
    protocol: after.protocol === snapshot.protocol ? undefined : after.protocol,
    metaData: after.metaData === snapshot.metaData ? undefined : after.metaData,
    domains,
    add,
    remove,
    cdc,
    dataChange,
  })
}

function prepare(snapshot: Snapshot, extras: Extras, change: Change): Staging {
  const removed = new Set(change.remove.map(file => file.path))
  const stay = [...snapshot.files.values()].filter(file => !removed.has(file.path))
  const fresh = change.add.filter(file => !removed.has(file.path))
  const features = [...(extras.features ?? []), ...(change.clusterBy === undefined ? [] : ['clustering'])]
  const after = rulesAfter(snapshot.tablePath, snapshot, { ...change, features, isEmpty: stay.length === 0 })
  const rules = { protocol: after.protocol, configuration: after.metaData.configuration }
  const mapping = columnMappingOf(rules)
  const names = new Map(after.schema.fields.map(field => [field.name, physicalName(field, mapping)]))
  return {
    snapshot,
    extras,
    change: { ...change, dataChange: change.dataChange ?? true, cdc: extras.cdc ?? [] },
    after,
    rules,
    stay,
    fresh,
    physicalName: column => names.get(column) ?? column,
  }
}

function checkFiles({ snapshot, change, after, fresh, physicalName }: Staging): void {
  const { tablePath } = snapshot
  const { schema, metaData } = after
  const table = { schema, partitionColumns: metaData.partitionColumns, physicalName }
  const unstorable = fresh.length + change.cdc.length === 0 ? undefined : findUnstorable(schema)
  if (unstorable !== undefined) throw refused(tablePath, `no file can be added: ${unstorable}`)
  // What the log has named before was looked at by whoever added it, and may lie elsewhere or have no statistics.
  checkDataFiles(tablePath, { ...table, files: fresh.filter(({ uri }) => uri === undefined) })
  checkDataFiles(tablePath, { ...table, files: change.cdc })
  const known = fresh.find(({ path }) => snapshot.files.has(path))
  if (known) throw stageInvalid(tablePath, `${known.path} is already part of the table`)
  const seen = new Set<string>()
  for (const { path } of change.add) {
    if (seen.has(path)) throw stageInvalid(tablePath, `${path} is added twice`)
    seen.add(path)
  }
}

/**
 * New rows have to be judged by all conditions, rows that are there by those that are new. Rows that only lie in other
 * files now, or files that lost some rows, were judged when they came.
 */
function checkConditions({ snapshot, extras, change, after, rules, stay, fresh, physicalName }: Staging): void {
  const { tablePath } = snapshot
  const required = conditionsOf(after.schema, rules.configuration)
  if (change.dataChange && fresh.length > 0) {
    requireChecked(tablePath, { required, checked: extras.checked, files: fresh, physicalName })
  }
  const before = new Set(conditionsOf(snapshot.schema, snapshot.configuration).map(printCondition))
  const added = required.filter(condition => !before.has(printCondition(condition)))
  const [first] = added
  if (stay.length === 0 || first === undefined) return
  const { reads } = extras
  if (reads !== undefined && reads.kind !== 'strict' && reads.kind !== 'table') {
    throw stageInvalid(tablePath, `the new ${first.kind} ${first.name} concerns all of its rows, so reads must say so`)
  }
  requireChecked(tablePath, { required: added, checked: change.checkedTable, files: stay, physicalName })
}

/** Make sure of the statistics that clustering needs; the domain to set when the columns change. */
function clusterAfter({ snapshot, change, after, rules, stay, fresh }: Staging): readonly DomainMetadata[] {
  const { tablePath } = snapshot
  const { clusterBy } = change
  if (clusterBy === undefined) {
    checkClusteringStats(tablePath, clusteringColumns(snapshot), fresh)
    return []
  }
  const { partitionColumns } = after.metaData
  const table = { schema: after.schema, mapping: columnMappingOf(rules), partitionColumns }
  const domain = clusteringDomain(tablePath, clusterBy, table)
  const columns = clusteringColumns({ domain: () => domain.configuration })
  checkClusteringStats(tablePath, columns, [...fresh, ...stay])
  return [domain]
}
