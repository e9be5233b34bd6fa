/**
 * Reading a slice inside DuckDB, by its extension for PostgreSQL: the same rows from the same snapshot as COPY, without
 * passing through this process. Whatever speaks against it is told, and the slice is read by COPY.
 */
import type { AttachedDatabase, Session } from '../../engine/engine.ts'
import { ident, integer, join, type Sql, sql, text } from '../../engine/sql.ts'
import { segmentColumn, typedRows } from '../read-csv.ts'
import type { DirectRead, DirectRequest } from '../direct-read.ts'
import type { SourceColumn } from '../source.ts'
import { postgresColumn } from './column.ts'
import { settingsStatement } from './connection.ts'
import { readStatement } from './slice-sql.ts'

export interface DirectParts {
  database: AttachedDatabase
  /** As `pg_export_snapshot` named it. */
  snapshot: string
  /** Takes the table's lock, which must not be waited for: who waits in front of us may wait for our snapshot. */
  lock: Sql | undefined
  /** Stop what a server process does. */
  cancel: (pid: number) => Promise<void>
}

/**
 * Begin a read: a connection of the extension inside the snapshot, with the settings of all our sessions.
 *
 * @throws the engine's own error for whatever stands against it
 */
export async function beginDirect(
  { database, snapshot, lock, cancel }: DirectParts,
  { engine, table, slice, columns, signal }: DirectRequest,
): Promise<DirectRead> {
  const session = await engine.sessionBeside(database)
  const server = new AttachedServer(session, database.name, signal)
  let stop = (): void => undefined
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', stop)
    await session.run(sql`ROLLBACK`).catch(() => undefined)
    await session[Symbol.asyncDispose]()
  }
  try {
    await session.run(sql`BEGIN`, signal)
    await server.run(sql`SET TRANSACTION SNAPSHOT ${text(snapshot)}`)
    await server.rows(settingsStatement())
    if (lock !== undefined) await server.run(sql`${lock} NOWAIT`)
    const pid = Number(await server.value(sql`SELECT pg_catalog.pg_backend_pid() AS value`))
    // DuckDB stops between two messages of the server, which may come much later.
    stop = () => void cancel(pid).catch(() => undefined)
    signal.addEventListener('abort', stop, { once: true })
    // Bytes of a database without an encoding are no text, and nothing on this way would look at them.
    const encoding = await server.value(sql`SELECT pg_catalog.current_setting('server_encoding') AS value`)
    if (encoding === 'SQL_ASCII') throw new Error('the database has no encoding (SQL_ASCII)')
    const typed = await findTyped(server, { table, slice, columns })
    const relation = sql`(SELECT ${join(castColumns(columns, typed))} FROM ${server.query(readStatement(table, slice, columns, typed))})`
    return { session, relation: typedRows(relation, columns), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The columns that come as the very type of which our table of types says that it is exact. */
async function findTyped(
  server: AttachedServer,
  { table, slice, columns }: Pick<DirectRequest, 'table' | 'slice' | 'columns'>,
): Promise<ReadonlySet<SourceColumn>> {
  // What a mask hides is hashed as the server's text.
  const wanted = columns.filter(column => column.masked !== true && postgresColumn(column).typed !== undefined)
  const given = await server.typesOf(readStatement(table, slice, columns, new Set(wanted)))
  return new Set(
    wanted.filter(column => given.get(segmentColumn(columns.indexOf(column) + 2)) === postgresColumn(column).typed),
  )
}

/** All columns in the types that decoding takes: text, or its own result. */
function castColumns(columns: readonly SourceColumn[], typed: ReadonlySet<SourceColumn>): Sql[] {
  const leading = [0, 1].map(i => ident(segmentColumn(i)))
  return [
    ...leading,
    ...columns.map((column, i) => {
      const name = ident(segmentColumn(i + 2))
      if (column.deltaType === 'binary') return sql`unhex(substr(CAST(${name} AS VARCHAR), ${integer(3)})) AS ${name}`
      if (column.deltaType === 'string' || !typed.has(column)) return sql`CAST(${name} AS VARCHAR) AS ${name}`
      // As by COPY, whatever the sign that came with it.
      const isFloat = column.deltaType === 'float' || column.deltaType === 'double'
      return isFloat ? sql`CASE WHEN isnan(${name}) THEN 'NaN' ELSE ${name} END AS ${name}` : name
    }),
  ]
}

/** The server as statements in DuckDB reach it. */
class AttachedServer {
  readonly #session: Session
  readonly #name: Sql
  readonly #signal: AbortSignal

  constructor(session: Session, name: string, signal: AbortSignal) {
    this.#session = session
    this.#name = text(name)
    this.#signal = signal
  }

  query(statement: Sql): Sql {
    return sql`postgres_query(${this.#name}, ${text(statement.text)})`
  }

  async run(statement: Sql): Promise<void> {
    await this.#session.run(sql`CALL postgres_execute(${this.#name}, ${text(statement.text)})`, this.#signal)
  }

  async rows(statement: Sql): Promise<void> {
    await this.#session.rows(sql`FROM ${this.query(statement)}`, this.#signal)
  }

  async value(statement: Sql): Promise<string> {
    const [row] = await this.#session.rows(
      sql`SELECT value::VARCHAR AS value FROM ${this.query(statement)}`,
      this.#signal,
    )
    return String(row?.['value'])
  }

  async typesOf(statement: Sql): Promise<ReadonlyMap<string, string>> {
    const columns = await this.#session.describe(sql`FROM ${this.query(statement)}`)
    return new Map(columns.map(({ name, type }) => [name, type]))
  }
}
