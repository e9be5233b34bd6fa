/**
 * The oldest Node that is promised to run the product has a SQLite of its time: what a run on it brings into the lake
 * is what a run on a newer one would, value by value and version by version.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { runProgram } from '../packaging/programs.ts'
import { OLDEST_NODE } from '../support/oldest-node/installed.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createSqliteFile } from '../support/sqlite.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
})
afterAll(async () => database.drop())

/** Numbers with more digits than fifteen, moments, texts with everything that has to be escaped, and bytes. */
const FILL = `WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 3000)
  INSERT INTO sale SELECT n, n / 7.0, n / 16.0 + 12345678901, 'text "' || n || '", \\', date('2026-01-01', n || ' days') FROM s;`
const TABLE = 'id integer PRIMARY KEY, score double precision, amount decimal(20,4), note text, day date'

test.skipIf(OLDEST_NODE === undefined)(
  'tables of SQLite and PostgreSQL are the same rows for both, and neither finds anything to change in what the other brought',
  async () => {
    const file = await createSqliteFile(`CREATE TABLE sale (${TABLE}); ${FILL}`)
    await database.query(`CREATE TABLE sold (${TABLE}); INSERT INTO sold SELECT n, n / 7.0, n / 16.0 + 12345678901,
      'text "' || n || '", \\', date '2026-01-01' + n FROM generate_series(1, 3000) n`)
    const cwd = await mkdtemp(join(tmpdir(), 'tidemark-oldest-node-'))
    onTestFinished(() => rm(cwd, { recursive: true, force: true }))
    await writeFile(
      join(cwd, 'tidemark.yml'),
      `name: shop
lake: ./lake
sources:
  file: { type: sqlite, url: 'sqlite:${file.path}', tables: [{ schema: main, table: sale }] }
  server: { type: postgres, url: { secret: env:SERVER }, tables: [{ schema: public, table: sold }] }
`,
    )
    // As npm installs it: a clone needs a newer Node.
    const { TIDEMARK } = await import('../../bench/command.ts')
    const tidemark = async (node: string, ...args: string[]): Promise<string> => {
      const ended = await runProgram(node, [TIDEMARK, ...args], { cwd, env: { SERVER: database.url } })
      expect(ended.exit, ended.stdout + ended.stderr).toBe(0)
      return args[0] === 'run' ? ended.stderr : ended.stdout
    }
    const [old, current] = [OLDEST_NODE ?? '', process.execPath]
    expect(await tidemark(old, 'run')).toMatch(/bronze\.sale +done +read 3,000 = inserted 3,000/)
    for (const node of [current, old]) expect(await tidemark(node, 'verify')).toContain('2 of 2 tables equal')
    expect(await tidemark(current, 'run')).toMatch(/4 steps: 4 unchanged/)
    const compared = `SELECT count(*) AS n FROM bronze.sale f JOIN bronze.sold s USING (id, score, amount, note, day)`
    expect(JSON.parse(await tidemark(current, 'query', compared, '--json'))).toMatchObject([{ n: '3000' }])
    file.writer.exec('UPDATE sale SET score = score + 0.1 WHERE id <= 2')
    expect(await tidemark(old, 'run')).toMatch(/silver\.sale +done .*updated 2/)
    expect(await tidemark(current, 'verify')).toContain('2 of 2 tables equal')
  },
)
