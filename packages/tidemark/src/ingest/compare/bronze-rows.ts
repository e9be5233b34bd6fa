/** Bronze in the common form: of each key the newest entry, if that is no delete. */
import type { Session } from '../../engine/engine.ts'
import { ident, integer, join, type Sql, sql } from '../../engine/sql.ts'
import { keyNames, type Shape, shaped } from './shape.ts'
import { hashed, type KeptApart, rangeOf, type Sums } from './sums.ts'

const SEQ = sql`_seq AS seq`
const LIVE = sql`_op = 'upsert' AS live`

/** Keys that are grouped at once. */
const GROUPED_KEYS = 2_000_000n

/**
 * Add key, hash and cursor of each live row. Most rows of a table are as its first load brought them, so only the keys of
 * later commits are grouped, some at a time, and the rest passes by them: memory goes by neither.
 *
 * @param liveRows as the mark says: when there are no more entries than that, no key has two and nothing is grouped
 */
export async function addLiveRows(
  session: Session,
  shape: Shape,
  at: { bronze: Sql; liveRows: bigint; sums: Sums; apart: KeptApart; signal: AbortSignal },
): Promise<void> {
  const { sums, apart, signal } = at
  const bronze = sql`(${at.bronze})`
  const entries = hashed(shape, shaped(shape, 'target', bronze, [SEQ, LIVE]), [sql`seq`, sql`live`])
  const isPlain =
    shape.keys.length === 0 || (await session.count(sql`SELECT count(*) FROM ${bronze}`, signal)) === at.liveRows
  if (isPlain) return sums.add(sql`(SELECT * EXCLUDE (seq, live) FROM ${entries} WHERE live)`, apart)
  const first = sql`(SELECT min(_seq) FROM ${bronze})`
  const later = await session.count(sql`SELECT count(*) FROM ${bronze} WHERE _seq > ${first}`, signal)
  const keys = join(keyNames(shape))
  const parts = later / GROUPED_KEYS + 1n
  for (let part = 0n; part < parts; part += 1n) {
    const own = parts === 1n ? sql`true` : sql`${rangeOf(shape)} % ${integer(parts)} = ${integer(part)}`
    const changed = await keepChanged(session, shape, { entries, first, own, signal })
    await sums.add(sql`(SELECT ${keys}, h, c FROM ${changed} WHERE live)`, apart)
    const unchanged = sql`(SELECT ${keys}, h, c FROM ${entries} AS e ANTI JOIN ${changed} USING (${keys}) \
WHERE e.live AND e.seq = ${first} AND ${own})`
    await sums.add(unchanged, apart)
    await session.run(sql`DROP TABLE ${changed}`, signal)
  }
}

/** The newest entry of each key that has one after the first load, as a table: its size is then known to the join. */
async function keepChanged(
  session: Session,
  shape: Shape,
  at: { entries: Sql; first: Sql; own: Sql; signal: AbortSignal },
): Promise<Sql> {
  const table = ident(session.temporaryName('changed'))
  const keys = join(keyNames(shape))
  await session.run(
    sql`CREATE TEMP TABLE ${table} AS SELECT ${keys}, arg_max(h, seq) AS h, arg_max_null(c, seq) AS c, \
arg_max(live, seq) AS live FROM ${at.entries} WHERE seq > ${at.first} AND ${at.own} GROUP BY ${keys}`,
    at.signal,
  )
  return table
}

/** Entries in the common form, from which `newestLive` takes the newest of each key. */
export function entryRows(shape: Shape, bronze: Sql): Sql {
  return shaped(shape, 'target', sql`(${bronze})`, [SEQ, LIVE])
}

/** Of entries the newest of each key, without deletes. */
export function newestLive(shape: Shape, entries: Sql): Sql {
  return sql`(SELECT * FROM (SELECT * FROM ${entries} \
QUALIFY row_number() OVER (PARTITION BY ${join(keyNames(shape))} ORDER BY seq DESC) = 1) WHERE live)`
}
