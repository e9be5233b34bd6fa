/**
 * Deleted rows as temporary tables of a session that scans leave out. A change looks at the same files more than once;
 * the rows of their deletion vectors are put into a table once.
 */
import type { RowSet, ScanFile } from '@tidemark/delta'
import { BIGINT, type DuckDBConnection, DuckDBDataChunk, UBIGINT } from '@duckdb/node-api'
import { ident, type Sql, sql } from '../sql.ts'

/** Rows that are handed over at once: a vector of the engine. */
const CHUNK_ROWS = 2048

/** The tables of one session. Each has `file`, the position in a list of files, and `row`, the number in the file. */
export class DeletedRows {
  readonly #connection: DuckDBConnection
  readonly #newName: () => string
  readonly #byVectors = new Map<string, Sql>()

  constructor(connection: DuckDBConnection, newName: () => string) {
    this.#connection = connection
    this.#newName = newName
  }

  /** The deleted rows of a table's files; the same table as before for the same vectors in the same order. */
  async ofFiles(tablePath: string, files: readonly ScanFile[]): Promise<Sql> {
    const vectors = files.map(({ add: { deletionVector: v } }) => [v?.storageType, v?.pathOrInlineDv, v?.offset])
    const key = JSON.stringify([tablePath, vectors])
    const made = this.#byVectors.get(key) ?? (await this.ofSets(files.map(file => file.deletedRows)))
    this.#byVectors.set(key, made)
    return made
  }

  /** A new table of these rows, a set a file. They go in as numbers: as text they would cost four times as much. */
  async ofSets(sets: readonly (RowSet | undefined)[]): Promise<Sql> {
    const name = this.#newName()
    await this.#connection.run(sql`CREATE TEMP TABLE ${ident(name)} (file UBIGINT, row BIGINT)`.text)
    const appender = await this.#connection.createAppender(name, 'main', 'temp')
    const chunk = DuckDBDataChunk.create([UBIGINT, BIGINT], CHUNK_ROWS)
    for (const columns of chunksOf(sets)) {
      chunk.setColumns(columns)
      appender.appendDataChunk(chunk)
    }
    appender.closeSync()
    return ident(name)
  }
}

function* chunksOf(sets: readonly (RowSet | undefined)[]): Generator<[files: bigint[], rows: bigint[]]> {
  let [files, rows]: [bigint[], bigint[]] = [[], []]
  for (const [file, set] of sets.entries()) {
    const number = BigInt(file)
    for (const row of set ?? []) {
      if (rows.length === CHUNK_ROWS) {
        yield [files, rows]
        ;[files, rows] = [[], []]
      }
      files.push(number)
      rows.push(BigInt(row))
    }
  }
  if (rows.length > 0) yield [files, rows]
}
