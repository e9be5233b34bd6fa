/** Which kind of database a connection URL is for, and the parts that every kind has. */
import { parse } from 'node:path'
import type { SourceConfig } from '../model/project.ts'
import { refuseUrl } from './connection-url.ts'
import { isMysqlUrl, parseMysqlUrl } from './mysql-url.ts'
import { isPostgresUrl, parsePostgresUrl } from './postgres-url.ts'
import { isSqliteUrl, parseSqliteUrl } from './sqlite-url.ts'
import { isSqlServerUrl, parseSqlServerUrl } from './sqlserver-url.ts'

/** By the scheme. @throws {CONNECTION_URL} where it is that of no kind */
export function typeOfUrl(url: string): SourceConfig['type'] {
  if (isPostgresUrl(url)) return 'postgres'
  if (isSqliteUrl(url)) return 'sqlite'
  if (isMysqlUrl(url)) return 'mysql'
  if (isSqlServerUrl(url)) return 'sqlserver'
  throw refuseUrl('begins with none of postgres://, mysql://, mariadb://, sqlserver://, mssql:// and sqlite:')
}

/** Of a file its name without the ending. @throws {CONNECTION_URL} */
export function databaseOfUrl(url: string): string {
  return PARSERS[typeOfUrl(url)](url).database
}

/** The parser of each kind. */
export const PARSERS: Readonly<Record<SourceConfig['type'], (url: string) => { database: string }>> = {
  postgres: parsePostgresUrl,
  mysql: parseMysqlUrl,
  sqlserver: parseSqlServerUrl,
  sqlite: url => ({ database: parse(parseSqliteUrl(url, '/')).name }),
}

/** The schema in which an unqualified name is looked for: MySQL's schemas are its databases. */
export function usualSchema(url: string): string {
  const type = typeOfUrl(url)
  if (type === 'sqlite') return 'main'
  return type === 'mysql' ? databaseOfUrl(url) : type === 'sqlserver' ? 'dbo' : 'public'
}
