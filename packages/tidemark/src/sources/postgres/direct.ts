/**
 * Reading slices inside DuckDB, by its extension for PostgreSQL: the same rows from the same snapshot as COPY, without
 * passing through this process. Whatever speaks against it is told, and they are read by COPY.
 */
import type { AttachedDatabase, Row, Session } from '../../engine/engine.ts'
import { ident, integer, join, type Sql, sql, text } from '../../engine/sql.ts'
import { segmentColumn, typedRows } from '../typed-rows.ts'
import { type DirectRequest, type DirectStream, UNFIT_MARK, type UnjudgedColumn } from '../direct-read.ts'
import type { Slice, SourceColumn } from '../source.ts'
import { postgresColumn } from './column.ts'
import { PIN_TRANSACTION } from './pins.ts'
import { rowsGivenStatement } from './rows-given.ts'
import { placeOf, readStatement } from './slice-sql.ts'
import { AGE_OF_FIRST, versionOfAge } from './version-age.ts'

/** What decides about a read, and who does it. */
const ABOUT_SESSION = sql`SELECT pg_catalog.pg_backend_pid() AS pid, \
pg_catalog.current_setting('server_encoding') AS encoding, ${AGE_OF_FIRST} AS age`

export interface DirectParts {
  database: AttachedDatabase
  /** As `pg_export_snapshot` named it. */
  snapshot: string
  /** Takes the table's lock, which must not be waited for: who waits in front of us may wait for our snapshot. */
  lock: Sql | undefined
  /** Stop what a server process does. */
  cancel: (pid: number) => Promise<void>
}

/** A connection of the extension inside the snapshot, until it is disposed of. */
export interface DirectConnection extends AsyncDisposable {
  /** The rows of slices, one after the other. */
  stream: (slices: readonly Slice[]) => Promise<DirectStream>
}

/**
 * Connect with the settings of all our sessions.
 *
 * @throws the engine's own error for whatever stands against it
 */
export async function connectDirect(
  { database, snapshot, lock, cancel }: DirectParts,
  { engine, table, columns, signal }: Omit<DirectRequest, 'slice'>,
): Promise<DirectConnection> {
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
    await server.row(PIN_TRANSACTION)
    if (lock !== undefined) await server.run(sql`${lock} NOWAIT`)
    const { pid, encoding, age } = await server.row(ABOUT_SESSION)
    // DuckDB stops between two messages of the server, which may come much later.
    stop = () => void cancel(Number(pid)).catch(() => undefined)
    signal.addEventListener('abort', stop, { once: true })
    // Bytes of a database without an encoding are no text, and nothing on this way would look at them.
    if (encoding === 'SQL_ASCII') throw new Error('the database has no encoding (SQL_ASCII)')
    const ageOfFirst = table.hasRowVersion ? BigInt(String(age)) : undefined
    const stream: DirectConnection['stream'] = async slices => {
      const read = (typed: ReadonlySet<SourceColumn>): Sql => {
        const statements = slices.map(slice => readStatement(table, slice, columns, typed))
        return join(statements, ' UNION ALL ')
      }
      const typed = await findTyped(server, columns, read)
      const values = [versionColumn(ageOfFirst), ...castColumns(columns, typed)]
      const relation = sql`(SELECT ${join(values)} FROM ${server.query(read(typed))})`
      const rowsGiven = (): Promise<bigint | undefined> =>
        server
          .row(rowsGivenStatement(slices.map(slice => placeOf(table, slice))))
          .then(({ value }) => BigInt(String(value)))
          .catch(() => undefined)
      const decoded = columns.map(column => judging(typed.has(column) ? asTyped(column) : column))
      return { session, relation: typedRows(relation, decoded), unjudged: unjudgedOf(columns, typed), rowsGiven }
    }
    return { stream, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The columns that come as the very type of which our table of types says that it is exact. */
async function findTyped(
  server: AttachedServer,
  columns: readonly SourceColumn[],
  read: (typed: ReadonlySet<SourceColumn>) => Sql,
): Promise<ReadonlySet<SourceColumn>> {
  // What a mask hides is hashed as the server's text.
  const wanted = columns.filter(column => column.masked !== true && postgresColumn(column).typed !== undefined)
  const given = await server.typesOf(read(new Set(wanted)))
  return new Set(
    wanted.filter(column => given.get(segmentColumn(columns.indexOf(column) + 1)) === postgresColumn(column).typed),
  )
}

/** A column that comes as DuckDB's own type. */
function asTyped(column: SourceColumn): SourceColumn {
  return { ...column, decode: postgresColumn(column).typedForm?.decode ?? column.decode }
}

/** A column of which a value that the lake cannot hold ends the read, where such a value shows. */
function judging(column: SourceColumn): SourceColumn {
  const { found } = postgresColumn(column).unfit ?? {}
  if (found === undefined || column.masked === true) return column
  const decode = (given: Sql): Sql => {
    const value = column.decode(given)
    return sql`CASE WHEN ${found(value)} THEN error(${text(UNFIT_MARK)}) ELSE ${value} END`
  }
  return { ...column, decode }
}

/** The others that may have one. What is not a number comes as 0 where a number comes as one of DuckDB's. */
function unjudgedOf(columns: readonly SourceColumn[], typed: ReadonlySet<SourceColumn>): UnjudgedColumn[] {
  return columns.flatMap(column => {
    const { unfit } = postgresColumn(column)
    if (unfit === undefined || (unfit.found !== undefined && column.masked !== true)) return []
    return [{ column, asZero: typed.has(column) }]
  })
}

function versionColumn(ageOfFirst: bigint | undefined): Sql {
  const name = ident(segmentColumn(0))
  return ageOfFirst === undefined ? name : sql`${versionOfAge(name, ageOfFirst)} AS ${name}`
}

/** All columns in the types that decoding takes: text, or its own result. */
function castColumns(columns: readonly SourceColumn[], typed: ReadonlySet<SourceColumn>): Sql[] {
  return columns.map((column, i) => {
    const name = ident(segmentColumn(i + 1))
    if (column.deltaType === 'binary') return sql`unhex(substr(CAST(${name} AS VARCHAR), ${integer(3)})) AS ${name}`
    if (column.deltaType === 'string' || !typed.has(column)) return sql`CAST(${name} AS VARCHAR) AS ${name}`
    // As by COPY, whatever the sign that came with it.
    const isFloat = column.deltaType === 'float' || column.deltaType === 'double'
    return isFloat ? sql`CASE WHEN isnan(${name}) THEN 'NaN' ELSE ${name} END AS ${name}` : name
  })
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

  /** The first row of what the server answers. */
  async row(statement: Sql): Promise<Row> {
    const [row = {}] = await this.#session.rows(sql`FROM ${this.query(statement)}`, this.#signal)
    return row
  }

  async typesOf(statement: Sql): Promise<ReadonlyMap<string, string>> {
    const columns = await this.#session.describe(sql`FROM ${this.query(statement)}`)
    return new Map(columns.map(({ name, type }) => [name, type]))
  }
}
