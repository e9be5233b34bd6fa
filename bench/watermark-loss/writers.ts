/**
 * The load: writers that commit, roll back, use savepoints, prepare transactions and keep some open for a while. Every row
 * has a version that rises with each change, so that what a reader saw can be compared with what is there in the end.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { createRandom, type Random } from '../../examples/music/random.ts'

/** Who sets `changed_at`: the server in every statement, or applications whose clocks differ. */
export type WhoseClock = 'server' | 'applications'

export const SCHEMA = `CREATE TABLE change (id bigint PRIMARY KEY, version int NOT NULL, changed_at timestamptz NOT NULL);
  CREATE SEQUENCE change_id; CREATE INDEX ON change (changed_at)`

const WRITERS = 8

/** Work until the signal ends it; gives the number of committed transactions. */
export async function writeUntil(
  connection: pg.ClientConfig,
  clock: WhoseClock,
  seed: number,
  end: AbortSignal,
): Promise<number> {
  const writers = Array.from({ length: WRITERS }, (_, n) =>
    write(connection, clock, createRandom(seed * 100 + n), n, end),
  )
  return (await Promise.all(writers)).reduce((sum, one) => sum + one, 0)
}

async function write(
  connection: pg.ClientConfig,
  clock: WhoseClock,
  random: Random,
  number: number,
  end: AbortSignal,
): Promise<number> {
  const client = new pg.Client(connection)
  await client.connect()
  // Between 600 ms behind and 450 ms ahead, the same for all of a writer's life.
  const now =
    clock === 'server' ? 'now()' : `clock_timestamp() + interval '${Math.round(-600 + (1050 * number) / 7)} ms'`
  let committed = 0
  try {
    await client.query(`SET lock_timeout = '250ms'; SET deadlock_timeout = '100ms'`)
    for (let n = 0; !end.aborted; n += 1)
      if (await transaction({ client, random, now, end }, `w${number}_${n}`)) committed += 1
  } finally {
    await client.end()
  }
  return committed
}

interface Writer {
  client: pg.Client
  random: Random
  now: string
  end: AbortSignal
}

async function transaction(writer: Writer, name: string): Promise<boolean> {
  const { client, random, end } = writer
  try {
    await client.query('BEGIN')
    for (let rows = random.integer(1, 5); rows > 0; rows -= 1) await change(writer)
    if (random.chance(0.05)) await stayOpen(random.integer(0, 500), end)
    const keeps = !random.chance(0.1)
    if (!random.chance(0.02)) {
      await client.query(keeps ? 'COMMIT' : 'ROLLBACK')
      return keeps
    }
    await client.query(`PREPARE TRANSACTION '${name}'`)
    await stayOpen(random.integer(0, 200), end)
    await client.query(`${keeps ? 'COMMIT' : 'ROLLBACK'} PREPARED '${name}'`)
    return keeps
  } catch (error) {
    // 55P03: a lock was not had in time; 40P01: a deadlock. Anything else is a mistake of this file.
    if (!(error instanceof pg.DatabaseError) || !['55P03', '40P01'].includes(error.code ?? '')) throw error
    await client.query('ROLLBACK')
    return false
  }
}

/** One row written or changed, in half of the cases inside a savepoint, which is sometimes taken back. */
async function change({ client, random, now }: Writer): Promise<void> {
  const nested = random.chance(0.5)
  if (nested) await client.query('SAVEPOINT s')
  if (random.chance(0.7)) await client.query(`INSERT INTO change VALUES (nextval('change_id'), 1, ${now})`)
  else {
    const some = `(SELECT 1 + floor(${random.integer(0, 999_999)} / 1e6 * last_value)::bigint FROM change_id)`
    await client.query(`UPDATE change SET version = version + 1, changed_at = ${now} WHERE id = ${some}`)
  }
  if (nested) await client.query(random.chance(0.9) ? 'RELEASE SAVEPOINT s' : 'ROLLBACK TO SAVEPOINT s')
}

async function stayOpen(ms: number, end: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal: end }).catch(() => undefined)
}
