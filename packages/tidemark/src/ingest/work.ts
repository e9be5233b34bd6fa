/** What one extraction has in hand, and the small moves all its forms share: entries, files, keys. */
import {
  type DataFile,
  evolvedSchema,
  replacedSchema,
  type Snapshot,
  type StructType,
  writeOptionsFor,
} from '@tidemark/delta'
import { readComparable } from '../engine/comparable-column.ts'
import type { Session } from '../engine/engine.ts'
import { ident, integer, join, type Sql, sql, text } from '../engine/sql.ts'
import { toDuckType } from '../engine/types.ts'
import { KEY_NOT_UNIQUE } from '../errors/ingest.ts'
import { rowsThat } from '../errors/row-count.ts'
import type { DriftMode } from '../model/project.ts'
import type { SourceColumn, SourceSnapshot, SourceTable } from '../sources/source.ts'
import type { IngestContext } from './context.ts'
import { ambiguousKeys } from './dedupe.ts'
import type { Reading } from './guarantee.ts'
import type { Fitted } from './drift.ts'
import { countRescued, RESCUED } from './rescue.ts'
import { isSystemColumn, lakeColumnName } from './system-columns.ts'

/** One table to extract, resolved against the database. */
export interface ExtractTable {
  /** `bronze.DimUser` */
  name: string
  tablePath: string
  table: SourceTable
  /** The columns carried, with `asText` applied; those that the entry leaves out are not among them. */
  columns: readonly SourceColumn[]
  /** True for a column of bronze that the entry leaves out now: new rows have no value in it. */
  isLeftOut: (lakeName: string) => boolean
  keys: readonly string[]
  deletes: 'detect' | 'ignore'
  drift: DriftMode
  /** Zone in which times without one are read. */
  timezone: string
  /** The entry's cdc_col, as the source spells it. */
  cdcCol: string | undefined
  /** A column as the database's own text; a masked one as the masked text. */
  asText: (column: SourceColumn) => SourceColumn
  settings: string
  reading: Reading
  /** For reports: `xmin scan`. */
  method: string
  /** `from_date` of the entry; done by any read of the whole table. */
  fromDate: string | undefined
}

export interface Work {
  context: IngestContext
  snapshot: SourceSnapshot
  wanted: Fitted
  session: Session
  /** Candidates already read in an earlier attempt; they are not read from the source again. */
  held: Held | undefined
}

/** Rows of a slice that are in the engine. */
export interface Held {
  slice: string
  candidates: Sql
  read: bigint
  total: Total
}

/** How many rows the source's table has; it may still be counted. */
export interface Total {
  count: Promise<bigint>
  /** Nobody waits for it any more; left out of one that is known. */
  leave?: () => void
}

/** Rows as bronze entries: upserts from `rows`, deletes from `deletes`, and our columns. */
export function entries(work: Work, rows: Sql, seq: bigint, deletes?: Sql): Sql {
  const { context, snapshot } = work
  const upserts = sql`SELECT *, 'upsert' AS _op FROM (${rows})`
  const all = deletes === undefined ? upserts : sql`${upserts} UNION ALL BY NAME ${deletes}`
  return sql`SELECT *, ${integer(seq)} AS _seq, ${text(context.runId)} AS _run_id, \
CAST(${text(snapshot.position.asOf)} AS TIMESTAMP WITH TIME ZONE) AS _ingested_at FROM (${all})`
}

/**
 * Write entries as files of the table that the commit will make of `current`: with the names that its column mapping gives
 * to columns, new ones too.
 *
 * @param replaces true when the commit replaces all rows
 */
export async function write(
  work: Work,
  select: Sql,
  { current, schema, replaces = false }: { current: Snapshot | undefined; schema: StructType; replaces?: boolean },
): Promise<DataFile[]> {
  const after = replaces ? replacedSchema : evolvedSchema
  const form = current === undefined ? { schema } : writeOptionsFor(current, after(current, schema))
  const { wanted, context } = work
  const oneValue = { _run_id: context.runId }
  const target = { ...form, tablePath: wanted.tablePath, statsColumns: ['_seq', '_op', RESCUED], oneValue }
  return work.session.writeParquet(withAbsent(wanted, select, schema), target, context.signal)
}

/** Columns of bronze that the source no longer has, or the entry leaves out now, are NULL in new rows. */
function withAbsent({ lake }: Fitted, select: Sql, schema: StructType): Sql {
  const read = new Set(lake.map(({ name }) => name.toLowerCase()))
  const absent = schema.fields.filter(({ name }) => !read.has(name.toLowerCase()) && !isSystemColumn(name))
  if (absent.length === 0) return select
  const nulls = absent.map(({ name, type }) => sql`CAST(NULL AS ${toDuckType(type)}) AS ${ident(name)}`)
  return sql`SELECT *, ${join(nulls)} FROM (${select})`
}

/**
 * Refuse candidates that share a key or have NULL in it.
 *
 * @throws {KEY_NOT_UNIQUE}
 */
export async function assertUnique(work: Work, candidates: Sql): Promise<void> {
  const { wanted, session } = work
  const shared = await session.count(ambiguousKeys(candidates, wanted.keys.map(lakeColumnName)), work.context.signal)
  if (shared === 0n) return
  const detail = `${rowsThat(shared, { one: 'shares its key with another or has', many: 'share their key with another or have' })} NULL in it${leftOut(wanted)}`
  throw KEY_NOT_UNIQUE({ table: wanted.name, keys: wanted.keys.join(', '), detail }, { state: 'Nothing was written.' })
}

/** For the problem of a shared key: why the primary key has not kept rows apart; empty where it does. */
export function leftOut({ table }: Pick<ExtractTable, 'table'>): string {
  return table.isKeyOfPart === true ? '; the primary key leaves out the tables that inherit from it' : ''
}

/** Types of which a key is taken to be unique without a look at the rows. */
const DISTINCT = /^(short|integer|long|string|date|boolean|binary|decimal\(\d+,\d+\))$/

/**
 * The source itself keeps these keys unique and free of NULL, and no two of them become one in the lake: rows of one
 * snapshot need not be looked at again.
 */
export function isUniqueInSource({ table, keys, columns, timezone }: ExtractTable): boolean {
  if (table.isKeyOfPart === true || table.primaryKey.length === 0) return false
  if (!table.primaryKey.every(column => keys.includes(column))) return false
  const isPlain = (c: SourceColumn): boolean => !c.nullable && DISTINCT.test(c.deltaType) && staysApart(c, timezone)
  return keys.every(key => columns.some(c => c.name === key && isPlain(c)))
}

/** True where no two values of a key column become one in the lake: in the hour that a zone leaves out two times do. */
export function staysApart({ deltaType, local, mayCoincide }: SourceColumn, timezone: string): boolean {
  const isMoved = deltaType === 'timestamp' && local === true && timezone !== 'UTC'
  return mayCoincide !== true && !isMoved
}

/** Rows of just written data files, as a relation with `_row_version` and the source's columns. */
export async function fileRelation({ context, wanted, session }: Work, files: readonly DataFile[]): Promise<Sql> {
  const objects = files.map(({ path, size }) => ({ path: `${wanted.tablePath}/${path}`, size }))
  await session.hold(objects, context.signal)
  const paths = objects.map(({ path }) => text(context.store.locate(path)))
  const list = join(paths)
  const columns = join(
    wanted.lake.map(({ name, type }) => {
      const column = ident(name)
      return sql`${readComparable(column, type)} AS ${column}`
    }),
  )
  return sql`(SELECT _row_version, ${columns} FROM read_parquet([${list}], hive_partitioning = false))`
}

/** How many values of these rows are in `_rescued_data`; nothing is asked where the table has no such column. */
export async function rescuedIn({ wanted, session }: Work, rows: Sql): Promise<bigint> {
  return wanted.keepsRescued ? await countRescued(session, rows) : 0n
}
