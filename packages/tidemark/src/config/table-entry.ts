/** One entry of the table list: checked, completed from the project's defaults, and turned into a TableEntry. */
import { CONFIG_CONFLICT, CONFIG_VALUE } from '../errors/config.ts'
import type { Place, Problem } from '../errors/problem.ts'
import type { DriftMode, TableEntry } from '../model/project.ts'
import { check } from './check.ts'
import { parseDuration } from './duration.ts'
import { normaliseEntry } from './list-dialect.ts'
import { type ConfigNode, findEntry, type MapNode, mergeNodes, type Path, placeOf } from './node.ts'
import { findPlanned, plannedInEntry } from './planned.ts'
import { type EntryInput, entrySchema, type OneOrMany } from './table-list-schema.ts'
import { buildSilver, withoutOwnRules } from './transform-entry.ts'

export interface EntryContext {
  source: string
  prefix: string
  /** What the source says for entries that say nothing. */
  drift: DriftMode
  /** `silver.defaults` of the project, already checked; the entry's own keys win. */
  silverDefaults: ConfigNode | undefined
  /** Keys that lead to the entry, for messages; empty in a list of its own file. */
  path: Path
}

/** The entry, or every problem with it. */
export function buildEntry(
  written: ConfigNode,
  context: EntryContext,
): { entry: TableEntry | undefined; problems: readonly Problem[] } {
  if (written.kind !== 'map') {
    const hint = 'Write { "schema": "public", "table": "orders" }.'
    const problem = CONFIG_VALUE({ key: 'entry', expected: 'a map of keys', hint }, { place: written.place })
    return { entry: undefined, problems: [problem] }
  }
  const { entry: own, problems: dialect } = normaliseEntry(written)
  const planned = findPlanned(own, plannedInEntry, context.path)
  const checked = check(entrySchema, own, { what: 'a table entry', path: context.path })
  const problems = [...dialect, ...planned.problems, ...checked.problems.filter(one => !planned.covers(one.place))]
  if (checked.value !== undefined) problems.push(...checkNames(checked.value, own))
  if (checked.value === undefined || problems.length > 0) return { entry: undefined, problems }
  const silverNode = mergeSilver(context.silverDefaults, findEntry(own, 'silver')?.value)
  const merged = silverNode === undefined ? own : withSilver(own, silverNode)
  const value = check(entrySchema, merged, { what: 'a table entry', path: context.path }).value ?? checked.value
  const silver = buildSilver(value.silver, silverNode, [...context.path, 'silver'])
  return { entry: toEntry(value, own, silver.silver, context), problems: silver.problems }
}

function mergeSilver(defaults: ConfigNode | undefined, own: ConfigNode | undefined): ConfigNode | undefined {
  if (defaults === undefined || own === undefined) return own ?? defaults
  return mergeNodes(withoutOwnRules(defaults, own), own)
}

function withSilver(entry: MapNode, silver: ConfigNode): MapNode {
  const others = entry.entries.filter(one => one.key !== 'silver')
  return { ...entry, entries: [...others, { key: 'silver', keyPlace: silver.place, value: silver }] }
}

function checkNames(value: EntryInput, node: MapNode): Problem[] {
  const problems: Problem[] = []
  const isPattern = value.table.includes('*')
  const refuse = (key: string, expected: string, hint?: string): void => {
    problems.push(CONFIG_VALUE({ key, expected, hint }, { place: placeOf(node, [key]) }))
  }
  const conflict = (key: string, reason: string, hint: string): void => {
    problems.push(CONFIG_CONFLICT({ reason, hint }, { place: placeOf(node, [key]) }))
  }
  for (const key of ['schema', 'table', 'name', 'cdc_col'] as const) {
    const text = value[key]
    if (typeof text === 'string' && /[\u0000-\u001f\u007f]/.test(text)) refuse(key, 'a name without control characters')
  }
  if (value.schema.includes('*'))
    refuse('schema', 'one schema, without *', 'Only `table` may be a pattern; write an entry a schema.')
  if (isPattern && value.name !== undefined) {
    conflict(
      'name',
      'A pattern stands for many tables and cannot have one `name`',
      'Use `prefix:` on the source, or list the table by its name.',
    )
  }
  if (!isPattern && value.exclude !== undefined) {
    conflict('exclude', '`exclude` is for patterns, and `table` is an exact name', 'Remove `exclude`.')
  }
  if (value.lag !== undefined && parseDuration(value.lag) === undefined) {
    refuse('lag', 'a time such as 10m, 4h or 1d')
  }
  if (value.lag !== undefined && value.guarantee !== undefined && value.guarantee !== 'bounded_lag') {
    conflict('lag', `\`lag\` belongs to bounded_lag, and the guarantee is ${value.guarantee}`, 'Remove one of the two.')
  }
  if (value.full_pass !== undefined && parseDuration(value.full_pass) === undefined) {
    refuse('full_pass', 'a time such as 4h or 1d')
  }
  if (value.full_pass !== undefined && value.guarantee === 'exact') {
    const reason = '`full_pass` is for a table that is read by its cursor, and the guarantee is exact'
    conflict('full_pass', reason, 'Remove one of the two.')
  }
  if (value.full_pass !== undefined && !value.cdc_col) {
    const reason = '`full_pass` is for a table that is read by `cdc_col`, which is missing'
    conflict('full_pass', reason, 'Add `cdc_col`, or remove `full_pass`.')
  }
  if (value.columns !== undefined && value.exclude_columns !== undefined) {
    const reason = '`columns` names all that is read, so `exclude_columns` has nothing to add'
    conflict('exclude_columns', reason, 'Remove one of the two.')
  }
  if (Array.isArray(value.columns) && value.columns.length === 0) {
    refuse('columns', 'at least one column', 'Leave it out to read all columns.')
  }
  if (value.null_cursor === 'exclude' && !value.cdc_col) {
    const reason = '`null_cursor: exclude` leaves out rows without a value in `cdc_col`, which is missing'
    conflict('null_cursor', reason, 'Add `cdc_col`, or remove `null_cursor`.')
  }
  if (value.from_date && !value.cdc_col) {
    conflict(
      'from_date',
      '`from_date` is a value of `cdc_col`, which is missing',
      'Add `cdc_col`, or remove `from_date`.',
    )
  }
  return problems
}

function toEntry(value: EntryInput, node: MapNode, silver: TableEntry['silver'], context: EntryContext): TableEntry {
  const isPattern = value.table.includes('*')
  const places: Record<string, Place> = Object.fromEntries(node.entries.map(entry => [entry.key, entry.value.place]))
  return {
    source: context.source,
    schema: value.schema,
    table: value.table,
    exclude: many(value.exclude) ?? [],
    name: isPattern ? undefined : (value.name ?? context.prefix + value.table),
    cdcCol: value.cdc_col ?? undefined,
    fromDate: value.from_date ?? undefined,
    primaryKey: many(value.primary_key),
    columns: many(value.columns),
    excludeColumns: many(value.exclude_columns) ?? [],
    deletes: value.deletes ?? 'detect',
    guarantee: value.guarantee,
    lagMs: value.lag === undefined ? undefined : parseDuration(value.lag),
    fullPassMs: value.full_pass === undefined ? undefined : parseDuration(value.full_pass),
    nullCursor: value.null_cursor === 'error' ? undefined : value.null_cursor,
    filter: value.filter,
    masks: Object.fromEntries(Object.entries(value.masks ?? {}).map(([name, mask]) => [name, mask ?? 'null'])),
    asText: many(value.as_text) ?? [],
    drift: value.drift ?? context.drift,
    silver,
    place: places['table'] ?? node.place,
    places,
  }
}

function many(value: OneOrMany | null | undefined): readonly string[] | undefined {
  return value === null || value === undefined ? undefined : [value].flat()
}
