/** Bronze tables whose columns somebody has begun to map: ingestion and flows go on, and new columns are not lost. */
import { commit, readSnapshot, stageMetadata } from '@tidemark/delta'
import { beforeAll, expect, test } from 'vitest'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createProject, failures, type TestProject } from '../support/project.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  return () => database.drop()
})

async function beginMapping({ store }: TestProject, tablePath: string): Promise<void> {
  const current = await readSnapshot({ store }, { tablePath })
  if (current === undefined) throw new Error(`${tablePath} does not exist`)
  const configuration = { 'delta.columnMapping.mode': 'name' }
  const staged = stageMetadata(current, { configuration, info: { operation: 'SET TBLPROPERTIES' } })
  expect(await commit({ store, clock: systemClock, ids: systemIds }, staged)).toMatchObject({ kind: 'committed' })
}

test('a new column of the source comes into a mapped bronze table, keyed or not, and into silver', async () => {
  await database.query(`CREATE SCHEMA m;
    CREATE TABLE m.keyed (id int PRIMARY KEY, code int); INSERT INTO m.keyed VALUES (1, 1), (2, 2);
    CREATE TABLE m.loose (id int, code int); INSERT INTO m.loose VALUES (1, 1)`)
  const tables = ['keyed', 'loose'].map(table => ({ schema: 'm', table }))
  await using project = await createProject({ url: database.url, tables })
  expect(failures(await project.run())).toEqual([])
  for (const { table } of tables) {
    await beginMapping(project, `bronze/${table}`)
    await database.query(`ALTER TABLE m.${table} ADD COLUMN note text;
      UPDATE m.${table} SET note = 'a', code = 7 WHERE id = 1; INSERT INTO m.${table} VALUES (3, 3, 'c')`)
  }
  expect(failures(await project.run())).toEqual([])
  await database.query(`UPDATE m.keyed SET note = 'b' WHERE id = 2; DELETE FROM m.keyed WHERE id = 3`)
  expect(failures(await project.run())).toEqual([])
  expect(await project.rows('SELECT id, code, note FROM {silver.keyed} ORDER BY id')).toEqual([
    { id: 1n, code: 7n, note: 'a' },
    { id: 2n, code: 2n, note: 'b' },
  ])
  expect(await project.rows('SELECT id, code, note FROM {bronze.loose} ORDER BY id')).toEqual([
    { id: 1n, code: 7n, note: 'a' },
    { id: 3n, code: 3n, note: 'c' },
  ])
  expect((await project.verify()).map(({ status }) => status)).toEqual(['equal', 'equal'])
})
