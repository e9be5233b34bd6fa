/**
 * The one algorithm of AUTO CDC, as SQL: all known events of the touched keys are folded into points, one for each
 * (key, sequence), and the points into rows. It knows nothing of tables, so any order of arrival gives one result.
 *
 * Events have the key columns, `__s` (sequence), `_seq`, `__delete`, `__end`, `__origin`, `__row`. Two kinds of delete:
 * with a sequence of its own it is an event like any other; found by a key scan it has none and marks the end of the
 * newest version known then (`__end` is set once it has its place).
 */
import { ident, join, raw, type Sql, sql } from '../engine/sql.ts'
import { columnList } from '../engine/relations.ts'

/** Where an event was found. Of events alike in key, sequence and `_seq` the higher one counts. */
export const ORIGIN = { tombstone: 0, batch: 1, target: 2 } as const

export interface FoldNames {
  /** Relation of all events. */
  events: Sql
  keys: readonly string[]
  /** True when a sequence can be compared with the time at which a delete was seen. */
  timed: boolean
  /** DuckDB type of the sequence. */
  sequenceType: Sql
}

/**
 * Markers: deletes without a sequence, placed right after the newest event of their key with a smaller `_seq`. After
 * a delete, or with nothing before them, they have no effect and are left out.
 */
export function placedMarkers(at: FoldNames): Sql {
  const keys = columnList(at.keys)
  const own = at.keys.map(k => sql`d.${ident(k)} = e.${ident(k)}`)
  const end = at.timed ? sql`greatest(CAST(d._at AS ${at.sequenceType}), e.__s)` : raw('e.__s')
  const kept = sql`SELECT ${keys}, __s, _seq, __end, __row FROM ${at.events} WHERE __end IS NOT NULL`
  const placed = sql`SELECT ${join(at.keys.map(k => sql`d.${ident(k)}`))}, e.__s, d._seq, ${end} AS __end, d.__row, \
e.__delete AS __after_delete FROM ${at.events} d JOIN ${at.events} e \
ON ${join(own, ' AND ')} AND e._seq < d._seq AND e.__s IS NOT NULL WHERE d.__delete AND d.__s IS NULL \
QUALIFY row_number() OVER (PARTITION BY d.__row ORDER BY e.__s DESC, e._seq DESC, e.__origin DESC) = 1`
  return sql`${kept} UNION ALL SELECT * EXCLUDE (__after_delete) FROM (${placed}) WHERE NOT __after_delete`
}

/**
 * Points: for each key and sequence the event that counts (highest `_seq`) with its columns, and the marker behind it,
 * if one was seen later than that event (`__marker_seq`, `__marker_end`, `__marker_row`).
 */
export function points(at: FoldNames, markers: Sql): Sql {
  const keys = columnList(at.keys)
  const winners = sql`SELECT * FROM ${at.events} WHERE __s IS NOT NULL AND __end IS NULL \
QUALIFY row_number() OVER (PARTITION BY ${keys}, __s \
ORDER BY _seq DESC, __origin DESC, __delete DESC, __row) = 1`
  const effective = sql`SELECT m.*, w._seq AS __winner_seq FROM (${markers}) m LEFT JOIN winners w USING (${keys}, __s) \
WHERE w._seq IS NULL OR (m._seq > w._seq AND NOT w.__delete) \
QUALIFY row_number() OVER (PARTITION BY ${join(at.keys.map(k => sql`m.${ident(k)}`))}, m.__s ORDER BY m._seq, m.__row NULLS LAST) = 1`
  const shown = sql`SELECT ${keys}, __s, _seq AS __marker_seq, __end AS __marker_end, __row AS __marker_row FROM (${effective})`
  return sql`WITH winners AS (${winners}) \
SELECT *, lead(__s) OVER (PARTITION BY ${keys} ORDER BY __s) AS __next, \
row_number() OVER (PARTITION BY ${keys} ORDER BY __s DESC) = 1 AS __newest \
FROM (SELECT *, __origin IS NOT NULL AND NOT __delete AS __upsert, __marker_seq IS NOT NULL AS __marked \
FROM winners FULL JOIN (${shown}) USING (${keys}, __s))`
}

/** Rows of the target: every version with its interval (type 2), or the newest where it is not deleted (type 1). */
export function targetRows(relation: Sql, scdType: 1 | 2): Sql {
  if (scdType === 1) return sql`SELECT * FROM ${relation} WHERE __newest AND __upsert AND NOT __marked`
  return sql`SELECT *, __s AS __START_AT, CASE WHEN __marked THEN least(__marker_end, coalesce(__next, __marker_end)) \
ELSE __next END AS __END_AT FROM ${relation} WHERE __upsert`
}

/** Deletes to remember. Type 1 needs the newest point alone: what is older can no longer matter. */
export function tombstoneRows(relation: Sql, keys: readonly string[], scdType: 1 | 2): Sql {
  const needed = scdType === 1 ? sql`__newest` : sql`true`
  return sql`SELECT ${columnList(keys)}, __s AS __SEQUENCE, CASE WHEN __marked THEN __marker_seq ELSE _seq END AS _seq, \
__marker_end AS __END_AT FROM ${relation} WHERE ${needed} AND (__marked OR NOT __upsert)`
}

/** `__row` of the batch's events that decided something, with their keys. */
export function appliedEvents(relation: Sql, keys: readonly string[], scdType: 1 | 2): Sql {
  const shown = columnList(keys)
  const needed = scdType === 1 ? sql`__newest` : sql`true`
  const hidden = scdType === 1 ? sql`AND NOT __marked` : raw('')
  return sql`SELECT ${shown}, __row FROM ${relation} WHERE __row IS NOT NULL AND ${needed} ${hidden} \
UNION ALL SELECT ${shown}, __marker_row AS __row FROM ${relation} WHERE __marker_row IS NOT NULL AND ${needed}`
}
