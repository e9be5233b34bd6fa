/** Transactions of which the log and the lock table show the lower 32 bits, as the 64-bit numbers that snapshots speak of. */
import type { IsVisible } from './changed-keys.ts'
import type { PostgresSession } from './session.ts'
import { LATEST, WRITING } from './slot-sql.ts'

/** Above every transaction that writes now, and every one that has begun. */
export async function nextTransaction(session: PostgresSession, signal: AbortSignal): Promise<bigint> {
  const writing = await session.query(WRITING, { signal })
  const [latest] = await session.query(LATEST, { signal })
  const next = BigInt(latest?.['next'] ?? '0')
  const above = writing.map(({ xid }) => widen(BigInt(xid ?? '0'), next) + 1n)
  return above.reduce(max, next)
}

/** The log and the lock table have the lower 32 bits; nothing in them is 2^31 transactions away. */
const widen = (xid: bigint, near: bigint): bigint => near + BigInt.asIntN(32, xid - near)

/** Whether a snapshot, as the server writes it, sees a transaction that is known to have committed. */
export function visibility(snapshot: string): IsVisible {
  const [, xmax = '0', list = ''] = snapshot.split(':')
  const next = BigInt(xmax)
  const open = new Set(list.split(','))
  return xid => {
    const full = widen(xid, next)
    return full < next && !open.has(String(full))
  }
}

/** The larger one. */
export const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
