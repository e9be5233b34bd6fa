/** The statements around a logical slot. None of them changes data; only `advanceStatement` moves the slot. */
import { ident, join, type Sql, sql, text } from '../../engine/sql.ts'
import { SNAPSHOT } from './position.ts'

/**
 * The slot as the server describes it. Columns that older servers lack are asked for through JSON, which gives NULL.
 */
export function slotStatement(slot: string): Sql {
  return sql`SELECT s.plugin, s.database = current_database() AS here, s.temporary, \
pg_wal_lsn_diff(s.confirmed_flush_lsn, '0/0') AS confirmed, \
pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) AS held, to_jsonb(s) ->> 'wal_status' AS wal_status \
FROM pg_replication_slots s WHERE s.slot_name = ${text(slot)}`
}

/**
 * Publication, members and their files, a row for each relation that holds rows of a wanted table. Whoever alters the
 * publication, or takes the table from it and adds it again, makes new rows in the catalog, and so does whoever detaches a
 * partition, whose changes are not listed meanwhile, and attaches it again; whoever rewrites a table
 * without touching rows one by one gives it a new file. `$1` schemas, `$2` names, side by side.
 */
export function coverageStatement(publication: string): Sql {
  return sql`WITH RECURSIVE w AS (SELECT c.oid AS root, u.schema, u.name FROM unnest($1::text[], $2::text[]) AS u (schema, name) \
JOIN pg_namespace n ON n.nspname = u.schema JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = u.name), \
tree AS (SELECT root, root AS oid FROM w UNION SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid), \
above AS (SELECT t.oid, t.oid AS ancestor FROM tree t UNION SELECT a.oid, i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.ancestor) \
SELECT w.schema, w.name, t.oid, c.relkind AS kind, pg_relation_filenode(t.oid) AS file, \
(SELECT string_agg(a.ancestor::text, ',') FROM above a WHERE a.oid = t.oid) AS relations, \
(SELECT string_agg(i.inhparent || ' ' || i.xmin, ',' ORDER BY i.inhrelid, i.inhparent) FROM pg_inherits i \
WHERE i.inhrelid IN (SELECT a.ancestor FROM above a WHERE a.oid = t.oid)) AS attached, \
(SELECT p.oid || ' ' || p.xmin || ' ' || p.puballtables || p.pubinsert || p.pubupdate || p.pubdelete || p.pubtruncate \
FROM pg_publication p WHERE p.pubname = ${text(publication)}) AS publication, \
(SELECT p.puballtables FROM pg_publication p WHERE p.pubname = ${text(publication)}) AS all_tables, \
(SELECT p.pubinsert AND p.pubupdate AND p.pubdelete AND p.pubtruncate FROM pg_publication p WHERE p.pubname = ${text(publication)}) AS tells_all, \
(SELECT string_agg(r.oid || ' ' || r.xmin || ' ' || r.prrelid, ',' ORDER BY r.oid) FROM pg_publication_rel r \
JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = ${text(publication)} \
AND r.prrelid IN (SELECT a.ancestor FROM above a WHERE a.oid = t.oid)) AS listed, \
EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = ${text(publication)} \
AND r.prrelid IN (SELECT a.ancestor FROM above a WHERE a.oid = t.oid) AND to_jsonb(r) ->> 'prqual' IS NOT NULL) AS filtered, \
EXISTS (SELECT FROM pg_publication_tables f WHERE f.pubname = ${text(publication)} \
AND (f.schemaname, f.tablename) IN (SELECT m.nspname, k.relname FROM above a JOIN pg_class k ON k.oid = a.ancestor \
JOIN pg_namespace m ON m.oid = k.relnamespace WHERE a.oid = t.oid)) AS published \
FROM w JOIN tree t ON t.root = w.root JOIN pg_class c ON c.oid = t.oid ORDER BY w.schema, w.name, t.oid`
}

/** A stream of the messages, in hexadecimal digits, one a line. The slot stays where it is. */
export function peekStatement(slot: string, publication: string, upTo: bigint): Sql {
  const options = [text('proto_version'), text('1'), text('publication_names'), text(ident(publication).text)]
  return sql`COPY (SELECT encode(data, 'hex') FROM pg_logical_slot_peek_binary_changes(${text(slot)}, \
${text(printLsn(upTo))}::pg_lsn, NULL, ${join(options)})) TO STDOUT`
}

/** What the running transaction's snapshot sees, and how far the log is on disk. */
export const SEEN: Sql = sql`SELECT ${SNAPSHOT} AS snapshot, \
pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0') AS flushed`

/**
 * Numbers of transactions that are writing. Every one of them holds a lock on its own number until its end; whichever has
 * ended before this is known to a snapshot that is taken after it. Asked in this order, the two leave out none.
 */
export const WRITING: Sql = sql`SELECT DISTINCT transactionid::text AS xid FROM pg_locks WHERE locktype = 'transactionid'`
export const LATEST: Sql = sql`SELECT txid_snapshot_xmax(txid_current_snapshot())::text AS next`

export function advanceStatement(slot: string, to: bigint): Sql {
  return sql`SELECT pg_replication_slot_advance(${text(slot)}, ${text(printLsn(to))}::pg_lsn)`
}

/** `16/B374D848`, as the server writes positions of its log. */
export function printLsn(position: bigint): string {
  return `${(position >> 32n).toString(16)}/${(position & 0xffff_ffffn).toString(16)}`.toUpperCase()
}
