/** The statements that read a slice, and the look at values that users wrote before they become part of one. */
import { ident, integer, join, raw, type Sql, sql, text } from '../../engine/sql.ts'
import { belongingSlice, countedRows, whereBelongs, wherePassed } from '../belonging.ts'
import type { KeyRange } from '../key-ranges.ts'
import { MAX_ROW_BYTES } from '../row-limit.ts'
import { noLiteral, type SliceSql, sliceSql, type WrongLiteral } from '../slice.ts'
import type { Slice, SourceColumn, SourceTable } from '../source.ts'
import { mysqlColumn } from './column.ts'

type Relation = Pick<SourceTable, 'schema' | 'table' | 'onlyWith' | 'filter'>

/** A slice whose texts for moments only the server can tell from others. */
export interface MysqlSlice extends SliceSql {
  moments: readonly WrittenMoment[]
}

interface WrittenMoment {
  column: string
  written: string
}

/** A slice as a condition; the server itself would take what it cannot read for zero, with a warning that nobody sees. */
export function mysqlSlice(slice: Slice, columnOf: (name: string) => SourceColumn): MysqlSlice | WrongLiteral {
  const moments: WrittenMoment[] = []
  const exact = sliceSql(slice, columnOf, {
    value: ({ name }) => value(name),
    literal: (column, written) => {
      if (/^(date|timestamp)/.test(column.deltaType)) moments.push({ column: column.name, written })
      const found = written.includes('\0') ? undefined : mysqlColumn(column).literal(written)
      return found ?? noLiteral(column, written)
    },
  })
  if ('reason' in exact) return exact
  // A bound was written by the server.
  return { ...exact, moments: slice.kind === 'cursor' ? [] : moments }
}

/** NULL for each text that is no moment. */
export function momentsStatement(moments: readonly WrittenMoment[]): Sql {
  const list = moments.map(({ written }, n) => sql`CAST(${text(written)} AS DATETIME(6)) AS ${ident(`m${n}`)}`)
  return sql`SELECT ${join(list)}`
}

/** One scan: `total`, `in_slice`, `without_cursor`, and `unfit_<n>` for each column with values that its lake type may not hold. */
export function countStatement(
  table: Relation,
  slice: SliceSql,
  columns: readonly SourceColumn[],
  cursor: string | undefined,
): Sql {
  const condition = belongingSlice(table, slice.condition)
  const unfit = columns.flatMap((column, n) => {
    const { unfit: judged } = mysqlColumn(column)
    if (judged === undefined) return []
    const test = sql`${condition} AND ${value(column.name)} IS NOT NULL AND ${judged.test(value(column.name))}`
    return [sql`, count(CASE WHEN ${test} THEN 1 END) AS ${ident(`unfit_${n}`)}`]
  })
  const withoutCursor = cursor === undefined ? raw('') : sql`, count(*) - count(${value(cursor)}) AS without_cursor`
  return sql`SELECT count(${countedRows(table)}) AS total, count(CASE WHEN ${condition} THEN 1 END) AS in_slice${withoutCursor}${join(unfit, '')} \
FROM ${relation(table)}${wherePassed(table, ...(slice.isPart === true ? [slice.condition] : []))}`
}

/** The ends of a column that leads an index: two look-ups. */
export function boundsStatement(table: Relation, { name }: Pick<SourceColumn, 'name'>): Sql {
  return sql`SELECT min(${value(name)}) AS low, max(${value(name)}) AS high FROM ${relation(table)}`
}

/**
 * What the server expects to find by its index, without reading it. The index is offered and not forced: MySQL does not look
 * into one that it has to take anyway, and says 1.
 */
export function estimateStatement(table: Relation, { name }: Pick<SourceColumn, 'name'>, { from, to }: KeyRange): Sql {
  const condition = sql`${value(name)} >= ${integer(from)} AND ${value(name)} < ${integer(to)}`
  return sql`EXPLAIN SELECT 1 FROM ${relation(table)} USE INDEX (PRIMARY) WHERE ${condition}`
}

/** A constant, then the columns. */
export function copyStatement(table: Relation, { condition }: SliceSql, columns: readonly SourceColumn[]): Sql {
  return sql`${selectList(columns)} FROM ${relation(table)}${whereBelongs(table, condition)}`
}

/** A constant, then the keys. */
export function copyKeysStatement(table: Relation, columns: readonly SourceColumn[]): Sql {
  return sql`${selectList(columns)} FROM ${relation(table)}${whereBelongs(table)}`
}

/** Types whose values alone can be longer than a row may be. */
const LONG = /^(medium|long)(text|blob)/i

/** A row that is too long comes as its length in the first place, and without the values that make it so. */
function selectList(columns: readonly SourceColumn[]): Sql {
  const lengths = columns.filter(isLong).map(({ name }) => sql`IFNULL(OCTET_LENGTH(${value(name)}), 0)`)
  const sum = join(lengths, ' + ')
  const flag = sql`CASE WHEN ${sum} > ${integer(MAX_ROW_BYTES)} THEN ${sum} ELSE 0 END`
  return sql`SELECT ${join([lengths.length === 0 ? integer(0) : flag, ...columns.map(selectColumn)])}`
}

function selectColumn(column: SourceColumn): Sql {
  const [own, selected] = [value(column.name), mysqlColumn(column).select(value(column.name))]
  if (!isLong(column)) return selected
  return sql`CASE WHEN OCTET_LENGTH(${own}) > ${integer(MAX_ROW_BYTES)} THEN NULL ELSE ${selected} END`
}

const isLong = ({ sourceType }: SourceColumn): boolean => LONG.test(sourceType)

function relation({ schema, table }: Relation): Sql {
  return sql`${ident(schema, table)} AS t`
}

/** Qualified, so that a column named like one of the server's functions or words is still the column. */
function value(column: string): Sql {
  return sql`t.${ident(column)}`
}
