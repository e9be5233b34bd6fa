/**
 * A logical slot as a list of changed keys, read by SQL functions: looked at before the snapshot is taken, peeked at
 * after it, advanced only when told. It stands beside the snapshot: whatever is wrong with it, rows can still be read.
 */
import { Problem } from '../../errors/problem.ts'
import { reasonOf } from '../driver-reason.ts'
import { MAX_ROW_BYTES } from '../row-limit.ts'
import type { Sql } from '../../engine/sql.ts'
import type { ChangeLog, LogReading } from '../change-log.ts'
import type { Position } from '../position.ts'
import { type CopyRequest, type Segment, type SourceTable, tableKey } from '../source.ts'
import { ChangedKeys, type WatchedTable } from './changed-keys.ts'
import { PgoutputReader } from './pgoutput.ts'
import type { SessionBeside } from './readers.ts'
import type { PostgresSession, TextRow } from './session.ts'
import { advanceStatement, coverageStatement, peekStatement, SEEN, slotStatement } from './slot-sql.ts'
import { max, nextTransaction, visibility } from './transactions.ts'

const CHUNK_BYTES = 1024 * 1024

/** The slot before the snapshot. */
export interface SlotState {
  name: string
  begins: ChangeLog['begins']
  heldBytes: bigint
}

/** Look at the slot, outside the snapshot and before it: what lies behind its position is then known to be older. */
export async function readSlot(session: PostgresSession, name: string, signal: AbortSignal): Promise<SlotState> {
  const [row] = await session.query(slotStatement(name), { signal })
  const reason = slotTrouble(row)
  const begins =
    reason === undefined ? { at: BigInt(row?.['confirmed'] ?? '0') } : { missing: `slot ${name} ${reason}` }
  return { name, begins, heldBytes: BigInt(row?.['held'] ?? '0') }
}

function slotTrouble(row: TextRow | undefined): string | undefined {
  if (row === undefined) return 'does not exist'
  if (row['here'] !== 't') return 'belongs to another database'
  if (row['plugin'] !== 'pgoutput') return `was made for ${row['plugin'] ?? 'physical replication'}, not for pgoutput`
  if (row['wal_status'] === 'lost' || row['confirmed'] === null) return 'was lost: the server has removed log it needs'
  return undefined
}

export interface SlotParts {
  state: SlotState
  position: Position
  tables: readonly SourceTable[]
  /** A session of its own, outside the snapshot. */
  open: (signal: AbortSignal) => Promise<SessionBeside>
  /** Ask inside the snapshot. */
  ask: (statement: Sql, signal: AbortSignal) => Promise<TextRow[]>
  durable: (signal: AbortSignal) => Promise<void>
  copyGivenKeys: ChangeLog['copyGivenKeys']
}

interface Covered {
  proof: string
  relations: readonly string[]
}

/** The slot beside a snapshot. The publication has the slot's name. */
export async function openSlotLog(parts: SlotParts, session: PostgresSession, signal: AbortSignal): Promise<ChangeLog> {
  const { state, tables } = parts
  const values = [tables.map(({ schema }) => schema), tables.map(({ table }) => table)]
  const rows = await session.query(coverageStatement(state.name), { values, signal })
  const members = Map.groupBy(rows, row => tableKey({ schema: row['schema'] ?? '', table: row['name'] ?? '' }))
  const coverage = new Map(
    tables.map(table => [tableKey(table), coverageOf(table, members.get(tableKey(table)) ?? [], state.name)]),
  )
  return new SlotLog(parts, coverage)
}

/** Why the publication leaves out changes of the table, or what it looks like now. */
function coverageOf(
  table: SourceTable,
  members: readonly TextRow[],
  publication: string,
): Covered | { missing: string } {
  if (table.primaryKey.length === 0) return { missing: 'it has no primary key' }
  if (table.isKeyOfPart === true) return { missing: 'tables inherit from it, which its primary key leaves out' }
  if (!table.isProvedByOrder) {
    const kind = table.hasRowVersion ? 'table that is unlogged, or has partitions that are' : table.kind
    return { missing: `the log does not tell the rows of a ${kind}` }
  }
  if (members[0]?.['publication'] == null) return { missing: `publication ${publication} does not exist` }
  for (const row of members) {
    if (row['tells_all'] !== 't')
      return { missing: `publication ${publication} leaves out inserts, updates, deletes or truncates` }
    if (row['filtered'] === 't') return { missing: `publication ${publication} filters its rows` }
    if (row['kind'] === 'p') continue
    const isListed = row['published'] === 't' && (row['listed'] !== null || row['all_tables'] === 't')
    if (!isListed) return { missing: `it is not listed by name in publication ${publication}` }
  }
  const attached = (row: TextRow): string[] => (row['attached'] == null ? [] : [row['attached']])
  const proof = members
    .map(row => [row['oid'], row['file'], row['publication'], row['listed'], ...attached(row)].join(':'))
    .join('|')
  return { proof, relations: members.flatMap(row => [row['oid'] ?? '', ...(row['relations'] ?? '').split(',')]) }
}

class SlotLog implements ChangeLog {
  readonly name: string
  readonly begins: ChangeLog['begins']
  readonly heldBytes: bigint
  readonly #parts: SlotParts
  readonly #coverage: ReadonlyMap<string, Covered | { missing: string }>
  #reading: Promise<LogReading | { missing: string }> | undefined

  constructor(parts: SlotParts, coverage: ReadonlyMap<string, Covered | { missing: string }>) {
    this.name = `slot ${parts.state.name}`
    this.begins = parts.state.begins
    this.heldBytes = parts.state.heldBytes
    this.#parts = parts
    this.#coverage = coverage
  }

  coverage(table: SourceTable): { proof: string } | { missing: string } {
    return this.#coverage.get(tableKey(table)) ?? { missing: 'it was not looked at' }
  }

  read(signal: AbortSignal): Promise<LogReading | { missing: string }> {
    this.#reading ??= this.#peek(signal).catch((error: unknown) => {
      if (signal.aborted || !(error instanceof Problem)) throw error
      return {
        missing: `${this.name} cannot be read: ${error.cause instanceof Error ? reasonOf(error.cause) : error.message}`,
      }
    })
    return this.#reading
  }

  copyGivenKeys(request: Omit<CopyRequest, 'slice'>, keys: readonly (readonly string[])[]): AsyncIterable<Segment> {
    return this.#parts.copyGivenKeys(request, keys)
  }

  async release(position: bigint, signal: AbortSignal): Promise<void> {
    await using beside = await this.#parts.open(signal)
    const { session } = beside
    const { name } = this.#parts.state
    const { begins } = await readSlot(session, name, signal)
    if ('missing' in begins || begins.at >= position) return
    await session.query(advanceStatement(name, position), { signal })
  }

  /**
   * All that was committed behind the slot's position and is on disk. A visible transaction is on disk once the snapshot
   * is durable, and so is in the list; one that the snapshot does not see may be, and the next reading begins at it.
   */
  async #peek(signal: AbortSignal): Promise<LogReading | { missing: string }> {
    const { state, position, ask, durable, open } = this.#parts
    if ('missing' in state.begins) return state.begins
    await durable(signal)
    const [row] = await ask(SEEN, signal)
    const flushed = BigInt(row?.['flushed'] ?? '0')
    const upTo = flushed < position.log ? flushed : position.log
    const changed = new ChangedKeys(this.#watched(), visibility(row?.['snapshot'] ?? ''))
    await using beside = await open(signal)
    const { session } = beside
    const next = await nextTransaction(session, signal)
    const messages = new PgoutputReader()
    const options = { chunkBytes: CHUNK_BYTES, signal }
    for await (const { bytes, longestRow } of session.copyOut(peekStatement(state.name, state.name, upTo), options)) {
      if (longestRow > MAX_ROW_BYTES) return { missing: `${this.name} lists a change of ${longestRow} bytes` }
      for (const line of bytes.toString('latin1').split('\n')) {
        if (line !== '') changed.take(messages.read(Buffer.from(line, 'hex')))
      }
    }
    const after = await readSlot(session, state.name, signal)
    if ('missing' in after.begins) return after.begins
    if (after.begins.at !== state.begins.at) return { missing: `${this.name} was moved by somebody else meanwhile` }
    return {
      through: changed.unseen ?? max(upTo, state.begins.at),
      nextTransaction: next,
      changedKeys: table => changed.of(tableKey(table)),
    }
  }

  #watched(): WatchedTable[] {
    return this.#parts.tables.flatMap(table => {
      const covered = this.#coverage.get(tableKey(table))
      if (covered === undefined || 'missing' in covered) return []
      return [{ name: tableKey(table), key: table.primaryKey, relations: covered.relations }]
    })
  }
}
