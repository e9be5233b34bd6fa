/**
 * Which columns each data file has. Files of one layout can be read as one list; which layout a file has is found out
 * once, from its footer, and remembered, since a data file never changes.
 */
import { DuckDBListValue } from '@duckdb/node-api'
import { fileList } from '../file-list.ts'
import { type Sql, sql } from '../sql.ts'
import { type FileColumn, parseFileColumns, type SchemaRow } from './file-columns.ts'

export interface Layout {
  readonly columns: readonly FileColumn[]
}

/** Raw rows of a query: what the driver gives. */
export type QueryRows = (query: Sql) => Promise<unknown[][]>

export class Layouts {
  readonly #byLocation = new Map<string, Layout>()
  readonly #byText = new Map<string, Layout>()

  /** The layout of each file, by location; files seen before are not opened again. */
  async find(query: QueryRows, locations: Iterable<string>): Promise<ReadonlyMap<string, Layout>> {
    const wanted = [...new Set(locations)]
    const unknown = wanted.filter(location => !this.#byLocation.has(location))
    if (unknown.length > 0) {
      for (const [text, files] of await query(layoutsQuery(unknown))) {
        if (typeof text !== 'string' || !(files instanceof DuckDBListValue))
          throw new TypeError(`${typeof text} layout`)
        const layout = this.#byText.get(text) ?? { columns: parseFileColumns(JSON.parse(text) as SchemaRow[]) }
        this.#byText.set(text, layout)
        for (const file of files.items) this.#byLocation.set(String(file), layout)
      }
    }
    return this.#byLocation
  }
}

/** One row a layout: its schema as JSON, and the files that have it. */
function layoutsQuery(locations: readonly string[]): Sql {
  return sql`SELECT layout, list(file_name) FROM (SELECT file_name, CAST(to_json(list(struct_pack(name, \
repetition_type, num_children, converted_type, logical_type, field_id, duckdb_type) ORDER BY column_id)) AS VARCHAR) \
AS layout FROM parquet_schema(${fileList(locations)}) GROUP BY file_name) GROUP BY layout`
}
