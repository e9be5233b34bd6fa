/** docs/reference/types.md from the tables the sources read their types by. */
import type { MysqlTypeRule } from '../../packages/tidemark/src/sources/mysql/types.ts'
import type { TypeRule } from '../../packages/tidemark/src/sources/postgres/types.ts'
import type { SqlServerTypeRule } from '../../packages/tidemark/src/sources/sqlserver/types.ts'
import type { SqliteTypeRule } from '../../packages/tidemark/src/sources/sqlite/types.ts'
import { code, pageHead, printMarkdownTable } from './markdown.ts'

/** Each source type and the lake type that carries it; what is lost or refused is said. */
export function printTypes(rules: {
  postgresTypes: readonly TypeRule[]
  mysqlTypes: readonly MysqlTypeRule[]
  sqlServerTypes: readonly SqlServerTypeRule[]
  sqliteTypes: readonly SqliteTypeRule[]
}): string {
  const { postgresTypes, mysqlTypes, sqlServerTypes, sqliteTypes } = rules
  const postgres = postgresTypes.map(rule => [rule.postgres, code(rule.lake), rule.note ?? ''])
  const mysql = mysqlTypes.map(rule => [rule.mysql, code(rule.lake), rule.note ?? ''])
  const sqlserver = sqlServerTypes.map(rule => [rule.sqlserver, code(rule.lake), rule.note ?? ''])
  const sqlite = sqliteTypes.map(rule => [rule.sqlite, code(rule.lake), rule.note ?? ''])
  return `${pageHead('Types', 'packages/tidemark/src/sources/*/types.ts')}
How each type of a database arrives in the lake. A value that its lake type cannot hold stops the table with its column and
the reason; \`as_text\` in the table's entry carries such a column as text. Nothing is rounded, cut or shifted silently. What becomes of a column whose type is another later:
[when columns change](../guides/table-list.md#when-columns-change).

## PostgreSQL

${printMarkdownTable(['PostgreSQL', 'lake', 'note'], postgres)}
## MySQL and MariaDB

${printMarkdownTable(['MySQL, MariaDB', 'lake', 'note'], mysql)}
## SQL Server and Azure SQL

${printMarkdownTable(['SQL Server', 'lake', 'note'], sqlserver)}
## SQLite

SQLite keeps any value in any column. The declared type says what a column is, by the first line that fits it; a value that
is not of that type stops the table. A view's expression has a type only where it says \`CAST\`.

${printMarkdownTable(['declared type', 'lake', 'note'], sqlite)}`
}
