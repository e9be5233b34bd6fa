/**
 * What each way of reading by a cursor loses while others write: the strategies of `strategies.ts`, and this product in its
 * guarantee classes, look at one table at the same moments. Starts its own PostgreSQL and removes everything at the end.
 *
 *   node --conditions=source bench/watermark-loss/run.ts [--seconds 60] [--clock server | applications] [--peers]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startPostgres } from '../../examples/postgres.ts'
import { printCells } from '../measure.ts'
import type { Outcome, Seen } from './account.ts'
import { installPeers } from './peers.ts'
import { CLASSES, createReader, type Reader } from './product.ts'
import { createStrategies, type Strategy } from './strategies.ts'
import { SCHEMA, type WhoseClock, writeUntil } from './writers.ts'

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '60' }, clock: { type: 'string' }, peers: { type: 'boolean' } },
})
const seconds = Number(options.seconds)
const clocks = (['server', 'applications'] as const).filter(clock => clock === (options.clock ?? clock))
const seed = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000)
const POLL_MS = 20

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-loss-'))
  const server = await startPostgres({
    directory: join(folder, 'postgres'),
    config: { max_prepared_transactions: '50', fsync: 'off' },
  })
  try {
    process.stdout.write(`seed ${seed}; repeat with TIDEMARK_SEED=${seed}\n`)
    for (const clock of clocks) {
      const database = `clock_of_${clock}`
      await server.query(`CREATE DATABASE ${database}`)
      await server.query(SCHEMA, database)
      const createDatabase = async (name: string): Promise<string> => {
        await server.query(`CREATE DATABASE ${database}_${name}`)
        return server.url(`${database}_${name}`)
      }
      await round({ clock, folder: join(folder, database), url: server.url(database), createDatabase })
    }
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
    await rm(server.directory, { recursive: true, force: true })
  }
}

interface Round {
  clock: WhoseClock
  folder: string
  url: string
  createDatabase: (name: string) => Promise<string>
}

async function round({ clock, ...at }: Round): Promise<void> {
  const connection = { connectionString: at.url }
  const strategies = createStrategies()
  const peers = options.peers === true ? await installPeers(at) : []
  const readers = [...(await Promise.all(CLASSES.map(one => createReader(one, at)))), ...peers]
  const stop = new AbortController()
  const writing = writeUntil(connection, clock, seed, stop.signal)
  const polling = strategies.map(strategy => pollUntil(connection, strategy, stop.signal))
  const running = runUntil(readers, stop.signal)
  await delay(seconds * 1000)
  stop.abort()
  const committed = await writing
  const looks = await running
  await Promise.all(polling)
  for (const reader of readers) await reader.run()
  const source = await readSource(connection)
  printCells(
    `\nclock of ${clock}, ${seconds} s, ${committed} transactions`,
    'looks',
    'rows',
    'lost',
    'stale',
    'doubled',
  )
  for (const { name, looks, account } of strategies) print(name, looks, account.settle(source))
  for (const reader of readers) print(reader.name, looks, (await reader.account()).settle(source))
}

function print(name: string, looks: number, { rows, lost, stale, doubled }: Outcome): void {
  printCells(name, ...[looks, rows, lost, stale, doubled].map(count => count.toLocaleString('en')))
}

/** Poll until the end, and once more when everything is committed. */
async function pollUntil(connection: pg.ClientConfig, strategy: Strategy, end: AbortSignal): Promise<void> {
  const client = new pg.Client(connection)
  await client.connect()
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
  for (let rounds = 2; ; rounds += 1) {
    for (const reader of readers) await reader.run()
    if (end.aborted) return rounds
  }
}

async function readSource(connection: pg.ClientConfig): Promise<Seen[]> {
  const client = new pg.Client(connection)
  await client.connect()
  const { rows } = await client.query<Seen>('SELECT id::text, version::text FROM change')
  await client.end()
  return rows
}

await main()
