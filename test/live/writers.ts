/**
 * An application under load: writers on connections of their own, each with its own seeded chance. They do what real
 * applications do to a reader that looks at the same time, and keep their own account of what was committed.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { createRandom, type Random } from '../../examples/music/random.ts'

export interface WriterOptions {
  connection: pg.ClientConfig
  seed: number
  writers: number
}

/** What the application knows of its own work. */
export interface Tally {
  committed: number
  rolledBack: number
  prepared: number
  savepoints: number
  /** Transactions that were in each other's way and were given up by the server. */
  gaveUp: number
  /** Numbers of events whose COMMIT was answered. */
  events: Set<number>
}

export interface Writers {
  tally: Tally
  /** Let every writer finish its transaction and decide what it prepared. */
  stop(): Promise<void>
}

export const SCHEMA = `
  CREATE TABLE account (id bigint PRIMARY KEY, owner text, balance numeric(12,2), updated_at timestamptz);
  CREATE TABLE event (region text, no bigint, payload text, updated_at timestamptz, PRIMARY KEY (region, no));
  CREATE TABLE setting (name text, value text);
  CREATE SEQUENCE account_id START 2001;
  CREATE SEQUENCE event_no;
  INSERT INTO account SELECT n, 'owner ' || n, n, now() FROM generate_series(1, 2000) n;
  INSERT INTO setting SELECT 'setting ' || n % 50, n::text FROM generate_series(1, 200) n`

const REGIONS = ['north', 'south', 'east', 'west']

/** The plain time of the transaction or the statement, and ties at the second. */
const IN_TIME = ['now()', 'now()', 'clock_timestamp()', "date_trunc('second', now())"]
/** A clock that lags, and a clerk who corrects yesterday. */
const EARLIER = ["now() - interval '300 ms'", "now() - interval '1 day'"]
/** How the payload of an event under such a cursor begins. */
export const DATED_BACK = 'dated back'

/**
 * A lock was not had in time; a deadlock; another writer took the number that the sequence had just given to this one
 * (`again`). Any other answer is a mistake of this file.
 */
const CONTENTION = ['55P03', '40P01', '23505']

interface Writer {
  client: pg.Client
  random: Random
  tally: Tally
  /** Prepared transactions not yet decided, each with the events it would commit. */
  open: { name: string; events: number[] }[]
  name: string
  signal: AbortSignal
}

export async function startWriters({ connection, seed, writers }: WriterOptions): Promise<Writers> {
  const tally: Tally = { committed: 0, rolledBack: 0, prepared: 0, savepoints: 0, gaveUp: 0, events: new Set() }
  const stop = new AbortController()
  const working: Promise<void>[] = []
  for (let i = 0; i < writers; i += 1) {
    const client = new pg.Client(connection)
    await client.connect()
    // A row may be held by a prepared transaction that this same writer has yet to decide.
    await client.query(`SET lock_timeout = '250ms'; SET deadlock_timeout = '100ms'`)
    const random = createRandom(seed * 100 + i)
    working.push(write({ client, random, tally, open: [], name: `writer_${i}`, signal: stop.signal }))
  }
  return {
    tally,
    stop: async () => {
      stop.abort()
      await Promise.all(working)
    },
  }
}

async function write(writer: Writer): Promise<void> {
  const { client, random, signal } = writer
  try {
    for (let n = 0; !signal.aborted; n += 1) {
      await transaction(writer, n)
      if (writer.open.length > 2 || (writer.open.length > 0 && random.chance(0.1))) await decide(writer)
    }
    while (writer.open.length > 0) await decide(writer)
  } finally {
    await client.end()
  }
}

async function transaction(writer: Writer, n: number): Promise<void> {
  const { client, random, tally, signal } = writer
  const events: number[] = []
  try {
    await client.query('BEGIN')
    const actions = random.integer(1, 5)
    for (let i = 0; i < actions; i += 1) events.push(...(await inSavepoint(writer)))
    if (random.chance(0.05)) await stayOpen(random.integer(0, 500), signal)
    if (random.chance(0.005)) await stayOpen(random.integer(1000, 5000), signal)
    if (random.chance(0.03)) {
      const name = `${writer.name}_${n}`
      await client.query(`PREPARE TRANSACTION '${name}'`)
      tally.prepared += 1
      writer.open.push({ name, events })
      return
    }
    const keep = !random.chance(0.1)
    await client.query(keep ? 'COMMIT' : 'ROLLBACK')
    settle(tally, keep, events)
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !CONTENTION.includes(error.code ?? '')) throw error
    await client.query('ROLLBACK')
    tally.gaveUp += 1
  }
}

function settle(tally: Tally, keep: boolean, events: readonly number[]): void {
  if (keep) for (const no of events) tally.events.add(no)
  if (keep) tally.committed += 1
  else tally.rolledBack += 1
}

/** Time passes inside the transaction, unless everybody is told to stop. */
async function stayOpen(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined)
}

async function decide({ client, random, tally, open }: Writer): Promise<void> {
  const prepared = open.shift()
  if (prepared === undefined) return
  const keep = random.chance(0.7)
  await client.query(`${keep ? 'COMMIT' : 'ROLLBACK'} PREPARED '${prepared.name}'`)
  settle(tally, keep, prepared.events)
}

/** One action, in half of the cases in a subtransaction of its own, which may be taken back. */
async function inSavepoint(writer: Writer): Promise<number[]> {
  const { client, random, tally } = writer
  if (random.chance(0.5)) return await act(writer)
  await client.query('SAVEPOINT s')
  tally.savepoints += 1
  const events = await act(writer)
  if (random.chance(0.8)) {
    await client.query('RELEASE SAVEPOINT s')
    return events
  }
  await client.query('ROLLBACK TO SAVEPOINT s')
  return []
}

/** One change. Gives the numbers of the events it wrote. */
async function act({ client, random }: Writer): Promise<number[]> {
  const inTime = random.chance(0.7)
  const cursor = random.pick(inTime ? IN_TIME : EARLIER)
  const some = `(SELECT 1 + floor(${random.integer(0, 999_999)} / 1e6 * last_value)::bigint FROM account_id)`
  const chance = random.integer(1, 100)
  if (chance <= 35) {
    const payload = random.chance(0.05)
      ? 'bad'
      : `${inTime ? 'payload' : DATED_BACK} ${random.integer(1, 1e6)}, "quoted"`
    const { rows } = await client.query<{ no: string }>(
      `INSERT INTO event VALUES ($1, nextval('event_no'), $2, ${cursor}) RETURNING no`,
      [random.pick(REGIONS), payload],
    )
    return rows.map(({ no }) => Number(no))
  }
  if (chance <= 45) await client.query(`INSERT INTO account VALUES (nextval('account_id'), 'new', 0, ${cursor})`)
  else if (chance <= 70) {
    await client.query(`UPDATE account SET balance = balance + 1, updated_at = ${cursor} WHERE id = ${some}`)
  } else if (chance <= 80) await client.query(`UPDATE account SET owner = owner || '.' WHERE id = ${some}`)
  else if (chance <= 85) await client.query(`DELETE FROM account WHERE id = ${some}`)
  else if (chance <= 89) await client.query(`UPDATE account SET id = nextval('account_id') WHERE id = ${some}`)
  else if (chance <= 95) {
    await client.query(`INSERT INTO account VALUES (${some}, 'again', 1, ${cursor}) ON CONFLICT DO NOTHING`)
  } else
    await client.query(`UPDATE setting SET value = '${random.integer(1, 1e6)}' WHERE name = 'setting ${chance % 50}'`)
  return []
}
