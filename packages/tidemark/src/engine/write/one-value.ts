/**
 * Text columns of which all rows have one value: written as DuckDB does it the cheapest, with the same column of text in the
 * file. Elsewhere each value is hashed for its place in a dictionary.
 */
import { physicalName, type WriteOptions } from '@tidemark/delta'
import { type Sql, sql, text } from '../sql.ts'
import type { FinishedFile } from './finished-file.ts'

/** The value in the form of which there is no other; any other one ends the query. */
export function ofOneValue(known: string | undefined, value: Sql): Sql {
  return known === undefined ? value : sql`CAST(${value} AS ENUM(${text(known)}))`
}

/** A file with the bounds of such columns, which DuckDB tells of text alone. */
export function withKnownBounds<F extends FinishedFile>(file: F, { schema, columnMapping, oneValue }: WriteOptions): F {
  if (oneValue === undefined) return file
  const statistics = new Map(file.statistics)
  for (const field of schema.fields) {
    const value = oneValue[field.name]
    const path = `"${physicalName(field, columnMapping ?? 'none').replaceAll('"', '""')}"`
    const told = statistics.get(path)
    const hasNone = told === undefined || told.get('null_count') === String(file.rowCount)
    if (value !== undefined && !hasNone) statistics.set(path, new Map([...told, ['min', value], ['max', value]]))
  }
  return { ...file, statistics }
}
