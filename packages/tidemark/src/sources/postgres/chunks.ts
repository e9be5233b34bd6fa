/**
 * Cutting a table into stretches of blocks. A row stays in its block until it is written again, which its version shows,
 * or until the table is rewritten, which the number of its file shows. Partitions are cut each by itself.
 */
import { ident, type Sql, sql, text } from '../../engine/sql.ts'
import type { ChunkSlice, SourceTable, TableChunks, TableRef } from '../source.ts'
import type { PostgresSession, TextRow } from './session.ts'

/** Older servers scan the whole table for a range of blocks. */
const FIRST_VERSION_WITH_RANGE_SCANS = 140_000
/** With more partitions than these a part would hold too little to be worth a file. */
const MOST_PARTITIONS = 1000

/** A table or partition with blocks of its own. */
export interface Piece {
  /** Changes when its rows are written to another file. */
  storage: string
  blocks: bigint
  blockBytes: bigint
  /** Left out for the table itself. */
  partition?: TableRef
}

/**
 * Stretches of about `bytes`; undefined for what cannot be cut. The last stretch of a table or partition has no end, so that
 * blocks added meanwhile belong to it.
 */
export async function cutIntoBlocks(
  session: PostgresSession,
  table: SourceTable,
  bytes: bigint,
  signal: AbortSignal,
): Promise<TableChunks | undefined> {
  const pieces = await findPieces(session, table, signal)
  if (pieces === undefined) return undefined
  const storage = pieces.map(piece => piece.storage).join(',')
  return { storage, chunks: pieces.flatMap(piece => cutPiece(piece, bytes)) }
}

/** The pieces of a table; undefined for what has no blocks of its own, or whose rows are spread over tables that inherit from it. */
export async function findPieces(
  session: PostgresSession,
  { schema, table, kind }: SourceTable,
  signal: AbortSignal,
): Promise<Piece[] | undefined> {
  if (kind !== 'table' && kind !== 'partitioned table') return undefined
  const found = await session.query(piecesStatement({ schema, table }), { signal })
  const isUsable = found.length <= MOST_PARTITIONS && found.every(row => row['usable'] === 't')
  if (found.length === 0 || !isUsable) return undefined
  return found.map(row => (kind === 'table' ? pieceOf(row) : { ...pieceOf(row), partition: refOf(row) }))
}

/**
 * The table, or the leaves of its partitions; usable where the login may read them, whole, as it reads the table. A column that
 * is computed on reading may have a rule of its own in a partition, which the table does not follow.
 */
function piecesStatement(table: TableRef): Sql {
  const root = sql`${text(ident(table.schema, table.table).text)}::regclass`
  return sql`SELECT c.oid, n.nspname AS schema, c.relname AS name, pg_relation_filenode(c.oid) AS storage, \
pg_relation_size(c.oid) AS bytes, current_setting('block_size') AS block_bytes, \
current_setting('server_version_num')::int >= ${text(String(FIRST_VERSION_WITH_RANGE_SCANS))}::int AND c.relkind = 'r' AND coalesce(a.amname = 'heap', false) \
AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) \
AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid) AND (c.oid = ${root} \
OR NOT EXISTS (SELECT FROM pg_attribute v WHERE v.attrelid = c.oid AND v.attgenerated = 'v')) AS usable \
FROM (SELECT ${root}::oid AS oid UNION SELECT p.relid::oid FROM pg_partition_tree(${root}) p WHERE p.isleaf) m \
JOIN pg_class c ON c.oid = m.oid JOIN pg_namespace n ON n.oid = c.relnamespace \
LEFT JOIN pg_am a ON a.oid = c.relam WHERE c.relkind <> 'p' ORDER BY c.oid`
}

function pieceOf(row: TextRow): Piece {
  const blockBytes = BigInt(row['block_bytes'] ?? '8192')
  const blocks = BigInt(row['bytes'] ?? '0') / blockBytes
  return { storage: `${row['oid']}:${row['storage']}`, blocks, blockBytes }
}

function refOf(row: TextRow): TableRef {
  return { schema: row['schema'] ?? '', table: row['name'] ?? '' }
}

function cutPiece({ blocks, blockBytes, partition }: Piece, bytes: bigint): ChunkSlice[] {
  // A partition without a block has no row in this snapshot.
  if (partition !== undefined && blocks === 0n) return []
  const wanted = bytes / blockBytes
  const step = wanted > 0n ? wanted : 1n
  const chunks: ChunkSlice[] = []
  for (let from = 0n; from === 0n || from < blocks; from += step) {
    const isLast = from + step >= blocks
    const [to, share] = isLast ? [undefined, blocks - from] : [from + step, step]
    chunks.push({ kind: 'chunk', from, to, share, ...(partition === undefined ? {} : { partition }) })
  }
  return chunks
}
