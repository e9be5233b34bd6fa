/**
 * Figures of many small tables in a folder and in stores: what a first load, a run with nothing to do and one with a few
 * changed tables cost in requests and seconds. Both emulators run on the same machine.
 *
 *   node --conditions=source bench/many-tables.ts [tables, 200] [rounds of changes before, 0]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../examples/postgres.ts'
import { measure, printCells } from './measure.ts'
import { type BenchProject, startStores } from './stores.ts'

const tables = Number(process.argv[2] ?? 200)
const rounds = Number(process.argv[3] ?? 0)
/** Tables that the last run finds changed. */
const FEW = 5

const names = Array.from({ length: tables }, (_, n) => `sale_${String(n).padStart(4, '0')}`)
const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
const server = await startPostgres({ directory: join(folder, 'postgres'), config: { fsync: 'off' } })
await using places = await startStores(folder, server.url())

async function change(changed: readonly string[]): Promise<void> {
  for (const name of changed) await server.query(`UPDATE ${name} SET amount = amount + 1 WHERE id <= 10`)
}

async function printRun(what: string, { root, env }: BenchProject): Promise<void> {
  const { seconds, peakMiB, stdout } = await measure(['run', '--json'], root, env)
  const { storage } = JSON.parse(stdout) as { storage: { requests: number; receivedBytes: number } | null }
  const [requests = '-', received = '-'] =
    storage === null ? [] : [String(storage.requests), (storage.receivedBytes / 1024).toFixed(0)]
  printCells(what, seconds.toFixed(2), requests, received, peakMiB.toFixed(0))
}

try {
  for (const name of names) {
    await server.query(`CREATE TABLE ${name} (id int PRIMARY KEY, amount int NOT NULL, state text);
    INSERT INTO ${name} SELECT n, n * 7919 % 1000, 'open' FROM generate_series(1, 100) n`)
  }
  printCells(`${tables} tables, ${rounds} rounds of changes`, 'seconds', 'requests', 'read kB', 'peak MiB')
  for (const store of places.stores) {
    const project = await store.project([{ schema: 'public', table: 'sale_*' }])
    await printRun(`first load, ${store.name}`, project)
    for (let round = 0; round < rounds; round += 1) {
      await change(names)
      await measure(['run'], project.root, project.env)
    }
    await printRun(`nothing changed, ${store.name}`, project)
    await change(names.slice(0, FEW))
    await printRun(`${FEW} tables changed, ${store.name}`, project)
  }
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
  await rm(server.directory, { recursive: true, force: true })
}
