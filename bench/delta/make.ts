/**
 * The table that is measured: 10M rows of nine mixed columns in 20 files, each with its own range of ids, and two sources
 * of 100,000 rows, 90 % of them updates. `two` hits the ids of two files, `all` those of every file.
 *
 *   node --conditions=source bench/delta/make.ts FOLDER [ROWS]
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { commit, field, stageAppend, stageCreate, type StructType } from '@tidemark/delta'
import { integer, type Sql, sql, text } from '../../packages/tidemark/src/engine/sql.ts'
import { TABLE, withBench } from './engine.ts'

const FILES = 20n
const CHANGED = 100_000n

export const SCHEMA: StructType = {
  type: 'struct',
  fields: [
    field('id', 'long'),
    field('updated_at', 'timestamp'),
    field('customer_id', 'integer'),
    field('qty', 'integer'),
    field('amount', 'double'),
    field('is_paid', 'boolean'),
    field('status', 'string'),
    field('score', 'double'),
    field('ref', 'string'),
  ],
}

function rows(ids: Sql, stamp: bigint): Sql {
  return sql`SELECT id, make_timestamptz(${integer(stamp)} + id) AS updated_at, \
CAST(id * 7919 % 200000 AS INTEGER) AS customer_id, CAST(id % 97 AS INTEGER) AS qty, \
CAST(id * 31 % 10000000 AS DOUBLE) / 100 AS amount, id % 3 = 0 AS is_paid, \
['new', 'open', 'paid', 'shipped', 'closed', 'returned', 'lost'][1 + id % 7] AS status, \
CAST(hash(id) % 1000003 AS DOUBLE) / 1000003 AS score, 'r' || (id * 2654435761 % 4294967296) AS ref FROM (${ids})`
}

/** Ids of the changed rows: nine of ten spread over `from` to `to`, the others new. */
function changedIds(from: bigint, to: bigint, total: bigint): Sql {
  const step = (to - from) / (CHANGED - CHANGED / 10n)
  const updates = sql`SELECT ${integer(from)} + range * ${integer(step)} AS id FROM range(${integer(CHANGED - CHANGED / 10n)})`
  return sql`${updates} UNION ALL SELECT range AS id FROM range(${integer(total)}, ${integer(total + CHANGED / 10n)})`
}

async function make(folder: string, total: bigint): Promise<void> {
  await mkdir(folder, { recursive: true })
  await withBench(folder, async ({ session, ports, parquet }) => {
    const info = { operation: 'WRITE' }
    const created = await commit(
      ports,
      stageCreate({ tablePath: TABLE, schema: SCHEMA, info: { operation: 'CREATE TABLE' } }),
    )
    if (created.kind !== 'committed') throw new Error(created.reason)
    let { snapshot } = created
    const size = total / FILES
    for (let file = 0n; file < FILES; file += 1n) {
      const ids = sql`SELECT range AS id FROM range(${integer(file * size)}, ${integer((file + 1n) * size)})`
      const files = await parquet.write(rows(ids, 1_700_000_000_000_000n), { tablePath: TABLE, schema: SCHEMA })
      const result = await commit(ports, stageAppend(snapshot, { files, info }))
      if (result.kind !== 'committed') throw new Error(result.reason)
      snapshot = result.snapshot
    }
    const sources = { two: changedIds(size * 10n, size * 12n, total), all: changedIds(0n, total, total) }
    for (const [name, ids] of Object.entries(sources)) {
      const target = text(join(folder, `${name}.parquet`))
      await session.run(sql`COPY (${rows(ids, 1_800_000_000_000_000n)}) TO ${target} (FORMAT parquet)`)
    }
  })
}

const [folder, total = '10000000'] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: make.ts FOLDER [ROWS]')
await make(folder, BigInt(total))
