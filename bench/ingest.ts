/**
 * Figures of ingestion from PostgreSQL: first loads of a narrow and a wide table, 1 % of a table changed, nothing changed.
 * Starts its own server in a temporary folder and removes everything at the end.
 *
 *   node --conditions=source bench/ingest.ts [rows of the narrow table, 4000000] [tries, 3] [DuckDB's extension for PostgreSQL]
 *
 * With an extension, `installed` or a path, first loads are measured by it, too.
 */
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningPostgres, startPostgres } from '../examples/postgres.ts'
import { saleTable, SERVER_CONFIG } from './load-tables.ts'
import { best, type Measured, measure, printCells, printMeasured } from './measure.ts'

const narrow = Number(process.argv[2] ?? 4_000_000)
const tries = Number(process.argv[3] ?? 3)
const extension = process.argv[4]
const wide = Math.round(narrow * 0.075)

const list = (count: number, item: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => item(i)).join(', ')

/** Twenty-five columns, 500 bytes of text and a document a row. */
const WIDE = `CREATE TABLE page (id bigint PRIMARY KEY, changed_at timestamptz NOT NULL, body text NOT NULL, document jsonb NOT NULL,
  ${list(10, i => `t${i} text`)}, ${list(6, i => `n${i} int`)},
  m0 numeric(18,2), m1 numeric(18,4), f0 double precision, d0 date, u0 uuid);
INSERT INTO page SELECT n, timestamptz '2026-01-01 00:00:00Z' + n * interval '10 s', left(repeat(md5(n::text) || ' text ', 14), 500),
  jsonb_build_object('id', n, 'tags', jsonb_build_array('a' || n % 17, 'b' || n % 5), 'at', jsonb_build_object('k', n % 1000)),
  ${list(10, i => `'text ${i} ' || n % ${10 ** (i % 5)}`)}, ${list(6, i => `n % ${7 ** i}`)},
  n::numeric / 100, n::numeric / 10000, cos(n), date '2020-01-01' + (n % 2000)::int, md5((n + 7)::text)::uuid
FROM generate_series(1::bigint, ${wide}) n`

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
  const server = await startPostgres({ directory: join(folder, 'postgres'), config: SERVER_CONFIG })
  try {
    for (const statement of [saleTable(narrow), WIDE]) await server.query(statement)
    await server.query('VACUUM ANALYZE sale')
    await server.query('VACUUM ANALYZE page')
    printCells(`best of ${tries}`, 'seconds', 'CPU s', 'rows/s', 'peak MiB')
    await fullLoads(folder, server)
    await changes(folder, server)
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
    await rm(server.directory, { recursive: true, force: true })
  }
}

type Run = (...args: string[]) => Promise<Measured>

/** A project over one table of the server, its lake empty; `more` keys of the entry, `keys` lines of the source. */
async function project(folder: string, server: RunningPostgres, table: string, more = '', keys = ''): Promise<Run> {
  const root = join(folder, table)
  await rm(root, { recursive: true, force: true })
  await mkdir(root, { recursive: true })
  await writeFile(
    join(root, 'tidemark.yml'),
    `name: bench\nlake: ./lake\nsources:\n  app:\n    type: postgres\n    url: { secret: env:BENCH_URL }\n${keys}    tables:\n      - { schema: public, table: ${table}${more} }\ntargets: { dev: { default: true } }\n`,
  )
  const env = { BENCH_URL: server.url() }
  return (...args) => measure(args, root, env)
}

async function fullLoads(folder: string, server: RunningPostgres): Promise<void> {
  for (const [table, rows] of [
    ['sale', narrow],
    ['page', wide],
  ] as const) {
    const load = async (keys: string): Promise<Measured> => {
      const run = await project(folder, server, table, '', keys)
      return await run('run', '--select', `bronze.${table}`)
    }
    printMeasured(`full load of ${table} into bronze, ${rows} rows`, await best(tries, () => load('')), rows)
    if (extension === undefined) continue
    const keys = `    duckdb_extension: ${JSON.stringify(extension)}\n`
    printMeasured("the same by DuckDB's extension", await best(tries, () => load(keys)), rows)
  }
}

async function changes(folder: string, server: RunningPostgres): Promise<void> {
  const guarantees = [
    ['A', ''],
    ['B', ', cdc_col: changed_at, guarantee: server_clock, deletes: ignore'],
  ] as const
  await server.query('CREATE INDEX ON sale (changed_at)')
  for (const [name, more] of guarantees) {
    const run = await project(folder, server, 'sale', more)
    await run('run')
    let round = 0
    const change = async (...select: string[]): Promise<Measured> => {
      round += 1
      await server.query(`UPDATE sale SET quantity = quantity + 1, changed_at = now() WHERE id % 100 = ${round}`)
      return await run('run', ...select)
    }
    printMeasured(
      `1 % of sale changed, class ${name}, bronze`,
      await best(tries, () => change('--select', 'bronze.sale')),
    )
    await run('run')
    printMeasured(`1 % of sale changed, class ${name}, with silver`, await best(tries, () => change()))
    printMeasured(`nothing changed, class ${name}`, await best(tries, () => run('run')))
  }
}

await main()
