/**
 * The load: writers that commit, roll back, use savepoints, prepare transactions and keep some open for a while. Every row
 * has a version that rises with each change, so that what a reader saw can be compared with what is there in the end.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom, type Random } from '../../examples/music/random.ts'
import { type Client, type Database, plain } from './database.ts'

/** Who sets `changed_at`: the server in every statement, or applications whose clocks differ. */
export type WhoseClock = 'server' | 'applications'

const WRITERS = 8

interface Writer {
  database: Database
  client: Client
  random: Random
  now: string
  /** The highest id that was given out, to all writers. */
  ids: { highest: number }
  end: AbortSignal
}

/** Work until the signal ends it; gives the number of committed transactions. */
export async function writeUntil(
  database: Database,
  clock: WhoseClock,
  seed: number,
  end: AbortSignal,
): Promise<number> {
  const ids = { highest: 0 }
  const writers = Array.from({ length: WRITERS }, async (_, number) => {
    // Between 600 ms behind and 450 ms ahead, the same for all of a writer's life.
    const now = clock === 'server' ? database.now : database.shiftedBy(Math.round(-600 + (1050 * number) / 7))
    const client = await database.connect()
    return write({ database, client, random: createRandom(seed * 100 + number), now, ids, end }, number)
  })
  return (await Promise.all(writers)).reduce((sum, one) => sum + one, 0)
}

async function write(writer: Writer, number: number): Promise<number> {
  let committed = 0
  try {
    for (let n = 0; !writer.end.aborted; n += 1) {
      const name = writer.random.chance(0.02) ? `w${number}_${n}` : undefined
      if (await transaction(writer, name)) committed += 1
    }
  } finally {
    await writer.client.end()
  }
  return committed
}

/** One transaction, prepared first where it has a name; true when it was committed. */
async function transaction(writer: Writer, name: string | undefined): Promise<boolean> {
  const { database, client, random, end } = writer
  const run = async (statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await client.query(plain(statement))
  }
  try {
    await run(database.transaction.begin(name))
    for (let rows = random.integer(1, 5); rows > 0; rows -= 1) await change(writer, name === undefined)
    if (random.chance(0.05)) await stayOpen(random.integer(0, 500), end)
    const keeps = !random.chance(0.1)
    if (name !== undefined) {
      await run(database.transaction.prepare(name))
      await stayOpen(random.integer(0, 200), end)
    }
    await run(database.transaction.decide(name, keeps))
    return keeps
  } catch (error) {
    // Anything but a lock that was not had is a mistake of this file.
    if (!database.isContention(error)) throw error
    for (const statement of database.transaction.giveUp(name))
      await client.query(plain(statement)).catch(() => undefined)
    return false
  }
}

/** One row written or changed, in half of the cases inside a savepoint, which is sometimes taken back. */
async function change({ client, random, now, ids }: Writer, mayNest: boolean): Promise<void> {
  const nested = mayNest && random.chance(0.5)
  if (nested) await client.query(plain('SAVEPOINT s'))
  if (random.chance(0.7) || ids.highest === 0) {
    ids.highest += 1
    await client.query(plain(`INSERT INTO changes VALUES (${ids.highest}, 1, ${now})`))
  } else {
    const id = random.integer(1, ids.highest)
    await client.query(plain(`UPDATE changes SET version = version + 1, changed_at = ${now} WHERE id = ${id}`))
  }
  if (nested) await client.query(plain(random.chance(0.9) ? 'RELEASE SAVEPOINT s' : 'ROLLBACK TO SAVEPOINT s'))
}

async function stayOpen(ms: number, end: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: end }).catch(() => undefined)
}
