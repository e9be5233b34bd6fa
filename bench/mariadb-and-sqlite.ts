/**
 * Figures of a first load from MariaDB and from a file of SQLite beside dlt: rows a second, processor seconds and peak memory,
 * and whether the sums of what was written are those of the source. Needs a MariaDB server on the machine, and Python, from
 * whose registry dlt is installed on first use; what is missing is left out.
 *
 *   node --conditions=source bench/mariadb-and-sqlite.ts [rows, 1000000] [tries, 3]
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { DuckDBInstance } from '@duckdb/node-api'
import mysql from 'mysql2/promise'
import { TIDEMARK } from './command.ts'
import { findServer, startMariadb } from '../test/support/mariadb-server.ts'
import { printCells } from './measure.ts'
import { install, prepare } from './peers/peers.ts'
import { type Command, type Cost, runMeasured } from './peers/run-measured.ts'

const rows = Number(process.argv[2] ?? 1_000_000)
const tries = Number(process.argv[3] ?? 3)

/** Where the table `sale` is, as each tool is told. */
interface Place {
  name: string
  /** Of the project. */
  source: string
  url: string
  /** For SQLAlchemy, by which dlt looks at the columns, and for ConnectorX, by which it may read the rows. */
  alchemy: string
  connectorX: string
}

const SUMS = 'count(*), sum(id), sum(customer), sum(quantity), sum(amount), sum(length(state)), sum(length(reference))'

const DLT = {
  name: 'dlt 1.31.0 of MySQL and SQLite to files',
  packages: ['dlt[filesystem]==1.31.0', 'pymysql==1.2.4', 'sqlalchemy==2.0.58', 'connectorx==0.4.6', 'pyarrow'],
}

const DLT_LOAD = `import dlt, sys
from dlt.sources.sql_database import sql_table
alchemy, connectorx, backend, place = sys.argv[1:5]
how = {"backend_kwargs": {"conn": connectorx, "return_type": "arrow_stream"}} if backend == "connectorx" else {}
rows = sql_table(credentials=alchemy, table="sale", backend=backend, chunk_size=100000,
    reflection_level="full_with_precision", **how)
files = dlt.destinations.filesystem("file://" + place)
pipeline = dlt.pipeline("sale", destination=files, dataset_name="loaded", pipelines_dir=place + "/dlt")
pipeline.run(rows, write_disposition="replace", loader_file_format="parquet")
`

/** Eight columns; `numbers` gives one row a number from 1. */
const fill = (numbers: string, at: string): string => `INSERT INTO sale SELECT n, ${at}, n * 7919 % 200000, 1 + n % 97,
  (n * 7919 % 100000000) / 100.0, n % 3 = 0, CASE n % 5 WHEN 0 THEN 'new' WHEN 1 THEN 'open' WHEN 2 THEN 'paid' ELSE 'closed' END,
  concat('reference number ', n * 7919) FROM ${numbers}`
const table = (
  time: string,
  flag: string,
): string => `CREATE TABLE sale (id bigint PRIMARY KEY, changed_at ${time} NOT NULL,
  customer int NOT NULL, quantity int NOT NULL, amount decimal(18,2) NOT NULL, paid ${flag} NOT NULL,
  state varchar(20) NOT NULL, reference varchar(60) NOT NULL)`

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
  const program = await findServer()
  const server = program === undefined ? undefined : await startMariadb(program, join(folder, 'mariadb'))
  try {
    const bin = await install(DLT)
    const mariadb = server === undefined ? [] : [await fillMariadb(server)]
    printCells(`${rows} rows, median of ${tries}`, 'rows/s', 'CPU s', 'peak MiB', 'sums')
    for (const { place, sums } of [...mariadb, await fillSqlite(folder)]) await measureAll(folder, bin, place, sums)
  } finally {
    await server?.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

type Filled = Readonly<{ place: Place; sums: string }>

async function fillMariadb(server: Awaited<ReturnType<typeof startMariadb>>): Promise<Filled> {
  const { host, port, user, password, version } = server
  const client = await mysql.createConnection({
    host,
    port,
    user,
    password,
    rowsAsArray: true,
    supportBigNumbers: true,
  })
  await client.query('CREATE DATABASE shop')
  await client.query('USE shop')
  await client.query(table('datetime(6)', 'boolean'))
  await client.query(fill(`(SELECT seq AS n FROM seq_1_to_${rows}) numbers`, `'2026-01-01' + INTERVAL n SECOND`))
  const [sums] = await client.query<mysql.RowDataPacket[][]>(`SELECT ${SUMS} FROM sale`)
  await client.end()
  const url = `mysql://${user}:${password}@${host}:${port}/shop`
  const source = '{ type: mariadb, url: { secret: env:BENCH_URL }, tables: [{ schema: shop, table: sale }] }'
  const alchemy = url.replace('mysql:', 'mysql+pymysql:')
  const place = { name: `MariaDB ${version.replace(/-.*/, '')}`, source, url, alchemy, connectorX: url }
  return { place, sums: printSums(sums[0]) }
}

async function fillSqlite(folder: string): Promise<Filled> {
  const path = join(folder, 'shop.db')
  const database = new DatabaseSync(path)
  database.exec(table('datetime', 'boolean'))
  const numbers = `(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${rows}) SELECT n FROM s)`
  database.exec(fill(numbers, `datetime('2026-01-01', n || ' seconds')`))
  const sums = Object.values(database.prepare(`SELECT ${SUMS} FROM sale`).get() ?? {})
  database.close()
  const source = `{ type: sqlite, url: { secret: env:BENCH_URL }, tables: [{ schema: main, table: sale }] }`
  const [url, connectorX] = [`sqlite:${path}`, `sqlite://${path}`]
  const place = { name: 'SQLite', source, url, alchemy: `sqlite:///${path}`, connectorX }
  return { place, sums: printSums(sums) }
}

/** Sums of both sides as the same text: a decimal may come as a number. */
function printSums(values: readonly unknown[] | undefined): string {
  return (values ?? []).map(value => Number(value).toFixed(0)).join(' ')
}

async function measureAll(folder: string, bin: string | undefined, at: Place, wanted: string): Promise<void> {
  const theirs = ['pyarrow', 'connectorx'].map(backend => dltLoader(bin ?? '', at, backend))
  const loaders = [tidemark(at), ...(bin === undefined ? [] : theirs)]
  const costs: Cost[][] = loaders.map(() => [])
  const sums: string[] = []
  for (let n = 0; n < tries; n += 1) {
    for (const [i, loader] of loaders.entries()) {
      const place = join(folder, 'loaded')
      await rm(place, { recursive: true, force: true })
      await mkdir(place)
      const cost = await runMeasured(await loader.prepare(place)).catch(
        (error: unknown) => void (sums[i] = String(error)),
      )
      if (cost === undefined) continue
      costs[i]?.push(cost)
      sums[i] = (await sumsOf(join(place, loader.files))) === wanted ? 'equal' : 'DIFFERENT'
    }
  }
  for (const [i, { name }] of loaders.entries()) {
    const measured = costs[i] ?? []
    if (measured.length === 0)
      process.stdout.write(`${at.name}, ${name} is left out: ${sums[i]?.trim().split('\n').at(-1)}\n`)
    else printCost(`${at.name}, ${name}`, measured, sums[i] ?? '')
  }
}

function printCost(name: string, measured: readonly Cost[], sums: string): void {
  const median = (of: (cost: Cost) => number): number =>
    measured.map(of).toSorted((a, b) => a - b)[measured.length >> 1] ?? 0
  const rate = Math.round(rows / median(cost => cost.seconds)).toLocaleString('en')
  const peak = Math.max(...measured.map(cost => cost.peakMiB)).toFixed(0)
  printCells(name, rate, median(cost => cost.cpuSeconds).toFixed(2), peak, sums)
}

interface Loader {
  name: string
  prepare: (place: string) => Promise<Command>
  /** Pattern of what it wrote, below its place. */
  files: string
}

function tidemark({ source, url }: Place): Loader {
  return {
    name: 'Tidemark to Delta',
    prepare: async place => {
      await writeFile(join(place, 'tidemark.yml'), `name: bench\nlake: ./lake\nsources: { app: ${source} }\n`)
      const args = [TIDEMARK, 'run', '--select', 'bronze.sale']
      return { program: process.execPath, args, cwd: place, env: { ...process.env, BENCH_URL: url } }
    },
    files: 'lake/bronze/sale/*.parquet',
  }
}

function dltLoader(bin: string, { alchemy, connectorX }: Place, backend: string): Loader {
  return {
    name: `dlt by ${backend} to Parquet`,
    prepare: async place => {
      const env = await prepare(place)
      const load = join(place, 'load.py')
      await writeFile(load, DLT_LOAD)
      return { program: join(bin, 'python'), args: [load, alchemy, connectorX, backend, place], cwd: place, env }
    },
    files: 'loaded/sale/*.parquet',
  }
}

async function sumsOf(pattern: string): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  const connection = await instance.connect()
  const reader = await connection.runAndReadAll(`SELECT ${SUMS} FROM read_parquet('${pattern}')`)
  const sums = printSums(reader.convertRows(value => value)[0]?.map(String))
  connection.closeSync()
  instance.closeSync()
  return sums
}

await main()
