/**
 * The ways in which tools read what is new by a cursor, each as short as it can be: poll, remember, go on. They differ in
 * the bounds and in when the new mark is read; everything else is the same.
 */
import type pg from 'pg'
import { Account, type Seen } from './account.ts'

export interface Strategy {
  name: string
  account: Account
  /** How often it has looked. */
  looks: number
  poll(client: pg.Client): Promise<void>
}

const COLUMNS = 'id::text, version::text, changed_at::text AS at'
type Row = Seen & { at: string }

async function read(client: pg.Client, condition: string, values: readonly string[] = []): Promise<Row[]> {
  return (await client.query<Row>(`SELECT ${COLUMNS} FROM change WHERE ${condition} ORDER BY changed_at`, [...values]))
    .rows
}

async function ask(client: pg.Client, expression: string): Promise<string | undefined> {
  const [row] = (await client.query<{ v: string | null }>(`SELECT (${expression})::text AS v`)).rows
  return row?.v ?? undefined
}

const MAX = `SELECT max(changed_at) FROM change`

/** `cursor > last`, then MAX(cursor) in a statement of its own: the usual copy pipeline. */
const maxAfterwards = (): Strategy['poll'] => {
  let last = '-infinity'
  return async function (this: Strategy, client) {
    this.account.add(await read(client, 'changed_at > $1', [last]))
    last = (await ask(client, MAX)) ?? last
  }
}

/** `cursor > last`, then the highest cursor among the rows that came. */
const maxOfRows = (): Strategy['poll'] => {
  let last = '-infinity'
  return async function (this: Strategy, client) {
    const rows = await read(client, 'changed_at > $1', [last])
    this.account.add(rows)
    last = rows.at(-1)?.at ?? last
  }
}

/** The new mark first, then `cursor > last AND cursor <= new`. */
const markFirst = (): Strategy['poll'] => {
  let last = '-infinity'
  return async function (this: Strategy, client) {
    const next = (await ask(client, MAX)) ?? last
    this.account.add(await read(client, 'changed_at > $1 AND changed_at <= $2', [last, next]))
    last = next
  }
}

/** `cursor >= last`, and what came before is dropped; `until` keeps away from what is newer. */
const inclusive = (until = `'infinity'`): Strategy['poll'] => {
  let last = '-infinity'
  return async function (this: Strategy, client) {
    const end = (await ask(client, until)) ?? 'infinity'
    const rows = await read(client, 'changed_at >= $1 AND changed_at <= $2', [last, end])
    this.account.add(rows.filter(row => !this.account.knows(row)))
    last = rows.at(-1)?.at ?? last
  }
}

/** `cursor >= last`, where the next `last` is asked before the rows are read; unknown, it stays. */
const bounded = (bound: string): Strategy['poll'] => {
  let last = '-infinity'
  return async function (this: Strategy, client) {
    const next = (await ask(client, bound)) ?? last
    const rows = await read(client, 'changed_at >= $1', [last])
    this.account.add(rows.filter(row => !this.account.knows(row)))
    last = next
  }
}

/** What became visible since the snapshot before, by transaction id. */
const bySnapshot = (): Strategy['poll'] => {
  let last = '1:1:'
  return async function (this: Strategy, client) {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const next = (await ask(client, 'pg_current_snapshot()')) ?? last
    this.account.add(await read(client, `NOT pg_visible_in_snapshot(xmin::text::xid8, $1::pg_snapshot)`, [last]))
    await client.query('COMMIT')
    last = next
  }
}

/** Everything written by a transaction that was not decided at the horizon of the snapshot before. */
const byHorizon = (): Strategy['poll'] => {
  let last = '0'
  return async function (this: Strategy, client) {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const next = (await ask(client, 'pg_snapshot_xmin(pg_current_snapshot())')) ?? last
    const rows = await read(client, 'xmin::text::bigint >= $1', [last])
    this.account.add(rows.filter(row => !this.account.knows(row)))
    await client.query('COMMIT')
    last = next
  }
}

/** Nothing while a transaction is prepared: the server does not say when it began. */
const OLDEST_OPEN = `SELECT LEAST(statement_timestamp(), min(xact_start)) - interval '20 ms' FROM pg_stat_activity
  WHERE pid <> pg_backend_pid() HAVING NOT EXISTS (SELECT FROM pg_prepared_xacts)`

/** Every strategy, in the order in which the table lists them. */
export function createStrategies(): Strategy[] {
  const polls: [string, Strategy['poll']][] = [
    ['S0  cursor > last, then MAX(cursor)', maxAfterwards()],
    ['S1  cursor > last, mark from the rows', maxOfRows()],
    ['S2  new mark first, > and <=', markFirst()],
    ['S3  cursor >= last, duplicates dropped', inclusive()],
    ['S4  S3, 200 ms late', inclusive(`now() - interval '200 ms'`)],
    ['S4  S3, 1 s late', inclusive(`now() - interval '1 s'`)],
    ['S5  from the oldest open transaction', bounded(OLDEST_OPEN)],
    ['S6  not visible in the snapshot before', bySnapshot()],
    ['S7  from the xmin horizon', byHorizon()],
  ]
  return polls.map(([name, poll]) => ({ name, poll, account: new Account(), looks: 0 }))
}
