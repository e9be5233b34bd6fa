/** Files as DuckDB's readers are told of them. They expand patterns in every path, and a path of ours means one file. */
import { type Sql, textList } from './sql.ts'

/** A list of paths for read_parquet, read_csv and read_json: `*`, `?` and `[` in them stand for themselves. */
export function fileList(paths: readonly string[]): Sql {
  return textList(paths.map(literalPattern))
}

/** The pattern that only this path matches. */
export function literalPattern(path: string): string {
  return path.replaceAll(/[*?[]/g, '[$&]')
}
