/** `audit` of copies that other engines really wrote, by the watermark that everybody uses: what it tells is what they missed. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Audit } from '../../packages/tidemark/src/ingest/audit.ts'
import { openAudit, STREAM, streamRows } from '../support/audited-stream.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { hasReader, runPython } from '../support/interop/read-with.ts'
import { spark } from '../support/interop/spark.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  // Keys 905 to 909 share their second with the mark, 100 and 200 were committed late, 300 was changed since.
  await database.query(`${STREAM}; ${streamRows('generate_series(1, 1000) g')}`)
})
afterAll(() => database.drop())

/** What every copy is found to lack. */
const FOUND = {
  status: 'different',
  sourceRows: '1000',
  copyRows: '904',
  missing: { rows: '7', ties: '5', behind: '2', newer: '91' },
  stale: { rows: '1', ties: '0', behind: '1', newer: '0' },
  ghosts: '2',
  doubled: '0',
  notCompared: [],
}

async function audited(write: (table: string) => Promise<unknown>): Promise<Audit> {
  const { root, audited: auditOf } = await openAudit(database)
  await write(join(root, 'copies/stream'))
  return await auditOf('./copies/stream')
}

const select = (
  rows: string,
): string => `SELECT id AS stream_id, CAST(id * 0.25 AS DECIMAL(10, 2)) AS seconds, id % 2 = 0 AS paid,
  timestamp_micros(1767225600000000 + CAST(floor(id / 10) AS BIGINT) * 1000000) AS played_at,
  date_add(DATE'2026-01-01', CAST(id % 7 AS INT)) AS day,
  CASE WHEN id % 3 > 0 THEN concat('note é ', id) END AS note FROM ${rows}`

describe.skipIf(!hasReader('spark'))(`Spark (${WHEN_MISSING})`, () => {
  test.each([
    ['whose changes are marked', true],
    ['whose files are written anew', false],
  ])('a table %s misses the ties and the late rows, and keeps what was deleted', async (_how, marked) => {
    const found = await audited(async table => {
      const into = `delta.\`${table}\``
      await spark.run([
        `CREATE TABLE ${into} USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = '${marked}') AS
          ${select('range(1, 600)')} WHERE id NOT IN (100, 200)`,
        `MERGE INTO ${into} t USING (${select('range(590, 905)')}) s ON t.stream_id = s.stream_id
          WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *`,
        `UPDATE ${into} SET seconds = 0 WHERE stream_id = 300`,
        `INSERT INTO ${into} ${select('range(5001, 5003)').replace('id / 10', '50')}`,
      ])
    })
    expect(found).toMatchObject(FOUND)
    expect(found.differingColumns).toEqual([{ column: 'seconds', rows: '1' }])
  })
})

const DELTA_RS = `
import decimal, datetime as dt
start = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
schema = pa.schema([("note", pa.string()), ("stream_id", pa.int64()), ("seconds", pa.decimal128(10, 2)), ("paid", pa.bool_()),
    ("played_at", pa.timestamp("us", tz="UTC")), ("day", pa.date32())])
def row(id, second=None):
    return {"stream_id": id, "seconds": decimal.Decimal(id) / 4, "paid": id % 2 == 0,
        "played_at": start + dt.timedelta(seconds=id // 10 if second is None else second),
        "day": dt.date(2026, 1, 1) + dt.timedelta(days=id % 7), "note": f"note é {id}" if id % 3 else None}
rows = lambda ids, second=None: pa.Table.from_pylist([row(id, second) for id in ids], schema=schema)
write_deltalake(arguments[0], rows(id for id in range(1, 600) if id not in (100, 200)), partition_by=["day"])
table = DeltaTable(arguments[0])
merge = table.merge(rows(range(590, 905)), "t.stream_id = s.stream_id", source_alias="s", target_alias="t")
merge.when_matched_update_all().when_not_matched_insert_all().execute()
table.update(updates={"seconds": "0"}, predicate="stream_id = 300")
write_deltalake(arguments[0], rows((5001, 5002), 50), mode="append")
`

test.skipIf(!hasReader('delta-rs'))(`a table of delta-rs, partitioned, tells the same (${WHEN_MISSING})`, async () => {
  const found = await audited(table => runPython(DELTA_RS, table))
  expect(found).toMatchObject(FOUND)
  expect(found.differingColumns).toEqual([{ column: 'seconds', rows: '1' }])
})
