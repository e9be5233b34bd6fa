/**
 * Where a MySQL or MariaDB server stands. It counts no transactions for an ordinary user, so the order is its clock; a
 * named lock makes the look at the clock and the taking of the snapshot one step among all our sessions.
 */
import { SOURCE_BUSY, type ServerParams } from '../../errors/source.ts'
import { sql, text } from '../../engine/sql.ts'
import type { Position } from '../position.ts'
import type { MysqlSession, TextRow } from './session.ts'

const LOCK_NAME = 'tidemark.snapshot'

const IDENTITY = [
  'server_uuid',
  'server_uid',
  'hostname',
  'port',
  'datadir',
  'log_bin',
  'gtid_binlog_pos',
  'gtid_executed',
]

/** Microseconds since 1970, and the same moment as text. Sessions are in UTC. */
const CLOCK = sql`SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', NOW(6)) AS order_us, \
DATE_FORMAT(NOW(6), '%Y-%m-%dT%H:%i:%s.%fZ') AS as_of, DATABASE() AS "database"`

/**
 * Take the snapshot: everything committed before the clock was read is in it.
 *
 * @throws {SOURCE_BUSY} another session holds the lock for longer than ten seconds
 */
export async function beginSnapshot(
  session: MysqlSession,
  server: Omit<ServerParams, 'reason'>,
  openTransactions: number | undefined,
  signal: AbortSignal,
): Promise<Position> {
  const [lock] = await session.query(sql`SELECT GET_LOCK(${text(LOCK_NAME)}, 10) AS held`, signal)
  if (lock?.['held'] !== '1') {
    throw SOURCE_BUSY({ ...server, reason: `another session holds the named lock ${LOCK_NAME}` })
  }
  const [clock] = await session.query(CLOCK, signal)
  await session.query(sql`START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY`, signal)
  await session.query(sql`DO RELEASE_LOCK(${text(LOCK_NAME)})`, signal)
  return await readPosition(session, clock ?? {}, openTransactions, signal)
}

/** The position without a snapshot. */
export async function lookAtPosition(
  session: MysqlSession,
  openTransactions: number | undefined,
  signal: AbortSignal,
): Promise<Position> {
  const [clock] = await session.query(CLOCK, signal)
  return await readPosition(session, clock ?? {}, openTransactions, signal)
}

async function readPosition(
  session: MysqlSession,
  clock: TextRow,
  openTransactions: number | undefined,
  signal: AbortSignal,
): Promise<Position> {
  const names = sql`${text(IDENTITY[0] ?? '')}`
  const wanted = IDENTITY.slice(1).reduce((list, name) => sql`${list}, ${text(name)}`, names)
  const rows = await session.query(sql`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${wanted})`, signal)
  const variables = new Map(rows.map(row => [row['variable_name']?.toLowerCase() ?? '', row['value'] ?? '']))
  return parsePosition(clock, variables, openTransactions)
}

/** A position from the server's text. */
export function parsePosition(
  clock: TextRow,
  variables: ReadonlyMap<string, string>,
  openTransactions: number | undefined,
): Position {
  const get = (name: string): string => variables.get(name) ?? ''
  // MySQL keeps its id beside its data; MariaDB makes one of the machine, which several servers on it share.
  const server = get('server_uuid') || ['server_uid', 'hostname', 'port', 'datadir'].map(get).join(':')
  return {
    // A server that begins or ends to keep a log cannot be compared by it.
    identity: `mysql:${server}:${get('log_bin')}:${clock['database'] ?? ''}`,
    order: BigInt(clock['order_us'] ?? '0'),
    rowVersions: undefined,
    log: countTransactions(get('gtid_binlog_pos') || get('gtid_executed')),
    asOf: clock['as_of'] ?? '',
    openTransactions,
  }
}

/**
 * How many transactions a set of global ids speaks of: `0-1-270,1-1-9` in MariaDB, the last number of each domain;
 * `uuid:1-270:300,uuid:1-9` in MySQL, all ranges. It grows with each logged transaction and is smaller in a restored
 * backup.
 */
export function countTransactions(ids: string): bigint {
  let count = 0n
  for (const part of ids.split(/[\s,]+/).filter(one => one !== '')) {
    const mariadb = /^\d+-\d+-(\d+)$/.exec(part)
    if (mariadb?.[1] !== undefined) count += BigInt(mariadb[1])
    for (const [, from = '0', to = from] of part.matchAll(/:(\d+)(?:-(\d+))?/g)) count += BigInt(to) - BigInt(from) + 1n
  }
  return count
}
