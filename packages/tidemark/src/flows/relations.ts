/**
 * The session as the relational worker of @tidemark/delta: finds the files that hold keys, reads what is left of them,
 * writes data files. Rows are handed around as queries, never as values.
 */
import type { AddFile, KeyRange, ParquetWriter, Relations, Snapshot, StructType } from '@tidemark/delta'
import type { Cell, Row, Session } from '../engine/engine.ts'
import { ident, join, type Sql, sql } from '../engine/sql.ts'

/** Columns that carry statistics in every table of flows, so that streams and merges can prune. */
const STATS_COLUMNS: readonly string[] = ['_seq', '_op']

/** Writes a query's rows as data files; no rows, no file. */
export function sessionParquet(session: Session): ParquetWriter<Sql> {
  return {
    write: (rows, { tablePath, schema, statsColumns, signal }) =>
      session.writeParquet(
        rows,
        { tablePath, schema, statsColumns: [...STATS_COLUMNS, ...(statsColumns ?? [])] },
        signal,
      ),
  }
}

/**
 * Key work over the files of one snapshot. `schema` is the schema the commit will have: rows of older files come out
 * with its columns, new ones NULL.
 */
export function sessionRelations(
  session: Session,
  snapshot: Snapshot,
  schema: StructType,
  signal?: AbortSignal,
): Relations<Sql> {
  const evolved: Snapshot = { ...snapshot, schema }
  const scan = (files: readonly AddFile[], withFile: boolean): Sql =>
    session.scan(evolved, { files: files.map(f => f.path), withFile })
  return {
    findFiles: async (files, keys, keyColumns) => {
      const query = sql`SELECT DISTINCT t._file FROM (${scan(files, true)}) t SEMI JOIN (${keys}) k ON ${sameKey(keyColumns, 't', 'k')}`
      return (await session.rows(query, signal)).map(row => String(row['_file']))
    },
    keyRange: async (keys, keyColumns) => {
      const bounds = keyColumns.map(
        (k, i) => sql`CAST(min(${ident(k)}) AS VARCHAR) AS ${ident(`min${i}`)}, \
CAST(max(${ident(k)}) AS VARCHAR) AS ${ident(`max${i}`)}, bool_or(${ident(k)} IS NULL) AS ${ident(`null${i}`)}`,
      )
      const [row] = await session.rows(sql`SELECT ${join(bounds)} FROM (${keys})`, signal)
      return new Map(keyColumns.map((k, i) => [k, keyRange(row, i)]))
    },
    withoutKeys: (files, keys, keyColumns) =>
      Promise.resolve(
        sql`SELECT t.* FROM (${scan(files, false)}) t ANTI JOIN (${keys}) k ON ${sameKey(keyColumns, 't', 'k')}`,
      ),
  }
}

function keyRange(row: Row | undefined, column: number): KeyRange {
  const text = (cell: Cell | undefined): string | undefined => (typeof cell === 'string' ? cell : undefined)
  return {
    min: text(row?.[`min${column}`]),
    max: text(row?.[`max${column}`]),
    hasNull: row?.[`null${column}`] === true,
  }
}

/** `a.k = b.k AND …`, null-safe. */
export function sameKey(keyColumns: readonly string[], a: string, b: string): Sql {
  return join(
    keyColumns.map(k => sql`${ident(a, k)} IS NOT DISTINCT FROM ${ident(b, k)}`),
    ' AND ',
  )
}

/** `"a", "b"` */
export function columnList(names: readonly string[]): Sql {
  return join(names.map(n => ident(n)))
}
