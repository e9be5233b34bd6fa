/** What the engine keeps of the files it has read: of a table's, whose columns are looked up first; of segments nothing. */
import { field, readSnapshot, type StructType } from '@tidemark/delta'
import { join as joinPath } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { fileList } from '../../packages/tidemark/src/engine/file-list.ts'
import { ident, integer, sql, text } from '../../packages/tidemark/src/engine/sql.ts'
import { type Intake, intoFiles, intoTable } from '../../packages/tidemark/src/ingest/candidates.ts'
import type { Segment } from '../../packages/tidemark/src/sources/source.ts'
import { openTestLake, type TestLake } from './flows-lake.ts'

const SEGMENTS = 20
const ROWS = 100n
const SCHEMA: StructType = { type: 'struct', fields: [field('n', 'long')] }

let lake: TestLake
beforeAll(async () => {
  lake = await openTestLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

/** Segments in many row groups, so that their footers are large beside their rows. */
async function* segments(session: Session): AsyncGenerator<Segment> {
  for (let i = 0; i < SEGMENTS; i++) {
    const path = joinPath(lake.store.locate('bronze'), `segment-${i}.parquet`)
    const rows = sql`SELECT 'v' AS _row_version, i AS n FROM range(${integer(ROWS)}) r(i)`
    await session.run(sql`COPY (${rows}) TO ${text(path)} (FORMAT parquet, ROW_GROUP_SIZE 10)`)
    yield { path, rows: ROWS, bytes: 1n }
  }
}

function intakeOf(session: Session): Intake {
  return {
    session,
    columns: [],
    lake: [{ name: 'n', type: 'long', value: ident('n') }],
    read: files => sql`(SELECT * FROM read_parquet(${fileList(files)}))`,
    discard: () => Promise.resolve(),
    onRows: () => undefined,
    signal: new AbortController().signal,
  }
}

/** Bytes of files and of footers that the engine keeps for later. */
function kept(session: Session): Promise<bigint> {
  return session.count(sql`SELECT CAST(coalesce(sum(memory_usage_bytes), 0) AS BIGINT) FROM duckdb_memory() \
WHERE tag IN ('OBJECT_CACHE', 'EXTERNAL_FILE_CACHE')`)
}

test('memory does not grow with the number of segments read, and a table’s footers are kept between two looks', async () => {
  await lake.append('bronze.t', SCHEMA, [{ n: '1' }])
  await using writing = await lake.engine.session()
  await using session = await lake.engine.session()
  const before = await kept(session)
  const loaded = await intoTable(intakeOf(session), segments(writing), { hint: 'rows', leading: ['_row_version'] })
  expect(loaded.rows).toBe(BigInt(SEGMENTS) * ROWS)
  expect(await kept(session)).toBe(before)
  const target = { tablePath: 'bronze/t', schema: SCHEMA }
  await intoFiles(intakeOf(session), segments(writing), target, rows => rows)
  expect(await kept(session)).toBe(before)

  const table = await readSnapshot({ store: lake.store, logParquet: lake.engine.logParquet }, { tablePath: 'bronze/t' })
  if (table === undefined) throw new Error('the table is missing')
  expect(await session.count(sql`SELECT count(*) FROM (${await session.scan(table)})`)).toBe(1n)
  expect(await kept(session)).toBeGreaterThan(before)
})
