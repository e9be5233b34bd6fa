/**
 * One table that we, Spark, delta-rs and DuckDB change in turn, each beginning a round once: at its end it holds the rows
 * that a model of all their statements holds, for every reader.
 */
import { join } from 'node:path'
import { type Commit, compare, field, readCommits, stageCreate, stageDelete, type StructType } from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { raw } from '../../packages/tidemark/src/engine/sql.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { openOwnLake, type OwnLake, stageUpsert, toolsOf } from '../support/interop/own-lake.ts'
import { hasReader, type Reader, readWith, runPython } from '../support/interop/read-with.ts'
import { spark } from '../support/interop/spark.ts'

const SCHEMA: StructType = { type: 'struct', fields: [field('id', 'long'), field('name', 'string')] }
const READERS: readonly Reader[] = ['tidemark', 'delta-rs', 'duckdb', 'spark']

type Model = Map<number, string>

/** A turn of a writer: what it does to the table, and the same to the model. */
interface Writer {
  change(tablePath: string, turn: number): Promise<unknown>
  model(rows: Model, turn: number): void
}

let lake: OwnLake
let session: Session
beforeAll(async () => {
  lake = await openOwnLake('turns')
  session = await lake.engine.session()
})
afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await lake[Symbol.asyncDispose]()
})

function update(rows: Model, name: string, isHit: (id: number) => boolean): void {
  for (const id of rows.keys()) if (isHit(id)) rows.set(id, name)
}

const ours: Writer = {
  change: async (tablePath, turn) => {
    const from = turn * 10
    const source = raw(`SELECT range AS id, 'ours ${turn}' AS name FROM range(${from}, ${from + 20})`)
    await lake.publish((await stageUpsert(lake, session, await lake.current(tablePath), source)).staged)
    const where = compare('id', '=', String(from + 19))
    const request = { snapshot: await lake.current(tablePath), where, info: { operation: 'DELETE' } }
    await lake.publish((await stageDelete({ ...request, ...toolsOf(lake, session) })).staged)
  },
  model: (rows, turn) => {
    for (let id = turn * 10; id < turn * 10 + 19; id += 1) rows.set(id, `ours ${turn}`)
    rows.delete(turn * 10 + 19)
  },
}

const sparks: Writer = {
  change: (tablePath, turn) => {
    const table = `delta.\`${join(lake.folder, tablePath)}\``
    return spark.run([
      `UPDATE ${table} SET name = 'spark ${turn}' WHERE id % 7 = ${turn}`,
      `DELETE FROM ${table} WHERE id = ${turn * 10 + 3}`,
    ])
  },
  model: (rows, turn) => {
    update(rows, `spark ${turn}`, id => id % 7 === turn)
    rows.delete(turn * 10 + 3)
  },
}

const deltaRs: Writer = {
  change: (tablePath, turn) =>
    runPython(
      `
rows = pa.table({"id": pa.array([${1000 + turn}], pa.int64()), "name": ["rs ${turn}"]})
write_deltalake(arguments[0], rows, mode="append")
DeltaTable(arguments[0]).update(updates={"name": "'rs changed ${turn}'"}, predicate="id % 11 = ${turn}")`,
      join(lake.folder, tablePath),
    ),
  model: (rows, turn) => {
    rows.set(1000 + turn, `rs ${turn}`)
    update(rows, `rs changed ${turn}`, id => id % 11 === turn)
  },
}

/** It only adds rows; the second statement takes them from what all the others left. */
const duckdb: Writer = {
  change: (tablePath, turn) =>
    runPython(
      `
connection = duckdb_connection()
connection.execute(f"ATTACH '{arguments[0]}' AS t (TYPE delta)")
connection.execute("INSERT INTO t VALUES (${2000 + turn}, 'duckdb ${turn}')")
connection.execute("INSERT INTO t SELECT id + ${(turn + 1) * 10_000}, name FROM t WHERE id < 1000 AND id % 5 = ${turn}")`,
      join(lake.folder, tablePath),
    ),
  model: (rows, turn) => {
    rows.set(2000 + turn, `duckdb ${turn}`)
    const copied = [...rows].filter(([id]) => id < 1000 && id % 5 === turn)
    for (const [id, name] of copied) rows.set(id + (turn + 1) * 10_000, name)
  },
}

const engineOf = (c: Commit): string => String(c.commitInfo?.['engineInfo'])

const WRITERS = [ours, sparks, deltaRs, duckdb]

test.skipIf(!READERS.every(hasReader)).each([
  ['a plain table', 'plain', {}],
  ['a table with deletion vectors', 'vectors', { 'delta.enableDeletionVectors': 'true' }],
])(`%s, changed by four in turn, has the model's rows (${WHEN_MISSING})`, async (_what, tablePath, settings) => {
  const rows: Model = new Map()
  const configuration = { ...settings, 'delta.checkpointInterval': '10' }
  await lake.publish(stageCreate({ tablePath, schema: SCHEMA, configuration, info: { operation: 'CREATE TABLE' } }))
  for (let turn = 0; turn < WRITERS.length; turn += 1) {
    for (const writer of [...WRITERS.slice(turn), ...WRITERS.slice(0, turn)]) {
      await writer.change(tablePath, turn)
      writer.model(rows, turn)
    }
  }
  const expected = [...rows].map(([id, name]) => JSON.stringify([String(id), name])).toSorted()
  for (const reader of READERS)
    expect((await readWith(reader, join(lake.folder, tablePath))).rows, reader).toEqual(expected)
  const { version } = await lake.current(tablePath)
  const commits = await readCommits(lake.ports.store, tablePath, { after: 0n, upTo: version })
  const byEngine = Map.groupBy(commits, c => /^(@tidemark|Apache-Spark|delta-rs|DuckDB)/.exec(engineOf(c))?.[0])
  expect([...byEngine.values()].map(made => made.length)).toEqual([8, 8, 8, 8])
})
