/**
 * A database of its own for each test file, on the server of its worker. Everything made here is closed and
 * dropped when the file's tests end.
 */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { onTestFinished } from 'vitest'
import { findOwnServer } from './servers.ts'

export { type PostgresOptions, type RunningPostgres, startPostgres } from '../../examples/postgres.ts'

export interface TestDatabase extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  /** Connection string, password included. */
  readonly url: string
  /** Run one statement, or several without parameters; values come back as the server's text. */
  query(statement: string, values?: readonly unknown[]): Promise<Record<string, string | null>[]>
  /** A connection of its own, closed when the test ends: for transactions that stay open. */
  connect(): Promise<pg.Client>
  drop(): Promise<void>
}

/** Every value as the text the server sent. */
const AS_TEXT = { getTypeParser: () => (value: string) => value } as unknown as pg.CustomTypesConfig

/** Create the file's database anew: `beforeAll(async () => { database = await createDatabase(import.meta.url) })`. */
export async function createDatabase(testFile: string): Promise<TestDatabase> {
  const server = await findOwnServer('postgres')
  const file = fileURLToPath(testFile)
  const readable = basename(file)
    .replace(/(\.contract)?(\.test)?\.ts$/, '')
    .replaceAll(/[^a-z0-9]+/gi, '_')
  const database = `${readable}_${createHash('sha256').update(file).digest('hex').slice(0, 8)}`.toLowerCase()
  const admin = new pg.Client({ ...server, database: 'postgres' })
  await admin.connect()
  try {
    await admin.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
    await admin.query(`CREATE DATABASE ${database}`)
  } finally {
    await admin.end()
  }
  const pool = new pg.Pool({ ...server, database, types: AS_TEXT, max: 4 })
  pool.on('error', () => undefined)
  const drop = async (): Promise<void> => {
    await pool.end()
    const last = new pg.Client({ ...server, database: 'postgres' })
    await last.connect()
    await last.query(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
    await last.end()
  }
  return {
    ...server,
    database,
    url: `postgres://${server.user}:${server.password}@${server.host}:${server.port}/${database}`,
    query: async (statement, values) => {
      const result = await pool.query<Record<string, string | null>>(statement, values === undefined ? [] : [...values])
      return result.rows
    },
    connect: async () => {
      const client = new pg.Client({ ...server, database, types: AS_TEXT })
      client.on('error', () => undefined)
      await client.connect()
      onTestFinished(() => client.end())
      return client
    },
    drop,
    [Symbol.asyncDispose]: drop,
  }
}
