/**
 * Audit: a copy of a table that somebody else keeps, compared with its source: which changes it misses, and where they
 * lie to the newest value of its cursor. Reads both and writes nothing.
 */
import type { Session } from '../engine/engine.ts'
import { ident, integer, type Sql, sql } from '../engine/sql.ts'
import { toDuckType } from '../engine/types.ts'
import { AUDIT_COLUMN } from '../errors/audit.ts'
import { KEY_NOT_UNIQUE } from '../errors/ingest.ts'
import type { SourceColumn, SourceSnapshot, SourceTable } from '../sources/source.ts'
import { align } from './compare/align.ts'
import { bestCopies, countRepeats } from './compare/copy-rows.ts'
import { ChosenRows, countByColumn, findDifferences } from './compare/differences.ts'
import { type ComparedColumn, type Shape, shaped } from './compare/shape.ts'
import { type EachPart, sourceRows } from './compare/source-rows.ts'
import { type DifferingRanges, hashed, Sums } from './compare/sums.ts'
import type { ReadingContext } from './load-slice.ts'
import { lakeColumnName } from './system-columns.ts'
import { rowsThat } from '../errors/row-count.ts'

/** A copy as the engine can read it. */
export interface Copy {
  relation: Sql
  columns: readonly { name: string; type: string }[]
}

export interface AuditRequest {
  snapshot: SourceSnapshot
  table: SourceTable
  columns: readonly SourceColumn[]
  copy: Copy
  /** Columns of the source that name a row. */
  keys: readonly string[]
  /** Column by which the copy is kept up to date; undefined when it is not known. */
  cursor: string | undefined
  /** Columns that are not to be compared. */
  ignore: readonly string[]
}

/** Rows that the copy misses or has as they were, by where their cursor lies to the copy's newest. */
export interface Misses {
  /** All but those that are newer. */
  rows: bigint
  /** At the newest cursor of the copy: ties that a strict comparison passes over. */
  ties: bigint
  /** Below it, or without a cursor. */
  behind: bigint
  /** Above it: the copy has not got there yet. */
  newer: bigint
}

export interface Audit {
  /** `schema.table` of the source. */
  table: string
  /** equal: every row is the same. behind: only rows that the copy has not got to. different: changes are missing. */
  status: 'equal' | 'behind' | 'different'
  sourceRows: bigint
  copyRows: bigint
  /** Keys that the copy does not have. */
  missing: Misses
  /** Keys whose row in the copy says something else. */
  stale: Misses
  /** Keys of the copy that the source does not have. */
  ghosts: bigint
  /** Rows of the copy that say what another one says. */
  doubled: bigint
  /** Further rows of a key that the copy keeps, such as its history. */
  versions: bigint
  cursor: { column: string; sourceMax: string | undefined; copyMax: string | undefined } | undefined
  /** How often each column differs among the stale rows. */
  differingColumns: readonly { column: string; rows: bigint }[]
  compared: readonly string[]
  /** Columns of the source that were not compared. */
  notCompared: readonly { column: string; reason: string }[]
  examples: readonly { kind: 'missing' | 'stale' | 'ghost'; key: string }[]
  asOf: string
}

const EXAMPLES = 20n

/**
 * Compare a copy with its source. The source is streamed once, and once more when something differs.
 *
 * @throws {AUDIT_COLUMN} a column of the key, or the cursor, is missing on one side or cannot be compared
 */
export async function audit(context: ReadingContext, session: Session, request: AuditRequest): Promise<Audit> {
  const { snapshot, table, copy } = request
  const label = `${table.schema}.${table.table}`
  const { shape, notCompared, read } = auditShape(request)
  const slice = { kind: 'all' as const }
  await snapshot.count({ table, slice, columns: read, signal: context.signal })
  const readSource = sourceRows(context, session, shape, { snapshot, table, columns: read, slice })
  const sides = { source: new Sums(session, shape, context.signal), copy: new Sums(session, shape, context.signal) }
  await readSource(rows => sides.source.add(hashed(shape, rows), 'nobody'))
  await sides.copy.add(hashed(shape, shaped(shape, 'target', copy.relation)), 'nobody')
  const ranges = await sides.source.differing(sides.copy)
  const [source, kept] = [await sides.source.totals(), await sides.copy.totals()]
  const newest = sides.copy.newest
  const closer = { shape, readSource, copy, ranges, newest, label, signal: context.signal }
  const found = ranges.count === 0n ? NO_DIFFERENCE : await lookCloser(session, closer)
  const { missing, stale, ghosts, doubled } = found
  const misses = missing.rows + stale.rows + ghosts + doubled
  const { cursor } = shape
  return {
    table: label,
    status: misses > 0n ? 'different' : missing.newer + stale.newer > 0n ? 'behind' : 'equal',
    sourceRows: source.rows,
    copyRows: kept.rows,
    ...found,
    cursor: cursor && { column: cursor.name, sourceMax: source.max, copyMax: kept.max },
    compared: [...shape.keys, ...shape.values].map(({ name }) => name),
    notCompared,
    asOf: snapshot.position.asOf,
  }
}

type Found = Pick<Audit, 'missing' | 'stale' | 'ghosts' | 'doubled' | 'versions' | 'differingColumns' | 'examples'>

const NONE: Misses = { rows: 0n, ties: 0n, behind: 0n, newer: 0n }
const NO_REPEATS = { doubled: 0n, versions: 0n }
const NO_DIFFERENCE: Found = {
  missing: NONE,
  stale: NONE,
  ghosts: 0n,
  ...NO_REPEATS,
  differingColumns: [],
  examples: [],
}

async function lookCloser(
  session: Session,
  at: {
    shape: Shape
    readSource: EachPart
    copy: Copy
    ranges: DifferingRanges
    newest: Sql
    label: string
    signal: AbortSignal
  },
): Promise<Found> {
  const { shape, readSource, copy, ranges, newest, signal } = at
  const chosen = { source: new ChosenRows(session, shape, signal), copy: new ChosenRows(session, shape, signal) }
  await chosen.copy.add(shaped(shape, 'target', copy.relation), { apart: 'nobody', ranges })
  await readSource(rows => chosen.source.add(rows, { apart: 'nobody', ranges }))
  const source = await chosen.source.relation(chosen.copy.table)
  const repeated = await countRepeats(session, shape, { chosen: source, ranges, signal })
  if (repeated.doubled + repeated.versions > 0n) {
    const keys = shape.keys.map(({ name }) => name).join(', ')
    const detail = `${rowsThat(repeated.doubled + repeated.versions, { one: 'shares its', many: 'share their' })} key with another`
    throw KEY_NOT_UNIQUE({ table: at.label, keys, detail }, { state: 'Nothing was written.' })
  }
  const place = shape.cursor === undefined ? sql`'behind'` : placeOf(newest)
  const keys = await findDifferences(session, shape, {
    ranges,
    source,
    target: slice => bestCopies(shape, slice),
    chosen: chosen.copy.table,
    more: [sql`${place} AS place`],
    signal,
  })
  const misses = async (kind: Sql): Promise<Misses> => {
    const [row] = await session.rows(
      sql`SELECT count(*) FILTER (place = 'tie') AS ties, count(*) FILTER (place = 'behind') AS behind, \
count(*) FILTER (place = 'newer') AS newer FROM ${keys} WHERE kind = ${kind}`,
      signal,
    )
    const n = (name: string): bigint => BigInt(String(row?.[name] ?? 0))
    return { rows: n('ties') + n('behind'), ties: n('ties'), behind: n('behind'), newer: n('newer') }
  }
  const changed = sql`(SELECT * FROM ${keys} WHERE kind = 'changed' AND place <> 'newer')`
  const examples = await session.rows(
    sql`SELECT CASE kind WHEN 'changed' THEN 'stale' WHEN 'extra' THEN 'ghost' ELSE kind END AS kind, key_text FROM ${keys} \
WHERE kind = 'extra' OR place <> 'newer' \
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY key_text) <= ${integer(EXAMPLES)} ORDER BY kind, key_text`,
    signal,
  )
  return {
    missing: await misses(sql`'missing'`),
    stale: await misses(sql`'changed'`),
    ghosts: await session.count(sql`SELECT count(*) FROM ${keys} WHERE kind = 'extra'`, signal),
    ...(await countRepeats(session, shape, { chosen: chosen.copy.table, ranges, signal })),
    differingColumns: await countByColumn(session, shape, changed, signal),
    examples: examples.map(row => ({ kind: row['kind'] as 'missing', key: String(row['key_text']) })),
  }
}

/** Where a row of the source lies to the newest cursor of the copy. */
function placeOf(newest: Sql): Sql {
  return sql`CASE WHEN s.c > ${newest} OR (${newest} IS NULL AND s.c IS NOT NULL) THEN 'newer' \
WHEN s.c = ${newest} THEN 'tie' ELSE 'behind' END`
}

/** The common form of both sides, the columns that have to be read for it, and those that are left out. */
function auditShape(request: AuditRequest): {
  shape: Shape
  read: readonly SourceColumn[]
  notCompared: { column: string; reason: string }[]
} {
  const { table, columns, copy, ignore } = request
  const label = `${table.schema}.${table.table}`
  const ignored = new Set(ignore.map(name => findSourceColumn(label, columns, name).name))
  const keys = request.keys.map(name => findSourceColumn(label, columns, name))
  const cursor = request.cursor === undefined ? undefined : findSourceColumn(label, columns, request.cursor)
  const needed = (column: SourceColumn): ComparedColumn => {
    const compared = compareColumn(column, copy, true)
    if (typeof compared !== 'string') return compared
    throw AUDIT_COLUMN({ table: label, column: column.name, reason: `in the copy it ${compared}` })
  }
  const notCompared: { column: string; reason: string }[] = []
  const values = columns.flatMap(column => {
    if (keys.includes(column)) return []
    const compared = ignored.has(column.name) ? 'is ignored' : compareColumn(column, copy, false)
    if (typeof compared !== 'string') return [{ column, compared }]
    notCompared.push({ column: column.name, reason: compared })
    return []
  })
  const read = [...new Set([...keys, ...(cursor === undefined ? [] : [cursor]), ...values.map(({ column }) => column)])]
  const shape = {
    keys: keys.map(needed),
    values: values.map(({ compared }) => compared),
    cursor: cursor === undefined ? undefined : needed(cursor),
  }
  return { shape, read, notCompared }
}

/** A column on both sides, or why it cannot be compared. */
function compareColumn(column: SourceColumn, { columns }: Copy, isPlain: boolean): ComparedColumn | string {
  const own = findCopied(columns, column.name)
  if (own === undefined) return 'is missing'
  const type = toDuckType(column.deltaType)
  const isJson = /^jsonb?$/i.test(column.sourceType)
  const aligned = align(type.text, own.type, { isJson, isPlain })
  if (aligned === undefined) return `is ${own.type}, which cannot be compared with ${column.sourceType}`
  return {
    name: column.name,
    source: aligned.source(sql`CAST(${ident(lakeColumnName(column.name))} AS ${type})`),
    target: aligned.target(ident(own.name)),
  }
}

/** The copy's column: by its name, else by the only one that differs in case, else in underscores and blanks alone. */
function findCopied(columns: Copy['columns'], name: string): Copy['columns'][number] | undefined {
  const exact = columns.find(column => column.name === name)
  if (exact !== undefined) return exact
  for (const fold of [
    (text: string) => text.toLowerCase(),
    (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, ''),
  ]) {
    const similar = columns.filter(column => fold(column.name) === fold(name) && fold(name) !== '')
    if (similar.length > 0) return similar.length === 1 ? similar[0] : undefined
  }
  return undefined
}

function findSourceColumn(table: string, columns: readonly SourceColumn[], name: string): SourceColumn {
  const exact = columns.find(column => column.name === name)
  const folded = columns.filter(column => column.name.toLowerCase() === name.toLowerCase())
  const found = exact ?? (folded.length === 1 ? folded[0] : undefined)
  if (found !== undefined) return found
  const known = columns.map(column => column.name).join(', ')
  throw AUDIT_COLUMN({ table, column: name, reason: `the source has no such column; its columns are ${known}` })
}
