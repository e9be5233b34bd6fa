/** The wanted tables, found by their names, locked against changes of their definition, then described. */
import type { Problem } from '../../errors/problem.ts'
import { asWanted, refsOf } from '../found-tables.ts'
import { type SourceTable, type TableRef, tableKey } from '../source.ts'
import { type DescribeOptions, describeTables } from './describe.ts'
import { lockTables } from './lock.ts'
import { findTables } from './names.ts'
import type { MysqlSession } from './session.ts'

/** By what was asked for. Locks stay until the transaction around them ends. */
export async function lockAndDescribe(
  session: MysqlSession,
  wanted: readonly TableRef[],
  options: DescribeOptions & { lockTimeoutMs: number },
): Promise<ReadonlyMap<string, SourceTable | Problem>> {
  const found = await findTables(session, options.source, wanted, options.signal)
  const refs = refsOf(found)
  const locked = await lockTables(session, refs, options)
  const usable = refs.filter(ref => !locked.has(tableKey(ref)))
  return asWanted(found, locked, await describeTables(session, usable, options))
}
