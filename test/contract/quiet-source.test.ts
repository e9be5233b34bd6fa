/**
 * A source in which nothing has happened is not read again, and still nothing is overlooked: what changed in the lake or
 * in the list since the last run is told by the next plan and stops the next run, as it would if the source had moved.
 */
import {
  commit,
  LocalStore,
  readSnapshot,
  type Snapshot,
  stageMetadata,
  stageOverwrite,
  type Staged,
} from '@tidemark/delta'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { type CliProject, createProject, expectFailedStep } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  return () => database.drop()
})

const SOURCES = `name: t\nsources:\n  app: { type: postgres, url: { secret: env:APP_URL }, tables: list.json }\n`

function listOf(schema: string, item: object = {}): Record<string, string> {
  return {
    'list.json': JSON.stringify([
      { schema, table: 'item', ...item },
      { schema, table: 'well' },
    ]),
  }
}

/** Two tables, loaded; nothing happens in the database after that. */
async function start(schema: string): Promise<CliProject> {
  await database.query(`CREATE SCHEMA ${schema}`)
  for (const table of ['item', 'well']) {
    await database.query(`CREATE TABLE ${schema}.${table} (id int PRIMARY KEY, code int NOT NULL);
      INSERT INTO ${schema}.${table} SELECT i, i FROM generate_series(1, 3) i`)
  }
  const project = await createProject(
    { 'tidemark.yml': SOURCES, ...listOf(schema) },
    { APP_URL: database.url },
    'in this process',
  )
  expect((await project.run()).status).toBe('succeeded')
  return project
}

/** Commit to a bronze table as another program would. */
async function commitAs(project: CliProject, table: string, stage: (current: Snapshot) => Staged): Promise<void> {
  const store = new LocalStore(project.lake)
  const current = await readSnapshot({ store }, { tablePath: `bronze/${table}` })
  if (current === undefined) throw new Error(`bronze.${table} does not exist`)
  await commit({ store, clock: systemClock, ids: systemIds }, stage(current))
}

interface Expected {
  exit: number
  code: string
  says: string
}

/** The plan refuses `item` and the run stops it, both for the same reason; `well` goes on, and nothing is written. */
async function expectNoticed(project: CliProject, { exit, code, says }: Expected): Promise<void> {
  const before = await project.tidemark('tables', '--json')
  expect(before.stdout).toContain('"silver.well"')
  const plan = await project.tidemark('plan')
  expect(plan.stdout).toMatch(new RegExp(`bronze\\.item .*refused: ${code}`))
  expect(plan.stdout).toMatch(/bronze\.well .*nothing, proved/)
  expect(plan.stderr).toContain(`error ${code}: `)
  expect(plan.exit, plan.stderr).toBe(exit)
  const run = await project.run()
  expectFailedStep(run, 'bronze.item', { exit, code, says })
  expect(run.step('silver.item').status).toBe('skipped')
  expect(run.step('bronze.well')).toMatchObject({ status: 'unchanged', ledger: { read: '0' } })
  expect((await project.tidemark('tables', '--json')).stdout).toBe(before.stdout)
}

describe('while the source is quiet', () => {
  test('rows that another program removed from bronze are noticed', async () => {
    const project = await start('outside')
    await commitAs(project, 'item', current => stageOverwrite(current, { files: [], info: { operation: 'DELETE' } }))
    await expectNoticed(project, { exit: 1, code: 'BRONZE_FOREIGN_CHANGE', says: 'DELETE' })
  })

  test('a commit of another program that changes no data stops nothing', async () => {
    const project = await start('harmless')
    await commitAs(project, 'item', current => stageMetadata(current, { domains: [], info: { operation: 'OPTIMIZE' } }))
    const run = await project.run()
    expect(run.step('bronze.item')).toMatchObject({ status: 'unchanged', ledger: { read: '0' } })
    expect(run.status).toBe('succeeded')
  })

  test('another key is noticed, and the key in use is none', async () => {
    const project = await start('rekeyed')
    await project.write(listOf('rekeyed', { primary_key: ['code'] }))
    await expectNoticed(project, { exit: 1, code: 'KEY_CHANGED', says: 'code' })
    await project.write(listOf('rekeyed', { primary_key: 'ID' }))
    expect((await project.run()).step('bronze.item')).toMatchObject({ status: 'unchanged', ledger: { read: '0' } })
  })

  test('a table that belongs to another source is noticed', async () => {
    const project = await start('resourced')
    const other = `${SOURCES}  other: { type: postgres, url: { secret: env:APP_URL }, tables: other.json }\n`
    const entry = (table: string): string => JSON.stringify([{ schema: 'resourced', table }])
    await project.write({ 'tidemark.yml': other, 'list.json': entry('well'), 'other.json': entry('item') })
    await expectNoticed(project, { exit: 1, code: 'BRONZE_WITHOUT_MARK', says: 'other' })
  })

  test('an entry that is read in another way is compared whole', async () => {
    const project = await start('reread')
    await project.write(listOf('reread', { deletes: 'ignore' }))
    expect((await project.tidemark('plan')).stdout).toMatch(/full compare: the entry changed/)
    expect((await project.run()).step('bronze.item').ledger).toMatchObject({ read: '3', inserted: '0' })
  })

  test('a log that cannot be read is noticed', async () => {
    const project = await start('torn')
    await writeFile(join(project.lake, 'bronze/item/_delta_log/00000000000000000001.json'), '{"add":')
    await expectNoticed(project, { exit: 1, code: 'DELTA_LOG_UNREADABLE', says: 'Version 1 cannot be read' })
  })
})

test('a new table whose folder holds what is not ours is refused by the plan already', async () => {
  const project = await start('taken')
  await rm(join(project.lake, 'bronze/item'), { recursive: true })
  await mkdir(join(project.lake, 'bronze/item'))
  await writeFile(join(project.lake, 'bronze/item/notes.txt'), 'mine')
  await expectNoticed(project, { exit: 1, code: 'FOLDER_NOT_OURS', says: 'notes.txt' })
})
