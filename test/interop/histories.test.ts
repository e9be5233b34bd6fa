/**
 * Histories of a thousand commits: ours is read by every reader, and those of the others are read by us, at any version.
 *
 *   TIDEMARK_SPARK_COMMITS=1000 vitest run --project heavy test/interop/histories.test.ts
 */
import { join } from 'node:path'
import { field, stageCreate, stageMetadata, type StructType, writeCheckpoint } from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { raw } from '../../packages/tidemark/src/engine/sql.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { append, openOwnLake, type OwnLake } from '../support/interop/own-lake.ts'
import { hasReader, type Reader, readWith, runPython } from '../support/interop/read-with.ts'
import { spark } from '../support/interop/spark.ts'

const COMMITS = 1000
/** Spark takes half a second for each, and several where the machine is busy: all thousand are for runs by hand. */
const SPARK_COMMITS = Number(process.env['TIDEMARK_SPARK_COMMITS'] ?? 60)
/**
 * DuckDB's extension writes no checkpoint, and for each INSERT opens every commit since the last one, twice: without ours
 * in between, the time of an INSERT grows with the history, and that of the history with its square.
 */
const BETWEEN_CHECKPOINTS = 50

const OTHERS: readonly Reader[] = ['delta-rs', 'duckdb', 'spark']
const SCHEMA: StructType = { type: 'struct', fields: [field('id', 'long')] }

let lake: OwnLake
beforeAll(async () => {
  lake = await openOwnLake('histories')
})
afterAll(() => lake[Symbol.asyncDispose]())

/** Both read the same rows at the version, so many of them. */
async function expectSame(reader: Reader, folder: string, version: number, rowCount: number): Promise<void> {
  const own = await readWith('tidemark', folder, { version })
  expect(own, `version ${version}`).toEqual(await readWith(reader, folder, { version }))
  expect(own.rows).toHaveLength(rowCount)
}

/** The table has the version, and none after it. */
async function expectLatest(folder: string, version: number): Promise<void> {
  const beyond = readWith('tidemark', folder, { version: version + 1 })
  await expect(beyond).rejects.toMatchObject({ details: { latest: BigInt(version) } })
}

test.skipIf(!OTHERS.some(hasReader))(`ours is read by every reader (${WHEN_MISSING})`, async () => {
  await using session = await lake.engine.session()
  const info = { operation: 'WRITE' }
  const create = { tablePath: 'ours', schema: SCHEMA, needsDomainMetadata: false, info }
  let snapshot = await lake.publish(stageCreate(create))
  for (let i = 1; i < COMMITS; i += 1) {
    const txn = [{ appId: 'app', version: BigInt(i) }]
    if (i % 20 !== 0) snapshot = await lake.publish(stageMetadata(snapshot, { txn, info }))
    else snapshot = await append(lake, session, snapshot, raw(`SELECT CAST(${i} AS BIGINT) AS id`))
  }
  const folder = join(lake.folder, 'ours')
  await expectLatest(folder, COMMITS - 1)
  const own = await readWith('tidemark', folder)
  expect(own.rows).toHaveLength(49)
  for (const reader of OTHERS.filter(hasReader)) expect(await readWith(reader, folder)).toEqual(own)
})

test.skipIf(!hasReader('delta-rs'))(`that of delta-rs is read by us (${WHEN_MISSING})`, async () => {
  const folder = join(lake.folder, 'of-delta-rs')
  const script = `
for i in range(${COMMITS}):
    write_deltalake(arguments[0], pa.table({"id": pa.array([i], pa.int64())}), mode="append")`
  await runPython(script, folder)
  for (const version of [0, COMMITS / 2, COMMITS - 1]) await expectSame('delta-rs', folder, version, version + 1)
  await expectLatest(folder, COMMITS - 1)
})

test.skipIf(!hasReader('duckdb'))(
  `that of DuckDB is read by us, with checkpoints of ours between (${WHEN_MISSING})`,
  async () => {
    const folder = join(lake.folder, 'of-duckdb')
    await lake.publish(stageCreate({ tablePath: 'of-duckdb', schema: SCHEMA, info: { operation: 'CREATE TABLE' } }))
    const script = `
connection = duckdb_connection()
connection.execute(f"ATTACH '{arguments[0]}' AS t (TYPE delta)")
for i in range(int(arguments[1]), int(arguments[2])):
    connection.execute(f"INSERT INTO t VALUES ({i})")`
    for (let from = 1; from < COMMITS; from += BETWEEN_CHECKPOINTS) {
      const until = Math.min(from + BETWEEN_CHECKPOINTS, COMMITS)
      await runPython(script, folder, String(from), String(until))
      const written = await writeCheckpoint(lake.ports, { tablePath: 'of-duckdb' })
      expect(written).toMatchObject({ version: BigInt(until - 1), outcome: 'created' })
    }
    for (const version of [1, COMMITS / 2, COMMITS - 1]) await expectSame('duckdb', folder, version, version)
    await expectLatest(folder, COMMITS - 1)
  },
)

test.skipIf(!hasReader('spark'))(
  `that of Spark is read by us, ${SPARK_COMMITS} commits (${WHEN_MISSING})`,
  async () => {
    const folder = join(lake.folder, 'of-spark')
    const table = `delta.\`${folder}\``
    // Each checkpoint costs Spark as much as ten commits.
    const settings = 'TBLPROPERTIES (delta.checkpointInterval = 20)'
    const rowCounts = [0]
    await spark.run([`CREATE TABLE ${table} (id bigint) USING delta ${settings}`])
    for (let i = 1; i < SPARK_COMMITS; i += 1) {
      const isDelete = i % 10 === 0
      await spark.run([isDelete ? `DELETE FROM ${table} WHERE id = ${i - 5}` : `INSERT INTO ${table} VALUES (${i})`])
      rowCounts.push((rowCounts.at(-1) ?? 0) + (isDelete ? -1 : 1))
    }
    const latest = SPARK_COMMITS - 1
    for (const version of [1, Math.floor(latest / 2), latest]) {
      await expectSame('spark', folder, version, rowCounts[version] ?? 0)
    }
    await expectLatest(folder, latest)
  },
  // A thousand take an hour where the machine is busy.
  Math.max(1_200_000, SPARK_COMMITS * 5000),
)
