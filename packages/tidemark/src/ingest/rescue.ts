/**
 * `_rescued_data`: what a row has and its table has no place for, as one JSON object of the source's own texts by column.
 * It is NULL where everything fits, so nothing is ever lost and nothing is said twice.
 */
import { columnMappingOf, field, parseStats, physicalName, type Snapshot, type StructField } from '@tidemark/delta'
import type { Session } from '../engine/engine.ts'
import { ident, join, type Sql, sql, text } from '../engine/sql.ts'
import type { LakeColumn } from './lake-columns.ts'

export const RESCUED = '_rescued_data'

const OURS = 'tidemark.rescued'

/** The column in a bronze table. It tells whose it is: a source may have a column of the name. */
export const RESCUED_FIELD: StructField = field(RESCUED, 'string', {
  comment: 'values that fit no column of the table, as JSON',
  metadata: { [OURS]: true },
})

/** True for the column that rescued values are kept in, and not for one of that name from a source. */
export function isRescueField({ name, metadata }: StructField): boolean {
  return name === RESCUED && metadata[OURS] === true
}

/** A value that may have no place: the column's name in the source, and the condition under which its text is kept. */
export interface Rescuable {
  column: string
  /** The source's text, under the source's name. */
  value: Sql
  unless: Sql | undefined
}

/** `_rescued_data` of rows; without anything to rescue NULL in each of them. */
export function rescuedColumn(rescuable: readonly Rescuable[]): LakeColumn {
  const parts = rescuable.map(({ column, value, unless }) => {
    const isFit = unless === undefined ? sql`${value} IS NULL` : sql`${value} IS NULL OR ${unless}`
    return sql`CASE WHEN ${isFit} THEN NULL ELSE ${text(`${JSON.stringify(column)}:`)} || to_json(${value})::VARCHAR END`
  })
  const value =
    parts.length === 0 ? sql`CAST(NULL AS VARCHAR)` : sql`('{' || nullif(concat_ws(',', ${join(parts)}), '') || '}')`
  return { name: RESCUED, type: 'string', value }
}

/**
 * Rows of a bronze table that have values in `_rescued_data`, in all their versions, by the statistics of its files; 0 for
 * a table without the column. A file that says nothing of the column was written before it was there.
 */
export function countRescuedRows(snapshot: Snapshot): bigint {
  const { schema, files } = snapshot
  const column = schema.fields.find(isRescueField)
  if (column === undefined) return 0n
  const name = physicalName(column, columnMappingOf(snapshot))
  return [...files.values()].reduce((rows, file) => {
    const stats = parseStats(file.stats)
    const nulls = stats?.nullCount[name]
    return typeof nulls === 'string' ? rows + (stats?.numRecords ?? 0n) - BigInt(nulls) : rows
  }, 0n)
}

/** How many values of these rows are in `_rescued_data`. */
export function countRescued(session: Session, rows: Sql): Promise<bigint> {
  const values = sql`coalesce(sum(len(json_keys(${ident(RESCUED)}))), 0)`
  return session.count(sql`SELECT CAST(${values} AS BIGINT) FROM ${rows} WHERE ${ident(RESCUED)} IS NOT NULL`)
}
