/**
 * Flows as typed values: the functions a flow file in TypeScript calls. They only describe; nothing runs and nothing is
 * registered, so what a file exports is exactly what it declares.
 */
import type { Expectation } from '../../model/project.ts'
import type { TableProperties } from '../../model/table-properties.ts'

export interface StreamingTableDefinition {
  readonly kind: 'streaming table'
  readonly name: string
  readonly expectations: readonly Expectation[]
  readonly properties?: TableProperties | undefined
  readonly comment?: string | undefined
}

export interface MaterializedViewDefinition {
  readonly kind: 'materialized view'
  readonly name: string
  readonly query: string
  readonly dialect: 'portable' | 'duckdb'
  readonly expectations: readonly Expectation[]
  readonly properties?: TableProperties | undefined
  readonly comment?: string | undefined
}

export interface TemporaryViewDefinition {
  readonly kind: 'temporary view'
  readonly name: string
  readonly query: string
  readonly dialect: 'portable' | 'duckdb'
}

export interface AutoCdcFlowDefinition {
  readonly kind: 'auto cdc'
  readonly name?: string | undefined
  readonly target: string
  readonly source: string
  readonly keys: readonly string[]
  readonly sequenceBy: string
  readonly applyAsDeleteWhen?: string | undefined
  readonly scdType: 1 | 2
}

export interface AppendFlowDefinition {
  readonly kind: 'append'
  readonly name?: string | undefined
  readonly target: string
  readonly query: string
  readonly dialect: 'portable' | 'duckdb'
}

export type Definition =
  | StreamingTableDefinition
  | MaterializedViewDefinition
  | TemporaryViewDefinition
  | AutoCdcFlowDefinition
  | AppendFlowDefinition

/** A dataset by its name, `schema.table` or `table` in the schema of the file's folder, or the value that declares it. */
export type DatasetName = string | { readonly name: string }

const nameOf = (dataset: DatasetName): string => (typeof dataset === 'string' ? dataset : dataset.name)

function define<T extends Definition>(definition: T): T {
  return Object.freeze(definition)
}

/** A table that flows add to. Example: `streamingTable({ name: 'gold.dim_user' })`. */
export function streamingTable(table: {
  name: string
  expectations?: readonly Expectation[]
  /** Properties of the Delta table, such as `{ 'delta.enableDeletionVectors': 'true' }`. */
  properties?: TableProperties
  comment?: string
}): StreamingTableDefinition {
  return define({ expectations: [], ...table, kind: 'streaming table' })
}

/** A table computed as a whole from a SELECT whenever an input changed. */
export function materializedView(view: {
  name: string
  query: string
  /** `duckdb` opts out of portable SQL: the view never runs on Spark. */
  dialect?: 'portable' | 'duckdb'
  expectations?: readonly Expectation[]
  /** Properties of the Delta table, such as `{ 'delta.enableDeletionVectors': 'true' }`. */
  properties?: TableProperties
  comment?: string
}): MaterializedViewDefinition {
  return define({ dialect: 'portable', expectations: [], ...view, kind: 'materialized view' })
}

/** A SELECT with a name, for other flows to read; it is never stored. */
export function temporaryView(view: {
  name: string
  query: string
  dialect?: 'portable' | 'duckdb'
}): TemporaryViewDefinition {
  return define({ dialect: 'portable', ...view, kind: 'temporary view' })
}

/**
 * Keep a streaming table as the newest version of each key (type 1, the default) or as its history (type 2).
 * The flow is named like its export unless `name` is given.
 */
export function autoCdcFlow(flow: {
  name?: string
  target: DatasetName
  /** The table or temporary view that is streamed. */
  source: DatasetName
  keys: readonly string[]
  sequenceBy: string
  /** Portable SQL over the source row. */
  applyAsDeleteWhen?: string
  storedAsScdType?: 1 | 2
}): AutoCdcFlowDefinition {
  const { target, source, storedAsScdType, ...rest } = flow
  const scdType = storedAsScdType ?? 1
  return define({ ...rest, kind: 'auto cdc', target: nameOf(target), source: nameOf(source), scdType })
}

/** Add the rows of a SELECT over STREAM(…) to a streaming table, each row once. */
export function appendFlow(flow: {
  name?: string
  target: DatasetName
  query: string
  dialect?: 'portable' | 'duckdb'
}): AppendFlowDefinition {
  return define({ dialect: 'portable', ...flow, kind: 'append', target: nameOf(flow.target) })
}

function rules(
  expressions: Readonly<Record<string, string>>,
  onViolation: Expectation['onViolation'],
): readonly Expectation[] {
  return Object.freeze(Object.entries(expressions).map(([name, expression]) => ({ name, expression, onViolation })))
}

/** One rule that warns and counts. Lists of rules are joined with `[...a, ...b]`. */
export function expect(name: string, expression: string): readonly Expectation[] {
  return rules({ [name]: expression }, 'warn')
}

/** One rule whose offenders go to quarantine. */
export function expectOrDrop(name: string, expression: string): readonly Expectation[] {
  return rules({ [name]: expression }, 'drop')
}

/** One rule whose offenders leave the target unchanged and fail the step. */
export function expectOrFail(name: string, expression: string): readonly Expectation[] {
  return rules({ [name]: expression }, 'fail')
}

/** Rules by name that warn and count. */
export function expectAll(expressions: Readonly<Record<string, string>>): readonly Expectation[] {
  return rules(expressions, 'warn')
}

/** Rules by name whose offenders go to quarantine: `expectAllOrDrop({ valid_id: 'user_id IS NOT NULL' })`. */
export function expectAllOrDrop(expressions: Readonly<Record<string, string>>): readonly Expectation[] {
  return rules(expressions, 'drop')
}

/** Rules by name whose offenders leave the target unchanged and fail the step. */
export function expectAllOrFail(expressions: Readonly<Record<string, string>>): readonly Expectation[] {
  return rules(expressions, 'fail')
}
