/**
 * Tables that we change in every way there is, read by the others: MERGE, DELETE, OPTIMIZE and checkpoints, on tables of
 * every kind.
 */
import { join } from 'node:path'
import {
  compare,
  field,
  type Snapshot,
  stageCreate,
  stageDelete,
  stageOptimize,
  type StructType,
} from '@tidemark/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { raw, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { append, openOwnLake, type OwnLake, stageUpsert, toolsOf } from '../support/interop/own-lake.ts'
import { hasReader, type Reader, readWith } from '../support/interop/read-with.ts'

const OTHERS: readonly Reader[] = ['delta-rs', 'duckdb', 'spark']
/** What a reader does not do; the others read these tables. */
const UNREAD: Partial<Record<Reader, Record<string, string>>> = {
  duckdb: { 'of every kind at once': 'partition values of mapped columns come as NULL' },
}

const SCHEMA: StructType = {
  type: 'struct',
  fields: [
    field('id', 'long'),
    field('part', 'string'),
    field('flag', 'boolean'),
    field('amount', 'decimal(38,10)'),
    field('ratio', 'double'),
    field('day', 'date'),
    field('at', 'timestamp'),
    field('raw', 'binary'),
    field('list', { type: 'array', elementType: 'integer', containsNull: true }),
    field('map', { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true }),
    field('nested', { type: 'struct', fields: [field('a', 'integer'), field('b', 'string')] }),
  ],
}

const rows = (
  ids: Sql,
  name: string,
): Sql => sql`SELECT id, CASE id % 3 WHEN 0 THEN NULL WHEN 1 THEN 'a b/c=1' ELSE 'é' END AS part, \
id % 2 = 0 AS flag, CAST(id AS DECIMAL(38,10)) / 7 AS amount, CASE WHEN id % 5 = 0 THEN 'NaN'::DOUBLE ELSE id / 3 END AS ratio, \
DATE '1969-12-30' + CAST(id AS INTEGER) AS day, make_timestamptz(id * 1000001 - 5000000) AS at, encode(${raw(`'${name}'`)}) AS raw, \
[CAST(id AS INTEGER), NULL] AS list, MAP {'k': id} AS map, {'a': CAST(id AS INTEGER), 'b': ${raw(`'${name}'`)}} AS nested FROM (${ids})`

const range = (from: number, to: number): Sql => raw(`SELECT range AS id FROM range(${from}, ${to})`)

const KINDS: Readonly<Record<string, { configuration: Record<string, string>; partitionColumns?: string[] }>> = {
  plain: { configuration: {} },
  partitioned: { configuration: {}, partitionColumns: ['part', 'day'] },
  'with deletion vectors': { configuration: { 'delta.enableDeletionVectors': 'true' } },
  mapped: { configuration: { 'delta.columnMapping.mode': 'name' } },
  'with a change feed': { configuration: { 'delta.enableChangeDataFeed': 'true' } },
  'of every kind at once': {
    configuration: {
      'delta.enableDeletionVectors': 'true',
      'delta.columnMapping.mode': 'name',
      'delta.enableChangeDataFeed': 'true',
    },
    partitionColumns: ['part'],
  },
}

let lake: OwnLake
beforeAll(async () => {
  lake = await openOwnLake('changes')
})
afterAll(() => lake[Symbol.asyncDispose]())

/** A table after appends, a merge, a deletion and OPTIMIZE, with a checkpoint every third version. */
async function changeTable(tablePath: string, kind: string): Promise<Snapshot> {
  await using session = await lake.engine.session()
  const how = KINDS[kind] ?? { configuration: {} }
  const configuration = { ...how.configuration, 'delta.checkpointInterval': '3' }
  let snapshot = await lake.publish(
    stageCreate({ tablePath, schema: SCHEMA, ...how, configuration, info: { operation: 'CREATE TABLE' } }),
  )
  for (let i = 0; i < 3; i += 1)
    snapshot = await append(lake, session, snapshot, rows(range(i * 40, (i + 1) * 40), 'first'))
  snapshot = await lake.publish((await stageUpsert(lake, session, snapshot, rows(range(35, 42), 'merged'))).staged)
  snapshot = await lake.publish((await stageUpsert(lake, session, snapshot, rows(range(118, 125), 'merged'))).staged)
  const where = compare('id', '<', '4')
  snapshot = await lake.publish(
    (await stageDelete({ snapshot, where, info: { operation: 'DELETE' }, ...toolsOf(lake, session) })).staged,
  )
  const staged = await stageOptimize({ snapshot, ...toolsOf(lake, session) })
  if (staged !== undefined) snapshot = await lake.publish(staged)
  return lake.publish((await stageUpsert(lake, session, snapshot, rows(range(60, 62), 'last'))).staged)
}

describe.each(Object.keys(KINDS))(`a table that is %s (${WHEN_MISSING})`, kind => {
  const tablePath = kind.replaceAll(' ', '-')
  let snapshot: Snapshot
  beforeAll(async () => {
    snapshot = await changeTable(tablePath, kind)
  })

  test.each(OTHERS.filter(reader => hasReader(reader) && !(kind in (UNREAD[reader] ?? {}))))(
    'is read by %s as we read it',
    async reader => {
      const folder = join(lake.folder, tablePath)
      const own = await readWith('tidemark', folder)
      expect(own.rows).toHaveLength(121)
      expect(await readWith(reader, folder)).toEqual(own)
    },
  )

  test.skipIf(!hasReader('spark'))('is read by Spark at each of its versions', async () => {
    const folder = join(lake.folder, tablePath)
    for (let version = 0; version <= Number(snapshot.version); version += 1) {
      expect(await readWith('spark', folder, { version })).toEqual(await readWith('tidemark', folder, { version }))
    }
  })

  test.skipIf(!hasReader('spark') || !('delta.enableChangeDataFeed' in (KINDS[kind]?.configuration ?? {})))(
    'tells Spark the changes it tells us',
    async () => {
      const folder = join(lake.folder, tablePath)
      const cdf = { from: 1, to: Number(snapshot.version) }
      expect(await readWith('spark', folder, { cdf })).toEqual(await readWith('tidemark', folder, { cdf }))
    },
  )
})
