/**
 * Figures of the flights example: first full load, and a run over the same five tables when nothing has changed. Starts
 * its own Postgres in a temporary folder and removes everything at the end.
 *
 *   node --conditions=source bench/flights.ts
 */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findFlightFiles, loadFlights } from '../examples/flights/load.ts'
import { FLIGHT_TABLES } from '../examples/flights/tables.ts'
import { startPostgres } from '../examples/postgres.ts'
import { best, type Measured, measure, printCells, printMeasured } from './measure.ts'

const EXAMPLE = fileURLToPath(new URL('../examples/flights', import.meta.url))
const BRONZE = FLIGHT_TABLES.map(table => `bronze.${table}`)
/** Each figure is the best of these: what else the machine does only ever makes a run slower. */
const TRIES = 3

async function main(files: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
  const server = await startPostgres({ directory: join(folder, 'postgres') })
  try {
    const project = join(folder, 'project')
    await cp(EXAMPLE, project, { recursive: true, filter: path => !/[/\\](lake|\.env)$/.test(path) })
    const rows = await loadFlights(server.url(), files)
    const env = { FLIGHTS_DATABASE_URL: server.url() }
    const run = (...select: string[]): Promise<Measured> => measure(['run', ...select], project, env)
    const empty = (): Promise<void> => rm(join(project, 'lake'), { recursive: true, force: true })
    printCells(`best of ${TRIES}`, 'seconds', 'CPU s', 'rows/s', 'peak MiB')
    printMeasured(
      'full load into bronze',
      await best(TRIES, () => empty().then(() => run('--select', ...BRONZE))),
      rows,
    )
    printMeasured('full load into bronze, silver, gold', await best(TRIES, () => empty().then(() => run())), rows)
    printMeasured('5 tables, nothing changed', await best(TRIES, run))
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
