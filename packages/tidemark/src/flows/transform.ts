/**
 * Transformations of a derived silver table: typed values in, one SELECT and its schema out. Entries of deleted keys
 * pass through: only their key is transformed, so that it still finds its row.
 */
import { type DataType, field, type StructField } from '@tidemark/delta'
import { suggest } from '../config/suggest.ts'
import { ident, join, raw, type Sql, sql, text } from '../engine/sql.ts'
import { toDuckType } from '../engine/types.ts'
import { FLOW_UNKNOWN_COLUMN } from '../errors/flow.ts'
import { FLOW_CAST_FAILED, FLOW_TRANSFORM_INVALID } from '../errors/flow-run.ts'
import type { Place } from '../errors/problem.ts'
import type { DerivedFlow } from '../model/flow.ts'
import type { Transform } from '../model/transform.ts'
import type { FlowContext } from './context.ts'
import { columnList } from '../engine/relations.ts'
import { describeColumn, expressionColumns, structOf, type TypedQuery } from './schema-fit.ts'

/** Columns of ours that travel with every bronze entry. */
const ENTRY_COLUMNS: readonly string[] = ['_op', '_seq', '_row_version', '_run_id', '_ingested_at']

/** Columns a user's table cannot have. */
const RESERVED = new Set([
  ...ENTRY_COLUMNS,
  '_at',
  '_tidemark_file',
  '_tidemark_row',
  '__start_at',
  '__end_at',
  '__sequence',
])

/** What it takes to judge names and types. */
type Reading = Pick<FlowContext, 'session' | 'portable'>

export interface Transformed {
  /** Bronze entries with transformed columns, followed by the entry columns. */
  query: Sql
  /** The transformed columns, without ours. */
  fields: readonly StructField[]
  /** The key under the names it has now. */
  keys: readonly string[]
  /** Columns whose values are computed, and may fail to be. */
  computed: readonly string[]
  /** A value depends on the time at which it is computed. */
  volatile: boolean
  /** Rows before each cast, to find the values a cast cannot read. */
  casts: readonly Cast[]
}

interface Cast {
  before: Sql
  column: string
  type: string
  /** The cast with NULL in place of an error. */
  attempt: Sql
}

/**
 * Apply a flow's transformations to bronze entries, in the order written. `_rescued_data` is left behind in bronze.
 * @throws {FLOW_UNKNOWN_COLUMN} {FLOW_TRANSFORM_INVALID} before any row is read
 */
export async function transformRows(context: Reading, flow: DerivedFlow, entries: TypedQuery): Promise<Transformed> {
  const fields = entries.schema.fields.filter(f => !ENTRY_COLUMNS.includes(f.name) && f.name !== '_rescued_data')
  let state: Transformed = {
    query: project(entries.query, fields),
    fields,
    keys: flow.keys.map(k => getColumn(fields, k).name),
    computed: [],
    volatile: false,
    casts: [],
  }
  for (const transform of flow.transform) state = await applyTransform(context, flow, state, transform)
  return { ...state, fields: structOf(state.fields).fields }
}

async function applyTransform(
  context: Reading,
  flow: DerivedFlow,
  state: Transformed,
  t: Transform,
): Promise<Transformed> {
  switch (t.kind) {
    case 'rename':
      return rename(flow, state, t)
    case 'drop':
      return drop(flow, state, t)
    case 'derive':
      return derive(context, flow, state, t)
    case 'cast':
      return cast(context, flow, state, t)
    case 'trim':
    case 'upper':
    case 'lower':
      return onText(flow, state, t, column => sql`${raw(t.kind)}(${column})`)
    case 'replace':
      return onText(flow, state, t, column => sql`replace(${column}, ${text(t.find)}, ${text(t.with)})`)
  }
}

function rename(flow: DerivedFlow, state: Transformed, t: Transform & { kind: 'rename' }): Transformed {
  const column = getColumn(state.fields, t.from)
  const taken = state.fields.find(f => f !== column && f.name.toLowerCase() === t.to.toLowerCase())
  if (taken !== undefined) throw invalid(flow, t, `there is a column ${taken.name} already`)
  refuseReserved(flow, t, t.to)
  const columns = state.fields.map(f => (f === column ? sql`${ident(f.name)} AS ${ident(t.to)}` : ident(f.name)))
  return {
    ...state,
    query: select(state.query, columns),
    fields: state.fields.map(f => (f === column ? { ...f, name: t.to } : f)),
    keys: state.keys.map(k => (k === column.name ? t.to : k)),
    computed: state.computed.map(name => (name === column.name ? t.to : name)),
  }
}

function drop(flow: DerivedFlow, state: Transformed, t: Transform & { kind: 'drop' }): Transformed {
  const pattern = new RegExp(`^${t.pattern.split('*').map(escapePattern).join('.*')}$`, 'is')
  const dropped = t.pattern.includes('*')
    ? state.fields.filter(f => pattern.test(f.name))
    : [getColumn(state.fields, t.pattern)]
  const key = dropped.find(f => state.keys.includes(f.name))
  if (key !== undefined) throw invalid(flow, t, `${key.name} is part of the key`)
  const fields = state.fields.filter(f => !dropped.includes(f))
  const computed = state.computed.filter(name => fields.some(f => f.name === name))
  return { ...state, query: project(state.query, fields), fields, computed }
}

async function derive(
  context: Reading,
  flow: DerivedFlow,
  state: Transformed,
  t: Transform & { kind: 'derive' },
): Promise<Transformed> {
  refuseReserved(flow, t, t.column)
  const old = state.fields.find(f => f.name.toLowerCase() === t.column.toLowerCase())
  if (old !== undefined && state.keys.includes(old.name)) {
    throw invalid(flow, t, `${old.name} is part of the key, and deleted rows hold nothing to derive it from`)
  }
  const columns = expressionColumns(state.fields)
  let { volatile } = state
  const onVolatile = (): void => void (volatile = true)
  const value = await context.portable.emitExpression(t.expression, placeOf(flow), { columns, onVolatile })
  const probe = sql`SELECT ${value} AS ${ident(t.column)} FROM (${state.query})`
  const { type } = await describeColumn(context.session, probe)
  const made = sql`CASE WHEN _op = 'delete' THEN NULL ELSE CAST(${value} AS ${toDuckType(type)}) END`
  return setColumn({ ...state, volatile }, old?.name, field(old?.name ?? t.column, type), made)
}

async function cast(
  context: Reading,
  flow: DerivedFlow,
  state: Transformed,
  t: Transform & { kind: 'cast' },
): Promise<Transformed> {
  const column = getColumn(state.fields, t.column)
  const type = deltaType(t.type)
  if (type === undefined) throw invalid(flow, t, `${t.type} is not a type of Delta`)
  const inside = `(\`${column.name.replaceAll('`', '``')}\` AS ${SPARK_NAMES[type] ?? type.toUpperCase()})`
  const options = { columns: expressionColumns([column]) }
  const value = await context.portable.emitExpression(`CAST${inside}`, placeOf(flow), options)
  const attempt = await context.portable.emitExpression(`TRY_CAST${inside}`, placeOf(flow), options)
  const casts = [...state.casts, { before: state.query, column: column.name, type: t.type, attempt }]
  const typed = sql`CAST(${value} AS ${toDuckType(type)})`
  return { ...setColumn(state, column.name, { ...column, type }, typed), casts }
}

function onText(
  flow: DerivedFlow,
  state: Transformed,
  t: Transform & { column: string },
  change: (column: Sql) => Sql,
): Transformed {
  const column = getColumn(state.fields, t.column)
  if (column.type !== 'string') throw invalid(flow, t, `the column is ${printed(column.type)}, not text; cast it first`)
  return setColumn(state, column.name, column, change(ident(column.name)))
}

/** Put a value in place of column `old`, or behind the others. */
function setColumn(state: Transformed, old: string | undefined, made: StructField, value: Sql): Transformed {
  const fresh = sql`${value} AS ${ident(made.name)}`
  const columns = state.fields.map(f => (f.name === old ? fresh : ident(f.name)))
  const fields = state.fields.map(f => (f.name === old ? made : f))
  const computed = [...new Set([...state.computed, made.name])]
  if (old !== undefined) return { ...state, query: select(state.query, columns), fields, computed }
  return { ...state, query: select(state.query, [...columns, fresh]), fields: [...fields, made], computed }
}

/**
 * The cast that failed, as a Problem with the number of values it cannot read; undefined when the casts are not the
 * cause of an engine's error.
 */
export async function findFailedCast(
  context: FlowContext,
  flow: DerivedFlow,
  casts: readonly Cast[],
): Promise<Error | undefined> {
  for (const { before, column, type, attempt } of casts) {
    const unread = sql`SELECT count(*) FROM (${before}) WHERE ${ident(column)} IS NOT NULL AND (${attempt}) IS NULL`
    const rows = await context.session.count(unread, context.signal)
    if (rows > 0n) return FLOW_CAST_FAILED({ flow: flow.name, column, type, rows }, { state: 'Nothing was written.' })
  }
  return undefined
}

const SPARK_NAMES: Readonly<Record<string, string>> = { long: 'BIGINT', short: 'SMALLINT', byte: 'TINYINT' }

function deltaType(name: string): string | undefined {
  const type = name.trim().toLowerCase().replaceAll(/\s+/g, '')
  if (type === 'timestamp_ntz' || type === 'void') return undefined
  try {
    toDuckType(type)
    return type
  } catch {
    return undefined
  }
}

function project(query: Sql, fields: readonly StructField[]): Sql {
  return select(
    query,
    fields.map(f => ident(f.name)),
  )
}

function select(query: Sql, columns: readonly Sql[]): Sql {
  return sql`SELECT ${join([...columns, columnList(ENTRY_COLUMNS)])} FROM (${query})`
}

function getColumn(fields: readonly StructField[], name: string): StructField {
  const exact = fields.find(f => f.name === name) ?? fields.find(f => f.name.toLowerCase() === name.toLowerCase())
  if (exact !== undefined) return exact
  const known = fields.map(f => f.name)
  throw FLOW_UNKNOWN_COLUMN({ column: name, suggestion: suggest(name, known) })
}

function refuseReserved(flow: DerivedFlow, t: Transform, name: string): void {
  if (RESERVED.has(name.toLowerCase())) throw invalid(flow, t, `${name} is a column of Tidemark's own`)
}

function invalid(flow: DerivedFlow, t: Transform, reason: string): Error {
  const { kind, ...rest } = t
  const [subject = ''] = Object.values(rest)
  return FLOW_TRANSFORM_INVALID({ flow: flow.name, transform: `${kind} ${String(subject)}`, reason })
}

/** Transformations do not say where they stand; their entry in the table list is the nearest place. */
function placeOf(flow: DerivedFlow): Place {
  return flow.place ?? { file: flow.target, line: 1, column: 1 }
}

function printed(type: DataType): string {
  return typeof type === 'string' ? type : type.type
}

function escapePattern(part: string): string {
  return part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
