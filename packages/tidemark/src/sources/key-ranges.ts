/**
 * Cutting a table by the values of its key, for databases whose storage cannot be addressed: stretches of about
 * equally many rows where the database can tell how many a range has, and right whatever they hold.
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

/** Keys from `from` on, before `to`. */
export interface KeyRange {
  from: bigint
  to: bigint
}

interface Stretch extends KeyRange {
  rows: bigint
}

/** Questions about stretches beyond four for each part: halving a range of 64 bits down to one of its keys takes 64. */
const MORE_QUESTIONS = 512

/**
 * Stretches from the lowest to the highest value, about `bytes` each: of equal width first, then those with far more rows
 * than others are halved, and neighbours with few are put together. Both ends are open: a key that is inserted meanwhile
 * belongs to one of them.
 *
 * @param ends.rowsIn about how many rows have keys in a range; the stretches stay of equal width where nobody can tell
 */
export async function cutKeys(
  { sizeBytes }: Pick<SourceTable, 'sizeBytes'>,
  { name }: Pick<SourceColumn, 'name'>,
  { low, high, bytes, rowsIn }: { low: bigint; high: bigint; bytes: bigint; rowsIn?: RowsIn | undefined },
): Promise<TableChunks> {
  const wanted = sizeBytes / bytes + 1n
  const ranges = equalRanges(low, high, wanted)
  const stretches =
    rowsIn === undefined ? ranges.map(one => ({ ...one, rows: one.to - one.from })) : await evenOut(ranges, rowsIn)
  const chunks = stretches.map(({ from, to, rows }, n): ChunkSlice => {
    const ends = { from: n === 0 ? undefined : from, to: n === stretches.length - 1 ? undefined : to }
    return { kind: 'chunk', column: name, ...ends, share: rows > 0n ? rows : 1n }
  })
  return { storage: `keys by ${name}`, chunks }
}

type RowsIn = (range: KeyRange) => Promise<bigint>

function equalRanges(low: bigint, high: bigint, wanted: bigint): KeyRange[] {
  const width = high - low + 1n
  const parts = wanted < width ? wanted : width
  return Array.from({ length: Number(parts) }, (_, n) => ({
    from: low + (BigInt(n) * width) / parts,
    to: low + (BigInt(n + 1) * width) / parts,
  }))
}

async function evenOut(ranges: readonly KeyRange[], rowsIn: RowsIn): Promise<Stretch[]> {
  const waiting: Stretch[] = []
  for (const range of ranges) waiting.push({ ...range, rows: await rowsIn(range) })
  const planned = waiting.reduce((sum, { rows }) => sum + rows, 0n) / BigInt(ranges.length) + 1n
  let questions = 4 * ranges.length + MORE_QUESTIONS
  const even: Stretch[] = []
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { from, to, rows } = next
    if (rows > 2n * planned && to - from > 1n && questions > 0) {
      const middle = from + (to - from) / 2n
      questions -= 2
      // Asked for both, as what a server only estimates does not add up; but where one holds nothing, which is told as 1
      // by some, the other holds all.
      const left = await rowsIn({ from, to: middle })
      const right = left <= 1n ? rows - left : await rowsIn({ from: middle, to })
      waiting.unshift({ from, to: middle, rows: left }, { from: middle, to, rows: right })
    } else joinSmall(even, next, planned)
  }
  return even
}

/** Add a stretch, to its neighbour where both together are not more than planned. */
function joinSmall(even: Stretch[], next: Stretch, planned: bigint): void {
  const last = even.at(-1)
  if (last === undefined || last.rows + next.rows > planned) even.push(next)
  else even[even.length - 1] = { from: last.from, to: next.to, rows: last.rows + next.rows }
}
