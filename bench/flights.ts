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
import { startPostgres } from '../examples/postgres.ts'

const EXAMPLE = fileURLToPath(new URL('../examples/flights', import.meta.url))
const TIDEMARK = fileURLToPath(new URL('../packages/tidemark/bin/tidemark.js', import.meta.url))
const PRELOAD = new URL('peak-memory.ts', import.meta.url).href
const QUIET_RUNS = 3

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
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = (await once(child, 'close')) as [number | null]
  const seconds = (performance.now() - start) / 1000
  if (code !== 0) throw new Error(`tidemark ${args.join(' ')} ended with exit code ${code ?? 'none'}`)
  return { seconds, peakMiB: Number(await readFile(file, 'utf8')) / 1024 }
}

function line(what: string, { seconds, peakMiB }: Measured, rows?: number): void {
  const rate = rows === undefined ? '' : `${Math.round(rows / seconds).toLocaleString('en')} rows/s`
  process.stdout.write(
    `${what.padEnd(34)} ${seconds.toFixed(2).padStart(7)} s ${rate.padStart(16)} ${peakMiB.toFixed(0).padStart(6)} MiB peak\n`,
  )
}

async function main(files: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
  const server = await startPostgres({ directory: join(folder, 'postgres') })
  try {
    const project = join(folder, 'project')
    await cp(EXAMPLE, project, { recursive: true, filter: path => !/[/\\](lake|\.env)$/.test(path) })
    const rows = await loadFlights(server.url(), files)
    const bronze = ['airlines', 'airports', 'planes', 'weather', 'flights'].map(table => `bronze.${table}`)
    const { seconds, peakMiB } = await measure(['run', '--select', ...bronze], project, server.url())
    line('full load of 5 tables into bronze', { seconds, peakMiB }, rows)
    line('the same into silver and gold', await measure(['run'], project, server.url()), rows)
    for (let i = 1; i <= QUIET_RUNS; i++)
      line(`nothing changed, run ${i}`, await measure(['run'], project, server.url()))
    await rm(join(project, 'lake'), { recursive: true })
    line('all at once: bronze, silver, gold', await measure(['run'], project, server.url()), rows)
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
