/**
 * The ways in which tools read what is new by a cursor, each as short as it can be: poll, remember, go on. They differ in
 * the bounds and in when the new mark is read; everything else is the same.
 */
import { Account, type Seen } from './account.ts'
import { type Client, type Database, plain, sql, type Statement } from './database.ts'

export interface Strategy {
  name: string
  account: Account
  /** How often it has looked. */
  looks: number
  poll(client: Client): Promise<void>
}

const SELECT = 'SELECT CAST(id AS char(20)) AS id, CAST(version AS char(20)) AS version, changed_at AS at FROM changes'
type Row = Seen & { at: string }

async function read(client: Client, { parts: [first = '', ...rest], values }: Statement): Promise<Row[]> {
  const statement = [`${SELECT} WHERE ${first}`, ...rest]
  statement.push(`${statement.pop()} ORDER BY changed_at`)
  const rows = await client.query({ parts: statement, values })
  return rows.map(({ id, version, at }) => ({ id: id?.trim() ?? '', version: version?.trim() ?? '', at: at ?? '' }))
}

/** The one value of a query; undefined when there is none. */
async function ask(client: Client, query: string): Promise<string | undefined> {
  const [row] = await client.query(plain(query))
  return row?.['v'] ?? undefined
}

const MAX = 'SELECT max(changed_at) AS v FROM changes'

/** `cursor > last`, then MAX(cursor) in a statement of its own: the usual copy pipeline. */
const maxAfterwards = ({ moments }: Database): Strategy['poll'] => {
  let last = moments.never
  return async function (this: Strategy, client) {
    this.account.add(await read(client, sql`changed_at > ${last}`))
    last = (await ask(client, MAX)) ?? last
  }
}

/** `cursor > last`, then the highest cursor among the rows that came. */
const maxOfRows = ({ moments }: Database): Strategy['poll'] => {
  let last = moments.never
  return async function (this: Strategy, client) {
    const rows = await read(client, sql`changed_at > ${last}`)
    this.account.add(rows)
    last = rows.at(-1)?.at ?? last
  }
}

/** The new mark first, then `cursor > last AND cursor <= new`. */
const markFirst = ({ moments }: Database): Strategy['poll'] => {
  let last = moments.never
  return async function (this: Strategy, client) {
    const next = (await ask(client, MAX)) ?? last
    this.account.add(await read(client, sql`changed_at > ${last} AND changed_at <= ${next}`))
    last = next
  }
}

/** `cursor >= last`, and what came before is dropped; with a delay, nothing that is newer. */
const inclusive = ({ moments, before, now }: Database, delayMs?: number): Strategy['poll'] => {
  let last = moments.never
  return async function (this: Strategy, client) {
    const end = delayMs === undefined ? undefined : await ask(client, `SELECT ${before(now, delayMs)} AS v`)
    const rows = await read(client, sql`changed_at >= ${last} AND changed_at <= ${end ?? moments.forever}`)
    this.account.add(rows.filter(row => !this.account.knows(row)))
    last = rows.at(-1)?.at ?? last
  }
}

/** `cursor >= last`, where the next `last` is asked before the rows are read; unknown, it stays. */
const bounded = ({ moments, oldestOpen }: Database): Strategy['poll'] => {
  let last = moments.never
  return async function (this: Strategy, client) {
    const next = (await ask(client, oldestOpen)) ?? last
    const rows = await read(client, sql`changed_at >= ${last}`)
    this.account.add(rows.filter(row => !this.account.knows(row)))
    last = next
  }
}

const SNAPSHOT = plain('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')

/** What became visible since the snapshot before, by transaction id. */
const bySnapshot = (): Strategy['poll'] => {
  let last = '1:1:'
  return async function (this: Strategy, client) {
    await client.query(SNAPSHOT)
    const next = (await ask(client, 'SELECT pg_current_snapshot() AS v')) ?? last
    this.account.add(await read(client, sql`NOT pg_visible_in_snapshot(xmin::text::xid8, ${last}::pg_snapshot)`))
    await client.query(plain('COMMIT'))
    last = next
  }
}

/** Everything written by a transaction that was not decided at the horizon of the snapshot before. */
const byHorizon = (): Strategy['poll'] => {
  let last = '0'
  return async function (this: Strategy, client) {
    await client.query(SNAPSHOT)
    const next = (await ask(client, 'SELECT pg_snapshot_xmin(pg_current_snapshot()) AS v')) ?? last
    const rows = await read(client, sql`xmin::text::bigint >= ${last}`)
    this.account.add(rows.filter(row => !this.account.knows(row)))
    await client.query(plain('COMMIT'))
    last = next
  }
}

/** Every strategy that the database knows, in the order in which the table lists them. */
export function createStrategies(database: Database): Strategy[] {
  const polls: [string, Strategy['poll']][] = [
    ['S0  cursor > last, then MAX(cursor)', maxAfterwards(database)],
    ['S1  cursor > last, mark from the rows', maxOfRows(database)],
    ['S2  new mark first, > and <=', markFirst(database)],
    ['S3  cursor >= last, duplicates dropped', inclusive(database)],
    ['S4  S3, 200 ms late', inclusive(database, 200)],
    ['S4  S3, 1 s late', inclusive(database, 1000)],
    ['S5  from the oldest open transaction', bounded(database)],
  ]
  if (database.hasSnapshots)
    polls.push(['S6  not visible in the snapshot before', bySnapshot()], ['S7  from the xmin horizon', byHorizon()])
  return polls.map(([name, poll]) => ({ name, poll, account: new Account(), looks: 0 }))
}
