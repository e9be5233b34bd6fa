/** What a project does on a lake in a store, told once for every kind of store. */
import { expect, test } from 'vitest'
import { createProject } from '../cli.ts'
import { runInProcess } from '../cli-in-process.ts'
import type { TestDatabase } from '../postgres.ts'

/** A store that a project is pointed to. */
export interface StoryLake {
  readonly database: TestDatabase
  /** Address of a lake that is empty. */
  readonly lake: string
  /** Lines of `lake_options`. */
  readonly options: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** Some forty commands, on a machine that is busy. */
const STORY_MS = 300_000

/** Measured: 26. The plan opens each of the three tables once, and no step has to look again. */
const REQUESTS_OF_A_QUIET_RUN = 28

interface RunDocument {
  steps: readonly { status: string }[]
  storage: { requests: number } | null
}

const GOLD = `CREATE MATERIALIZED VIEW gold.by_region AS
SELECT region, count(*) AS sales, sum(price) AS total FROM silver.sale GROUP BY region;`

const CHECKS = [
  'SELECT * FROM gold.by_region ORDER BY region',
  'SELECT region, no, price FROM silver.sale ORDER BY region, no',
  'SELECT _op, count(*) AS n FROM bronze.sale GROUP BY _op ORDER BY _op',
  'SELECT no, price FROM quarantine.silver_sale ORDER BY no',
  'SELECT status, count(*) AS n FROM system.runs GROUP BY status',
]

/** Fill, change, maintain and look at a lake, and beside it the same in a folder: the answers are equal. */
export function remoteLakeStory(name: string, make: () => Promise<StoryLake>): void {
  test(
    `a project on ${name} has the tables it has in a folder, through every command`,
    async () => {
      const { database, lake, options, env } = await make()
      await database.query(`CREATE TABLE sale (region text, no int PRIMARY KEY, price int, at timestamptz DEFAULT now());
      INSERT INTO sale SELECT CASE i % 3 WHEN 0 THEN 'nørd' ELSE 'south' END, i, i FROM generate_series(0, 999) i`)
      const list = [
        { schema: 'public', table: 'sale', cdc_col: 'at', silver: { expect_or_drop: { priced: 'price >= 0' } } },
      ]
      const project = await createProject({
        'tidemark.yml': `name: shop
sources:
  app: { type: postgres, url: { secret: env:SHOP_URL }, tables: list.json }
targets:
  folder: { lake: ./lake }
  store:
    default: true
    lake: ${JSON.stringify(lake)}
    lake_options:
${options.map(line => `      ${line}\n`).join('')}`,
        'list.json': JSON.stringify(list),
        'gold/gold.sql': GOLD,
      })
      const at = { cwd: project.root, env: { SHOP_URL: database.url, ...env } }
      const tidemark = async (...args: string[]): Promise<string> => {
        const { exit, stdout, stderr } = await runInProcess(args, at)
        expect(exit, `${args.join(' ')}: ${stderr}`).toBe(0)
        for (const secret of Object.values(env)) expect(stdout + stderr).not.toContain(secret)
        return stdout
      }
      const both = async (...args: string[]): Promise<string> => {
        const [elsewhere, here] = [await tidemark(...args), await tidemark(...args, '-t', 'folder')]
        expect(elsewhere).toBe(here)
        return elsewhere
      }
      const run = async (): Promise<{ statuses: readonly string[]; requests: number }> => {
        const answers = [await tidemark('run', '--json'), await tidemark('run', '--json', '-t', 'folder')]
        const [elsewhere, here] = answers.map(answer => JSON.parse(answer) as RunDocument)
        const statuses = elsewhere?.steps.map(step => step.status) ?? []
        expect(statuses).toEqual(here?.steps.map(step => step.status))
        expect(here?.storage).toBeNull()
        return { statuses, requests: elsewhere?.storage?.requests ?? Number.NaN }
      }

      expect((await run()).statuses).toEqual(['changed', 'changed', 'changed'])
      const quiet = await run()
      expect(quiet.statuses).toEqual(['unchanged', 'unchanged', 'unchanged'])
      expect(quiet.requests).toBeLessThanOrEqual(REQUESTS_OF_A_QUIET_RUN)
      await database.query(`UPDATE sale SET price = -1 WHERE no = 1; UPDATE sale SET price = 5000 WHERE no = 2;
      DELETE FROM sale WHERE no = 3; INSERT INTO sale VALUES ('west', 1000, 7)`)
      expect((await run()).statuses).toContain('changed')
      for (const check of CHECKS) await both('query', check, '--csv')
      expect(await tidemark('query', CHECKS[0] ?? '', '--csv')).toContain('west,1,7')
      expect(await tidemark('status')).toContain('bronze.sale')
      expect(await both('tables')).toContain('silver.sale')
      expect(await tidemark('plan')).toContain('nothing')
      expect(await tidemark('verify', '--json')).toContain('"equal"')
      expect(await tidemark('trace', 'sale', 'no=2')).toContain('5000')
      for (const target of ['store', 'folder']) await tidemark('optimize', 'bronze.sale', '-t', target)
      await tidemark('vacuum', '--yes')
      await tidemark('backfill', 'sale', '--from', '2000-01-01')
      for (const check of CHECKS.slice(0, 2)) await both('query', check, '--csv')
      expect((await run()).statuses).not.toContain('failed')
    },
    STORY_MS,
  )
}
