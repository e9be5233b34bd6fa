/**
 * The smallest reader and writer of a log's Parquet files: lines of JSON between two marks, so that a torn file is
 * found out as a torn Parquet file is. Every byte goes through the store under test.
 */
import type { DataType, LogParquet, ObjectStore } from '../../src/index.ts'

const MARK = 'PAR1'
const ROWS_PER_CHUNK = 3

export function jsonParquet(store: ObjectStore): LogParquet {
  return {
    async *readRows(path, { columns, signal }) {
      const content = new TextDecoder().decode(await store.get(path, { signal }))
      if (!content.startsWith(`${MARK}\n`) || !content.endsWith(`\n${MARK}`)) throw new Error('No magic bytes found')
      const lines = content
        .slice(MARK.length + 1, -MARK.length - 1)
        .split('\n')
        .filter(line => line !== '')
      const rows = lines
        .map(line => pick(JSON.parse(line) as object, columns))
        .filter(row => Object.keys(row).length > 0)
      for (let at = 0; at < rows.length; at += ROWS_PER_CHUNK) {
        yield rows.slice(at, at + ROWS_PER_CHUNK).map(row => JSON.stringify(row))
      }
    },
    async writeRows(path, schema, rows, { signal } = {}) {
      const lines: string[] = []
      for await (const chunk of rows) lines.push(...chunk.map(row => JSON.stringify(cast(JSON.parse(row), schema))))
      const bytes = parquetBytes(lines)
      const outcome = await store.putIfAbsent(path, bytes, { signal })
      return { outcome, rowCount: BigInt(lines.length), sizeBytes: BigInt(bytes.length) }
    },
  }
}

export function parquetBytes(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(`${MARK}\n${lines.join('\n')}\n${MARK}`)
}

/** What a column type makes of a value; what has no column is lost, as it is in Parquet. */
function cast(value: unknown, type: DataType): unknown {
  if (value === null || value === undefined) return undefined
  if (typeof type === 'string') return isNumeric(type) && typeof value === 'string' ? Number(value) : value
  if (type.type !== 'struct') return value
  const fields = value as Record<string, unknown>
  return Object.fromEntries(type.fields.map(({ name, type: inner }) => [name, cast(fields[name], inner)]))
}

function isNumeric(type: string): boolean {
  return !['string', 'date', 'timestamp', 'timestamp_ntz', 'boolean', 'binary'].includes(type)
}

/** Only the wanted paths of a row; a column whose fields are all unwanted is left out. */
function pick(row: object, columns: readonly string[]): object {
  const kept = Object.entries(row).flatMap(([name, value]) => {
    if (columns.includes(name) || value === null) return [[name, value as unknown]]
    const below = columns.filter(c => c.startsWith(`${name}.`)).map(c => c.slice(name.length + 1))
    return below.length === 0 || typeof value !== 'object' ? [] : [[name, pick(value as object, below)]]
  })
  return Object.fromEntries(kept) as object
}
