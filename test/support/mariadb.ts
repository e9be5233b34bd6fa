/**
 * A MySQL or MariaDB database of its own for each test file, on the server of its worker. Where the machine has no
 * server, `hasMariadb` is false and such tests are left out.
 */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import mysql from 'mysql2/promise'
import { inject, onTestFinished } from 'vitest'
import { isTried } from './releases/tried.ts'
import { findOwnServer } from './servers.ts'

export interface MysqlDatabase {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly isMariadb: boolean
  /** Connection string, password included. */
  readonly url: string
  /** Run one statement or several; values come back as the server's text. */
  query(statement: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>
  /** A connection of its own, closed when the test ends: for transactions that stay open. */
  connect(): Promise<MysqlClient>
  drop(): Promise<void>
}

export interface MysqlClient {
  query(statement: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>
  end(): Promise<void>
}

/** False where the machine has no server, as the run's start says once, or where another database is tried. */
export const hasMariadb: boolean = isTried('mysql') && inject('hasMariadb')

/** Every value as the text the server sent. */
const OPTIONS = {
  multipleStatements: true,
  typeCast: (field: { string(): string | null }) => field.string(),
}

/** The numbers from 1 to `count` as a table of one column, `seq`, for INSERT … SELECT and views. */
export function numbersTo(count: number): string {
  const digits = `(${Array.from({ length: 10 }, (_, d) => `SELECT ${d} AS d`).join(' UNION ALL ')})`
  const places = Array.from({ length: String(count).length }, (_, n) => n)
  const sum = `1 + ${places.map(n => `p${n}.d * ${10 ** n}`).join(' + ')}`
  return `(SELECT ${sum} AS seq FROM ${places.map(n => `${digits} p${n}`).join(', ')} WHERE ${sum} <= ${count})`
}

/** Create the file's database anew: `beforeAll(async () => { database = await createMysqlDatabase(import.meta.url) })`. */
export async function createMysqlDatabase(testFile: string): Promise<MysqlDatabase> {
  const { host, port, user, password } = await findOwnServer('mariadb')
  const file = fileURLToPath(testFile)
  const readable = basename(file)
    .replace(/(\.test)?\.ts$/, '')
    .replaceAll(/[^a-z0-9]+/gi, '_')
  const database = `${readable}_${createHash('sha256').update(file).digest('hex').slice(0, 8)}`.toLowerCase()
  const admin = await mysql.createConnection({ host, port, user, password, ...OPTIONS })
  await admin.query(`DROP DATABASE IF EXISTS \`${database}\`; CREATE DATABASE \`${database}\` CHARACTER SET utf8mb4`)
  const [[found]] = await admin.query<mysql.RowDataPacket[]>('SELECT VERSION() AS version')
  await admin.end()
  const pool = mysql.createPool({ host, port, user, password, database, ...OPTIONS, connectionLimit: 4 })
  return {
    host,
    port,
    user,
    password,
    database,
    isMariadb: /mariadb/i.test(String(found?.['version'])),
    url: `mysql://${user}:${password}@${host}:${port}/${database}`,
    query: async (statement, values) =>
      rowsOf((await pool.query(statement, values === undefined ? [] : [...values]))[0]),
    connect: async () => {
      const client = await mysql.createConnection({ host, port, user, password, database, ...OPTIONS })
      client.on('error', () => undefined)
      onTestFinished(() => client.end().catch(() => undefined))
      return {
        query: async (statement, values) =>
          rowsOf((await client.query(statement, values === undefined ? [] : [...values]))[0]),
        end: () => client.end(),
      }
    },
    drop: async () => {
      await pool.query(`DROP DATABASE IF EXISTS \`${database}\``)
      await pool.end()
    },
  }
}

function rowsOf(result: unknown): Record<string, string | null>[] {
  return Array.isArray(result) ? (result as Record<string, string | null>[]) : []
}
