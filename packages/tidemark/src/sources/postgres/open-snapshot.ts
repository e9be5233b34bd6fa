/**
 * Open a snapshot of a PostgreSQL source: tables are locked before it is taken, descriptions are read inside it.
 */
import { Problem } from '../../errors/problem.ts'
import { SOURCE_STANDBY } from '../../errors/source.ts'
import { sql } from '../../engine/sql.ts'
import { refsOf } from '../found-tables.ts'
import { type SourceSnapshot, type SourceTable, type TableRef, tableKey } from '../source.ts'
import { serverName } from '../server-address.ts'
import { readCursorClock } from './cursor.ts'
import { describeTables } from './describe.ts'
import { lockTables } from './lock.ts'
import { findRelations } from './names.ts'
import { readPosition, readReplayed } from './position.ts'
import { Readers } from './readers.ts'
import { readSlot } from './slot.ts'
import { PostgresSnapshot, type SnapshotOptions } from './snapshot.ts'

/** Lock, then take the snapshot, then describe inside it. */
export async function openPostgresSnapshot(
  options: SnapshotOptions,
  wanted: readonly TableRef[],
  signal: AbortSignal,
): Promise<SourceSnapshot> {
  const { source, connection, timezone } = options
  const keeper = await options.open(signal)
  try {
    const login = { source, user: connection.user, timezone, lockTimeoutMs: options.lockTimeoutMs, signal }
    const found = await findRelations(keeper, source, wanted, signal)
    const relations = refsOf(found)
    const clock = await readCursorClock(keeper, connection.user, signal)
    const replayed = await readReplayed(keeper, signal)
    const isStandby = replayed !== undefined
    if (isStandby && options.slot !== undefined)
      throw SOURCE_STANDBY({ ...serverOf(options), reason: 'it is in recovery' })
    const slot = options.slot === undefined ? undefined : await readSlot(keeper, options.slot, signal)
    await keeper.begin(signal)
    const locked = await lockTables(keeper, relations, login)
    const position = await readPosition(keeper, replayed, signal)
    await keeper.prove(signal)
    const usable = wanted.filter(ref => problemOf(ref, found, locked) === undefined)
    const described = await describeTables(keeper, usable, login)
    const [row] = await keeper.query(sql`SELECT pg_export_snapshot() AS snapshot`, { signal })
    const tables = new Map<string, SourceTable | Problem>()
    for (const ref of wanted) {
      const result = problemOf(ref, found, locked) ?? described.get(tableKey(ref))
      if (result !== undefined) tables.set(tableKey(ref), result)
    }
    const { maxConnections, open } = options
    const exported = row?.['snapshot'] ?? ''
    const readers = new Readers({ limit: maxConnections - 1, open, keeper, snapshot: exported })
    const opened = new PostgresSnapshot({
      options,
      readers,
      position,
      tables,
      clock,
      exported,
      isStandby,
      isPooled: keeper.isPooled,
    })
    if (slot !== undefined) await opened.attachSlot(slot, keeper, signal)
    return opened
  } catch (error) {
    await keeper.close()
    throw error
  }
}

/** A reference is locked under the name it was found by. */
function problemOf(
  ref: TableRef,
  found: ReadonlyMap<string, TableRef | Problem>,
  locked: ReadonlyMap<string, Problem>,
): Problem | undefined {
  const one = found.get(tableKey(ref))
  if (one === undefined || one instanceof Problem) return one
  return locked.get(tableKey(one))
}

function serverOf({ source, connection }: SnapshotOptions): { source: string; server: string } {
  return { source, server: serverName(connection) }
}
