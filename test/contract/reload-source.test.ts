/** `--reload-source`: bronze becomes what the source has now, and nobody loses history without having been told. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { commit, readSnapshot, stageMetadata } from '@tidemark/delta'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import type { Ended } from '../packaging/programs.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { createDatabase, requireRelease, type TestDatabase } from '../support/postgres.ts'
import { temporaryFolder } from '../support/source.ts'
import { watched } from '../support/watched-snapshot.ts'
import { createWorld, type World } from '../support/world.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await createDatabase(import.meta.url)
})
afterAll(() => db.drop())
beforeEach(async () => {
  await db.query(`DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, v text NOT NULL);
    INSERT INTO t SELECT n, 'first ' || n FROM generate_series(1, 4000) n`)
})

const HISTORY = `CREATE OR REFRESH STREAMING TABLE gold.history;
CREATE FLOW history_cdc AS AUTO CDC INTO gold.history FROM STREAM(silver.t) KEYS (id)
APPLY AS DELETE WHEN _op = 'delete' SEQUENCE BY _seq STORED AS SCD TYPE 2;`

interface Project {
  command: (...args: string[]) => Promise<Ended>
  query: (text: string) => Promise<Record<string, unknown>[]>
  /** What the person at the terminal was asked, and says. */
  asked: string[]
  answer: boolean | undefined
}

async function openProject(): Promise<Project> {
  const cwd = await temporaryFolder()
  await mkdir(join(cwd, 'gold'))
  await writeFile(join(cwd, 'gold/history.sql'), HISTORY)
  await writeFile(
    join(cwd, 'tidemark.yml'),
    `name: again
sources:
  app: { type: postgres, url: { secret: env:APP }, tables: [ { schema: public, table: t } ] }
flows: gold/*.sql
`,
  )
  const asked: string[] = []
  const command = async (...args: string[]): Promise<Ended> => {
    const { answer } = project
    const say = (question: string): Promise<boolean> => {
      asked.push(question)
      return Promise.resolve(answer === true)
    }
    return await runInProcess(args, { cwd, env: { APP: db.url }, confirm: answer === undefined ? undefined : say })
  }
  const query = async (text: string): Promise<Record<string, unknown>[]> =>
    JSON.parse((await command('query', text, '--json')).stdout) as Record<string, unknown>[]
  const project: Project = { command, query, asked, answer: undefined }
  return project
}

const COUNTS = `SELECT (SELECT count(*) FROM bronze.t) AS bronze, (SELECT count(*) FROM silver.t) AS silver`

test('says what exists only in the lake, asks, and rebuilds what streams from the table', async () => {
  const project = await openProject()
  const first = await project.command('run')
  expect(first.exit, first.stderr).toBe(0)
  await db.query(`UPDATE t SET v = 'second ' || id WHERE id <= 30; DELETE FROM t WHERE id > 3990`)
  expect((await project.command('run', '--json')).exit).toBe(0)
  expect(await project.query(COUNTS)).toEqual([{ bronze: '4040', silver: '3990' }])

  const nobody = await project.command('run', '--reload-source', 't')
  expect([nobody.exit, nobody.stderr]).toEqual([2, expect.stringContaining('RELOAD_NEEDS_YES')])
  expect(nobody.stderr).toContain('bronze.t: 50 of its 4,040 row versions exist only in the lake')

  project.answer = false
  const refused = await project.command('run', '--reload-source', 'bronze.t')
  expect([refused.exit, refused.stderr]).toEqual([1, expect.stringContaining('Nothing was changed.')])
  expect(project.asked).toEqual(['Reload 1 table from the source?'])
  expect(await project.query(COUNTS)).toEqual([{ bronze: '4040', silver: '3990' }])

  project.answer = true
  const reloaded = await project.command('run', '--reload-source', 't')
  expect(reloaded.exit, reloaded.stderr).toBe(0)
  expect(reloaded.stderr).toContain('50 of its 4,040 row versions exist only in the lake')
  expect(await project.query(COUNTS)).toEqual([{ bronze: '3990', silver: '3990' }])
  expect(await project.query('SELECT count(*) AS n FROM gold.history')).toEqual([{ n: '3990' }])
  expect(await project.query('SELECT count(*) AS n FROM bronze.t VERSION AS OF 1')).toEqual([{ n: '4040' }])
  expect((await project.command('verify')).exit).toBe(0)

  const quiet = JSON.parse((await project.command('run', '--json')).stdout) as { steps: { status: string }[] }
  expect(quiet.steps.map(({ status }) => status)).toEqual(quiet.steps.map(() => 'unchanged'))
  await db.query(`UPDATE t SET v = 'third' WHERE id = 1`)
  expect((await project.command('run')).exit).toBe(0)
  expect(await project.query('SELECT count(*) AS n FROM gold.history WHERE id = 1')).toEqual([{ n: '2' }])
})

test('a table that was never loaded is simply loaded, a name that is none is refused, and --yes is enough', async () => {
  const project = await openProject()
  expect((await project.command('run', '--reload-source', 't')).exit).toBe(0)
  expect((await project.command('run', '--reload-source', 'nothing', '--yes')).stderr).toContain('STEP_UNKNOWN')
  const again = await project.command('run', '--reload-source', 't', '--yes', '--json')
  expect(again.stderr).toContain('none of its 4,000 row versions exists only in the lake')
  const { steps } = JSON.parse(again.stdout) as { steps: Record<string, unknown>[] }
  expect(steps[0]).toMatchObject({ status: 'changed', ledger: { read: '4000', inserted: '4000' } })
})

test('a table that is not selected is not reloaded, and the document of the run says so', async () => {
  const project = await openProject()
  expect((await project.command('run')).exit).toBe(0)
  const ended = await project.command('run', '--reload-source', 't', '--yes', '--select', 'silver.t', '--json')
  expect(JSON.parse(ended.stdout)).toMatchObject({ warnings: ['not selected, and so not reloaded: t'] })
})

const entry = { table: 't' }

async function expectEqual(world: World): Promise<void> {
  const rows = await world.live('t', sql`id`)
  const wanted = await db.query('SELECT id::text, v FROM t')
  expect(rows.map(row => `${String(row['id'])} ${String(row['v'])}`).toSorted()).toEqual(
    wanted.map(row => `${row['id']} ${row['v']}`).toSorted(),
  )
  expect((await world.verify(entry)).status).toBe('equal')
}

test('a reload that is killed leaves the table as it was; increments go on, and the next reload reads what is missing', async context => {
  requireRelease(context, 14, 'scans of ranges of blocks')
  const world = await createWorld(db, { chunkBytes: 32n * 1024n })
  await world.ingest(entry)
  await db.query(`UPDATE t SET v = 'second ' || id WHERE id % 7 = 0`)
  const broken = watched(await world.snapshot(entry), 4)
  await expect(world.ingest(entry, { snapshot: broken.snapshot, reload: true })).rejects.toThrow(
    'the connection is gone',
  )
  expect(await world.version('t')).toBe(0n)
  await world.ingest(entry)
  await expectEqual(world)
  await db.query(`UPDATE t SET v = 'third ' || id WHERE id % 500 = 0; DELETE FROM t WHERE id = 3`)
  const outcome = await world.ingest(entry, { reload: true })
  expect(outcome.method).toMatch(/^reload in \d+ parts, \d of them read by an earlier run$/)
  await expectEqual(world)
  await db.query(`UPDATE t SET v = 'fourth' WHERE id = 5`)
  expect((await world.ingest(entry)).ledger.inserted).toBe(1n)
  await expectEqual(world)
})

test('a table whose columns somebody has begun to map keeps their names', async () => {
  const world = await createWorld(db)
  await world.ingest(entry)
  const { lake } = world
  const current = await readSnapshot(lake, { tablePath: 'bronze/t' })
  if (current === undefined) throw new Error('bronze.t does not exist')
  const configuration = { 'delta.columnMapping.mode': 'name' }
  const staged = stageMetadata(current, { configuration, info: { operation: 'SET TBLPROPERTIES' } })
  await commit({ ...lake, clock: systemClock, ids: systemIds }, staged)
  await db.query(`ALTER TABLE t ADD w int; UPDATE t SET w = 7 WHERE id = 1`)
  expect((await world.ingest(entry, { reload: true })).ledger.inserted).toBe(4000n)
  expect(await world.bronze('t', sql`id`)).toHaveLength(4000)
  expect((await world.bronze('t', sql`id`))[0]).toMatchObject({ id: 1n, w: 7n })
  expect((await world.verify(entry)).status).toBe('equal')
})
