/**
 * The newest valid entry of each key, and what it does to the row that is there. Every version is judged first and only
 * then compared, so a rejected version never hides a valid one.
 */
import { field, type StructField } from '@tidemark/delta'
import { columnList } from '../engine/relations.ts'
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import type { Ledger } from '../model/step.ts'
import { type FlowContext, keepRows } from './context.ts'
import { type Existing, sameValues } from './existing.ts'

export const SEQ: StructField = field('_seq', 'long', { comment: 'position of the source snapshot that saw the row' })

export type SilverLedger = Ledger & { kind: 'silver' }

/** Counts of a silver ledger without those that the rules alone decide. */
export type Outcomes = Omit<SilverLedger, 'kind' | 'read' | 'quarantined' | 'warned'>

export const NO_OUTCOMES: Outcomes = {
  inserted: 0n,
  updated: 0n,
  superseded: 0n,
  duplicate: 0n,
  deleted: 0n,
  filtered: 0n,
  staleByRule: 0n,
}

export interface NewestNames {
  /** Judged entries, kept. */
  entries: Sql
  /** How many of them a rule rejected; without any no row can be stale. */
  rejected: bigint
  /** The target's rows of these keys; undefined when there are none. */
  existing: Existing | undefined
  keys: readonly string[]
}

/** The newest valid entries as a table with `__outcome`, and the counts. */
export async function newestEntries(
  context: FlowContext,
  at: NewestNames,
): Promise<{ outcome: Sql; outcomes: Outcomes }> {
  const outcome = await keepRows(context, 'outcome', outcomeQuery(at))
  if (at.existing !== undefined) await compareOthers(context, at.keys, at.existing, outcome)
  return { outcome, outcomes: await countOutcomes(context, at, outcome) }
}

/** From newest to oldest; of one `_seq`, possible when a transformation makes two keys one, by operation and version. */
const BY_AGE: Sql = sql`ORDER BY _seq DESC, _op, _row_version DESC`

/** The newest passing entry of each key. */
function newestQuery({ entries, keys }: NewestNames): Sql {
  return sql`SELECT * FROM ${entries} WHERE __reason IS NULL \
QUALIFY row_number() OVER (PARTITION BY ${columnList(keys)} ${BY_AGE}) = 1`
}

/** What the newest entry of each key does to the target. A delete of a key that is not there is filtered. */
function outcomeQuery(at: NewestNames): Sql {
  const { existing, keys } = at
  const newest = newestQuery(at)
  if (existing === undefined) {
    return sql`SELECT *, CASE WHEN _op = 'delete' THEN 'filtered' ELSE 'inserted' END AS __outcome FROM (${newest})`
  }
  return sql`SELECT w.*, CASE \
WHEN t.__present IS NULL AND w._op = 'delete' THEN 'filtered' \
WHEN t.__present IS NULL THEN 'inserted' \
WHEN w._seq < t._seq THEN 'superseded' \
WHEN w._op = 'delete' THEN 'deleted' \
WHEN ${sameValues(existing.compared, 'w', 't')} THEN 'duplicate' \
ELSE 'updated' END AS __outcome \
FROM (${newest}) w LEFT JOIN ${existing.rows} t ON ${sameKey(keys)}`
}

/** An entry that has been the same so far is an update where one of the other columns differs. */
async function compareOthers(
  { session, signal }: FlowContext,
  keys: readonly string[],
  { others, readOthers }: Existing,
  outcome: Sql,
): Promise<void> {
  const same = sql`FROM ${outcome} WHERE __outcome = 'duplicate'`
  if (others.length === 0 || (await session.count(sql`SELECT count(*) ${same}`, signal)) === 0n) return
  const rows = await readOthers(sql`SELECT ${columnList(keys)} ${same}`)
  await session.run(
    sql`UPDATE ${outcome} AS w SET __outcome = 'updated' FROM ${rows} t \
WHERE w.__outcome = 'duplicate' AND ${sameKey(keys)} AND NOT (${sameValues(others, 'w', 't')})`,
    signal,
  )
  await session.run(sql`DROP TABLE ${rows}`)
}

function sameKey(keys: readonly string[]): Sql {
  return join(
    keys.map(k => sql`w.${ident(k)} = t.${ident(k)}`),
    ' AND ',
  )
}

/** How many passing entries have a newer one of their key; counted by itself, so that the ledger says what it should. */
function olderQuery({ entries, keys }: NewestNames): Sql {
  return sql`SELECT coalesce(sum(n - 1), 0) FROM (SELECT count(*) AS n FROM ${entries} WHERE __reason IS NULL \
GROUP BY ${columnList(keys)})`
}

async function countOutcomes(context: FlowContext, at: NewestNames, outcome: Sql): Promise<Outcomes> {
  const [row] = await context.session.rows(
    sql`SELECT count(*) FILTER (__outcome = 'inserted') AS inserted, count(*) FILTER (__outcome = 'updated') AS updated, \
count(*) FILTER (__outcome = 'deleted') AS deleted, count(*) FILTER (__outcome = 'duplicate') AS duplicate, \
count(*) FILTER (__outcome = 'filtered') AS filtered, count(*) FILTER (__outcome = 'superseded') AS superseded, \
(${olderQuery(at)}) AS older FROM ${outcome}`,
    context.signal,
  )
  const n = (bucket: string): bigint => BigInt(String(row?.[bucket] ?? 0))
  return {
    inserted: n('inserted'),
    updated: n('updated'),
    superseded: n('superseded') + n('older'),
    duplicate: n('duplicate'),
    deleted: n('deleted'),
    filtered: n('filtered'),
    staleByRule: await countStale(context, at, outcome),
  }
}

/** Keys whose newest entry was rejected while an older version is visible afterwards. */
function countStale(context: FlowContext, at: NewestNames, outcome: Sql): Promise<bigint> {
  const { entries, rejected: rejectedRows, existing, keys } = at
  if (rejectedRows === 0n) return Promise.resolve(0n)
  const list = columnList(keys)
  const newest = sql`SELECT ${list}, __reason FROM ${entries} \
QUALIFY row_number() OVER (PARTITION BY ${list} ${BY_AGE}) = 1`
  const rejected = sql`SELECT n.*, o.__outcome FROM (SELECT ${list} FROM (${newest}) WHERE __reason = 'expectation') n \
LEFT JOIN ${outcome} o USING (${list})`
  const visible = sql`__outcome IN ('inserted', 'updated', 'duplicate')`
  if (existing === undefined) {
    return context.session.count(sql`SELECT count(*) FROM (${rejected}) WHERE ${visible}`, context.signal)
  }
  return context.session.count(
    sql`SELECT count(*) FROM (${rejected}) r LEFT JOIN ${existing.rows} t USING (${list}) \
WHERE ${visible} OR (coalesce(__outcome, 'superseded') = 'superseded' AND t.__present)`,
    context.signal,
  )
}
