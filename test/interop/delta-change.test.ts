/**
 * Tables that we change in every way there is, read by the others: MERGE, DELETE, OPTIMIZE and checkpoints, on tables of
 * every kind. And one table that three writers change in turn.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Assignments,
  columnMappingOf,
  commit,
  type CommitPorts,
  compare,
  field,
  LocalStore,
  type LogParquet,
  readSnapshot,
  type Snapshot,
  type Staged,
  stageAppend,
  stageChange,
  stageCreate,
  stageDelete,
  stageMetadata,
  stageOptimize,
  type StructType,
} from '@tidemark/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Engine, Session } from '../../packages/tidemark/src/engine/engine.ts'
import { sessionParquet, sessionRelations } from '../../packages/tidemark/src/engine/relations.ts'
import { raw, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { hasReader, type Reader, readWith, runPython } from '../support/interop/read-with.ts'
import { spark } from '../support/interop/spark.ts'

const OTHERS: readonly Reader[] = ['delta-rs', 'duckdb', 'spark']
/** What a reader does not do; the others read these tables. */
const UNREAD: Partial<Record<Reader, Record<string, string>>> = {
  duckdb: { 'of every kind at once': 'partition values of mapped columns come as NULL' },
}
const info = { operation: 'MERGE' }

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

let lake: string
let engine: Engine
let ports: CommitPorts & { logParquet: LogParquet }
beforeAll(async () => {
  lake = await mkdtemp(join(tmpdir(), 'tidemark-changes-'))
  const store = new LocalStore(lake)
  engine = await openDuckdb({ store, ids: systemIds, scratch: join(lake, '_tmp'), folders: [lake] })
  ports = { store, logParquet: engine.logParquet, clock: systemClock, ids: systemIds }
})
afterAll(async () => {
  await engine.close()
  await rm(lake, { recursive: true, force: true })
})

async function publish(staged: Staged): Promise<Snapshot> {
  const result = await commit(ports, staged)
  if (result.kind === 'conflict') throw new Error(result.reason)
  return result.snapshot
}

const tools = (session: Session) => ({ ports, parquet: sessionParquet(session), relations: sessionRelations(session) })

async function append(session: Session, snapshot: Snapshot, query: Sql): Promise<Snapshot> {
  const files = await sessionParquet(session).write(query, {
    tablePath: snapshot.tablePath,
    schema: snapshot.schema,
    columnMapping: columnMappingOf(snapshot),
    partitionColumns: snapshot.metaData.partitionColumns,
  })
  return publish(stageAppend(snapshot, { files, info: { operation: 'WRITE' } }))
}

const merge = (session: Session, snapshot: Snapshot, source: Sql) => {
  const columns: Assignments<Sql> = new Map(snapshot.schema.fields.map(({ name }) => [name, { source: name }]))
  return stageChange({
    snapshot,
    change: {
      source: { rows: source, keys: [{ target: 'id', source: 'id' }] },
      matched: [{ kind: 'update', set: columns }],
      notMatched: [{ values: columns }],
    },
    info,
    ...tools(session),
  })
}

/** A table after appends, a merge, a deletion and OPTIMIZE, with a checkpoint every third version. */
async function changeTable(tablePath: string, kind: string): Promise<Snapshot> {
  await using session = await engine.session()
  const how = KINDS[kind] ?? { configuration: {} }
  const configuration = { ...how.configuration, 'delta.checkpointInterval': '3' }
  let snapshot = await publish(
    stageCreate({ tablePath, schema: SCHEMA, ...how, configuration, info: { operation: 'CREATE TABLE' } }),
  )
  for (let i = 0; i < 3; i += 1) snapshot = await append(session, snapshot, rows(range(i * 40, (i + 1) * 40), 'first'))
  snapshot = await publish((await merge(session, snapshot, rows(range(35, 42), 'merged'))).staged)
  snapshot = await publish((await merge(session, snapshot, rows(range(118, 125), 'merged'))).staged)
  const where = compare('id', '<', '4')
  snapshot = await publish(
    (await stageDelete({ snapshot, where, info: { operation: 'DELETE' }, ...tools(session) })).staged,
  )
  const staged = await stageOptimize({ snapshot, ...tools(session) })
  if (staged !== undefined) snapshot = await publish(staged)
  return publish((await merge(session, snapshot, rows(range(60, 62), 'last'))).staged)
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
      const folder = join(lake, tablePath)
      const own = await readWith('tidemark', folder)
      expect(own.rows).toHaveLength(121)
      expect(await readWith(reader, folder)).toEqual(own)
    },
  )

  test.skipIf(!hasReader('spark'))('is read by Spark at each of its versions', async () => {
    const folder = join(lake, tablePath)
    for (let version = 0; version <= Number(snapshot.version); version += 1) {
      expect(await readWith('spark', folder, { version })).toEqual(await readWith('tidemark', folder, { version }))
    }
  })

  test.skipIf(!hasReader('spark') || !('delta.enableChangeDataFeed' in (KINDS[kind]?.configuration ?? {})))(
    'tells Spark the changes it tells us',
    async () => {
      const folder = join(lake, tablePath)
      const cdf = { from: 1, to: Number(snapshot.version) }
      expect(await readWith('spark', folder, { cdf })).toEqual(await readWith('tidemark', folder, { cdf }))
    },
  )
})

test.skipIf(OTHERS.filter(hasReader).length === 0)('a thousand commits are read by every reader', async () => {
  await using session = await engine.session()
  const schema: StructType = { type: 'struct', fields: [field('id', 'long')] }
  const create = { tablePath: 'thousand', schema, needsDomainMetadata: false, info: { operation: 'CREATE TABLE' } }
  let snapshot = await publish(stageCreate(create))
  for (let i = 1; i < 1000; i += 1) {
    if (i % 20 === 0) snapshot = await append(session, snapshot, raw(`SELECT CAST(${i} AS BIGINT) AS id`))
    else snapshot = await publish(stageMetadata(snapshot, { txn: [{ appId: 'app', version: BigInt(i) }], info }))
  }
  expect(snapshot.version).toBe(999n)
  const folder = join(lake, 'thousand')
  const own = await readWith('tidemark', folder)
  expect(own.rows).toHaveLength(49)
  for (const reader of OTHERS.filter(hasReader)) expect(await readWith(reader, folder)).toEqual(own)
})

test.skipIf(!hasReader('spark') || !hasReader('delta-rs'))(
  `we, Spark and delta-rs change one table in turn, and its rows are the model's (${WHEN_MISSING})`,
  async () => {
    await using session = await engine.session()
    const schema: StructType = { type: 'struct', fields: [field('id', 'long'), field('name', 'string')] }
    const folder = join(lake, 'turns')
    const model = new Map<number, string>()
    await publish(stageCreate({ tablePath: 'turns', schema, info: { operation: 'CREATE TABLE' } }))
    for (let turn = 0; turn < 4; turn += 1) {
      const ids = Array.from({ length: 20 }, (_, i) => turn * 10 + i)
      const snapshot = await readSnapshot(ports, { tablePath: 'turns' })
      if (snapshot === undefined) throw new Error('the table is gone')
      const source = raw(`SELECT range AS id, 'ours ${turn}' AS name FROM range(${turn * 10}, ${turn * 10 + 20})`)
      await publish((await merge(session, snapshot, source)).staged)
      for (const id of ids) model.set(id, `ours ${turn}`)
      await spark.run([
        `UPDATE delta.\`${folder}\` SET name = 'spark ${turn}' WHERE id % 7 = ${turn}`,
        `DELETE FROM delta.\`${folder}\` WHERE id = ${turn * 10 + 3}`,
      ])
      for (const id of model.keys()) if (id % 7 === turn) model.set(id, `spark ${turn}`)
      model.delete(turn * 10 + 3)
      const table = `pa.table({"id": pa.array([${1000 + turn}], pa.int64()), "name": ["rs ${turn}"]})`
      await runPython(`write_deltalake(arguments[0], ${table}, mode="append")`, folder)
      model.set(1000 + turn, `rs ${turn}`)
    }
    const snapshot = await readSnapshot(ports, { tablePath: 'turns' })
    if (snapshot === undefined) throw new Error('the table is gone')
    const found = await session.rows(sql`SELECT id, name FROM (${await session.scan(snapshot)}) ORDER BY id`)
    expect(found).toEqual([...model].toSorted(([a], [b]) => a - b).map(([id, name]) => ({ id: BigInt(id), name })))
    const own = await readWith('tidemark', folder)
    for (const reader of OTHERS) expect(await readWith(reader, folder)).toEqual(own)
  },
)
