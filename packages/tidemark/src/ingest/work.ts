/** What one extraction has in hand, and the small moves all its forms share: entries, files, keys. */
import {
  type DataFile,
  evolvedSchema,
  replacedSchema,
  type Snapshot,
  type StructType,
  writeOptionsFor,
} from '@tidemark/delta'
import { readBlob } from '../engine/blob-column.ts'
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
  held: { slice: string; candidates: Sql; read: bigint; total: bigint } | undefined
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
 * Write rows as files of the table that the commit will make of `current`: with the names that its column mapping gives
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
  const target = { ...form, tablePath: work.wanted.tablePath, statsColumns: ['_seq', '_op', RESCUED] }
  return work.session.writeParquet(withAbsent(work.wanted, select, schema), target, work.context.signal)
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
  const detail = `${rowsThat(shared, { one: 'shares its key with another or has', many: 'share their key with another or have' })} NULL in it`
  throw KEY_NOT_UNIQUE({ table: wanted.name, keys: wanted.keys.join(', '), detail }, { state: 'Nothing was written.' })
}

/** Types whose values stay as different in the lake as they are in the source; a time without a zone may not. */
const DISTINCT = /^(short|integer|long|string|date|boolean|binary|decimal\(\d+,\d+\))$/

/**
 * The source itself keeps these keys unique and free of NULL, and no two of them become one in the lake: rows of one
 * snapshot need not be looked at again.
 */
export function isUniqueInSource({ table, keys, columns }: ExtractTable): boolean {
  if (table.primaryKey.length === 0 || !table.primaryKey.every(column => keys.includes(column))) return false
  return keys.every(key => columns.some(c => c.name === key && !c.nullable && DISTINCT.test(c.deltaType)))
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
      return type === 'binary' ? sql`${readBlob(column)} AS ${column}` : column
    }),
  )
  return sql`(SELECT _row_version, ${columns} FROM read_parquet([${list}], hive_partitioning = false))`
}

/** How many values of these rows are in `_rescued_data`; nothing is asked where the table has no such column. */
export async function rescuedIn({ wanted, session }: Work, rows: Sql): Promise<bigint> {
  return wanted.keepsRescued ? await countRescued(session, rows) : 0n
}
