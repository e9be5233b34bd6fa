/**
 * What each way of reading by a cursor loses while others write: the strategies of `strategies.ts`, and this product in its
 * guarantee classes, look at one table at the same moments. Starts its own PostgreSQL, and a MariaDB where the machine has
 * one, and removes everything at the end.
 *
 *   node --conditions=source bench/watermark-loss/run.ts
 *     [--rounds 5] [--seconds 60] [--clock server | applications] [--on postgres | mariadb] [--peers]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type RunningPostgres, startPostgres } from '../../examples/postgres.ts'
import { findServer, startMariadb } from '../../test/support/mariadb-server.ts'
import { printCells } from '../measure.ts'
import type { Outcome, Seen } from './account.ts'
import { type Database, plain } from './database.ts'
import { openMariadb } from './mariadb.ts'
import { createPeerReaders } from './peer-reader.ts'
import { openPostgres } from './postgres.ts'
import { CLASSES, createReader, type Reader } from './product.ts'
import { createStrategies, type Strategy } from './strategies.ts'
import { type WhoseClock, writeUntil } from './writers.ts'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    clock: { type: 'string' },
    on: { type: 'string' },
    peers: { type: 'boolean' },
  },
})
const [rounds, seconds] = [Number(options.rounds), Number(options.seconds)]
const clocks = (['server', 'applications'] as const).filter(clock => clock === (options.clock ?? clock))
const seed = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000)
const POLL_MS = 20

/** What one reader saw in all rounds together. */
type Totals = Map<string, Outcome & { looks: number }>

interface Place {
  folder: string
  /** Where peers write to, whatever they read from. */
  postgres: RunningPostgres
  open: (name: string) => Promise<Database>
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-loss-'))
  const directory = join(folder, 'postgres')
  const postgres = await startPostgres({ directory, config: { max_prepared_transactions: '50', fsync: 'off' } })
  const program = options.on === 'postgres' ? undefined : await findServer()
  const mariadb = program === undefined ? undefined : await startMariadb(program, join(folder, 'mariadb'))
  try {
    process.stdout.write(`seed ${seed}; repeat with TIDEMARK_SEED=${seed}\n`)
    for (const clock of clocks) {
      if (options.on !== 'mariadb')
        await measure({ folder, postgres, open: name => openPostgres(postgres, name) }, clock)
      if (mariadb !== undefined) await measure({ folder, postgres, open: name => openMariadb(mariadb, name) }, clock)
    }
  } finally {
    await postgres.stop()
    await mariadb?.stop()
    await rm(folder, { recursive: true, force: true })
    await rm(postgres.directory, { recursive: true, force: true })
  }
}

/** All rounds on one kind of database, each on a database of its own, then one table. */
async function measure(place: Place, clock: WhoseClock): Promise<void> {
  const totals: Totals = new Map()
  let [committed, kind] = [0, '']
  for (let round = 1; round <= rounds; round += 1) {
    const database = await place.open(`clock_of_${clock}_${round}`)
    kind = database.name
    committed += await measureRound({ database, clock, round, place, totals })
  }
  const title = `${kind}, clock of ${clock}, ${rounds} x ${seconds} s, ${committed} transactions`
  process.stdout.write(`\n${title}\n`)
  printCells('', 'looks', 'rows', 'lost', 'stale', 'doubled')
  for (const [name, { looks, rows, lost, stale, doubled }] of totals)
    printCells(name, ...[looks, rows, lost, stale, doubled].map(count => count.toLocaleString('en')))
}

interface Round {
  database: Database
  clock: WhoseClock
  round: number
  place: Place
  totals: Totals
}

/** Gives the number of committed transactions. */
async function measureRound({ database, clock, round, place, totals }: Round): Promise<number> {
  await database.create()
  const folder = join(place.folder, `${database.project.type}-${clock}-${round}`)
  const strategies = createStrategies(database)
  const createTarget = async (name: string): Promise<string> => {
    const target = `${database.project.type}_${clock}_${round}_${name}`
    await place.postgres.query(`CREATE DATABASE ${target}`)
    return place.postgres.url(target)
  }
  const peers = options.peers === true ? await createPeerReaders({ folder, database, createTarget }) : []
  const readers = [...(await Promise.all(CLASSES.map(one => createReader(one, { folder, database })))), ...peers]
  const stop = new AbortController()
  const writing = writeUntil(database, clock, seed + round, stop.signal)
  const polling = strategies.map(strategy => pollUntil(database, strategy, stop.signal))
  const running = runUntil(readers, stop.signal)
  await delay(seconds * 1000)
  stop.abort()
  const committed = await writing
  const looks = await running
  await Promise.all(polling)
  for (const reader of readers) await reader.run()
  const source = await readSource(database)
  for (const { name, looks, account } of strategies) add(totals, name, { looks, ...account.settle(source) })
  for (const reader of readers) add(totals, reader.name, { looks, ...(await reader.account()).settle(source) })
  return committed
}

function add(totals: Totals, name: string, one: Outcome & { looks: number }): void {
  const sum = totals.get(name) ?? { looks: 0, rows: 0, lost: 0, stale: 0, doubled: 0 }
  for (const key of ['looks', 'rows', 'lost', 'stale', 'doubled'] as const) sum[key] += one[key]
  totals.set(name, sum)
}

/** Poll until the end, and once more when everything is committed. */
async function pollUntil(database: Database, strategy: Strategy, end: AbortSignal): Promise<void> {
  const client = await database.connect()
  try {
    while (!end.aborted) {
      await strategy.poll(client)
      strategy.looks += 1
      await delay(POLL_MS)
    }
    // Long enough for the latest of them.
    await delay(2000)
    await strategy.poll(client)
  } finally {
    await client.end()
  }
}

/** One after the other, as often as there is time for; gives how often each has run, with the last run that follows. */
async function runUntil(readers: readonly Reader[], end: AbortSignal): Promise<number> {
  for (let looks = 2; ; looks += 1) {
    for (const reader of readers) await reader.run()
    if (end.aborted) return looks
  }
}

async function readSource(database: Database): Promise<Seen[]> {
  const client = await database.connect()
  const rows = await client.query(plain('SELECT id, version FROM changes'))
  await client.end()
  return rows.map(({ id, version }) => ({ id: id ?? '', version: version ?? '' }))
}

await main()
