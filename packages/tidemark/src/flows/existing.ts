/**
 * The target's rows that a batch changes, as far as telling their outcome takes: numbers, times and truth first, for most
 * changes touch one. Text is most of what a table holds, and is read for those rows alone that are the same up to there.
 */
import type { Snapshot, StructField } from '@tidemark/delta'
import { FILE_COLUMN, ROW_COLUMN } from '../engine/engine.ts'
import { freeName } from '../engine/free-name.ts'
import { columnList } from '../engine/relations.ts'
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import { type FlowContext, keepRows } from './context.ts'

export interface Existing {
  /** Kept: the keys, the `compared` columns, `_seq`, `__present`, and where each row lies. */
  rows: Sql
  compared: readonly StructField[]
  /** What is left to compare. */
  others: readonly StructField[]
  /** Keep the other columns of the rows of some keys. */
  readOthers: (keys: Sql) => Promise<Sql>
  /** Where the rows of some keys lie, as `FILE_COLUMN` and `ROW_COLUMN`; kept by itself. */
  findPlaces: (keys: Sql) => Promise<Sql>
}

/** Find the rows of the keys of some entries. */
export async function findExisting(
  context: FlowContext,
  target: Snapshot,
  { entries, keys, fields }: { entries: Sql; keys: readonly string[]; fields: readonly StructField[] },
): Promise<Existing> {
  const taken = [...target.schema.fields.map(({ name }) => name), '_seq', '__present']
  const place = { file: freeName(FILE_COLUMN, taken), row: freeName(ROW_COLUMN, taken) }
  const scan = await context.session.scan(target, { withPlace: place })
  const read = (hint: string, columns: Sql, of: Sql): Promise<Sql> =>
    keepRows(context, hint, sql`SELECT ${columns} FROM (${scan}) t SEMI JOIN ${of} e USING (${columnList(keys)})`)
  const named = (some: readonly StructField[]): string[] => [...new Set([...keys, ...some.map(({ name }) => name)])]
  const compared = fields.filter(isFixed)
  const others = fields.filter(column => !isFixed(column) && !keys.includes(column.name))
  const [file, row] = [ident(place.file), ident(place.row)]
  const columns = sql`${columnList(named(compared))}, _seq, true AS __present, ${file}, ${row}`
  const rows = await read('existing', columns, entries)
  const places = sql`SELECT ${file} AS ${ident(FILE_COLUMN)}, ${row} AS ${ident(ROW_COLUMN)} FROM ${rows}`
  return {
    rows,
    compared,
    others,
    readOthers: of => read('others', columnList(named(others)), sql`(${of})`),
    findPlaces: of => keepRows(context, 'places', sql`${places} SEMI JOIN (${of}) USING (${columnList(keys)})`),
  }
}

/** True where the columns of an entry and of a row hold the same. */
export function sameValues(columns: readonly StructField[], entry: string, row: string): Sql {
  const same = columns.map(({ name }) => sql`${ident(entry, name)} IS NOT DISTINCT FROM ${ident(row, name)}`)
  return same.length === 0 ? sql`true` : join(same, ' AND ')
}

/** Values of a few bytes each, always as many. */
function isFixed({ type }: StructField): boolean {
  return typeof type === 'string' && type !== 'string' && type !== 'binary' && type !== 'variant'
}
