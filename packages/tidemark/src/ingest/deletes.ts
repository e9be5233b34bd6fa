/**
 * Deletes, found without reading every row: bronze never lacks a key of the source, so where keys are unique equal
 * counts prove that no key vanished. Otherwise the keys are scanned, in the same snapshot.
 */
import type { Session } from '../engine/engine.ts'
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import { BRONZE_DIFFERS, KEY_NOT_UNIQUE, MASS_DELETE } from '../errors/ingest.ts'
import type { Problem } from '../errors/problem.ts'
import { isPartOfRows } from '../sources/belonging.ts'
import type { CopyRequest, Segment, SourceColumn, SourceSnapshot, SourceTable } from '../sources/source.ts'
import { intoTable } from './candidates.ts'
import type { IngestContext } from './context.ts'
import { type DedupeNames, deletedKeys, vanishedKeys } from './dedupe.ts'
import { oneForOne } from './lake-columns.ts'
import { segmentsOf } from './load-slice.ts'
import { lakeColumnName } from './system-columns.ts'
import { type ExtractTable, leftOut, staysApart } from './work.ts'

/** Reads key segments as typed rows; bound to the form of a source's segments. */
export type ReadKeySegments = (files: readonly string[], columns: readonly SourceColumn[]) => Sql

/** Up to this many vanished keys, or this share of the live ones, nobody is asked. */
const UNSUSPICIOUS_KEYS = 20n
const UNSUSPICIOUS_PERCENT = 30n

/**
 * Refuse a suspicious number of deletes.
 *
 * @throws {MASS_DELETE} more than 20 keys and more than 30 % of the live ones vanished, and the run does not allow it
 */
export function guardMassDelete(context: IngestContext, table: string, deletes: bigint, live: bigint): void {
  if (context.allowMassDelete || deletes <= UNSUSPICIOUS_KEYS || deletes * 100n <= live * UNSUSPICIOUS_PERCENT) return
  throw MASS_DELETE({ table, deletes: String(deletes), live: String(live) }, { state: 'Nothing was written.' })
}

export interface KeyScan {
  session: Session
  snapshot: SourceSnapshot
  table: SourceTable
  /** Key columns of the source, in key order. */
  keys: readonly SourceColumn[]
  names: DedupeNames
  /** Relation of the candidates that will be inserted. */
  kept: Sql
}

/** Keys that are gone, and how many. */
export interface Gone {
  relation: Sql
  count: bigint
}

/** Scan the keys and return a relation of those that vanished. */
export async function scanVanished(context: IngestContext, scan: KeyScan): Promise<Gone> {
  const { snapshot, names, kept } = scan
  return await goneKeys(context, scan, {
    phase: 'scanning keys',
    read: request => snapshot.copyKeys(request),
    select: present => vanishedKeys(names, kept, present),
  })
}

/** The keys of which the source itself tells that they went away since `horizon`. */
export async function readDeleted(context: IngestContext, scan: KeyScan, horizon: bigint): Promise<Gone> {
  const { snapshot, names, kept } = scan
  return await goneKeys(context, scan, {
    phase: 'reading deletes',
    read: request => {
      if (snapshot.copyDeleted === undefined) throw new TypeError('this is a bug in tidemark: deletes are not tracked')
      return snapshot.copyDeleted(request, horizon)
    },
    select: deleted => deletedKeys(names, kept, deleted),
  })
}

/** True when the source tells the deletes of a table by the very keys that it has in bronze. */
export function isTracked({ table, keys }: ExtractTable): boolean {
  const { primaryKey, tracksDeletes } = table
  // A row that stays and no longer belongs to the table is no delete of the source.
  if (isPartOfRows(table)) return false
  return tracksDeletes === true && keys.length === primaryKey.length && primaryKey.every(key => keys.includes(key))
}

async function goneKeys(
  context: IngestContext,
  { session, table, keys }: KeyScan,
  how: {
    phase: string
    read: (request: Omit<CopyRequest, 'slice'>) => AsyncIterable<Segment>
    select: (read: Sql) => Sql
  },
): Promise<Gone> {
  const prefix = `keys-${context.ids.uuid()}`
  const segments = how.read({ table, columns: keys, prefix, ...segmentsOf(context) })
  const intake = {
    session,
    columns: keys,
    lake: oneForOne(keys),
    read: context.readKeys,
    discard: context.discard,
    onRows: (rows: bigint, bytes: bigint) => context.progress({ rows, bytes, phase: how.phase }),
    signal: context.signal,
  }
  const read = await intoTable(intake, segments, { hint: 'present', leading: [] })
  const vanished = session.temporaryName('vanished')
  const select = how.select(ident(read.table))
  await session.run(sql`CREATE TEMP TABLE ${ident(vanished)} AS ${select}`, context.signal)
  return { relation: ident(vanished), count: await session.count(sql`SELECT count(*) FROM ${ident(vanished)}`) }
}

/**
 * The source has more rows than bronze has keys: some key stands for several rows, or bronze has lost some.
 *
 * @throws {KEY_NOT_UNIQUE} {BRONZE_DIFFERS}
 */
export function assertKeysCover(wanted: ExtractTable, total: bigint, live: bigint): void {
  if (total > live) throw doNotCover(wanted, `the source has ${total} rows for ${live} keys`)
}

/** Counts of rows and keys contradict each other. Where the database keeps the key unique, it is bronze that is wrong. */
export function doNotCover(wanted: ExtractTable, detail: string): Problem {
  const { name: table, keys } = wanted
  const state = 'Nothing was written.'
  if (isKeyEnforced(wanted)) return BRONZE_DIFFERS({ table, detail }, { state })
  return KEY_NOT_UNIQUE({ table, keys: keys.join(', '), detail: `${detail}${leftOut(wanted)}` }, { state })
}

/** The database itself keeps these keys unique, and they are so in the lake. */
export function isKeyEnforced({ table, keys, columns, timezone }: ExtractTable): boolean {
  const { primaryKey, isKeyOfPart = false } = table
  if (columns.some(column => keys.includes(column.name) && !staysApart(column, timezone))) return false
  return !isKeyOfPart && primaryKey.length > 0 && primaryKey.every(column => keys.includes(column))
}

/** Delete entries: key, `_op`, and nothing else of the row. */
export function deleteEntries(vanished: Sql, keys: readonly SourceColumn[]): Sql {
  return sql`SELECT ${join(keys.map(k => ident(lakeColumnName(k.name))))}, 'delete' AS _op FROM ${vanished}`
}
