/** The table of the loss benchmark on PostgreSQL. */
import pg from 'pg'
import type { RunningPostgres } from '../../examples/postgres.ts'
import type { Client, Database, Row } from './database.ts'

const SCHEMA = `CREATE TABLE changes (id bigint PRIMARY KEY, version int NOT NULL, changed_at timestamptz NOT NULL);
  CREATE INDEX ON changes (changed_at)`

/** Nothing while a transaction is prepared: the server does not say when it began. */
const OLDEST_OPEN = `SELECT (LEAST(statement_timestamp(), min(xact_start)) - interval '20 ms')::text AS v
  FROM pg_stat_activity WHERE pid <> pg_backend_pid() HAVING NOT EXISTS (SELECT FROM pg_prepared_xacts)`

/** A database of its own on a server that allows prepared transactions. */
export async function openPostgres(server: RunningPostgres, database: string): Promise<Database> {
  await server.query(`CREATE DATABASE ${database}`)
  const [row] = await server.query('SHOW server_version', database)
  return {
    name: `PostgreSQL ${String(row?.['server_version'])}`,
    url: server.url(database),
    project: { type: 'postgres', schema: 'public' },
    create: async () => void (await server.query(SCHEMA, database)),
    connect: async () => connect(server.url(database)),
    moments: { never: '-infinity', forever: 'infinity' },
    now: 'now()',
    shiftedBy: ms => `clock_timestamp() + interval '${ms} ms'`,
    before: (moment, ms) => `${moment} - interval '${ms} ms'`,
    oldestOpen: OLDEST_OPEN,
    transaction: {
      begin: () => ['BEGIN'],
      prepare: name => [`PREPARE TRANSACTION '${name}'`],
      decide: (name, keeps) => [`${keeps ? 'COMMIT' : 'ROLLBACK'}${name === undefined ? '' : ` PREPARED '${name}'`}`],
      giveUp: () => ['ROLLBACK'],
    },
    // 55P03: a lock was not had in time; 40P01: a deadlock.
    isContention: error => error instanceof pg.DatabaseError && ['55P03', '40P01'].includes(error.code ?? ''),
    hasSnapshots: true,
  }
}

/** Every value as the text the server sends. */
async function connect(url: string): Promise<Client> {
  const client = new pg.Client({
    connectionString: url,
    options: '-c lock_timeout=250ms -c deadlock_timeout=100ms',
    types: { getTypeParser: () => String } as unknown as pg.CustomTypesConfig,
  })
  await client.connect()
  return {
    query: async ({ parts, values }) => {
      const text = parts.map((part, n) => (n === 0 ? part : `$${n}${part}`)).join('')
      return (await client.query<Row>(text, [...values])).rows
    },
    end: () => client.end(),
  }
}
