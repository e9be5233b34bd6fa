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

/** The columns that rows carry: those of bronze, and those that it does not have yet. */
export interface CarriedColumns {
  known: readonly string[]
  added: readonly string[]
}

/** Entries whose row versions say nothing of those of the candidates. */
export interface OtherVersions {
  /** All below this `_seq`; every one when left out. */
  from: bigint | undefined
  /** A server counts its versions anew: an equal one misleads. Else they are made of what is read, and another one misleads. */
  counted: boolean
}

/** Newest entry of each candidate's key: keys, `_newest_op`, `_newest_version`, `_newest_seq`. */
export function newestEntries({ candidates, bronze, keys }: DedupeNames): Sql {
  const list = join(keys.map(k => ident(k)))
  return sql`SELECT ${list}, arg_max(_op, _seq) AS _newest_op, arg_max(_row_version, _seq) AS _newest_version, \
max(_seq) AS _newest_seq FROM (${bronze}) SEMI JOIN (SELECT ${list} FROM ${candidates}) USING (${list}) GROUP BY ${list}`
}

/**
 * Candidates that are new, with `_new_key` telling whether their key was not live before.
 *
 * @param other where some entries have versions that say nothing: such candidates come, too, with `_doubtful` set
 */
export function newCandidates(names: DedupeNames, other?: OtherVersions): Sql {
  const list = join(names.keys.map(k => ident(k)))
  const doubtful = other === undefined ? undefined : isDoubtful(other)
  const told = doubtful === undefined ? sql`` : sql`, ${doubtful} AS _doubtful`
  const orDoubtful = doubtful === undefined ? sql`` : sql` OR ${doubtful}`
  return sql`SELECT c.*, (_newest_op IS NULL OR _newest_op = 'delete') AS _new_key${told} \
FROM ${names.candidates} AS c LEFT JOIN (${newestEntries(names)}) AS n USING (${list}) \
WHERE _newest_seq IS NULL OR (_newest_seq < ${integer(names.seq)} \
AND (NOT (_newest_op = 'upsert' AND ${SAME_VERSION})${orDoubtful}))`
}

const SAME_VERSION: Sql = sql`_newest_version IS NOT DISTINCT FROM c._row_version`

function isDoubtful({ from, counted }: OtherVersions): Sql {
  const version = counted ? SAME_VERSION : sql`NOT (${SAME_VERSION})`
  const isBelow = from === undefined ? sql`` : sql` AND _newest_seq < ${integer(from)}`
  return sql`coalesce(_newest_op = 'upsert' AND ${version}${isBelow}, false)`
}

/** Of candidates that `newCandidates` has told apart: all but the doubtful ones whose content is that of their newest entry. */
export function differingDoubtful(names: DedupeNames, told: Sql, columns: CarriedColumns): Sql {
  const list = join(names.keys.map(k => ident(k)))
  const wanted = sql`(SELECT ${list} FROM ${told} WHERE _doubtful)`
  const newest = sql`SELECT * FROM (SELECT * FROM (${names.bronze}) SEMI JOIN ${wanted} USING (${list})) ${onlyNewest(list)}`
  return sql`SELECT c.* EXCLUDE (_doubtful) FROM ${told} AS c LEFT JOIN (${newest}) AS n USING (${list}) \
WHERE NOT c._doubtful OR ${differs(names, columns)}`
}

/**
 * Candidates of a full read whose content differs from the newest entry of their key. Row versions are not compared:
 * after a move to another server, or a change of the relation, they mean nothing. A column bronze lacks is NULL there.
 */
export function differingCandidates(names: DedupeNames, columns: CarriedColumns): Sql {
  const list = join(names.keys.map(k => ident(k)))
  return sql`SELECT c.*, (n._op IS NULL OR n._op = 'delete') AS _new_key FROM ${names.candidates} AS c \
LEFT JOIN (SELECT * FROM (${names.bronze}) ${onlyNewest(list)}) AS n USING (${list}) \
WHERE n._op IS NULL OR (n._seq < ${integer(names.seq)} AND (n._op = 'delete' OR ${differs(names, columns)}))`
}

function onlyNewest(keys: Sql): Sql {
  return sql`QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY _seq DESC) = 1`
}

function differs({ keys }: DedupeNames, { known, added }: CarriedColumns): Sql {
  const others = known.filter(column => !keys.includes(column))
  const conditions = [
    ...others.map(c => sql`c.${ident(c)} IS DISTINCT FROM n.${ident(c)}`),
    ...added.map(c => sql`c.${ident(c)} IS NOT NULL`),
  ]
  return conditions.length === 0 ? sql`false` : sql`(${join(conditions, ' OR ')})`
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
