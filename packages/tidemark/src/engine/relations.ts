/**
 * The session as the relational worker of @tidemark/delta: judges rows and writes data files. Rows are handed around as
 * queries, never as values.
 */
import type { KeyColumn, KeyRange, KeySpan, ParquetWriter, Relations, WriteOptions } from '@tidemark/delta'
import type { Cell, Row, Session } from './engine.ts'
import { judge } from './judge.ts'
import { predicateSql } from './predicate.ts'
import { ident, integer, join, type Sql, sql } from './sql.ts'
import { toDuckType } from './types.ts'

/** Columns that carry statistics wherever they are: streams and merges prune by them, and `status` counts by them. */
const STATS_COLUMNS: readonly string[] = ['_seq', '_op', '_rescued_data']

/** Writes a query's rows as data files; no rows, no file. */
export function sessionParquet(session: Session): ParquetWriter<Sql> {
  const target = ({ statsColumns = [], ...options }: WriteOptions): WriteOptions => {
    return { ...options, statsColumns: [...STATS_COLUMNS, ...statsColumns] }
  }
  return {
    write: (rows, { signal, ...options }) => session.writeParquet(rows, target(options), signal),
    begin: (rows, { signal, ...options }) => session.beginParquet(rows, target(options), signal),
  }
}

/**
 * Relational work in a session: changes are judged there, and relations are queries.
 *
 * @param known.found of a change that deletes what it matches: where all these rows lie, see `judge`
 */
export function sessionRelations(
  session: Session,
  signal?: AbortSignal,
  known: { found?: Sql } = {},
): Relations<Sql, Sql> {
  return {
    judge: request => judge(session, request, known.found),
    scan: (snapshot, files) => session.scan(snapshot, { files }),
    countUnless: (rows, condition) =>
      session.count(sql`SELECT count(*) FROM (${rows}) target WHERE (${condition}) IS NOT TRUE`, signal),
    express: (predicate, schema) => predicateSql(predicate, schema, 'target'),
    asInserted: rows => sql`SELECT *, 'insert' AS _change_type FROM (${rows})`,
    typed: (rows, { fields }) => {
      const columns = fields.map(({ name, type }) => sql`CAST(${ident(name)} AS ${toDuckType(type)}) AS ${ident(name)}`)
      return sql`SELECT ${join(columns)} FROM (${rows})`
    },
    union: parts => join(parts, ' UNION ALL BY NAME '),
    keyRange: async (rows, columns) => {
      const keys = await comparableKeys(session, rows, columns)
      if (keys.length === 0) return new Map()
      const bounds = keys.map(
        (k, i) => sql`CAST(min(${ident(k)}) AS VARCHAR) AS ${ident(`min${i}`)}, \
CAST(max(${ident(k)}) AS VARCHAR) AS ${ident(`max${i}`)}, bool_or(${ident(k)} IS NULL) AS ${ident(`null${i}`)}`,
      )
      const [row] = await session.rows(sql`SELECT ${join(bounds)} FROM (${rows})`, signal)
      return new Map(keys.map((k, i) => [k, keyRange(row, i)]))
    },
    keyValues: async (rows, columns, limit) => {
      const found = new Map<string, readonly string[]>()
      for (const key of await comparableKeys(session, rows, columns)) {
        const k = ident(key)
        const distinct = sql`SELECT DISTINCT CAST(${k} AS VARCHAR) AS value FROM (${rows}) WHERE ${k} IS NOT NULL`
        const values = await session.rows(sql`${distinct} LIMIT ${integer(limit + 1)}`, signal)
        if (values.length <= limit)
          found.set(
            key,
            values.map(row => String(row['value'])),
          )
      }
      return found
    },
    keySpans: async (rows, columns) => {
      const found = new Map<string, readonly KeySpan[]>()
      for (const key of await comparableKeys(session, rows, columns.filter(isNumber))) {
        const spans = await session.rows(spansQuery(rows, ident(key)), signal)
        found.set(
          key,
          spans.map(({ min, max }) => ({ min: String(min), max: String(max) })),
        )
      }
      return found
    },
  }
}

/** Into so many equal parts the range of the keys is cut; the greatest key is a part of its own. */
const SPANS = 32n

/**
 * The ends of the keys in each part of their range. A key may be put into the part beside its
 * own, where doubles are too coarse; it is between the ends of the part in which it is counted all the same.
 */
function spansQuery(rows: Sql, key: Sql): Sql {
  const keys = sql`SELECT ${key} AS k, CAST(${key} AS DOUBLE) AS place FROM (${rows}) WHERE ${key} IS NOT NULL`
  return sql`WITH keys AS MATERIALIZED (${keys}), ends AS (SELECT min(place) AS low, max(place) AS high FROM keys) \
SELECT CAST(min(k) AS VARCHAR) AS min, CAST(max(k) AS VARCHAR) AS max FROM keys, ends \
GROUP BY floor((place - low) / (high - low) * ${integer(SPANS)})`
}

/** Of the types that may be keys here these alone have distances that no double is too small for. */
function isNumber({ type }: KeyColumn): boolean {
  return isExactNumber(toDuckType(type).text)
}

/**
 * The columns whose values are the same, and in the same order, in the type of the table's column. Text that is compared
 * with numbers is not: its order is another, and 7 is equal to '007'. Bytes have no text that is theirs alone.
 */
async function comparableKeys(session: Session, rows: Sql, columns: readonly KeyColumn[]): Promise<string[]> {
  const types = new Map((await session.describe(rows)).map(column => [column.name, column.type]))
  return columns.flatMap(({ name, type }) => {
    const own = types.get(name) ?? ''
    const wanted = toDuckType(type).text
    const isComparable = own === wanted || (isExactNumber(own) && isExactNumber(wanted))
    return isComparable && type !== 'binary' ? [name] : []
  })
}

function isExactNumber(duckType: string): boolean {
  return /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL\(.*\))$/.test(duckType)
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
