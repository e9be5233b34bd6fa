/**
 * Cutting a table into stretches of blocks. A row stays in its block until it is written again, which its version shows,
 * or until the table is rewritten, which the number of its file shows.
 */
import { ident, sql, text } from '../../engine/sql.ts'
import type { ChunkSlice, SourceTable, TableChunks } from '../source.ts'
import type { PostgresSession } from './session.ts'

/** Older servers scan the whole table for a range of blocks. */
const FIRST_VERSION_WITH_RANGE_SCANS = 140_000

/**
 * Stretches of about `bytes`; undefined for what has no blocks of its own, or whose rows are spread over other tables.
 * The last stretch has no end, so that blocks added meanwhile belong to it.
 */
export async function cutIntoBlocks(
  session: PostgresSession,
  { schema, table, kind }: SourceTable,
  bytes: bigint,
  signal: AbortSignal,
): Promise<TableChunks | undefined> {
  if (kind !== 'table') return undefined
  const name = text(ident(schema, table).text)
  const [row] = await session.query(
    sql`SELECT pg_relation_filenode(c.oid) AS storage, pg_relation_size(c.oid) AS bytes, \
current_setting('block_size') AS block_bytes, current_setting('server_version_num') AS server, \
EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid) AS has_children FROM pg_class c WHERE c.oid = ${name}::regclass`,
    { signal },
  )
  const number = (column: string): bigint => BigInt(row?.[column] ?? '0')
  if (number('server') < FIRST_VERSION_WITH_RANGE_SCANS || row?.['has_children'] !== 'f') return undefined
  const step = max(1n, bytes / max(1n, number('block_bytes')))
  const blocks = number('bytes') / max(1n, number('block_bytes'))
  const chunks: ChunkSlice[] = []
  for (let from = 0n; from === 0n || from < blocks; from += step) {
    const to = from + step
    chunks.push({ kind: 'chunk', from, to: to < blocks ? to : undefined })
  }
  return { storage: row['storage'] ?? '', chunks }
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b)
