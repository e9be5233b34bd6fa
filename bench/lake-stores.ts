/**
 * Figures of a lake in a store beside one in a folder: a first load through bronze and silver, and a run with nothing to do.
 * Both emulators run on the same machine, so what is seen is the cost of the way, not of a network.
 *
 *   node --conditions=source bench/lake-stores.ts [rows, 4000000] [tries, 2]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../examples/postgres.ts'
import { best, type Measured, measure, printCells, printMeasured } from './measure.ts'
import { type BenchProject, startStores } from './stores.ts'

const rows = Number(process.argv[2] ?? 4_000_000)
const tries = Number(process.argv[3] ?? 2)

const SALE = `CREATE TABLE sale (id bigint PRIMARY KEY, changed_at timestamptz NOT NULL, customer int NOT NULL,
  amount numeric(18,2) NOT NULL, paid boolean NOT NULL, state text NOT NULL, day date NOT NULL, reference uuid NOT NULL);
INSERT INTO sale SELECT n, timestamptz '2026-01-01 00:00:00Z' + n * interval '1 s', n * 7919 % 200000,
  (n * 7919 % 100000000)::numeric / 100, n % 3 = 0, (ARRAY['new','open','paid','sent','closed'])[1 + n % 5],
  date '2024-01-01' + (n % 1000)::int, md5(n::text)::uuid FROM generate_series(1::bigint, ${rows}) n`

const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
const server = await startPostgres({
  directory: join(folder, 'postgres'),
  config: { fsync: 'off', max_wal_size: '8GB' },
})
await using places = await startStores(folder, server.url())

try {
  await server.query(SALE)
  await server.query('VACUUM ANALYZE sale')
  printCells(`${rows} rows, best of ${tries}`, 'seconds', 'CPU s', 'rows/s', 'peak MiB')
  for (const store of places.stores) {
    let project: BenchProject | undefined
    const load = async (): Promise<Measured> => {
      if (project !== undefined) await rm(project.root, { recursive: true })
      project = await store.project([{ schema: 'public', table: 'sale' }])
      return await measure(['run'], project.root, project.env)
    }
    printMeasured(`first load, bronze and silver, ${store.name}`, await best(tries, load), rows)
    const { root, env } = project ?? (await store.project([]))
    printMeasured(`nothing changed, ${store.name}`, await best(tries, () => measure(['run'], root, env)))
  }
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
  await rm(server.directory, { recursive: true, force: true })
}
