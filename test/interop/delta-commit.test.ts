/**
 * Commits of ours before the eyes of Spark: it accepts every feature we give a table, keeps the rules we set, goes on
 * where we left off and lets us go on where it did.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { randomUUID } from 'node:crypto'
import {
  type CommitPorts,
  type CommitResult,
  type CreateRequest,
  checkRows,
  columnMappingOf,
  commit,
  type DataFile,
  LocalStore,
  parseStats,
  planChanges,
  readSnapshot,
  type Snapshot,
  type Staged,
  settingsWith,
  stageAlter,
  stageAppend,
  stageCreate,
  stageMetadata,
  stageRemoveAndAdd,
} from '@tidemark/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Engine } from '../../packages/tidemark/src/engine/engine.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'
import { schemaOf, type Values, valuesRelation } from '../contract/flows-lake.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { hasReader, readWith } from '../support/interop/read-with.ts'
import { spark } from '../support/interop/spark.ts'

const SCHEMA = schemaOf({ id: 'long', name: 'string' })
const info = { operation: 'WRITE' }

let root: string
let engine: Engine
let ports: CommitPorts

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-commit-'))
  const store = new LocalStore(root)
  engine = openDuckdb({ store, ids: systemIds, scratch: join(root, '_tmp'), folders: [root], threads: 1 })
  const clock = { now: () => Date.now(), sleep: (ms: number) => setTimeout(ms) }
  ports = { store, logParquet: engine.logParquet, clock, ids: { uuid: randomUUID } }
})
afterAll(async () => {
  await engine.close()
  await rm(root, { recursive: true, force: true })
})

async function write(table: string, rows: readonly Values[], base?: Snapshot): Promise<DataFile[]> {
  const schema = base?.schema ?? SCHEMA
  const columnMapping = base && columnMappingOf(base)
  await using session = await engine.session()
  return await session.writeParquet(valuesRelation(schema, rows), { tablePath: table, schema, columnMapping })
}

async function publish(staged: Staged): Promise<Snapshot> {
  const result: CommitResult = await commit(ports, staged)
  if (result.kind === 'conflict') throw new Error(`${result.rule}: ${result.reason}`)
  return result.snapshot
}

async function create(table: string, more: Partial<CreateRequest> = {}): Promise<Snapshot> {
  const files = await write(table, [
    { id: 1, name: 'one' },
    { id: 2, name: 'two' },
  ])
  return publish(stageCreate({ tablePath: table, schema: SCHEMA, files, info: { operation: 'CREATE TABLE' }, ...more }))
}

async function current(table: string): Promise<Snapshot> {
  const snapshot = await readSnapshot(ports, { tablePath: table })
  if (snapshot === undefined) throw new Error(`${table} is not a table`)
  return snapshot
}

const append = async (base: Snapshot, rows: readonly Values[]): Promise<Staged> =>
  stageAppend(base, { files: await write(base.tablePath, rows, base), reads: { kind: 'none' }, info })

const inSpark = (table: string): string => `delta.\`${join(root, table)}\``
const sparkRows = async (query: string): Promise<readonly string[]> => (await spark.sql(query)).rows

/** Columns of what DESCRIBE gives, which can be no part of a query: one array a row, newest version first. */
async function described(statement: string, names: readonly string[]): Promise<unknown[][]> {
  const { columns, rows } = await spark.sql(statement)
  const places = names.map(name => columns.findIndex(column => column.name === name))
  return rows.map(row => places.map(place => (JSON.parse(row) as unknown[])[place]))
}

/** The sums that a version's checksum gives. */
async function sumsOf(table: string, version: number): Promise<unknown> {
  const name = `${String(version).padStart(20, '0')}.crc`
  const json = JSON.parse(await readFile(join(root, table, '_delta_log', name), 'utf8'))
  return [json.numFiles, json.tableSizeBytes, json.numDeletedRecordsOpt, json.numDeletionVectorsOpt]
}

function sumsIn({ files, totals }: Snapshot): unknown {
  return [files.size, Number(totals.sizeBytes), Number(totals.deletedRows), totals.deletionVectors]
}

/** Both read the same rows, so many of them. */
async function expectSame(table: string, rowCount: number): Promise<void> {
  const own = await readWith('tidemark', join(root, table))
  expect(own).toEqual(await readWith('spark', join(root, table)))
  expect(own.rows).toHaveLength(rowCount)
}

describe.skipIf(!hasReader('spark'))(`Spark 4.2 with Delta 4.4 (${WHEN_MISSING})`, () => {
  test('a blind append follows what Spark committed in between, and Spark reads both', async () => {
    const base = await create('blind')
    const staged = await append(base, [{ id: 3, name: 'ours' }])
    await spark.run([`INSERT INTO ${inSpark('blind')} VALUES (4, 'theirs')`])
    expect((await publish(staged)).version).toBe(2n)
    await expectSame('blind', 4)
  })

  test('what Spark removed in between stands in the way of who read it', async () => {
    const base = await create('contested')
    const remove = [...base.files.keys()]
    const reads = { kind: 'files' as const, files: remove }
    const files = await write('contested', [{ id: 1, name: 'changed' }])
    const staged = stageRemoveAndAdd(base, { remove, files, dataChange: true, reads, info: { operation: 'UPDATE' } })
    await spark.run([`DELETE FROM ${inSpark('contested')} WHERE id = 2`])
    expect(await commit(ports, staged)).toMatchObject({ kind: 'conflict', rule: 'ConcurrentAppend', version: 1n })
    await expectSame('contested', 1)
  })

  test('row ids of ours and of Spark are never the same, and an updated row keeps its own', async () => {
    await create('tracked', { configuration: { 'delta.enableRowTracking': 'true' } })
    const ids = () =>
      sparkRows(`SELECT id, _metadata.row_id, _metadata.row_commit_version FROM ${inSpark('tracked')} ORDER BY id`)
    expect(await ids()).toEqual(['["1","0","0"]', '["2","1","0"]'])
    await spark.run([
      `INSERT INTO ${inSpark('tracked')} VALUES (3, 'spark')`,
      `UPDATE ${inSpark('tracked')} SET name = 'changed' WHERE id = 2`,
    ])
    await publish(await append(await current('tracked'), [{ id: 4, name: 'ours' }]))
    const after = await ids()
    expect(after.map(row => (JSON.parse(row) as string[])[0])).toEqual(['1', '2', '3', '4'])
    expect(new Set(after.map(row => (JSON.parse(row) as string[])[1])).size).toBe(4)
    expect(after[1]).toMatch(/^\["2","1","2"\]$/)
    await expectSame('tracked', 4)
  })

  test('in-commit timestamps go on growing through commits of both', async () => {
    let table = await create('timed')
    table = await publish(stageMetadata(table, { configuration: { 'delta.enableInCommitTimestamps': 'true' }, info }))
    await spark.run([`INSERT INTO ${inSpark('timed')} VALUES (3, 'spark')`])
    table = await publish(await append(await current('timed'), [{ id: 4, name: 'ours' }]))
    await spark.run([`DELETE FROM ${inSpark('timed')} WHERE id = 4`])
    const history = await described(`DESCRIBE HISTORY ${inSpark('timed')}`, ['timestamp'])
    const times = history.map(([time]) => Date.parse(String(time))).reverse()
    expect(times).toHaveLength(5)
    expect(times.slice(1)).toEqual([...new Set(times.slice(1))].sort((a, b) => a - b))
    expect(table.inCommitTimestamp).toBe(times[3])
    await expectSame('timed', 3)
  })

  test('a constraint we add is kept by Spark, and one that Spark adds by us', async () => {
    const table = await create('constrained')
    const configuration = settingsWith(table, { named: "name <> ''" })
    const checker = { countViolations: async () => [0n] }
    const request = { tablePath: 'constrained', schema: SCHEMA, configuration, rows: undefined, checker }
    const alterations = [{ kind: 'add constraint' as const, name: 'named', sql: "name <> ''" }]
    const checkedTable = await checkRows(request)
    await publish(stageAlter(table, { alterations, checkedTable, info: { operation: 'ADD CONSTRAINT' } }))
    const refusal = spark.run([`INSERT INTO ${inSpark('constrained')} VALUES (3, '')`])
    await expect(refusal).rejects.toMatchObject({ condition: expect.stringMatching(/VIOLATE_CONSTRAINT/) })
    await spark.run([`ALTER TABLE ${inSpark('constrained')} ADD CONSTRAINT positive CHECK (id > 0)`])
    await expect(append(await current('constrained'), [{ id: -1, name: 'x' }])).rejects.toMatchObject({
      code: 'WRITE_REFUSED',
    })
    await spark.run([`INSERT INTO ${inSpark('constrained')} VALUES (3, 'x')`])
    await expectSame('constrained', 3)
  })

  test('a table we cluster is clustered for Spark, which clusters it', async () => {
    await create('clustered', { clusterBy: [['id']] })
    expect(await described(`DESCRIBE DETAIL ${inSpark('clustered')}`, ['clusteringColumns'])).toEqual([[['id']]])
    await publish(await append(await current('clustered'), [{ id: 3, name: 'ours' }]))
    await spark.run([`OPTIMIZE ${inSpark('clustered')} FULL`])
    await publish(await append(await current('clustered'), [{ id: 4, name: 'ours' }]))
    await expectSame('clustered', 4)
  })

  test('domains and application versions of ours survive what Spark does', async () => {
    const domains = [{ domain: 'mark', configuration: '{"at":1}' }]
    await create('marked', { domains, txn: [{ appId: 'flow', version: 7n }] })
    await spark.run([`UPDATE ${inSpark('marked')} SET name = 'x'`, `OPTIMIZE ${inSpark('marked')}`])
    const after = await current('marked')
    expect([after.domain('mark'), after.txn('flow')]).toEqual(['{"at":1}', 7n])
  })

  test('Spark goes on counting from our checksums, and we from its deletion vectors', async () => {
    const created = await create('counted', { configuration: { 'delta.enableDeletionVectors': 'true' } })
    expect(await sumsOf('counted', 0)).toEqual(sumsIn(created))
    await spark.run([`DELETE FROM ${inSpark('counted')} WHERE id = 1`])
    const deleted = await current('counted')
    expect(sumsIn(deleted)).toEqual([1, expect.any(Number), 1, 1])
    expect(await sumsOf('counted', 1)).toEqual(sumsIn(deleted))
    const appended = await publish(await append(deleted, [{ id: 3, name: 'ours' }]))
    expect(await sumsOf('counted', 2)).toEqual(sumsIn(appended))
    await spark.run([`INSERT INTO ${inSpark('counted')} VALUES (4, 'spark')`])
    expect(await sumsOf('counted', 3)).toEqual(sumsIn(await current('counted')))
    // Spark compares the checksum with the whole state before it writes a checkpoint.
    await spark.run([`ALTER TABLE ${inSpark('counted')} SET TBLPROPERTIES (delta.checkpointInterval = 1)`])
    await spark.run([`DELETE FROM ${inSpark('counted')} WHERE id = 3`])
    await expectSame('counted', 2)
  })

  test('a type we widen is wider for Spark, which writes on', async () => {
    const table = await create('widened', { configuration: { 'delta.enableTypeWidening': 'true' } })
    const alterations = [{ kind: 'widen type' as const, column: ['id'], type: 'decimal(20,0)' }]
    await publish(stageAlter(table, { alterations, info: { operation: 'CHANGE COLUMN' } }))
    await spark.run([`INSERT INTO ${inSpark('widened')} VALUES (99999999999999999999BD, 'spark')`])
    await expectSame('widened', 3)
  })

  test('a table whose columns we begin to map, rename and drop is the same table for Spark', async () => {
    let table = await create('mapped')
    const configuration = { 'delta.columnMapping.mode': 'name' }
    table = await publish(stageMetadata(table, { configuration, info: { operation: 'SET TBLPROPERTIES' } }))
    const rename = { kind: 'rename column' as const, column: ['name'], name: 'full name' }
    table = await publish(stageAlter(table, { alterations: [rename], info: { operation: 'RENAME COLUMN' } }))
    await expectSame('mapped', 2)
    await spark.run([`INSERT INTO ${inSpark('mapped')} VALUES (3, 'spark')`])
    const drop = { kind: 'drop column' as const, column: ['full name'] }
    await publish(stageAlter(await current('mapped'), { alterations: [drop], info: { operation: 'DROP COLUMNS' } }))
    await spark.run([`ALTER TABLE ${inSpark('mapped')} ADD COLUMN (name string)`])
    await expectSame('mapped', 3)
    expect(await sparkRows(`SELECT DISTINCT name FROM ${inSpark('mapped')}`)).toEqual(['[null]'])
  })

  test('columns of any name are read by Spark from files of ours, and by us from files of Spark', async () => {
    const schema = schemaOf({ id: 'long', 'first name; {last}': 'string' })
    const configuration = { 'delta.columnMapping.mode': 'name', 'delta.enableTypeWidening': 'true' }
    const created = { tablePath: 'named', schema, configuration, info: { operation: 'CREATE TABLE' } }
    let table = await publish(stageCreate(created))
    table = await publish(await append(table, [{ id: 1, 'first name; {last}': 'ours' }]))
    await spark.run([
      `INSERT INTO ${inSpark('named')} VALUES (2, 'spark')`,
      `ALTER TABLE ${inSpark('named')} RENAME COLUMN id TO key`,
      `ALTER TABLE ${inSpark('named')} ADD COLUMN (more struct<a:int>)`,
    ])
    const named = await current('named')
    await publish(await append(named, [{ key: 3, 'first name; {last}': 'ours', more: null }]))
    await expectSame('named', 3)
  })

  test('changes of a table with deletion vectors are those that Spark tells', async () => {
    await spark.run([
      `CREATE TABLE ${inSpark('fed')} USING delta TBLPROPERTIES (delta.enableChangeDataFeed = true,
         delta.enableDeletionVectors = true) AS SELECT id FROM range(0, 100, 1, 1)`,
      `DELETE FROM ${inSpark('fed')} WHERE id % 10 = 3`,
      `DELETE FROM ${inSpark('fed')} WHERE id % 10 = 4`,
      `INSERT INTO ${inSpark('fed')} VALUES (1000)`,
    ])
    const told = await sparkRows(
      `SELECT _commit_version, _change_type, count(*) FROM table_changes_by_path('${join(root, 'fed')}', 0)
         GROUP BY ALL ORDER BY 1, 2`,
    )
    const plan = await planChanges(ports, { tablePath: 'fed', from: 0n })
    const own = plan.versions.flatMap(({ version, parts }) =>
      parts.map(({ changeType, file, onlyRows }) => {
        const rowCount = parseStats(file.add.stats)?.numRecords ?? 0n
        const count = onlyRows?.size ?? Number(rowCount) - (file.deletedRows?.size ?? 0)
        return JSON.stringify([String(version), changeType, String(count)])
      }),
    )
    expect(own).toEqual(told)
    expect(own).toContain('["1","delete","10"]')
  })

  test('what a commit says about itself is what Spark shows of it', async () => {
    const base = await create('told')
    await publish(await append(base, [{ id: 3, name: 'x' }]))
    const names = [
      'operation',
      'operationParameters',
      'operationMetrics',
      'readVersion',
      'isolationLevel',
      'isBlindAppend',
    ]
    const [newest = []] = await described(`DESCRIBE HISTORY ${inSpark('told')}`, names)
    const [operation, parameters, metrics, ...rest] = newest
    expect([operation, ...rest]).toEqual(['WRITE', '0', 'WriteSerializable', true])
    expect(parameters).toEqual([
      ['mode', 'Append'],
      ['partitionBy', '[]'],
    ])
    expect(metrics).toContainEqual(['numOutputRows', '1'])
  })
})
