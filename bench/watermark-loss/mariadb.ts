/** The table of the loss benchmark on MariaDB. */
import mysql from 'mysql2/promise'
import type { RunningMariadb } from '../../test/support/mariadb-server.ts'
import type { Client, Database, Row } from './database.ts'

const SCHEMA = `CREATE TABLE changes (id bigint PRIMARY KEY, version int NOT NULL, changed_at datetime(6) NOT NULL,
  KEY (changed_at)) ENGINE=InnoDB`

/** The server rounds the start of a transaction down to seconds, which only makes the bound earlier. */
const OLDEST_OPEN = `SELECT CAST(LEAST(NOW(6), COALESCE(min(trx_started), NOW(6))) - INTERVAL 20000 MICROSECOND AS char) AS v
  FROM information_schema.innodb_trx`

/** A database of its own. A named transaction is one of XA, where savepoints are not for every server. */
export async function openMariadb(server: RunningMariadb, database: string): Promise<Database> {
  const { host, port, user, password } = server
  const admin = await mysql.createConnection({ host, port, user, password })
  await admin.query(`CREATE DATABASE \`${database}\``)
  await admin.end()
  const at = { host, port, user, password, database }
  return {
    name: `MariaDB ${server.version.replace(/-MariaDB.*/, '')}`,
    url: `mysql://${user}:${password}@${host}:${port}/${database}`,
    project: { type: 'mysql', schema: database },
    create: async () => {
      const client = await connect(at)
      await client.query({ parts: [SCHEMA], values: [] })
      await client.end()
    },
    connect: () => connect(at),
    moments: { never: '1000-01-01', forever: '9999-12-31' },
    now: 'NOW(6)',
    shiftedBy: ms => `SYSDATE(6) + INTERVAL ${ms * 1000} MICROSECOND`,
    before: (moment, ms) => `${moment} - INTERVAL ${ms * 1000} MICROSECOND`,
    oldestOpen: OLDEST_OPEN,
    transaction: {
      begin: name => [name === undefined ? 'START TRANSACTION' : `XA START '${name}'`],
      prepare: name => [`XA END '${name}'`, `XA PREPARE '${name}'`],
      decide: (name, keeps) => [`${name === undefined ? '' : 'XA '}${keeps ? 'COMMIT' : 'ROLLBACK'}${quoted(name)}`],
      giveUp: name => (name === undefined ? ['ROLLBACK'] : [`XA END '${name}'`, `XA ROLLBACK '${name}'`]),
    },
    // 1205: a lock was not had in time; 1213: a deadlock; 1614: the transaction was taken back in one.
    isContention: error => [1205, 1213, 1614].includes((error as { errno?: number }).errno ?? 0),
    hasSnapshots: false,
  }
}

const quoted = (name: string | undefined): string => (name === undefined ? '' : ` '${name}'`)

/** Every value as the text the server sends; one clock for writers and readers. */
async function connect(at: mysql.ConnectionOptions): Promise<Client> {
  const client = await mysql.createConnection({ ...at, typeCast: field => field.string() })
  await client.query(`SET time_zone = '+00:00', innodb_lock_wait_timeout = 1`)
  return {
    query: async ({ parts, values }) => {
      const [rows] = await client.query(parts.join('?'), [...values])
      return Array.isArray(rows) ? (rows as Row[]) : []
    },
    end: () => client.end(),
  }
}
