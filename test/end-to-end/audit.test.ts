/** `audit`: what a stranger learns about a copy that another tool keeps, without adopting anything. */
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Audit } from '../../packages/tidemark/src/ingest/audit.ts'
import { type CliProject, createProject, expectProblem } from '../support/cli.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  await database.query(`CREATE TABLE stream (stream_id bigint PRIMARY KEY, user_id int, seconds numeric(10, 2), paid boolean,
      played_at timestamptz, note text, payload jsonb);
    INSERT INTO stream SELECT g, g % 50, g * 0.25, g % 2 = 0, timestamptz '2026-01-01 00:00+00' + (g / 10) * interval '1 second',
      CASE WHEN g % 3 = 0 THEN NULL ELSE 'note ' || g END, jsonb_build_object('n', g) FROM generate_series(1, 1000) g;
    CREATE TABLE keyless AS SELECT stream_id, note FROM stream;
    CREATE TABLE ordered (region text, no int, amount int, PRIMARY KEY (region, no));
    INSERT INTO ordered SELECT 'r' || g % 3, g, g FROM generate_series(1, 30) g`)
})
afterAll(() => database.drop())

/** A folder without a project, and an environment with the address of the database. */
function createFolder(files: Readonly<Record<string, string>> = {}): Promise<CliProject> {
  return createProject(files, { AUDIT_URL: database.url }, 'in this process')
}

/** Rows of the stream as another tool would have copied them: other order, other types, columns of its own. */
const COPIED = `SELECT 'batch-1' AS _load_id, note, CAST(seconds AS DOUBLE) AS seconds, CAST(paid AS INTEGER) AS paid,
  CAST(played_at AS TIMESTAMP) AS "playedAt", CAST(stream_id AS INTEGER) AS stream_id, user_id, payload
  FROM (SELECT g AS stream_id, g % 50 AS user_id, CAST(g * 0.25 AS DECIMAL(10, 2)) AS seconds, g % 2 = 0 AS paid,
    TIMESTAMP '2026-01-01 00:00:00' + (g // 10) * INTERVAL 1 SECOND AS played_at,
    CASE WHEN g % 3 = 0 THEN NULL ELSE 'note ' || g END AS note, '{"n":' || g || '}' AS payload
    FROM range(1, 1001) AS r(g))`

async function writeParquet(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true })
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  for (const [name, query] of Object.entries(files)) {
    await connection.run(`COPY (${query}) TO '${join(folder, name)}' (FORMAT parquet)`)
  }
  connection.closeSync()
  instance.closeSync()
}

async function audit(project: CliProject, ...args: string[]): Promise<Audit & { exit: number }> {
  const ended = await project.tidemark('audit', ...args, '--json')
  expect(ended.stderr).toBe('')
  return { ...(JSON.parse(ended.stdout) as Audit), exit: ended.exit }
}

const FROM_ENV = ['--source', 'env:AUDIT_URL'] as const

describe('a folder of Parquet files, with an address from the environment', () => {
  test('that holds every row is equal, whatever the order and the types of its columns', async () => {
    const project = await createFolder()
    const half = (condition: string): string => `SELECT * FROM (${COPIED}) WHERE ${condition}`
    await writeParquet(join(project.root, 'lake'), {
      'a.parquet': half('stream_id % 2 = 0'),
      'b.parquet': half('stream_id % 2 = 1'),
    })
    const found = await audit(project, 'public.stream', ...FROM_ENV, '--against', './lake', '--cursor', 'played_at')
    expect(found).toMatchObject({
      exit: 0,
      status: 'equal',
      sourceRows: '1000',
      copyRows: '1000',
      doubled: '0',
      notCompared: [],
    })
    expect(found.compared.toSorted()).toEqual([
      'note',
      'paid',
      'payload',
      'played_at',
      'seconds',
      'stream_id',
      'user_id',
    ])
    const { stdout } = await project.tidemark('audit', 'public.stream', ...FROM_ENV, '--against', './lake')
    expect(stdout).toMatch(/^stream: the copy equals the source\n/)
    expect(await readdir(join(project.root, 'lake'))).toHaveLength(2)
  })

  test('that a watermark has filled tells ties at the mark, rows behind it, stale rows, ghosts and doubled ones', async () => {
    const project = await createFolder()
    // Up to second 90, whose ties 905 to 909 were committed late; 100 and 200 were, too; 300 was changed, 7 and 8 came twice.
    const copied = `SELECT * REPLACE (CASE WHEN stream_id = 300 THEN 0 ELSE seconds END AS seconds,
      CASE WHEN stream_id = 901 THEN 'old' ELSE note END AS note) FROM (${COPIED})
      WHERE stream_id <= 904 AND stream_id NOT IN (100, 200)`
    await writeParquet(join(project.root, 'lake'), {
      'rows.parquet': copied,
      'twice.parquet': `SELECT * FROM (${COPIED}) WHERE stream_id IN (7, 8)`,
      'ghosts.parquet': `SELECT * REPLACE (5000 + stream_id AS stream_id) FROM (${COPIED}) WHERE stream_id <= 3`,
    })
    const args = ['public.stream', ...FROM_ENV, '--against', './lake', '--cursor', 'played_at']
    const found = await audit(project, ...args)
    expect(found).toMatchObject({
      exit: 1,
      status: 'different',
      missing: { rows: '7', ties: '5', behind: '2', newer: '91' },
      stale: { rows: '2', ties: '1', behind: '1', newer: '0' },
      ghosts: '3',
      doubled: '2',
      versions: '0',
      cursor: { column: 'played_at', copyMax: '2026-01-01 00:01:30+00' },
      differingColumns: [
        { column: 'note', rows: '1' },
        { column: 'seconds', rows: '1' },
      ],
    })
    expect(found.examples).toContainEqual({ kind: 'missing', key: '905' })
    const { stdout, exit } = await project.tidemark('audit', ...args)
    expect(exit).toBe(1)
    expect(stdout).toMatch(/^stream: 9 changes missing, 6 of them ties at the mark, 3 ghosts, 2 doubled\n/)
    expect(stdout).toMatch(/^newer +91 +not copied yet; no error$/m)
    expect(stdout).toContain('columns that differ in stale rows: note (1), seconds (1)')
  })

  test('that only has not got further yet misses no change', async () => {
    const project = await createFolder()
    await writeParquet(join(project.root, 'lake'), {
      'rows.parquet': `SELECT * FROM (${COPIED}) WHERE stream_id < 500`,
    })
    const args = ['public.stream', ...FROM_ENV, '--against', 'lake', '--cursor', 'played_at']
    const found = await audit(project, ...args)
    expect(found).toMatchObject({ exit: 0, status: 'behind', missing: { rows: '0', newer: '501' } })
    expect((await project.tidemark('audit', ...args)).stdout).toContain('stream: no change is missing up to the mark')
  })

  test('that keeps every version is judged by the newest of each key, and one of several of equal age will do', async () => {
    const project = await createFolder()
    const version = (cursor: string, note: string): string =>
      `SELECT * REPLACE (${cursor} AS "playedAt", ${note} AS note) FROM (${COPIED})`
    await writeParquet(join(project.root, 'lake'), {
      'first.parquet': version(`"playedAt" - INTERVAL 1 DAY`, `'first'`),
      'newest.parquet': COPIED,
      'same-age.parquet': `SELECT * FROM (${version('"playedAt"', `'other'`)}) WHERE stream_id <= 10`,
    })
    const found = await audit(project, 'public.stream', ...FROM_ENV, '--against', 'lake', '--cursor', 'played_at')
    expect(found).toMatchObject({ status: 'equal', versions: '1010', doubled: '0' })
  })

  test('may lack columns, have others under names of its own, and leave some out of the comparison', async () => {
    const project = await createFolder()
    await writeParquet(join(project.root, 'lake'), {
      'rows.parquet': `SELECT * EXCLUDE (note, payload) REPLACE (0 AS seconds), [payload] AS payload FROM (${COPIED})`,
    })
    const found = await audit(project, 'public.stream', ...FROM_ENV, '--against', 'lake', '--ignore', 'seconds')
    expect(found).toMatchObject({ exit: 0, status: 'equal', cursor: null })
    expect(found.notCompared.map(({ column, reason }) => `${column} ${reason}`).toSorted()).toEqual([
      'note is missing',
      'payload is VARCHAR[], which cannot be compared with jsonb',
      'seconds is ignored',
    ])
  })
})

test('a key of several columns, one file, a folder that is a link, and the address on the command line', async () => {
  const project = await createFolder()
  await writeParquet(join(project.root, 'lake'), {
    'orders.parquet': `SELECT g AS no, 'r' || g % 3 AS region, g AS amount FROM range(2, 31) AS r(g)`,
  })
  const args = ['ordered', '--source', database.url, '--against', 'lake/orders.parquet']
  const found = await audit(project, ...args)
  expect(found).toMatchObject({ exit: 1, missing: { rows: '1' }, examples: [{ kind: 'missing', key: 'r1, 1' }] })
  await symlink(join(project.root, 'lake'), join(project.root, 'way'))
  const linked = await audit(project, 'ordered', '--source', database.url, '--against', 'way')
  expect(linked).toMatchObject({ missing: { rows: '1' }, copyRows: '29' })
  const wrong = await audit(project, ...args, '--key', 'no')
  expect(wrong).toMatchObject({ missing: { rows: '1' }, examples: [{ key: '1' }] })
})

describe('in a project', () => {
  test('key and cursor come from the table list, and a Delta table is read at its newest version', async () => {
    const project = await createFolder({
      'tidemark.yml':
        'name: p\nsources:\n  app: { type: postgres, url: { secret: env:AUDIT_URL }, tables: list.json }\n',
      'list.json': JSON.stringify([{ schema: 'public', table: 'stream', name: 'FactStream', cdc_col: 'played_at' }]),
    })
    await project.run()
    await database.query(`UPDATE stream SET note = 'changed' WHERE stream_id = 1`)
    const found = await audit(project, 'FactStream', '--against', 'lake/silver/FactStream')
    expect(found).toMatchObject({
      exit: 1,
      table: 'public.stream',
      stale: { rows: '1', ties: '0' },
      missing: { rows: '0' },
      cursor: { column: 'played_at' },
      differingColumns: [{ column: 'note', rows: '1' }],
    })
    await database.query(`UPDATE stream SET note = 'note 1' WHERE stream_id = 1`)
    await project.run()
    expect(await audit(project, 'public.stream', '--against', 'lake/silver/FactStream')).toMatchObject({
      status: 'equal',
    })
    const ended = await project.tidemark('audit', 'FactUser', '--against', 'lake/silver/FactStream')
    expectProblem(ended, { exit: 2, code: 'AUDIT_SOURCE', says: 'FactUser' })
  })
})

describe('is refused with the way out', () => {
  test.each([
    { code: 'AUDIT_TARGET', says: 'no such folder', args: ['public.stream', '--against', 'nowhere'] },
    { code: 'AUDIT_TARGET', says: 'no Parquet file', args: ['public.stream', '--against', '.'] },
    { code: 'AUDIT_NEEDS_KEY', says: 'public.keyless', args: ['public.keyless', '--against', 'lake'] },
    {
      code: 'AUDIT_COLUMN',
      says: 'no such column',
      args: ['public.stream', '--against', 'lake', '--key', 'stream_no'],
    },
    {
      code: 'AUDIT_COLUMN',
      says: 'in the copy it is missing',
      args: ['public.stream', '--against', 'lake', '--cursor', 'note'],
    },
    { code: 'SOURCE_TABLE_MISSING', says: 'strem', args: ['public.strem', '--against', 'lake'], exit: 1 },
    {
      code: 'KEY_NOT_UNIQUE',
      says: 'user_id',
      args: ['public.stream', '--against', 'lake', '--key', 'user_id'],
      exit: 1,
    },
  ])('$code: $says', async ({ code, says, args, exit = 2 }) => {
    const project = await createFolder({ 'empty.txt': '' })
    if (args.includes('lake')) {
      await writeParquet(join(project.root, 'lake'), {
        'a.parquet': `SELECT * EXCLUDE (note) FROM (${COPIED}) WHERE stream_id > 5`,
      })
    }
    expectProblem(await project.tidemark('audit', ...args, ...FROM_ENV), { exit, code, says })
  })

  test('and never shows the password', async () => {
    const project = await createFolder()
    await writeParquet(join(project.root, 'lake'), { 'a.parquet': COPIED })
    const url = 'postgres://somebody:hunter2secret@127.0.0.1:1/nowhere'
    const ended = await project.tidemark('audit', 'public.stream', '--source', url, '--against', 'lake')
    expect(ended.exit).toBe(3)
    expect(ended.stderr + ended.stdout).not.toContain('hunter2secret')
    const unset = await project.tidemark('audit', 'public.stream', '--source', 'env:NOT_SET', '--against', 'lake')
    expectProblem(unset, { exit: unset.exit, code: 'SECRET_MISSING', says: 'NOT_SET' })
  })
})
