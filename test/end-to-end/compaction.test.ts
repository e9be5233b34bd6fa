/** Tables that change in every run: their files stay few, and what reads them notices nothing. */
import { readSnapshot } from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createProject, type TestProject } from '../support/project.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(() => database.drop())

const fileCount = async (project: TestProject, table: string): Promise<number> =>
  (await readSnapshot(project, { tablePath: table.replace('.', '/') }))?.files.size ?? 0

test('forty runs with a change each leave few files, equal tables, and a quiet run that writes nothing', {
  timeout: 300_000,
}, async () => {
  await database.query(`CREATE TABLE users (id int PRIMARY KEY, name text);
    INSERT INTO users SELECT i, 'user ' || i FROM generate_series(1, 200) i`)
  await using project = await createProject({
    url: database.url,
    tables: [{ schema: 'public', table: 'users' }],
    flows: {
      'gold/counts.sql': 'CREATE OR REFRESH MATERIALIZED VIEW gold.counts AS SELECT count(*) AS n FROM silver.users;',
      'gold/names.sql':
        'CREATE OR REFRESH STREAMING TABLE gold.names;\nCREATE FLOW names_cdc AS AUTO CDC INTO gold.names FROM STREAM(silver.users) KEYS (id) SEQUENCE BY id STORED AS SCD TYPE 1;',
    },
  })
  for (let i = 1; i <= 40; i += 1) {
    await database.query(`UPDATE users SET name = 'renamed ${i}' WHERE id = ${i}`)
    const { results } = await project.run()
    expect(results.map(({ step, status, problem }) => ({ step, status, problem }))).not.toContainEqual(
      expect.objectContaining({ status: 'failed' }),
    )
  }
  for (const table of ['bronze.users', 'silver.users']) expect(await fileCount(project, table)).toBeLessThan(34)
  expect((await project.verify()).map(({ status }) => status)).toEqual(['equal'])
  const quiet = await project.run()
  expect(quiet.results.filter(({ status }) => status === 'changed')).toEqual([])
  const [lost] = await project.rows(`SELECT count(*) AS n FROM {silver.users} WHERE name = 'renamed ' || id`)
  expect(lost?.['n']).toBe(40n)
})
