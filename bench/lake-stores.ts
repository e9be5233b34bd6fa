/**
 * Figures of a lake in a store beside one in a folder: a first load through bronze and silver, and a run with nothing to do.
 * Both emulators run on the same machine, so what is seen is the cost of the way, not of a network.
 *
 *   node --conditions=source bench/lake-stores.ts [rows, 4000000] [tries, 2]
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPostgres } from '../examples/postgres.ts'
import { AZURITE_ACCOUNT, AZURITE_KEY, startAzurite } from '../test/support/cloud/azurite.ts'
import { findMissingMoto, MOTO_LOGIN, startMoto } from '../test/support/cloud/moto.ts'
import { best, type Measured, measure, printCells, printMeasured } from './measure.ts'

const rows = Number(process.argv[2] ?? 4_000_000)
const tries = Number(process.argv[3] ?? 2)

const SALE = `CREATE TABLE sale (id bigint PRIMARY KEY, changed_at timestamptz NOT NULL, customer int NOT NULL,
  amount numeric(18,2) NOT NULL, paid boolean NOT NULL, state text NOT NULL, day date NOT NULL, reference uuid NOT NULL);
INSERT INTO sale SELECT n, timestamptz '2026-01-01 00:00:00Z' + n * interval '1 s', n * 7919 % 200000,
  (n * 7919 % 100000000)::numeric / 100, n % 3 = 0, (ARRAY['new','open','paid','sent','closed'])[1 + n % 5],
  date '2024-01-01' + (n % 1000)::int, md5(n::text)::uuid FROM generate_series(1::bigint, ${rows}) n`

interface Store {
  readonly name: string
  /** The address of a new lake, and how it is reached. */
  readonly lake: (n: number) => object
}

const folder = await mkdtemp(join(tmpdir(), 'tidemark-bench-'))
const server = await startPostgres({
  directory: join(folder, 'postgres'),
  config: { fsync: 'off', max_wal_size: '8GB' },
})
await using azurite = await startAzurite()
await azurite.makeContainer('lake')
await using moto = findMissingMoto() === undefined ? await startMoto() : undefined
await moto?.makeBucket('lake')
const env = { BENCH_URL: server.url(), LAKE_KEY: AZURITE_KEY, LAKE_SECRET: MOTO_LOGIN.secretAccessKey }

const stores: Store[] = [
  { name: 'folder', lake: () => ({ lake: './lake' }) },
  {
    name: 'Azurite',
    lake: n => ({
      lake: `az://lake/${n}`,
      lake_options: { account: AZURITE_ACCOUNT, endpoint: azurite.endpoint, account_key: { secret: 'env:LAKE_KEY' } },
    }),
  },
]
if (moto !== undefined) {
  const { endpoint } = moto
  const login = { access_key_id: MOTO_LOGIN.accessKeyId, secret_access_key: { secret: 'env:LAKE_SECRET' } }
  stores.push({ name: 'moto', lake: n => ({ lake: `s3://lake/${n}`, lake_options: { endpoint, ...login } }) })
}

let made = 0

/** A project with an empty lake. */
async function project({ lake }: Store): Promise<string> {
  made += 1
  const root = join(folder, String(made))
  await mkdir(root, { recursive: true })
  const app = { type: 'postgres', url: { secret: 'env:BENCH_URL' }, tables: [{ schema: 'public', table: 'sale' }] }
  await writeFile(join(root, 'tidemark.yml'), JSON.stringify({ name: 'bench', ...lake(made), sources: { app } }))
  return root
}

try {
  await server.query(SALE)
  await server.query('VACUUM ANALYZE sale')
  printCells(`${rows} rows, best of ${tries}`, 'seconds', 'rows/s', 'peak MiB')
  for (const store of stores) {
    let root = ''
    const load = async (): Promise<Measured> => {
      if (root !== '') await rm(root, { recursive: true })
      root = await project(store)
      return await measure(['run'], root, env)
    }
    printMeasured(`first load, bronze and silver, ${store.name}`, await best(tries, load), rows)
    printMeasured(`nothing changed, ${store.name}`, await best(tries, () => measure(['run'], root, env)))
  }
} finally {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
  await rm(server.directory, { recursive: true, force: true })
}
