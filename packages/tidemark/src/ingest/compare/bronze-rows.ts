/** Bronze in the common form: of each key the newest entry, if that is no delete. */
import type { Session } from '../../engine/engine.ts'
import { ident, join, type Sql, sql } from '../../engine/sql.ts'
import { ChosenRows } from './differences.ts'
import { keyNames, type Shape, shaped } from './shape.ts'
import { hashed, type KeptApart } from './sums.ts'

const SEQ = sql`_seq AS seq`
const LIVE = sql`_op = 'upsert' AS live`

/**
 * Key, hash and cursor of each live row. Most rows of a table are as its first load brought them, so only the keys of
 * later commits are grouped, and the rest passes by them: memory goes by what has changed, not by what is there.
 *
 * @param isPlain no key has more than one entry: then nothing has to be grouped
 */
export function liveHashes(shape: Shape, bronze: Sql, isPlain: boolean): Sql {
  const entries = hashed(shape, shaped(shape, 'target', sql`(${bronze})`, [SEQ, LIVE]), [sql`seq`, sql`live`])
  if (isPlain || shape.keys.length === 0) return sql`(SELECT * EXCLUDE (seq, live) FROM ${entries} WHERE live)`
  const keys = join(keyNames(shape))
  const first = sql`(SELECT min(_seq) FROM (${bronze}))`
  const later = sql`SELECT ${keys}, arg_max(h, seq) AS h, arg_max_null(c, seq) AS c, arg_max(live, seq) AS live \
FROM ${entries} WHERE seq > ${first} GROUP BY ${keys}`
  return sql`(WITH later AS MATERIALIZED (${later}) SELECT ${keys}, h, c FROM later WHERE live \
UNION ALL SELECT ${keys}, h, c FROM ${entries} AS e ANTI JOIN later USING (${keys}) WHERE e.live AND e.seq = ${first})`
}

/** The live rows of chosen ranges, as a temporary table in the common form with `range`. */
export async function liveRows(
  session: Session,
  shape: Shape,
  at: { bronze: Sql; apart: KeptApart; ranges: Sql; signal: AbortSignal },
): Promise<Sql> {
  const entries = new ChosenRows(session, shape, at.signal)
  await entries.add(shaped(shape, 'target', sql`(${at.bronze})`, [SEQ, LIVE]), at)
  const live = ident(session.temporaryName('live'))
  const keys = join(keyNames(shape))
  await session.run(
    sql`CREATE TEMP TABLE ${live} AS SELECT * EXCLUDE (seq, live) FROM (SELECT * FROM ${entries.table} \
QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY seq DESC) = 1) WHERE live`,
    at.signal,
  )
  return live
}
