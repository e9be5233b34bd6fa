/** Rows of listed keys: each key is looked up in the snapshot, a few thousand with a statement. */
import { ident, type Sql } from '../engine/sql.ts'
import type { ChangeLog } from '../sources/change-log.ts'
import type { CopyRequest, Segment, Slice } from '../sources/source.ts'
import { intoTable } from './candidates.ts'
import { intakeOf, segmentsOf } from './load-slice.ts'
import { assertLanded } from './read.ts'
import type { Work } from './work.ts'

const KEYS_IN_A_STATEMENT = 5000

export interface ListedRows {
  /** Rows that the keys have in the snapshot. */
  candidates: Sql
  read: bigint
  /** All the keys, typed as the lake has them. */
  listed: Sql
}

/** Read the rows of the given keys, and the keys themselves: what has a key and no row is gone. */
export async function readListed(
  work: Work,
  log: ChangeLog,
  keys: readonly (readonly string[])[],
): Promise<ListedRows> {
  const { context, wanted, session } = work
  const parts = split(keys)
  const counted = { rows: 0n }
  const intake = intakeOf(context, session, wanted)
  const found = await intoTable(intake, copyRows(work, parts, counted), {
    hint: 'candidates',
    leading: ['_row_version'],
  })
  assertLanded(wanted.name, counted.rows, found.rows)
  const keyColumns = primaryKeyOf(work)
  const keyIntake = { ...intakeOf(context, session, { columns: keyColumns }), read: context.readKeys }
  const listed = await intoTable(keyIntake, copyKeys(work, log, parts), { hint: 'listed', leading: [] })
  assertLanded(wanted.name, BigInt(keys.length), listed.rows)
  return { candidates: ident(found.table), read: found.rows, listed: ident(listed.table) }
}

async function* copyRows(
  work: Work,
  parts: readonly (readonly (readonly string[])[])[],
  counted: { rows: bigint },
): AsyncGenerator<Segment, void, undefined> {
  const { context, snapshot, wanted } = work
  const { table, columns } = wanted
  for (const keys of parts) {
    const slice: Slice = { kind: 'keys', columns: table.primaryKey, keys }
    const { inSlice } = await snapshot.count({ table, slice, columns, signal: context.signal })
    counted.rows += inSlice
    if (inSlice > 0n) yield* snapshot.copy({ ...request(work, 'rows'), columns, slice })
  }
}

async function* copyKeys(
  work: Work,
  log: ChangeLog,
  parts: readonly (readonly (readonly string[])[])[],
): AsyncGenerator<Segment, void, undefined> {
  for (const keys of parts) yield* log.copyGivenKeys({ ...request(work, 'keys'), columns: primaryKeyOf(work) }, keys)
}

function request({ context, wanted }: Work, hint: string): Omit<CopyRequest, 'slice' | 'columns'> {
  return { table: wanted.table, prefix: `${hint}-${context.ids.uuid()}`, ...segmentsOf(context) }
}

/** In the order of the primary key, as the list has its texts. */
function primaryKeyOf({ wanted }: Work): Work['wanted']['columns'] {
  return wanted.table.primaryKey.flatMap(key => wanted.columns.filter(column => column.name === key))
}

function split<T>(list: readonly T[]): (readonly T[])[] {
  const parts: (readonly T[])[] = []
  for (let at = 0; at < list.length; at += KEYS_IN_A_STATEMENT) parts.push(list.slice(at, at + KEYS_IN_A_STATEMENT))
  return parts
}
