/**
 * Databases that DuckDB reads itself, by an extension. Each is attached to an instance of its own: statements of flows and
 * users, which run in the lake's, never see an extension, an attached database or its login.
 */
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { connectTo, type InstanceOptions, startDuckdb } from './duckdb-instance.ts'
import type { AttachedDatabase, ExtensionOf } from './engine.ts'
import { ident, join, raw, sql, text } from './sql.ts'

/** An instance that is starting. It has its extension, and attaches the database when somebody wants it. */
interface Started {
  instance: Promise<DuckDBInstance>
  wanted: PromiseWithResolvers<AttachedDatabase>
}

export class AttachedDatabases {
  readonly #options: InstanceOptions
  readonly #started = new Map<string, Started>()

  constructor(options: InstanceOptions) {
    this.#options = options
  }

  /** Begin what takes longest, starting and the extension, whose signature is proved; the database is not asked anything. */
  prepare({ name, file }: ExtensionOf): Started {
    const before = this.#started.get(name)
    if (before !== undefined) return before
    const spill = `spill-attached-${this.#started.size}`
    const wanted = Promise.withResolvers<AttachedDatabase>()
    // A read is one stream, worked on by the thread that asks for it; with threads beside it, that one spins while they wait.
    const instance = startDuckdb({ ...this.#options, threads: 1 }, spill, async connection => {
      await connection.run(sql`LOAD ${file === undefined ? raw('postgres') : text(file)}`.text)
      await attach(connection, await wanted.promise)
    })
    // Whoever wants it is told of a failure; nobody may.
    for (const told of [instance, wanted.promise]) told.catch(() => undefined)
    const started = { instance, wanted }
    this.#started.set(name, started)
    return started
  }

  /** A connection to the instance that has the database; what failed once is not tried again. */
  async connect(database: AttachedDatabase): Promise<DuckDBConnection> {
    const { instance, wanted } = this.prepare(database)
    wanted.resolve(database)
    return await connectTo(await instance)
  }

  async close(): Promise<void> {
    for (const { instance, wanted } of this.#started.values()) {
      wanted.reject(new Error('nobody wants it'))
      await instance.then(
        one => one.closeSync(),
        () => undefined,
      )
    }
    this.#started.clear()
  }
}

/** The login goes to DuckDB as values apart from any statement, so that no text of an error can hold it. */
async function attach(connection: DuckDBConnection, { name, options, login }: AttachedDatabase): Promise<void> {
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
