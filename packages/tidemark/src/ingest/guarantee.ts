/**
 * Which guarantee a table has, and the way of reading that gives it: the best that the database, the entry and the login
 * allow. Pure; nothing weaker than bounded is ever chosen unless it is written in the entry.
 */
import { CDC_COLUMN_NEEDED, FULL_PASS_USELESS, GUARANTEE_NOT_POSSIBLE } from '../errors/ingest.ts'
import type { Guarantee, TableEntry } from '../model/project.ts'
import type { CursorCap, SourceColumn, SourceSnapshot, SourceTable } from '../sources/source.ts'
import { isScanned } from './full-pass.ts'

/** How the rows that are new since a mark are found. */
export type Reading =
  /** By the version each row carries. */
  | { kind: 'row versions' }
  /** Every row is read and compared with bronze. */
  | { kind: 'full compare' }
  /**
   * By a column that rises with each write; `cap` says how far it can be trusted, `nulls` what rows without it mean. With
   * `fullPassMs` only the index of the column is read, and all of the table whenever that time has passed.
   */
  | { kind: 'cursor'; column: string; cap: CursorCap; nulls: 'error' | 'include' | 'exclude'; fullPassMs?: number }

export interface Settled {
  /** A exact, B exact for cursors set by the server's clock, C exact within the stated lag, D no promise. */
  guarantee: 'A' | 'B' | 'C' | 'D'
  reading: Reading
  /** For the plan: `xmin scan`, `cursor updated_at, lag 10m`. */
  method: string
  /** What the user should know about the choice. */
  notes: readonly string[]
}

export interface GuaranteeInput {
  entry: TableEntry
  table: SourceTable
  keys: readonly string[]
  cursor: SourceColumn | undefined
  snapshot: Pick<SourceSnapshot, 'openTransactionsHidden' | 'changeLog'>
}

/** A table without row versions up to this size is compared whole by every run rather than trusted to a cursor. */
const COMPARED_WHOLE_BYTES = 256n * 1024n * 1024n
/** A lag where none is declared: longer than transactions of an application usually take. */
const DEFAULT_LAG_MS = 60 * 60 * 1000
/** Above this size a scan in every run is too much where an index can spare it. */
const SCANNED_BYTES = 50n * 1024n ** 3n
const DEFAULT_FULL_PASS_MS = 24 * 60 * 60 * 1000

/**
 * Settle the guarantee of one table.
 *
 * @throws {GUARANTEE_NOT_POSSIBLE} the written guarantee cannot be given here, or none can
 * @throws {FULL_PASS_USELESS} the entry has `full_pass`, and every run looks at all of the table anyway
 * @throws {CDC_COLUMN_NEEDED} the written guarantee reads by a cursor, and the entry has no `cdc_col`
 */
export function settleGuarantee(input: GuaranteeInput): Settled {
  const { entry, keys } = input
  if (keys.length === 0) return wholeReload(input)
  switch (entry.guarantee) {
    case 'exact':
      return exact(input)
    case 'server_clock':
      return serverClock(input)
    case 'bounded_lag':
      return boundedLag(input)
    case 'best_effort':
      return bestEffort(input)
    case undefined:
      return isReadByCursor(input) ? byBestCursor(input) : exact(input)
  }
}

/** Nobody has chosen: a cursor is trusted only where looking at every row in every run costs too much. */
function isReadByCursor(input: GuaranteeInput): boolean {
  const { entry, table, cursor } = input
  if (entry.fullPassMs !== undefined) return true
  if (table.hasRowVersion) return isTooBigToScan(input)
  return cursor !== undefined && table.sizeBytes > COMPARED_WHOLE_BYTES
}

function byBestCursor(input: GuaranteeInput): Settled {
  return input.snapshot.openTransactionsHidden === undefined ? serverClock(input) : boundedLag(input)
}

/** A list of changed keys spares the scan better than any cursor. */
function isTooBigToScan({ table, cursor, snapshot }: GuaranteeInput): boolean {
  if (!isScanned(table) || table.sizeBytes <= SCANNED_BYTES || snapshot.changeLog !== undefined) return false
  return cursor !== undefined && isTime(cursor) && table.leadingColumns?.includes(cursor.name) === true
}

/** How often all of the table is looked at, where other runs read by an index alone; undefined where every run looks. */
function fullPassOf(input: GuaranteeInput): number | undefined {
  const { entry } = input
  if (entry.fullPassMs !== undefined) return entry.fullPassMs
  return entry.guarantee === undefined && isTooBigToScan(input) ? DEFAULT_FULL_PASS_MS : undefined
}

function exact(input: GuaranteeInput): Settled {
  const { table } = input
  refuseOutside(input, 'exact')
  if (table.hasRowVersion) return settled('A', { kind: 'row versions' }, table.versionMethod ?? 'xmin scan')
  return settled('A', { kind: 'full compare' }, 'full compare')
}

/** A keyless table is replaced whole, which is exact wherever the whole of it can be seen at once. */
function wholeReload(input: GuaranteeInput): Settled {
  const { entry } = input
  if (entry.fullPassMs !== undefined) throw fullPassNotPossible(input, 'without a key every run reads all of it')
  if (entry.guarantee === 'best_effort') return settled('D', { kind: 'full compare' }, 'whole reload')
  refuseOutside(input, 'exact')
  if (entry.guarantee === undefined || entry.guarantee === 'exact') {
    return settled('A', { kind: 'full compare' }, 'whole reload')
  }
  throw notPossible(input, entry.guarantee, 'without a key no row can be told from another')
}

/** Without one moment for count, rows and keys, nothing weaker than best effort is kept either. */
function refuseOutside(input: GuaranteeInput, wanted: Guarantee): void {
  const { kind, outsideSnapshot } = input.table
  if (kind === 'foreign table') throw notPossible(input, wanted, `a ${kind} has rows of another server`)
  if (outsideSnapshot !== undefined) throw notPossible(input, wanted, outsideSnapshot)
}

function serverClock(input: GuaranteeInput): Settled {
  if (input.table.outsideSnapshot !== undefined) refuseOutside(input, 'server_clock')
  const column = cursorOf(input, 'server_clock')
  if (!isTime(column)) throw notPossible(input, 'server_clock', `${column.name} is ${column.sourceType}, not a time`)
  const hidden = input.snapshot.openTransactionsHidden
  if (hidden !== undefined) throw notPossible(input, 'server_clock', hidden)
  const assumed = `exact as long as the server's clock sets ${column.name} in every write`
  return byCursor(
    input,
    column,
    { kind: 'open transactions' },
    { guarantee: 'B', method: `cursor ${column.name}`, notes: [assumed] },
  )
}

function boundedLag(input: GuaranteeInput): Settled {
  if (input.table.outsideSnapshot !== undefined) refuseOutside(input, 'bounded_lag')
  const column = cursorOf(input, 'bounded_lag')
  if (!isTime(column)) throw notPossible(input, 'bounded_lag', `${column.name} is ${column.sourceType}, not a time`)
  const ms = input.entry.lagMs ?? DEFAULT_LAG_MS
  const lag = printDuration(ms)
  const hidden = input.entry.guarantee === undefined ? input.snapshot.openTransactionsHidden : undefined
  const notes = [
    `exact as long as no transaction takes longer and no clock is further off than ${lag}`,
    ...(hidden === undefined ? [] : [`class B is not possible: ${hidden}`]),
  ]
  return byCursor(
    input,
    column,
    { kind: 'lag', ms },
    { guarantee: 'C', method: `cursor ${column.name}, lag ${lag}`, notes },
  )
}

function bestEffort(input: GuaranteeInput): Settled {
  const { cursor } = input
  if (cursor === undefined) return settled('D', { kind: 'full compare' }, 'full compare')
  const notes = ['rows committed behind the cursor are lost; verify finds them']
  return byCursor(input, cursor, { kind: 'newest' }, { guarantee: 'D', method: `plain cursor ${cursor.name}`, notes })
}

/** Between full passes the class is that of the cursor, and only a pass sees what the cursor cannot show. */
function byCursor(
  input: GuaranteeInput,
  column: SourceColumn,
  cap: CursorCap,
  { guarantee, method, notes }: Omit<Settled, 'reading'>,
): Settled {
  const reading: Reading = { kind: 'cursor', column: column.name, cap, nulls: input.entry.nullCursor ?? 'error' }
  const fullPassMs = fullPassOf(input)
  if (fullPassMs === undefined) return settled(guarantee, reading, method, notes)
  const every = printDuration(fullPassMs)
  const until = `class ${guarantee} between full passes: deletes and rows behind the cursor are found by the next, every ${every}`
  return settled(guarantee, { ...reading, fullPassMs }, `${method}, full pass every ${every}`, [...notes, until])
}

function cursorOf({ entry, table, cursor }: GuaranteeInput, wanted: Guarantee): SourceColumn {
  if (cursor !== undefined) return cursor
  const params = { table: label(table), guarantee: wanted }
  throw CDC_COLUMN_NEEDED(params, { place: entry.places['guarantee'] ?? entry.place })
}

function notPossible({ entry, table }: GuaranteeInput, guarantee: Guarantee, reason: string): Error {
  const place = entry.places['guarantee'] ?? entry.place
  return GUARANTEE_NOT_POSSIBLE({ table: label(table), guarantee, reason }, { place })
}

function fullPassNotPossible({ entry, table }: GuaranteeInput, reason: string): Error {
  return FULL_PASS_USELESS({ table: label(table), reason }, { place: entry.places['full_pass'] ?? entry.place })
}

function settled(
  guarantee: Settled['guarantee'],
  reading: Reading,
  method: string,
  notes: readonly string[] = [],
): Settled {
  return { guarantee, reading, method, notes }
}

/** Only a clock can be compared with when a transaction began. */
function isTime(column: SourceColumn): boolean {
  return column.deltaType === 'timestamp' || column.deltaType === 'timestamp_ntz'
}

/** `90s`, `10m`, `1h`: the largest unit that says it exactly. */
function printDuration(ms: number): string {
  const units = [
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1000, 's'],
  ] as const
  const [size, unit] = units.find(([one]) => ms % one === 0) ?? [1, 'ms']
  return `${ms / size}${unit}`
}

const label = (table: SourceTable): string => `${table.schema}.${table.table}`
