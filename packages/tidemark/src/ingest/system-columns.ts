/** The columns Tidemark adds to bronze, and names that Delta cannot hold without column mapping. */
import { field, type StructField } from '@tidemark/delta'

export const SYSTEM_COLUMNS: readonly StructField[] = [
  field('_op', 'string', { comment: 'upsert or delete' }),
  field('_seq', 'long', { comment: 'position of the source snapshot that saw the row' }),
  field('_row_version', 'string', { comment: 'version of the row in the source, compared by equality only' }),
  field('_run_id', 'string', { comment: 'run that wrote the row' }),
  field('_ingested_at', 'timestamp', { comment: 'source time of the snapshot' }),
]

/** Columns that extraction and verification add to relations on the way. */
const HELPERS = ['_new_key', '_newest_op', '_newest_version', '_newest_seq', '_in_source', '_in_lake']
const RESERVED = new Set([...SYSTEM_COLUMNS.map(column => column.name), ...HELPERS])

/** True for names that a source column cannot have, whatever their case. */
export function isSystemColumn(name: string): boolean {
  return RESERVED.has(name.toLowerCase())
}

/**
 * The lake's name of a source column. Without column mapping Delta forbids blanks and ` ,;{}()=` tab and newline in
 * names (Delta protocol, "Column Mapping"): each becomes an underscore.
 */
export function lakeColumnName(name: string): string {
  return name.replaceAll(/[ ,;{}()\n\t=]/g, '_')
}
