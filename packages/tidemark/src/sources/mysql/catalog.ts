/**
 * The statements that describe tables. information_schema opens each table it is asked about, so it is asked by name for
 * a few tables and by schema for many; either way the number of statements does not grow with them.
 */
import { join, raw, type Sql, sql, text } from '../../engine/sql.ts'

/** Databases of the server itself. */
export const SYSTEM_SCHEMAS: readonly string[] = ['information_schema', 'mysql', 'performance_schema', 'sys']

/** More tables of one schema than this are read with all of their schema. */
const BY_NAME = 20

/** Every database that the user can see. */
export const SCHEMAS: Sql = sql`SELECT schema_name AS name FROM information_schema.schemata`

/** Names alone, which the server lists without opening a table. */
export function tableNames(schema: string): Sql {
  return sql`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ${text(schema)}`
}

/** Every table and view of the user's databases. */
export const ALL_TABLES: Sql = sql`SELECT table_schema AS "schema", table_name AS name FROM information_schema.tables \
WHERE table_type IN ('BASE TABLE', 'SYSTEM VERSIONED', 'VIEW') \
AND table_schema NOT IN (${join(SYSTEM_SCHEMAS.map(text))}) ORDER BY table_schema, table_name`

export interface CatalogQuery {
  /** Everything between SELECT and WHERE. */
  what: Sql
  also?: Sql
}

/** The size is that of the rows, without indexes other than the one that holds them. */
export const TABLES: CatalogQuery = {
  what: raw(`table_name AS "table", table_type AS type, engine, table_rows AS "rows", \
coalesce(data_length, 0) AS bytes, create_time AS created FROM information_schema.tables`),
}

export const COLUMNS: CatalogQuery = {
  what: raw(`table_name AS "table", column_name AS name, ordinal_position AS position, is_nullable AS nullable, \
data_type AS type, column_type AS full_type, numeric_precision AS "precision", numeric_scale AS scale, \
character_set_name AS charset, extra, generation_expression AS expression, privileges FROM information_schema.columns`),
}

export const PRIMARY_KEYS: CatalogQuery = {
  what: raw('table_name AS "table", column_name AS name, seq_in_index AS position FROM information_schema.statistics'),
  also: sql` AND index_name = 'PRIMARY'`,
}

export const PARTITIONS: CatalogQuery = {
  what: raw(`table_name AS "table", partition_name AS name, subpartition_name AS sub, partition_description AS bound, \
create_time AS created FROM information_schema.partitions`),
  also: sql` AND partition_name IS NOT NULL`,
}

/** Empty for a user without the right to see it. */
export const VIEWS: CatalogQuery = {
  what: raw('table_name AS "table", view_definition AS definition FROM information_schema.views'),
}

/** One statement for the wanted tables of a schema. */
export function catalogStatement({ what, also }: CatalogQuery, schema: string, tables: readonly string[]): Sql {
  const inSchema = sql`SELECT ${what} WHERE table_schema = ${text(schema)}${also ?? raw('')}`
  if (tables.length > BY_NAME) return inSchema
  return join(
    tables.map(table => sql`${inSchema} AND table_name = ${text(table)}`),
    ' UNION ALL ',
  )
}
