/**
 * The session as the relational worker of @tidemark/delta: judges rows and writes data files. Rows are handed around as
 * queries, never as values.
 */
import type { KeyRange, ParquetWriter, Relations } from '@tidemark/delta'
import type { Cell, Row, Session } from './engine.ts'
import { judge } from './judge.ts'
import { predicateSql } from './predicate.ts'
import { ident, join, type Sql, sql } from './sql.ts'

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

/** Relational work in a session: changes are judged there, and relations are queries. */
export function sessionRelations(session: Session, signal?: AbortSignal): Relations<Sql, Sql> {
  return {
    judge: request => judge(session, request),
    scan: (snapshot, files) => session.scan(snapshot, { files }),
    countUnless: (rows, condition) =>
      session.count(sql`SELECT count(*) FROM (${rows}) target WHERE (${condition}) IS NOT TRUE`, signal),
    express: (predicate, schema) => predicateSql(predicate, schema, 'target'),
    asInserted: rows => sql`SELECT *, 'insert' AS _change_type FROM (${rows})`,
    union: parts => join(parts, ' UNION ALL BY NAME '),
    keyRange: async (rows, columns) => {
      const bounds = columns.map(
        (c, i) => sql`CAST(min(${ident(c)}) AS VARCHAR) AS ${ident(`min${i}`)}, \
CAST(max(${ident(c)}) AS VARCHAR) AS ${ident(`max${i}`)}, bool_or(${ident(c)} IS NULL) AS ${ident(`null${i}`)}`,
      )
      const [row] = await session.rows(sql`SELECT ${join(bounds)} FROM (${rows})`, signal)
      return new Map(columns.map((c, i) => [c, keyRange(row, i)]))
    },
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

/** `"a", "b"` */
export function columnList(names: readonly string[]): Sql {
  return join(names.map(n => ident(n)))
}
