/**
 * Staging changes of columns and constraints that a person asks for. Files stay as they are; what would make them mean
 * something else is refused.
 */
import { alterField, type FieldPath, getField, widenField } from '../schema/alter.ts'
import { columnMappingOf, physicalName } from '../schema/column-mapping.ts'
import { conditionsOf, constraintKey } from '../schema/conditions.ts'
import type { StructField, StructType } from '../schema/schema.ts'
import { isActive, refused } from '../snapshot/protocol.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { CheckedRows } from './check-rows.ts'
import { clusteringColumns } from './clustering.ts'
import { renameStatsColumns, STATS_COLUMNS } from '../stats/indexed-columns.ts'
import { stageOn } from './stage-on.ts'
import { type Extras, type Staged, stageInvalid } from './staged.ts'

export type Alteration =
  /** Needs column mapping. */
  | { readonly kind: 'rename column'; readonly column: FieldPath; readonly name: string }
  /** Needs column mapping. */
  | { readonly kind: 'drop column'; readonly column: FieldPath }
  /** Needs `delta.enableTypeWidening`. */
  | { readonly kind: 'widen type'; readonly column: FieldPath; readonly type: string }
  | { readonly kind: 'allow NULL'; readonly column: FieldPath }
  /** `comment` undefined removes it. */
  | { readonly kind: 'comment'; readonly column: FieldPath; readonly comment: string | undefined }
  /** `sql` is Spark SQL; all rows of the table must have been checked, see `checkedTable`. */
  | { readonly kind: 'add constraint'; readonly name: string; readonly sql: string }
  | { readonly kind: 'drop constraint'; readonly name: string }
  /** Brings the feature clustering; no column at all ends it. Every file must have statistics of the columns. */
  | { readonly kind: 'cluster by'; readonly columns: readonly FieldPath[] }

/** The table while alterations are applied, one after the other. */
interface Altered {
  schema: StructType
  partitionColumns: readonly string[]
  configuration: Record<string, string | null>
  clusterBy: readonly FieldPath[] | undefined
}

/**
 * Stage alterations as one commit.
 *
 * @throws SCHEMA_INVALID when a column does not exist, or its new name or type cannot be
 * @throws WRITE_REFUSED when the table's files or rules stand against it
 *
 * @example
 * ```ts
 * const alterations = [{ kind: 'comment' as const, column: ['id'], comment: 'given once' }]
 * const result = await commit(ports, stageAlter(people, { alterations, info: { operation: 'CHANGE COLUMN' } }))
 * console.log(result.kind === 'committed' && result.snapshot.schema.fields[0]?.metadata) // { comment: 'given once' }
 * ```
 */
export function stageAlter(
  snapshot: Snapshot,
  request: Extras & { alterations: readonly Alteration[]; checkedTable?: CheckedRows },
): Staged {
  const { partitionColumns } = snapshot.metaData
  let altered: Altered = { schema: snapshot.schema, partitionColumns, configuration: {}, clusterBy: undefined }
  for (const alteration of request.alterations) altered = alter(snapshot, altered, alteration)
  return stageOn(snapshot, request, { ...altered, add: [], remove: [], checkedTable: request.checkedTable })
}

/**
 * The settings of the table with these constraints too, for `checkRows`.
 *
 * @example
 * ```ts
 * console.log(settingsWith(people, { known: 'id > 0' })) // { 'delta.constraints.known': 'id > 0' }
 * ```
 */
export function settingsWith(
  snapshot: Snapshot,
  constraints: Readonly<Record<string, string>>,
): Record<string, string> {
  const added = Object.entries(constraints).map(([name, sql]): [string, string] => [constraintKey(name), sql])
  return { ...snapshot.configuration, ...Object.fromEntries(added) }
}

function alter(snapshot: Snapshot, altered: Altered, alteration: Alteration): Altered {
  const { schema } = altered
  switch (alteration.kind) {
    case 'rename column':
      return renameColumn(snapshot, altered, alteration.column, alteration.name)
    case 'drop column':
      checkDroppable(snapshot, altered, alteration.column)
      return {
        ...altered,
        schema: alterField(schema, alteration.column, () => undefined),
        configuration: renamedSettings(snapshot, altered, alteration.column, undefined),
      }
    case 'widen type':
      if (!isActive('typeWidening', snapshot)) throw refused(snapshot.tablePath, 'delta.enableTypeWidening is not set')
      refuseMentioned(snapshot, altered, alteration.column)
      return { ...altered, schema: widenField(schema, alteration.column, alteration.type) }
    case 'allow NULL':
      return { ...altered, schema: alterField(schema, alteration.column, f => ({ ...f, nullable: true })) }
    case 'comment':
      return { ...altered, schema: alterField(schema, alteration.column, f => withComment(f, alteration.comment)) }
    case 'add constraint':
      return addConstraint(snapshot, altered, alteration)
    case 'drop constraint':
      return dropConstraint(snapshot, altered, alteration.name)
    case 'cluster by':
      return { ...altered, clusterBy: alteration.columns }
  }
}

function renameColumn(snapshot: Snapshot, altered: Altered, column: FieldPath, name: string): Altered {
  requireMapping(snapshot, 'renamed')
  refuseMentioned(snapshot, altered, column)
  const old = getField(altered.schema, column).name
  const schema = alterField(altered.schema, column, f => ({ ...f, name }))
  const renamed = { ...altered, schema, configuration: renamedSettings(snapshot, altered, column, name) }
  if (column.length > 1) return renamed
  return { ...renamed, partitionColumns: altered.partitionColumns.map(p => (p === old ? name : p)) }
}

/** Settings that name columns go along with them: a column that has statistics keeps having them. */
function renamedSettings(
  snapshot: Snapshot,
  altered: Altered,
  column: FieldPath,
  name: string | undefined,
): Altered['configuration'] {
  const list = settingsNow(snapshot, altered)[STATS_COLUMNS]
  if (list === undefined) return altered.configuration
  return { ...altered.configuration, [STATS_COLUMNS]: renameStatsColumns(list, column, name) }
}

function checkDroppable(snapshot: Snapshot, altered: Altered, column: FieldPath): void {
  requireMapping(snapshot, 'dropped')
  refuseMentioned(snapshot, altered, column)
  const field = getField(altered.schema, column)
  const isTop = column.length === 1
  if (isTop && altered.partitionColumns.includes(field.name)) {
    throw refused(snapshot.tablePath, `${field.name} is a partition column and cannot be dropped`)
  }
  if (isTop && clusteringColumns(snapshot).some(path => path[0] === physicalName(field, columnMappingOf(snapshot)))) {
    throw refused(snapshot.tablePath, `${field.name} is a clustering column and cannot be dropped`)
  }
}

function requireMapping(snapshot: Snapshot, what: string): void {
  if (columnMappingOf(snapshot) !== 'none') return
  throw refused(snapshot.tablePath, `columns are ${what} only with delta.columnMapping.mode, as files know their names`)
}

/** Conditions are text in another language: one that may speak of the column would mean something else or nothing. */
function refuseMentioned(snapshot: Snapshot, altered: Altered, column: FieldPath): void {
  const configuration = settingsNow(snapshot, altered)
  const names = new Set(column.map(name => name.toLowerCase()))
  const mentions = (sql: string): boolean =>
    [...sql.matchAll(/`((?:[^`]|``)+)`|[\p{L}_][\p{L}\p{N}_]*/gu)].some(([word, quoted]) =>
      names.has((quoted?.replaceAll('``', '`') ?? word).toLowerCase()),
    )
  const condition = conditionsOf(altered.schema, configuration).find(
    one => one.kind !== 'not null' && mentions(one.sql),
  )
  if (condition === undefined) return
  const { kind, name, sql } = condition
  throw refused(snapshot.tablePath, `the ${kind} ${name} (${sql}) speaks of ${column.join('.')}; drop it first`)
}

function addConstraint(snapshot: Snapshot, altered: Altered, { name, sql }: { name: string; sql: string }): Altered {
  if (findConstraint(snapshot, altered, name) !== undefined) {
    throw stageInvalid(snapshot.tablePath, `it has a constraint ${name} already`)
  }
  return { ...altered, configuration: { ...altered.configuration, [constraintKey(name)]: sql } }
}

function dropConstraint(snapshot: Snapshot, altered: Altered, name: string): Altered {
  const key = findConstraint(snapshot, altered, name)
  if (key === undefined) throw stageInvalid(snapshot.tablePath, `it has no constraint ${name}`)
  return { ...altered, configuration: { ...altered.configuration, [key]: null } }
}

/** The setting that holds a constraint; not every writer keeps such names in lower case. */
function findConstraint(snapshot: Snapshot, altered: Altered, name: string): string | undefined {
  const key = constraintKey(name).toLowerCase()
  return Object.keys(settingsNow(snapshot, altered)).find(own => own.toLowerCase() === key)
}

function settingsNow(snapshot: Snapshot, altered: Altered): Record<string, string> {
  const all = Object.entries({ ...snapshot.configuration, ...altered.configuration })
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null))
}

function withComment(field: StructField, comment: string | undefined): StructField {
  const { comment: _old, ...metadata } = field.metadata
  return { ...field, metadata: comment === undefined ? metadata : { ...metadata, comment } }
}
