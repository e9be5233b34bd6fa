/**
 * SQL that decides which candidate rows are new to bronze. Golden-tested; every function returns one statement.
 *
 * A candidate is dropped when the newest bronze entry of its key is an upsert with the same row version (it was read
 * before), or stands at the same or a later `_seq` (it is older than what bronze knows). So in bronze `_seq` rises
 * strictly with the commit version of a key.
 */
import { ident, integer, join, type Sql, sql } from '../engine/sql.ts'

export interface DedupeNames {
  candidates: Sql
  /** Relation over all of bronze. */
  bronze: Sql
  keys: readonly string[]
  seq: bigint
}

/** Newest entry of each candidate's key: keys, `_newest_op`, `_newest_version`, `_newest_seq`. */
export function newestEntries({ candidates, bronze, keys }: DedupeNames): Sql {
  const list = join(keys.map(k => ident(k)))
  return sql`SELECT ${list}, arg_max(_op, _seq) AS _newest_op, arg_max(_row_version, _seq) AS _newest_version, \
max(_seq) AS _newest_seq FROM (${bronze}) SEMI JOIN (SELECT ${list} FROM ${candidates}) USING (${list}) GROUP BY ${list}`
}

/** Candidates that are new, with `_new_key` telling whether their key was not live before. */
export function newCandidates(names: DedupeNames): Sql {
  const list = join(names.keys.map(k => ident(k)))
  return sql`SELECT c.*, (_newest_op IS NULL OR _newest_op = 'delete') AS _new_key \
FROM ${names.candidates} AS c LEFT JOIN (${newestEntries(names)}) AS n USING (${list}) \
WHERE _newest_seq IS NULL OR (_newest_seq < ${integer(names.seq)} \
AND NOT (_newest_op = 'upsert' AND _newest_version IS NOT DISTINCT FROM c._row_version))`
}

/**
 * Candidates of a full read whose content differs from the newest entry of their key. Row versions are not compared:
 * after a move to another server, or a change of the relation, they mean nothing. A column bronze lacks is NULL there.
 */
export function differingCandidates(names: DedupeNames, columns: { known: string[]; added: string[] }): Sql {
  const list = join(names.keys.map(k => ident(k)))
  const others = columns.known.filter(column => !names.keys.includes(column))
  const differs = [
    ...others.map(c => sql`c.${ident(c)} IS DISTINCT FROM n.${ident(c)}`),
    ...columns.added.map(c => sql`c.${ident(c)} IS NOT NULL`),
  ]
  const changed = differs.length === 0 ? sql`false` : join(differs, ' OR ')
  return sql`SELECT c.*, (n._op IS NULL OR n._op = 'delete') AS _new_key FROM ${names.candidates} AS c \
LEFT JOIN (SELECT * FROM (${names.bronze}) \
QUALIFY row_number() OVER (PARTITION BY ${list} ORDER BY _seq DESC) = 1) AS n USING (${list}) \
WHERE n._op IS NULL OR (n._seq < ${integer(names.seq)} AND (n._op = 'delete' OR ${changed}))`
}

/** Keys that are live in bronze or about to become so, and are not in `present`. */
export function vanishedKeys(names: DedupeNames, kept: Sql, present: Sql): Sql {
  const list = join(names.keys.map(k => ident(k)))
  return sql`SELECT ${list} FROM (SELECT ${list} FROM (${names.bronze}) GROUP BY ${list} \
HAVING arg_max(_op, _seq) = 'upsert' UNION SELECT ${list} FROM ${kept}) ANTI JOIN ${present} USING (${list})`
}

/** Keys that are live in bronze and among those that the source says are gone, `deleted`. */
export function deletedKeys(names: DedupeNames, kept: Sql, deleted: Sql): Sql {
  const list = join(names.keys.map(k => ident(k)))
  return sql`SELECT ${list} FROM (SELECT ${list} FROM (${names.bronze}) SEMI JOIN ${deleted} USING (${list}) GROUP BY ${list} \
HAVING arg_max(_op, _seq) = 'upsert') ANTI JOIN ${kept} USING (${list})`
}

/** Listed keys that are live in bronze and have no row among the candidates. */
export function vanishedListed(names: DedupeNames, listed: Sql): Sql {
  const list = join(names.keys.map(k => ident(k)))
  return sql`SELECT ${list} FROM (${newestEntries({ ...names, candidates: listed })}) \
ANTI JOIN ${names.candidates} USING (${list}) WHERE _newest_op = 'upsert'`
}

/** Number of candidates that share their key with another, or have a NULL in it. */
export function ambiguousKeys(candidates: Sql, keys: readonly string[]): Sql {
  const list = join(keys.map(k => ident(k)))
  const anyNull = join(
    keys.map(k => sql`${ident(k)} IS NULL`),
    ' OR ',
  )
  return sql`SELECT CAST(coalesce(sum(n), 0) AS BIGINT) FROM (SELECT count(*) AS n FROM ${candidates} \
GROUP BY ${list} HAVING count(*) > 1 OR ${anyNull})`
}
