/** The readers themselves: every type in one canonical form, versions, and the errors they give back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commit, field, LocalStore, stageCreate, type StructType } from '@tidemark/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import { raw } from '../../packages/tidemark/src/engine/sql.ts'
import { toDuckType } from '../../packages/tidemark/src/engine/types.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { hasReader, readWith, runPython } from '../support/interop/read-with.ts'
import { spark, SparkError } from '../support/interop/spark.ts'

let lake: string
beforeAll(async () => {
  lake = await mkdtemp(join(tmpdir(), 'tidemark-readers-'))
})
afterAll(() => rm(lake, { recursive: true, force: true }))

const VALUES = `SELECT 1L AS id, double('NaN') AS d, float('0.1') AS f, array(1, null) AS l,
    map('b', struct(1 AS x), 'a', null) AS m, TIMESTAMP'1969-12-31 23:59:59.9' AS t,
    TIMESTAMP_NTZ'1582-10-04 00:00:00.000001' AS tn, X'00FF' AS b, DATE'+10000-03-01' AS dt, 1.5BD AS dc,
    named_struct('a', 1Y, 'b', true) AS s
  UNION ALL SELECT 2, double('-0.0'), float('-Infinity'), array(), map(), null, null, X'', DATE'-0001-12-31', null, null`

const EXPECTED = {
  columns: [
    { name: 'id', type: 'bigint' },
    { name: 'd', type: 'double' },
    { name: 'f', type: 'float' },
    { name: 'l', type: 'array<int>' },
    { name: 'm', type: 'map<string,struct<x:int>>' },
    { name: 't', type: 'timestamp' },
    { name: 'tn', type: 'timestamp_ntz' },
    { name: 'b', type: 'binary' },
    { name: 'dt', type: 'date' },
    { name: 'dc', type: 'decimal(2,1)' },
    { name: 's', type: 'struct<a:tinyint,b:boolean>' },
  ],
  rows: [
    '["1","NaN","0.10000000149011612",["1",null],[["a",null],["b",{"x":"1"}]],"1969-12-31T23:59:59.900000Z","1582-10-04T00:00:00.000001","00FF","+10000-03-01","1.5",{"a":"1","b":true}]',
    '["2","-0","-Infinity",[],[],null,null,"","-0001-12-31",null,null]',
  ],
}

describe.skipIf(!hasReader('spark'))(`a table of Spark’s (${WHEN_MISSING})`, () => {
  let folder: string
  beforeAll(async () => {
    folder = join(lake, 'every_type')
    await spark.run([`CREATE TABLE delta.\`${folder}\` USING delta AS ${VALUES}`])
  })

  test.each((['spark', 'duckdb', 'delta-rs'] as const).filter(hasReader))(
    '%s gives every type in its canonical form',
    async reader => {
      expect(await readWith(reader, folder)).toEqual(EXPECTED)
    },
  )

  test('an error has Spark’s own condition, and the session goes on', async () => {
    await expect(spark.sql('SELECT 1 / 0')).rejects.toMatchObject({ condition: 'DIVIDE_BY_ZERO' })
    await expect(spark.sql('SELECT nothing')).rejects.toBeInstanceOf(SparkError)
    expect(await spark.sql('SELECT 9007199254740993 AS n, 1D AS d')).toEqual({
      columns: [
        { name: 'n', type: 'bigint' },
        { name: 'd', type: 'double' },
      ],
      rows: ['["9007199254740993","1"]'],
    })
  })
})

const PARTITIONS: Readonly<Record<string, string>> = {
  string: "'a b/c=1'",
  boolean: 'true',
  long: '-9223372036854775808',
  'decimal(10,2)': '1.5',
  float: "'-Infinity'",
  double: "'NaN'",
  date: "'12024-03-15'",
  timestamp: "'2024-01-02 03:04:05.123456+00'",
  timestamp_ntz: "'1582-10-04 00:00:00.000001'",
  binary: String.raw`'\xC3\xA9'`,
}

test(`partition values of every type are read by all (${WHEN_MISSING})`, async () => {
  const types = Object.keys(PARTITIONS)
  const columns = types.map((type, i) => field(`p${i}`, type))
  const schema: StructType = { type: 'struct', fields: [field('id', 'long'), ...columns] }
  const partitionColumns = columns.map(({ name }) => name)
  const select = (id: number, value: (type: string) => string): string =>
    `SELECT ${id} AS id, ${types.map((type, i) => `CAST(${value(type)} AS ${toDuckType(type).text}) AS p${i}`).join(', ')}`
  const rows = raw(`${select(1, type => PARTITIONS[type] ?? '')} UNION ALL ${select(2, () => 'NULL')}`)
  const store = new LocalStore(lake)
  const engine = openDuckdb({ store, ids: systemIds, scratch: join(lake, '_tmp'), folders: [], threads: 1 })
  try {
    await using session = await engine.session()
    const files = await session.writeParquet(rows, { tablePath: 'parted', schema, partitionColumns })
    const info = { operation: 'CREATE TABLE' }
    const request = { tablePath: 'parted', schema, partitionColumns, features: ['timestampNtz'], files, info }
    const ports = { store, clock: systemClock, ids: systemIds }
    expect(await commit(ports, stageCreate(request))).toMatchObject({ kind: 'committed' })
  } finally {
    await engine.close()
  }
  for (const reader of (['tidemark', 'delta-rs', 'duckdb', 'spark'] as const).filter(hasReader)) {
    expect((await readWith(reader, join(lake, 'parted'))).rows, reader).toEqual([
      '["1","a b/c=1",true,"-9223372036854775808","1.50","-Infinity","NaN","+12024-03-15","2024-01-02T03:04:05.123456Z","1582-10-04T00:00:00.000001","C3A9"]',
      '["2",null,null,null,null,null,null,null,null,null,null]',
    ])
  }
})

describe.skipIf(!hasReader('delta-rs'))(`a table of delta-rs (${WHEN_MISSING})`, () => {
  test('is read by all at each of its versions', async () => {
    const folder = join(lake, 'of-delta-rs')
    const write = 'write_deltalake(arguments[0], pa.table({"a": [int(x) for x in arguments[1:]]}), mode="append")'
    await runPython(write, folder, '1', '9007199254740993')
    await runPython(write, folder, '2')
    for (const reader of (['tidemark', 'delta-rs', 'duckdb', 'spark'] as const).filter(hasReader)) {
      expect((await readWith(reader, folder)).rows, reader).toEqual(['["1"]', '["2"]', '["9007199254740993"]'])
      expect((await readWith(reader, folder, { version: 0 })).rows, reader).toEqual(['["1"]', '["9007199254740993"]'])
    }
  })
})
