/**
 * An increment by the server's list of changed keys: they are looked up, compared with bronze as any other rows are, and
 * a key without a row is a delete. No row of the table is read besides.
 */
import type { Snapshot } from '@tidemark/delta'
import { type Sql, sql } from '../engine/sql.ts'
import type { ChangeLog } from '../sources/change-log.ts'
import { append } from './append.ts'
import { type DedupeNames, vanishedListed } from './dedupe.ts'
import { deleteEntries, guardMassDelete } from './deletes.ts'
import { keep, keepNew } from './keep-new.ts'
import type { Mark } from './mark.ts'
import { readListed } from './read-listed.ts'
import { lakeColumnName } from './system-columns.ts'
import type { ExtractOutcome } from './outcome.ts'
import { assertUnique, type Work } from './work.ts'

/** Keys that changed since the mark; more of them, and a key more than once, do no harm. */
export interface Listed {
  log: ChangeLog
  keys: readonly (readonly string[])[]
}

export async function mergeListed(
  work: Work,
  decision: { seq: bigint; seqBase: bigint },
  { current, before }: { current: Snapshot; before: Mark },
  { log, keys: changed }: Listed,
): Promise<ExtractOutcome | 'conflict'> {
  const { wanted, session } = work
  const { schema } = wanted
  const { candidates, read, listed } = await readListed(work, log, changed)
  await assertUnique(work, candidates)
  const keys = wanted.keys.map(lakeColumnName)
  const names: DedupeNames = { candidates, bronze: await session.scan(current), keys, seq: decision.seq }
  const { kept } = await keepNew(work, names, { current, before })
  const inserted = await session.count(sql`SELECT count(*) FROM ${kept}`)
  const fresh = await session.count(sql`SELECT count(*) FROM ${kept} WHERE _new_key`)
  const covered = before.liveRows + fresh
  const gone = await vanished(work, names, listed, covered)
  const found = { schema, kept, inserted, covered, gone, read, method: log.name, isPass: false, renews: undefined }
  return await append(work, decision, { current, before }, found)
}

async function vanished(
  work: Work,
  names: DedupeNames,
  listed: Sql,
  covered: bigint,
): Promise<{ relation: Sql | undefined; count: bigint }> {
  const { context, wanted, session } = work
  if (wanted.deletes === 'ignore') return { relation: undefined, count: 0n }
  const relation = await keep(work, vanishedListed(names, listed))
  const count = await session.count(sql`SELECT count(*) FROM ${relation}`)
  guardMassDelete(context, wanted.name, count, covered)
  const keys = wanted.columns.filter(column => wanted.keys.includes(column.name))
  return { relation: deleteEntries(relation, keys), count }
}
