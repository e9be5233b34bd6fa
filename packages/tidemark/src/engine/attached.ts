/**
 * Databases that DuckDB reads itself, by an extension. Each is attached to an instance of its own: statements of flows and
 * users, which run in the lake's, never see an extension, an attached database or its login.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { connectTo, type InstanceOptions, startDuckdb } from './duckdb-instance.ts'
import type { AttachedDatabase } from './engine.ts'
import { ident, join, raw, sql, text } from './sql.ts'

export class AttachedDatabases {
  readonly #options: InstanceOptions
  readonly #instances = new Map<string, Promise<DuckDBInstance>>()

  constructor(options: InstanceOptions) {
    this.#options = options
  }

  /** A connection to the instance that has the database; what failed once is not tried again. */
  async connect(database: AttachedDatabase): Promise<DuckDBConnection> {
    const { name } = database
    let instance = this.#instances.get(name)
    if (instance === undefined) {
      const spill = `spill-attached-${this.#instances.size}`
      // A read is one stream, worked on by the thread that asks for it; with threads beside it, that one spins while they wait.
      instance = startDuckdb({ ...this.#options, threads: 1 }, spill, connection => attach(connection, database))
      this.#instances.set(name, instance)
    }
    return await connectTo(await instance)
  }

  async close(): Promise<void> {
    for (const started of await Promise.allSettled(this.#instances.values())) {
      if (started.status === 'fulfilled') started.value.closeSync()
    }
    this.#instances.clear()
  }
}

/** The login goes to DuckDB as values apart from any statement, so that no text of an error can hold it. */
async function attach(connection: DuckDBConnection, database: AttachedDatabase): Promise<void> {
  const { name, file, options, login } = database
  await connection.run(sql`LOAD ${file === undefined ? raw('postgres') : text(file)}`.text)
  const fields = Object.keys(login)
  const given = join(fields.map(field => sql`${raw(field)} ${raw(`$${field}`)}`))
  await connection.run(sql`CREATE SECRET login (TYPE postgres, ${given})`.text, { ...login })
  // A connection is there for one read, and counted as one: none is kept for later.
  await connection.run(sql`SET GLOBAL pg_pool_max_connections = 0`.text)
  const words = join(
    Object.entries(options).map(([key, value]) => raw(`${key}='${escaped(value)}'`)),
    ' ',
  ).text
  await connection.run(sql`ATTACH ${text(words)} AS ${ident(name)} (TYPE postgres, SECRET login, READ_ONLY)`.text)
}

/** A value in libpq's connection words. */
function escaped(value: string): string {
  return value.replaceAll(/['\\]/g, '\\$&')
}
