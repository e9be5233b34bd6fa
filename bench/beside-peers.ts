/**
 * Figures of a first load beside other tools, in one run on one server: seconds, processor seconds and peak memory of each, and
 * whether what it wrote is what the server holds. Needs Python, from whose registry the tools are installed on first use.
 *
 *   node --conditions=source bench/beside-peers.ts [rows, 4000000] [tries, 3] [file of DuckDB's postgres extension]
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../examples/postgres.ts'
import { saleTable, SERVER_CONFIG, sumInLake, sumInServer } from './load-tables.ts'
import { printCells } from './measure.ts'
import { type Loader, listLoaders } from './peers/loaders.ts'
import { type Cost, runMeasured } from './peers/run-measured.ts'

const rows = Number(process.argv[2] ?? 4_000_000)
const tries = Number(process.argv[3] ?? 3)

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
  const server = await startPostgres({ directory: join(folder, 'postgres'), config: SERVER_CONFIG })
  try {
    await server.query(saleTable(rows))
    await server.query('VACUUM ANALYZE sale')
    const wanted = await sumInServer(server)
    const loaders = await listLoaders({ url: server.url(), rows, extension: process.argv[4] })
    const costs = new Map<Loader, Cost[]>()
    const failed = new Map<Loader, string>()
    // In turns, so that whatever else the machine does comes to all of them.
    for (let n = 0; n < tries; n += 1) {
      for (const loader of loaders.filter(one => !failed.has(one))) {
        const cost = await attempt(loader, n === 0).catch((error: unknown) => void failed.set(loader, String(error)))
        if (cost !== undefined) costs.set(loader, [...(costs.get(loader) ?? []), cost])
      }
    }
    printCells(`first load of ${rows} rows, median of ${tries}`, 'seconds', 'CPU s', 'peak MiB', 'contents')
    for (const [{ name }, measured] of costs) {
      const [seconds, cpu] = [median(measured.map(one => one.seconds)), median(measured.map(one => one.cpuSeconds))]
      const peak = Math.max(...measured.map(one => one.peakMiB))
      printCells(name, seconds.toFixed(2), cpu.toFixed(2), peak.toFixed(0), contents.get(name) ?? '')
    }
    for (const [{ name }, reason] of failed)
      process.stdout.write(`${name} is left out: ${reason.trim().split('\n').at(-1)}\n`)

    async function attempt(loader: Loader, isFirst: boolean): Promise<Cost> {
      const place = join(folder, 'loaded')
      await rm(place, { recursive: true, force: true })
      await mkdir(place)
      const cost = await runMeasured(await loader.prepare(place))
      if (isFirst) contents.set(loader.name, (await sumInLake(loader.files(place))) === wanted ? 'equal' : 'DIFFERENT')
      return cost
    }
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
    await rm(server.directory, { recursive: true, force: true })
  }
}

const contents = new Map<string, string>()
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

await main()
