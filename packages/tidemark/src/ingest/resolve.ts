/**
 * From the table list and what the database says about itself to the tables of a run: patterns expanded, keys and
 * guarantees settled, every problem kept beside the entry it belongs to.
 */
import {
  CDC_COLUMN_MISSING,
  CDC_COLUMN_NOT_ORDERABLE,
  FILTER_REFUSED,
  KEY_COLUMN_MISSING,
  PATTERN_MATCHES_NOTHING,
} from '../errors/ingest.ts'
import { LAKE_NAME_TAKEN } from '../errors/list.ts'
import type { Problem } from '../errors/problem.ts'
import { tableName, tablePath } from '../model/names.ts'
import type { SourceConfig, TableEntry } from '../model/project.ts'
import {
  type Source,
  type SourceColumn,
  type SourceSnapshot,
  type SourceTable,
  type TableRef,
  tableKey,
} from '../sources/source.ts'
import { parseFilter } from '../sources/filter.ts'
import { settingsHash } from './mark.ts'
import { textColumn } from './lake-columns.ts'
import { type Reading, type Settled, settleGuarantee } from './guarantee.ts'
import { assertUnmasked, findMasks, type Masking, maskColumns } from './masks.ts'
import { matchesPattern } from './pattern.ts'
import { assertSelected, type Needed, selectColumns } from './select-columns.ts'
import type { ExtractTable } from './work.ts'

/** An entry bound to one exact table of the database. */
export interface BoundEntry {
  entry: TableEntry
  ref: TableRef
  /** `bronze.DimUser` */
  name: string
}

export interface ResolvedTable extends ExtractTable {
  entry: TableEntry
  guarantee: Settled['guarantee']
  notes: readonly string[]
}

/** Bind entries to tables: exact names as written, patterns against the listing. First come, first named. */
export function bindEntries(
  source: SourceConfig,
  entries: readonly TableEntry[],
  listing: readonly TableRef[],
): { bound: BoundEntry[]; problems: Problem[] } {
  const bound = new Map<string, BoundEntry>()
  const problems: Problem[] = []
  const add = (entry: TableEntry, ref: TableRef): void => {
    const name = tableName('bronze', entry.name ?? `${source.prefix}${ref.table}`)
    const earlier = bound.get(name.toLowerCase())
    if (earlier !== undefined && earlier.entry !== entry && isPattern(entry) && same(earlier.ref, ref)) return
    if (earlier === undefined) bound.set(name.toLowerCase(), { entry, ref, name })
    else {
      const first = `${earlier.entry.place.file}:${earlier.entry.place.line}`
      const table = `${ref.schema}.${ref.table}`
      problems.push(LAKE_NAME_TAKEN({ name: name.slice('bronze.'.length), table, first }, { place: entry.place }))
    }
  }
  for (const entry of entries.filter(e => !isPattern(e))) add(entry, { schema: entry.schema, table: entry.table })
  for (const entry of entries.filter(isPattern)) {
    const matches = listing.filter(ref => matchesEntry(entry, ref))
    for (const ref of matches) add(entry, ref)
    if (matches.length > 0) continue
    const pattern = `${entry.schema}.${entry.table}`
    problems.push(PATTERN_MATCHES_NOTHING({ pattern, source: source.name }, { place: entry.place }))
  }
  return { bound: [...bound.values()], problems }
}

/** True when the entry stands for several tables. */
export function isPattern(entry: TableEntry): boolean {
  return entry.table.includes('*')
}

/**
 * Settle one bound entry.
 *
 * @throws {KEY_COLUMN_MISSING} {CDC_COLUMN_MISSING} {CDC_COLUMN_NOT_ORDERABLE} {GUARANTEE_NOT_POSSIBLE}
 * @throws {CDC_COLUMN_NEEDED} {SOURCE_COLUMN_MISSING} {COLUMN_LEFT_OUT} {FILTER_REFUSED} {MASK_NEEDS_SALT} {MASK_REFUSED}
 */
export function resolveTable(
  { entry, name }: BoundEntry,
  described: SourceTable,
  config: SourceConfig,
  at: {
    source: Pick<Source, 'carryAsText'>
    snapshot: Pick<SourceSnapshot, 'openTransactionsHidden' | 'changeLog' | 'aheadOfUtc'>
    salt: () => string | undefined
  },
): ResolvedTable {
  const masking = findMasks(entry, described, at.salt)
  const table = belongingTo(entry, described, config, masking)
  const carriedAs = at.source.carryAsText(table, [...entry.asText, ...masking.masks.keys()])
  const selection = selectColumns(entry, table, maskColumns(carriedAs, table.columns, masking))
  const { columns, leftOut, isLeftOut } = selection
  const keys = (entry.primaryKey ?? table.primaryKey).map(key => findKey(entry, table, key))
  const cursor = findCdcColumn(entry, table)
  const needed: Needed[] = keys.map(column => ({ column, as: 'key' }))
  if (cursor !== undefined) needed.push({ column: cursor.name, as: 'cdc_col' })
  assertSelected(entry, table, selection, needed)
  assertUnmasked(entry, table, masking, needed)
  const { deletes, fromDate } = entry
  const { guarantee, reading, method, ...settled } = settleGuarantee({
    entry,
    table,
    keys,
    cursor,
    snapshot: at.snapshot,
  })
  const settings = settingsHash({
    asText: entry.asText,
    timezone: config.timezone,
    deletes,
    reading,
    leftOut,
    onlyWith: table.onlyWith,
    filter: table.filter?.text,
    masks: masking.settings,
    aheadOfUtc: reading.kind === 'cursor' && cursor?.local === true ? at.snapshot.aheadOfUtc : undefined,
  })
  const carried = columns.flatMap(column => (column.note === undefined ? [] : [`${column.name}: ${column.note}`]))
  return {
    entry,
    name,
    tablePath: tablePath(name),
    table: { ...table, fingerprint: fingerprintAs(reading, table) },
    columns,
    isLeftOut,
    keys,
    deletes,
    drift: entry.drift,
    timezone: config.timezone,
    cdcCol: cursor?.name,
    asText: column => textColumn(at.source, table, column),
    settings,
    fromDate,
    guarantee,
    reading,
    method,
    notes: [...settled.notes, ...carried],
  }
}

function fingerprintAs(reading: Reading, { fingerprint, definitions }: SourceTable): string {
  return reading.kind === 'cursor' && definitions !== undefined ? `${fingerprint}:${definitions}` : fingerprint
}

/** The table as the entry means it: only rows that its filter lets through, and none without a cursor where it says so. */
function belongingTo(entry: TableEntry, table: SourceTable, { type }: SourceConfig, { masks }: Masking): SourceTable {
  const cursor = entry.nullCursor === 'exclude' ? findCdcColumn(entry, table) : undefined
  const filter =
    entry.filter === undefined
      ? undefined
      : parseFilter(entry.filter, { ...table, hidden: new Set(masks.keys()) }, type)
  if (filter !== undefined && 'refused' in filter) {
    const place = entry.places['filter'] ?? entry.place
    throw FILTER_REFUSED({ table: label(table), reason: filter.refused }, { place })
  }
  return {
    ...table,
    ...(cursor === undefined ? {} : { onlyWith: cursor.name }),
    ...(filter === undefined ? {} : { filter }),
  }
}

function findKey(entry: TableEntry, table: SourceTable, key: string): string {
  const found = findColumn(table, key)
  if (found !== undefined) return found.name
  const place = entry.places['primary_key'] ?? entry.place
  throw KEY_COLUMN_MISSING({ table: label(table), column: key, columns: names(table) }, { place })
}

function findCdcColumn(entry: TableEntry, table: SourceTable): SourceColumn | undefined {
  if (entry.cdcCol === undefined) return undefined
  const place = entry.places['cdc_col'] ?? entry.place
  const column = findColumn(table, entry.cdcCol)
  if (column === undefined) {
    throw CDC_COLUMN_MISSING({ table: label(table), column: entry.cdcCol, columns: names(table) }, { place })
  }
  if (column.orderable) return column
  throw CDC_COLUMN_NOT_ORDERABLE({ table: label(table), column: column.name, type: column.sourceType }, { place })
}

/** A column by name: exact first, else the only one that differs by case alone. */
export function findColumn(table: SourceTable, name: string): SourceColumn | undefined {
  const exact = table.columns.find(column => column.name === name)
  if (exact !== undefined) return exact
  const folded = table.columns.filter(column => column.name.toLowerCase() === name.toLowerCase())
  return folded.length === 1 ? folded[0] : undefined
}

/** True when an entry's pattern takes in a table. */
export function matchesEntry(entry: TableEntry, ref: TableRef): boolean {
  if (ref.schema.toLowerCase() !== entry.schema.toLowerCase() || !matchesPattern(entry.table, ref.table)) return false
  return !entry.exclude.some(pattern => matchesPattern(pattern, ref.table))
}

const same = (a: TableRef, b: TableRef): boolean => tableKey(a) === tableKey(b)
const label = (table: SourceTable): string => `${table.schema}.${table.table}`
const names = (table: SourceTable): string => table.columns.map(column => column.name).join(', ')
