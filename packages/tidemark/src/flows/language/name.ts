/** Names of tables as flow files write them. */
import type { TableName } from '../../model/flow.ts'

/**
 * The schema in which a file's unqualified names live: the first folder named silver or gold, else the top folder.
 * `file` is relative to the project, with forward slashes.
 */
export function schemaOfFile(file: string): string {
  const folders = file.split('/').slice(0, -1)
  return folders.find(f => f === 'silver' || f === 'gold') ?? folders[0] ?? 'gold'
}

/** `t`, `LIVE.t` and `schema.t` as `schema.t`; undefined for names with more parts. */
export function tableName(parts: readonly string[], schema: string): TableName | undefined {
  const [first, second] = parts
  if (parts.length === 1) return `${schema}.${first}`
  if (parts.length !== 2) return undefined
  return first?.toLowerCase() === 'live' ? `${schema}.${second}` : `${first}.${second}`
}
