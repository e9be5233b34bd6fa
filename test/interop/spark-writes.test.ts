/**
 * Tables that Spark writes, read by us: the rows Spark reads, at every version. Never other rows.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { hasReader, readWith } from '../support/interop/read-with.ts'
import { spark } from '../support/interop/spark.ts'

let lake: string
beforeAll(async () => {
  lake = await mkdtemp(join(tmpdir(), 'tidemark-spark-writes-'))
})
afterAll(() => rm(lake, { recursive: true, force: true }))

const EVERY_TYPE = `id bigint, b boolean, by tinyint, sh smallint, i int, f float, d double, dc decimal(38,10), s string,
  bin binary, dt date, ts timestamp, l array<int>, m map<string,int>, st struct<a:int,b:array<string>>`
const ROWS = `(1, true, -128Y, -32768S, 2147483647, float('0.1'), double('NaN'), 1234567890123456789012345678.0123456789,
    'é😀', X'00FF', DATE'0001-01-01', TIMESTAMP'1969-12-31 23:59:59.999999', array(1, null), map('k', 1, 'a', null),
    struct(1, array('x', null))),
  (9007199254740993, false, 127Y, 32767S, -1, float('-Infinity'), double('-0.0'), -0.0000000001, '', X'',
    DATE'9999-12-31', TIMESTAMP'9999-12-31 23:59:59.999999', array(), map(), struct(null, array())),
  (3, null, null, null, null, null, null, null, null, null, null, null, null, null, null)`

const CHANGES = (t: string): string[] => [
  `INSERT INTO ${t} SELECT id + 100, * EXCEPT (id) FROM ${t}`,
  `UPDATE ${t} SET s = 'changed' WHERE id = 101`,
  `MERGE INTO ${t} t USING (SELECT 3L AS id, 'merged' AS s UNION ALL SELECT 500L, 'new') n ON t.id = n.id
   WHEN MATCHED THEN UPDATE SET s = n.s WHEN NOT MATCHED THEN INSERT (id, s) VALUES (n.id, n.s)`,
  `DELETE FROM ${t} WHERE id = 103`,
]

const TABLES: Readonly<Record<string, string>> = {
  plain: '',
  partitioned: 'PARTITIONED BY (s, dt)',
  deletion_vectors: 'TBLPROPERTIES (delta.enableDeletionVectors = true)',
  column_mapping: "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
  change_data_feed: 'TBLPROPERTIES (delta.enableChangeDataFeed = true)',
  clustered: 'CLUSTER BY (id)',
  checkpointed: 'TBLPROPERTIES (delta.checkpointInterval = 2)',
}

describe.skipIf(!hasReader('spark'))(`Spark 4.2 with Delta 4.4 (${WHEN_MISSING})`, () => {
  test.each(Object.entries(TABLES))('a table that is %s is read at every version', async (name, how) => {
    const folder = join(lake, name)
    const table = `delta.\`${folder}\``
    await spark.run([`CREATE TABLE ${table} (${EVERY_TYPE}) USING delta ${how}`, `INSERT INTO ${table} VALUES ${ROWS}`])
    await spark.run(CHANGES(table))
    const latest = 5
    for (let version = 1; version <= latest; version++) {
      const own = await readWith('tidemark', folder, { version })
      expect(own, `version ${version}`).toEqual(await readWith('spark', folder, { version }))
    }
    expect((await readWith('spark', folder)).rows).toHaveLength(6)
  })

  test('the change data feed comes back as every reader gives it', async () => {
    const folder = join(lake, 'feed')
    const table = `delta.\`${folder}\``
    await spark.run([
      `CREATE TABLE ${table} (id bigint, s string) USING delta TBLPROPERTIES (delta.enableChangeDataFeed = true)`,
      `INSERT INTO ${table} VALUES (1, 'a'), (2, 'b')`,
      `UPDATE ${table} SET s = 'c' WHERE id = 1`,
      `DELETE FROM ${table} WHERE id = 2`,
    ])
    const changes = await readWith('spark', folder, { cdf: { from: 1, to: 3 } })
    expect(changes.columns.map(c => `${c.name} ${c.type}`)).toEqual([
      'id bigint',
      's string',
      '_change_type string',
      '_commit_version bigint',
      '_commit_timestamp timestamp',
    ])
    const withoutTime = changes.rows.map(row => (JSON.parse(row) as string[]).slice(0, 4).join(' '))
    expect(withoutTime).toEqual([
      '1 a insert 1',
      '1 a update_preimage 2',
      '1 c update_postimage 2',
      '2 b delete 3',
      '2 b insert 1',
    ])
  })
})
