/**
 * Which guarantee a table has, and the way of reading that gives it: the best that the database, the entry and the login
 * allow. Pure; nothing weaker than bounded is ever chosen unless it is written in the entry.
 */
import { CDC_COLUMN_NEEDED, GUARANTEE_NOT_POSSIBLE } from '../errors/ingest.ts'
import type { Guarantee, TableEntry } from '../model/project.ts'
import type { CursorCap, SourceColumn, SourceSnapshot, SourceTable } from '../sources/source.ts'

/** How the rows that are new since a mark are found. */
export type Reading =
  /** By the version each row carries. */
  | { kind: 'row versions' }
  /** Every row is read and compared with bronze. */
  | { kind: 'full compare' }
  /** By a column that rises with each write; `cap` says how far it can be trusted, `nulls` what rows without it mean. */
  | { kind: 'cursor'; column: string; cap: CursorCap; nulls: 'error' | 'include' | 'exclude' }

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
  snapshot: Pick<SourceSnapshot, 'openTransactionsHidden'>
}

/** A table without row versions up to this size is compared whole by every run rather than trusted to a cursor. */
const COMPARED_WHOLE_BYTES = 256n * 1024n * 1024n
/** A lag where none is declared: longer than transactions of an application usually take. */
const DEFAULT_LAG_MS = 60 * 60 * 1000

/**
 * Settle the guarantee of one table.
 *
 * @throws {GUARANTEE_NOT_POSSIBLE} the written guarantee cannot be given here, or none can
 * @throws {CDC_COLUMN_NEEDED} the written guarantee reads by a cursor, and the entry has no `cdc_col`
 */
export function settleGuarantee(input: GuaranteeInput): Settled {
  const { entry, table, keys, cursor } = input
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
      if (table.hasRowVersion || cursor === undefined || table.sizeBytes <= COMPARED_WHOLE_BYTES) return exact(input)
      return input.snapshot.openTransactionsHidden === undefined ? serverClock(input) : boundedLag(input)
  }
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
  const reading = byCursor(input, column, { kind: 'open transactions' })
  const assumed = `exact as long as the server's clock sets ${column.name} in every write`
  return settled('B', reading, `cursor ${column.name}`, [assumed])
}

function boundedLag(input: GuaranteeInput): Settled {
  if (input.table.outsideSnapshot !== undefined) refuseOutside(input, 'bounded_lag')
  const column = cursorOf(input, 'bounded_lag')
  if (!isTime(column)) throw notPossible(input, 'bounded_lag', `${column.name} is ${column.sourceType}, not a time`)
  const ms = input.entry.lagMs ?? DEFAULT_LAG_MS
  const lag = printLag(ms)
  const hidden = input.entry.guarantee === undefined ? input.snapshot.openTransactionsHidden : undefined
  const notes = [
    `exact as long as no transaction takes longer and no clock is further off than ${lag}`,
    ...(hidden === undefined ? [] : [`class B is not possible: ${hidden}`]),
  ]
  return settled('C', byCursor(input, column, { kind: 'lag', ms }), `cursor ${column.name}, lag ${lag}`, notes)
}

function bestEffort(input: GuaranteeInput): Settled {
  const { cursor } = input
  if (cursor === undefined) return settled('D', { kind: 'full compare' }, 'full compare')
  const reading = byCursor(input, cursor, { kind: 'newest' })
  return settled('D', reading, `plain cursor ${cursor.name}`, [
    'rows committed behind the cursor are lost; verify finds them',
  ])
}

function byCursor({ entry }: GuaranteeInput, column: SourceColumn, cap: CursorCap): Reading {
  return { kind: 'cursor', column: column.name, cap, nulls: entry.nullCursor ?? 'error' }
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

function settled(guarantee: Settled['guarantee'], reading: Reading, method: string, notes: string[] = []): Settled {
  return { guarantee, reading, method, notes }
}

/** Only a clock can be compared with when a transaction began. */
function isTime(column: SourceColumn): boolean {
  return column.deltaType === 'timestamp' || column.deltaType === 'timestamp_ntz'
}

/** `90s`, `10m`, `1h`: the largest unit that says it exactly. */
function printLag(ms: number): string {
  const units = [
    [3_600_000, 'h'],
    [60_000, 'm'],
    [1000, 's'],
  ] as const
  const [size, unit] = units.find(([one]) => ms % one === 0) ?? [1, 'ms']
  return `${ms / size}${unit}`
}

const label = (table: SourceTable): string => `${table.schema}.${table.table}`
