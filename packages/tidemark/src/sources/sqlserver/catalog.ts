/**
 * The statements that describe a database and its tables. Objects are asked for by number, all in one statement, so that
 * their number does not grow with the tables; everything leaves the server as text.
 */
import { join, raw, type Sql, sql } from '../../engine/sql.ts'

/** Every table and view of users. */
export const ALL_TABLES: Sql = sql`SELECT s.name AS "schema", o.name AS name, CONVERT(varchar(11), o.object_id) AS id, \
RTRIM(o.type) AS type FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 ORDER BY s.name, o.name`

/** What the database allows, and which one it is. */
export const DATABASE: Sql = sql`SELECT CONVERT(varchar(3), d.snapshot_isolation_state) AS snapshot_state, \
CONVERT(nvarchar(128), DATABASEPROPERTYEX(d.name, 'Updateability')) AS updateability, \
CONVERT(varchar(3), d.delayed_durability) AS delayed, \
CONVERT(varchar(3), SERVERPROPERTY('EngineEdition')) AS edition, \
CONVERT(nvarchar(128), SERVERPROPERTY('ServerName')) AS server, d.name AS "database", \
CONVERT(varchar(11), d.database_id) AS id, CONVERT(varchar(23), d.create_date, 126) AS created \
FROM sys.databases AS d WHERE d.database_id = DB_ID()`

/** Changes when the database is restored over itself. Azure SQL Database has no such view: there it is made anew. */
export const FORK: Sql = sql`SELECT CONVERT(varchar(36), recovery_fork_guid) AS fork \
FROM sys.database_recovery_status WHERE database_id = DB_ID()`

const QUALIFIED = raw("QUOTENAME(s.name) + N'.' + QUOTENAME(o.name)")

const may = (permission: Sql): Sql =>
  sql`CONVERT(varchar(1), HAS_PERMS_BY_NAME(${QUALIFIED}, N'OBJECT', ${permission}))`

/** One row a table: what it is, what the login may do with it, and since when its changes are tracked. */
const tables = (ids: Sql): Sql => sql`SELECT CONVERT(varchar(11), o.object_id) AS id, RTRIM(o.type) AS type, \
${may(sql`N'SELECT'`)} AS may_select, ${may(sql`N'VIEW CHANGE TRACKING'`)} AS may_track, \
coalesce(${may(sql`N'UNMASK'`)}, CONVERT(varchar(1), HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), N'DATABASE', N'UNMASK'))) AS may_unmask, \
CONVERT(varchar(1), t.is_memory_optimized) AS in_memory, CONVERT(varchar(1), t.is_external) AS is_external, \
CONVERT(varchar(20), c.begin_version) AS tracked_since, \
CONVERT(varchar(20), CHANGE_TRACKING_MIN_VALID_VERSION(o.object_id)) AS min_valid, \
CASE WHEN o.type = 'V' THEN OBJECT_DEFINITION(o.object_id) END AS definition, \
CASE WHEN EXISTS (SELECT 1 FROM sys.security_predicates AS p JOIN sys.security_policies AS y ON y.object_id = p.object_id \
WHERE p.target_object_id = o.object_id AND p.predicate_type = 0 AND y.is_enabled = 1) THEN '1' ELSE '0' END AS is_filtered \
FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
LEFT JOIN sys.tables AS t ON t.object_id = o.object_id \
LEFT JOIN sys.change_tracking_tables AS c ON c.object_id = o.object_id WHERE o.object_id IN (${ids})`

/** One row a column, in order; an alias is resolved to the type that it stands for. */
const columns = (
  ids: Sql,
): Sql => sql`SELECT CONVERT(varchar(11), c.object_id) AS id, CONVERT(varchar(11), c.column_id) AS number, \
c.name AS name, CASE WHEN y.is_user_defined = 1 AND y.is_assembly_type = 0 THEN TYPE_NAME(c.system_type_id) ELSE y.name END AS type, \
y.name AS declared, CONVERT(varchar(1), y.is_assembly_type) AS is_assembly, CONVERT(varchar(6), c.max_length) AS length, \
CONVERT(varchar(3), c.precision) AS "precision", CONVERT(varchar(3), c.scale) AS scale, \
CONVERT(varchar(1), c.is_nullable) AS nullable, CONVERT(varchar(1), c.is_masked) AS is_masked, \
c.collation_name AS collation, k.definition AS definition, \
CONVERT(varchar(1), COLUMNPROPERTY(c.object_id, c.name, 'IsDeterministic')) AS is_deterministic \
FROM sys.columns AS c JOIN sys.types AS y ON y.user_type_id = c.user_type_id \
LEFT JOIN sys.computed_columns AS k ON k.object_id = c.object_id AND k.column_id = c.column_id \
WHERE c.object_id IN (${ids}) ORDER BY c.object_id, c.column_id`

/** The columns of primary keys, in key order. */
const keys = (ids: Sql): Sql => sql`SELECT CONVERT(varchar(11), i.object_id) AS id, c.name AS name \
FROM sys.indexes AS i JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id \
JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id \
WHERE i.is_primary_key = 1 AND i.object_id IN (${ids}) ORDER BY i.object_id, k.key_ordinal`

/** The heap or clustered index of each partition: how much it holds, and the storage itself, which a switch exchanges. */
const partitions = (ids: Sql): Sql => sql`SELECT CONVERT(varchar(11), p.object_id) AS id, \
CONVERT(varchar(11), p.partition_number) AS number, CONVERT(varchar(20), p.partition_id) AS storage, \
CONVERT(varchar(20), p.rows) AS "rows", CONVERT(varchar(20), coalesce(sum(a.total_pages), 0) * 8192) AS bytes \
FROM sys.partitions AS p LEFT JOIN sys.allocation_units AS a ON a.container_id = p.partition_id \
WHERE p.index_id IN (0, 1) AND p.object_id IN (${ids}) \
GROUP BY p.object_id, p.partition_number, p.partition_id, p.rows ORDER BY p.object_id, p.partition_number`

/** The four statements that together describe tables, by what they give. */
export const CATALOG: Readonly<Record<'tables' | 'columns' | 'keys' | 'partitions', (ids: Sql) => Sql>> = {
  tables,
  columns,
  keys,
  partitions,
}

/** The numbers of objects as a list of SQL; they come from the catalog itself. */
export function objectIds(ids: readonly string[]): Sql {
  return join(ids.map(id => raw(String(BigInt(id)))))
}
