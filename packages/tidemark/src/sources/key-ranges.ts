/**
 * Cutting a table by the values of its key, for databases whose storage cannot be addressed: stretches of equal width, so
 * about equal where numbers are given out one after the other, and right whatever they are.
 */
import type { ChunkSlice, SourceColumn, SourceTable, TableChunks } from './source.ts'

/** Types whose values are compared and stepped through as the integers that they are. */
const INTEGERS = /^(short|integer|long|decimal\(\d+,0\))$/

/**
 * The column to cut by: the first of the primary key, which leads an index, where it holds integers and never NULL, which
 * would be in no stretch.
 */
export function cuttingColumn({ primaryKey, columns }: SourceTable): SourceColumn | undefined {
  const first = columns.find(({ name }) => name === primaryKey[0])
  return first !== undefined && first.orderable && !first.nullable && INTEGERS.test(first.deltaType) ? first : undefined
}

/**
 * Stretches from the lowest to the highest value, about `bytes` each. Both ends are open: a key that is inserted meanwhile
 * belongs to one of them.
 */
export function cutKeys(
  { sizeBytes }: Pick<SourceTable, 'sizeBytes'>,
  { name }: Pick<SourceColumn, 'name'>,
  { low, high, bytes }: { low: bigint; high: bigint; bytes: bigint },
): TableChunks {
  const width = high - low + 1n
  const wanted = sizeBytes / bytes + 1n
  const parts = wanted < width ? wanted : width
  const chunks: ChunkSlice[] = []
  for (let n = 0n; n < parts; n += 1n) {
    const [start, end] = [low + (n * width) / parts, low + ((n + 1n) * width) / parts]
    const [from, to] = [n === 0n ? undefined : start, n === parts - 1n ? undefined : end]
    chunks.push({ kind: 'chunk', column: name, from, to, share: end - start })
  }
  return { storage: `keys by ${name}`, chunks }
}
