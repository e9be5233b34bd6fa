/**
 * Tables whose owner asks for version 2 of Parquet, as Databricks does by itself: files of Spark's in its encodings are
 * read by us, and ours, which stay with version 1, are read beside them by everyone.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sql, textList } from '../../packages/tidemark/src/engine/sql.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { append, openOwnLake, type OwnLake } from '../support/interop/own-lake.ts'
import { hasReader, type Reader, readWith } from '../support/interop/read-with.ts'
import { spark } from '../support/interop/spark.ts'

const OTHERS: readonly Reader[] = ['delta-rs', 'duckdb', 'spark']
/** Values whose differences need all bits of their type, and texts that begin alike. */
const ROWS = `SELECT id, hash(id) AS i, xxhash64(id) AS l, CAST(sin(id) AS float) AS f, sin(id) AS d,
  CAST(hash(id) AS decimal(38,10)) AS c, date_add(DATE'1970-01-01', CAST(id % 9000 AS int)) AS day,
  timestamp_micros(id * 999983) AS at, concat('the same begin ', id) AS s, unhex(md5(CAST(id AS string))) AS b,
  id % 3 = 0 AS y, IF(id % 7 = 0, NULL, id) AS n FROM range(5000)`

let lake: OwnLake
beforeAll(async () => {
  lake = await openOwnLake('parquet-version')
})
afterAll(() => lake[Symbol.asyncDispose]())

describe.skipIf(!hasReader('spark'))(`a table that Spark writes in version 2 (${WHEN_MISSING})`, () => {
  test('is read by us, and read by every reader when rows of ours are added', async () => {
    const folder = join(lake.folder, 't')
    const settings = "TBLPROPERTIES ('delta.parquet.format.version' = '2.12.0')"
    await spark.run([`CREATE TABLE delta.\`${folder}\` USING delta ${settings} AS ${ROWS}`])
    await using session = await lake.engine.session()
    const files = (await readdir(folder)).filter(name => name.endsWith('.parquet')).map(name => join(folder, name))
    const encodings = await session.rows(
      sql`SELECT string_agg(DISTINCT encodings, ' ') AS e FROM parquet_metadata(${textList(files)})`,
    )
    expect(String(encodings[0]?.['e'])).toMatch(/DELTA_/)
    expect(await readWith('tidemark', folder)).toEqual(await readWith('spark', folder))

    const before = await lake.current('t')
    const rows = sql`SELECT * REPLACE (id + 5000 AS id) FROM (${await session.scan(before, {})})`
    await append(lake, session, before, rows)
    const own = await readWith('tidemark', folder)
    expect(own.rows).toHaveLength(10_000)
    for (const reader of OTHERS.filter(hasReader)) expect(await readWith(reader, folder)).toEqual(own)
  })
})
