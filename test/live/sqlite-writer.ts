/**
 * One writer of a SQLite database, as a process: transactions of a few changes, some given up, some on a connection of
 * their own, until it is told to stop by SIGTERM or killed. Arguments: path, name, seed. Prints `done` for each commit.
 */
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom } from '../../examples/music/random.ts'

const [path = '', name = '', seed = '0'] = process.argv.slice(2)
const random = createRandom(Number(seed))
let isStopped = false
process.on('SIGTERM', () => {
  isStopped = true
})

const open = (): DatabaseSync => new DatabaseSync(path, { timeout: 2000 })
let next = 0

function change(database: DatabaseSync): void {
  const id = `${name}-${random.integer(0, Math.max(1, next))}`
  if (random.chance(0.6)) database.exec(`INSERT INTO event VALUES ('${name}-${next++}', 'new', ${next})`)
  else if (random.chance(0.7)) database.exec(`UPDATE event SET v = 'u${next}', n = n + 1 WHERE id = '${id}'`)
  else database.exec(`DELETE FROM event WHERE id = '${id}'`)
}

function transact(database: DatabaseSync): void {
  database.exec('BEGIN IMMEDIATE')
  for (let i = random.integer(1, 6); i > 0; i -= 1) change(database)
  if (random.chance(0.1)) database.exec('ROLLBACK')
  else {
    database.exec('COMMIT')
    process.stdout.write('done\n')
  }
}

/** Somebody reads or writes for longer than a statement waits. */
const isInTheWay = (error: unknown): boolean => /locked|busy/.test(String(error))

/** A writer that was killed before goes on behind what it has written. */
async function countWritten(): Promise<number> {
  const written = `SELECT count(*) + coalesce(max(n), 0) AS n FROM event WHERE id LIKE '${name}-%'`
  while (!isStopped) {
    try {
      return Number(kept.prepare(written).get()?.['n'] ?? 0)
    } catch (error) {
      if (!isInTheWay(error)) throw error
      await delay(20)
    }
  }
  return 0
}

const kept = open()
next = await countWritten()
while (!isStopped) {
  const isOwn = random.chance(0.3)
  const database = isOwn ? open() : kept
  try {
    transact(database)
  } catch (error) {
    // In WAL mode a commit may also meet a moved snapshot.
    if (!isInTheWay(error)) throw error
    if (database.isTransaction) database.exec('ROLLBACK')
  } finally {
    if (isOwn) database.close()
  }
  await delay(random.integer(1, 20))
}
kept.close()
