/**
 * One file that a COPY has written: where it lies, how many rows it has and the statistics of its columns.
 */
import { DuckDBMapValue } from '@duckdb/node-api'

export interface FinishedFile {
  readonly file: string
  readonly rowCount: bigint
  /** By quoted path, then by DuckDB's names of statistics. */
  readonly statistics: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** The value of the column that the files were split by; undefined when they were not. */
  readonly piece: number | undefined
}

/** The files of a COPY with RETURN_STATS; one without rows is left out. */
export function finishedFiles(rows: readonly (readonly unknown[])[]): FinishedFile[] {
  return rows.flatMap(([file, rowCount, , , statistics, pieces]) => {
    if (typeof file !== 'string' || typeof rowCount !== 'bigint' || rowCount === 0n) return []
    const [piece] = pieces instanceof DuckDBMapValue ? pieces.entries : []
    return [{ file, rowCount, statistics: toMaps(statistics), piece: piece && Number(piece.value) }]
  })
}

function toMaps(value: unknown): Map<string, Map<string, string>> {
  const result = new Map<string, Map<string, string>>()
  if (!(value instanceof DuckDBMapValue)) return result
  for (const { key, value: inner } of value.entries) {
    if (!(inner instanceof DuckDBMapValue)) continue
    result.set(String(key), new Map(inner.entries.map(entry => [String(entry.key), String(entry.value)])))
  }
  return result
}
