/**
 * What PostgreSQL's catalog says about tables: four set-based statements, however many tables are asked for. None of
 * them waits for a lock.
 */
import { type Sql, sql } from '../../engine/sql.ts'

/** The parameter is a list of oids, `{16384,16390}`. */
const WANTED = sql`unnest($1::oid[]) AS w (oid)`

/** Relations whose schema and name fit, ignoring case. $1 schemas, $2 names, side by side, letters A to Z in lower case. */
export const FIND_RELATIONS: Sql = sql`SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind \
FROM unnest($1::text[], $2::text[]) AS w (schema, name) \
JOIN pg_namespace n ON lower(n.nspname::text COLLATE "C") = w.schema \
JOIN pg_class c ON c.relnamespace = n.oid AND lower(c.relname::text COLLATE "C") = w.name \
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') GROUP BY 1, 2, 3, 4 ORDER BY 1`

/** Every table and view that the user may read, outside the server's own schemas. Partitions count with their parent. */
export const LIST_RELATIONS: Sql = sql`SELECT n.nspname AS schema, c.relname AS name \
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND c.relpersistence <> 't' \
AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') \
AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') ORDER BY n.nspname, c.relname`

/** `reads_foreign`: it is a foreign table, or some of its rows come from one, by a partition or through views. */
export const RELATIONS: Sql = sql`WITH RECURSIVE behind AS (SELECT w.oid AS root, w.oid FROM ${WANTED} \
UNION SELECT b.root, n.oid FROM behind b CROSS JOIN LATERAL (\
SELECT i.inhrelid AS oid FROM pg_inherits i WHERE i.inhparent = b.oid UNION ALL \
SELECT d.refobjid FROM pg_class v JOIN pg_rewrite r ON r.ev_class = v.oid JOIN pg_depend d ON d.objid = r.oid \
WHERE v.oid = b.oid AND v.relkind = 'v' AND d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass) n), \
distant AS (SELECT DISTINCT b.root FROM behind b JOIN pg_class f ON f.oid = b.oid WHERE f.relkind = 'f') \
SELECT c.oid, c.relrowsecurity AS row_security, row_security_active(c.oid) AS hides_rows, \
has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AS readable, \
d.root IS NOT NULL AS reads_foreign FROM ${WANTED} JOIN pg_class c ON c.oid = w.oid LEFT JOIN distant d ON d.root = c.oid`

/**
 * The relations that hold the rows: the table itself, its partitions, tables that inherit from it. A partition that is
 * being detached no longer counts for a new snapshot. `dropped`: a column that is dropped and added again under its name
 * has other values, and no row another version. `rows`: no block says that it was empty when it was looked at, and before
 * PostgreSQL 14 that nobody ever has.
 */
export const MEMBERS: Sql = sql`WITH RECURSIVE tree AS (SELECT w.oid AS root, w.oid FROM ${WANTED} \
UNION SELECT t.root, i.inhrelid FROM tree t JOIN pg_inherits i ON i.inhparent = t.oid \
AND to_jsonb(i) ->> 'inhdetachpending' IS DISTINCT FROM 'true') \
SELECT t.root, t.oid, c.relkind AS kind, coalesce(a.amname, '') AS method, c.relrowsecurity AS row_security, \
c.relpersistence AS persistence, (SELECT string_agg(g.attnum::text, ',' ORDER BY g.attnum) FROM pg_attribute g \
WHERE g.attrelid = t.oid AND g.attisdropped) AS dropped, \
CASE WHEN c.reltuples < 0 OR c.relpages = 0 THEN NULL ELSE c.reltuples::numeric::bigint END AS rows, \
(c.relpages::bigint + coalesce(x.relpages, 0)) * current_setting('block_size')::bigint AS bytes, \
c.relpages::bigint * current_setting('block_size')::bigint AS analysed_bytes, \
(SELECT string_agg(m.attnum || '=' || m.attmissingval::text, ' ' ORDER BY m.attnum) FROM pg_attribute m \
WHERE m.attrelid = t.oid AND m.atthasmissing AND NOT m.attisdropped) AS missing \
FROM tree t JOIN pg_class c ON c.oid = t.oid LEFT JOIN pg_am a ON a.oid = c.relam \
LEFT JOIN pg_class x ON x.oid = c.reltoastrelid ORDER BY t.root, t.oid`

/** Of the type `y`. */
const LABELS_OF_Y: Sql = sql`(SELECT string_agg(l.enumlabel, ',' ORDER BY l.enumsortorder) FROM pg_enum l WHERE l.enumtypid = y.oid)`
const PARTS_OF_Y: Sql = sql`(SELECT string_agg(p.attname || ' ' || format_type(p.atttypid, p.atttypmod), ',' ORDER BY p.attnum) \
FROM pg_attribute p WHERE p.attrelid = y.typrelid AND p.attnum > 0 AND NOT p.attisdropped)`

/**
 * Columns, domains followed to the type beneath them. `labels` and `parts` are what a type's text depends on besides
 * its name: enum labels may be renamed and composite types extended without touching a row. `within` says the same of the
 * types inside: elements, attributes, what ranges are of. `shows_names`: a value shows the name that something of the server
 * has now. `currency`: an amount of money is a number, and the database says where its point is. A generated column that is
 * computed on reading changes with its expression.
 */
export const COLUMNS: Sql = sql`WITH RECURSIVE base AS (\
SELECT a.attrelid, a.attnum, t.oid, t.typbasetype, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END AS modifier, \
t.typtype FROM ${WANTED} JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped \
JOIN pg_type t ON t.oid = a.atttypid \
UNION ALL SELECT b.attrelid, b.attnum, t.oid, t.typbasetype, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE b.modifier END, \
t.typtype FROM base b JOIN pg_type t ON t.oid = b.typbasetype WHERE b.typtype = 'd'), \
inner_type AS (SELECT b.attrelid, b.attnum, b.oid FROM base b JOIN pg_type t ON t.oid = b.oid \
WHERE t.typtype <> 'b' OR t.typcategory = 'A' OR t.typname ~ '^(reg|aclitem$|money$)' UNION SELECT i.attrelid, i.attnum, n.oid FROM inner_type i \
JOIN pg_type t ON t.oid = i.oid CROSS JOIN LATERAL (\
SELECT t.typelem AS oid WHERE t.typcategory = 'A' AND t.typelem <> 0 UNION ALL SELECT t.typbasetype WHERE t.typtype = 'd' \
UNION ALL SELECT p.atttypid FROM pg_attribute p WHERE t.typtype = 'c' AND p.attrelid = t.typrelid AND p.attnum > 0 \
AND NOT p.attisdropped UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE t.typtype = 'r' AND r.rngtypid = t.oid \
UNION ALL SELECT m.refobjid FROM pg_depend m WHERE t.typtype = 'm' AND m.objid = t.oid \
AND m.classid = 'pg_type'::regclass AND m.refclassid = 'pg_type'::regclass) n), \
told AS (SELECT i.attrelid, i.attnum, string_agg(CASE y.typtype WHEN 'e' THEN ${LABELS_OF_Y} WHEN 'c' THEN ${PARTS_OF_Y} END, \
';' ORDER BY y.oid) AS what, count(*) FILTER (WHERE y.typtype IN ('e', 'c')) AS types, bool_or(y.typname ~ '^(reg|aclitem$)' \
AND y.typnamespace = 'pg_catalog'::regnamespace) AS shows_names, bool_or(y.oid = 'money'::regtype) AS has_money \
FROM inner_type i JOIN pg_type y ON y.oid = i.oid GROUP BY 1, 2) \
SELECT a.attrelid AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS source_type, \
a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint n WHERE n.conrelid = a.attrelid AND n.contype = 'n' \
AND n.conkey = ARRAY[a.attnum] AND NOT n.convalidated) AS required, \
t.typname AS type, t.typnamespace <> 'pg_catalog'::regnamespace AS is_own, b.modifier, t.typcategory = 'A' AND t.typelem <> 0 AS is_array, \
CASE WHEN y.typtype = 'e' THEN ${LABELS_OF_Y} END AS labels, CASE WHEN y.typtype = 'c' THEN ${PARTS_OF_Y} END AS parts, \
CASE WHEN i.types > (y.typtype IN ('e', 'c'))::int THEN i.what END AS within, i.shows_names, \
CASE WHEN i.has_money THEN current_setting('lc_monetary') END AS currency, \
CASE WHEN a.attgenerated = 'v' THEN (SELECT md5(g.adbin::text) FROM pg_attrdef g WHERE g.adrelid = a.attrelid \
AND g.adnum = a.attnum) END AS expression \
FROM base b JOIN pg_attribute a ON a.attrelid = b.attrelid AND a.attnum = b.attnum JOIN pg_type t ON t.oid = b.oid \
JOIN pg_type y ON y.oid = CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END \
LEFT JOIN told i ON i.attrelid = b.attrelid AND i.attnum = b.attnum \
WHERE b.typtype <> 'd' ORDER BY a.attrelid, a.attnum`

/** Columns of the primary key, in key order, and those by which an index of all rows finds rows in order. */
export const INDEXED: Sql = sql`SELECT i.indrelid AS table, a.attname AS name, i.indisprimary AS is_key, \
k.position = 1 AND i.indpred IS NULL AND m.amname = 'btree' AS is_leading FROM ${WANTED} \
JOIN pg_index i ON i.indrelid = w.oid AND i.indisvalid JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam \
CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, position) \
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum \
WHERE k.position <= i.indnkeyatts ORDER BY i.indrelid, i.indexrelid, k.position`

/** Exact sizes, without indexes. Opens each relation, so it waits where somebody holds an exclusive lock. */
export const SIZES: Sql = sql`SELECT w.oid, pg_table_size(w.oid) AS bytes, pg_relation_size(w.oid) AS main FROM ${WANTED}`
