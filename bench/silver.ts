/**
 * Figures of silver: the first load of a keyed table of ten columns with a transformation and two rules, and a run in
 * which some rows of a larger table changed. Starts its own Postgres in a temporary folder and removes everything.
 *
 *   node --conditions=source bench/silver.ts [rows of the first load] [rows of the changed table] [changed rows]
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../examples/postgres.ts'
import { SERVER_CONFIG } from './load-tables.ts'
import { best, type Measured, measure, printCells, printMeasured } from './measure.ts'

const [first = 4_000_000, held = 2_000_000, changed = 20_000] = process.argv.slice(2).map(Number)
const TRIES = 3

const PROJECT = 'name: bench\nsources:\n  app: { type: postgres, url: { secret: env:BENCH_URL }, tables: list.json }\n'
const BY_CURSOR = { cdc_col: 'updated_at', guarantee: 'server_clock', deletes: 'ignore' }
const LIST = [
  {
    table: 'loaded',
    silver: {
      transform: [{ upper: 'country' }],
      expect: { priced: 'price > 0' },
      expect_or_drop: { seconds: 'seconds < 999' },
    },
  },
  { table: 'changing' },
  { table: 'changing', name: 'by_cursor', ...BY_CURSOR },
  { table: 'changing', name: 'marked', ...BY_CURSOR, silver: { properties: { 'delta.enableDeletionVectors': true } } },
].map(entry => ({ schema: 'public', ...entry }))

/** Tables of the list that are measured with changed rows. */
const CHANGES = { changing: 'class A', by_cursor: 'class B', marked: 'class B, with deletion vectors' }

/** Ten columns of common types; one row in a thousand breaks the rule of `loaded`. */
function createTable(name: string, rows: number): string {
  return `CREATE TABLE ${name} (id bigint PRIMARY KEY, name text, country text, price numeric(12,2), seconds int,
    device text, born date, active boolean, updated_at timestamptz, note text);
  INSERT INTO ${name} SELECT i, 'customer number ' || i, (ARRAY['no', 'se', 'dk', 'fi'])[1 + i % 4], (i % 9973) / 100.0 + 1,
    i % 1000, 'device ' || i % 50, DATE '1950-01-01' + (i % 25000)::int, i % 3 = 0,
    TIMESTAMPTZ '2026-01-01 00:00:00Z' + i * INTERVAL '1 second', md5(i::text) FROM generate_series(1, ${rows}) i;
  CREATE INDEX ON ${name} (updated_at);
  VACUUM ANALYZE ${name}`
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
  const server = await startPostgres({ directory: join(folder, 'postgres'), config: SERVER_CONFIG })
  try {
    const project = join(folder, 'project')
    await mkdir(project)
    await writeFile(join(project, 'tidemark.yml'), PROJECT)
    await writeFile(join(project, 'list.json'), JSON.stringify(LIST))
    for (const statement of `${createTable('loaded', first)};${createTable('changing', held)}`.split(';'))
      await server.query(statement)
    const run = (...select: string[]): Promise<Measured> =>
      measure(['run', '--select', ...select], project, { BENCH_URL: server.url() })
    const forget = async (): Promise<void> => {
      for (const path of ['silver/loaded', 'quarantine/silver_loaded', 'system/batches/silver%2Eloaded'])
        await rm(join(project, 'lake', path), { recursive: true, force: true })
    }
    let round = 0
    const change = async (): Promise<void> => {
      round += 1
      await server.query(`UPDATE changing SET price = price + 1, updated_at = now(), note = 'round ${round}'
        WHERE id % ${Math.floor(held / changed)} = ${round % Math.floor(held / changed)}`)
    }
    printCells(`best of ${TRIES}`, 'seconds', 'CPU s', 'rows/s', 'peak MiB')
    await run('bronze.loaded')
    const count = first.toLocaleString('en')
    printMeasured(
      `first load of silver, ${count} rows`,
      await best(TRIES, () => forget().then(() => run('silver.loaded'))),
      first,
    )
    const some = `${changed.toLocaleString('en')} of ${held.toLocaleString('en')} rows changed`
    process.stdout.write(`bronze and silver, ${some}\n`)
    for (const [table, how] of Object.entries(CHANGES)) {
      const both = [`bronze.${table}`, `silver.${table}`]
      await run(...both)
      printMeasured(how, await best(TRIES, () => change().then(() => run(...both))), changed)
    }
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
    await rm(server.directory, { recursive: true, force: true })
  }
}

await main()
