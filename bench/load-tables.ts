/** The server and the tables that loads are measured with, and one number over all values of each, by the server and from the files. */
import { DuckDBInstance } from '@duckdb/node-api'
import type { RunningPostgres } from '../examples/postgres.ts'

/** A server as one that is at work: what was read stays in its memory. */
export const SERVER_CONFIG = { fsync: 'off', jit: 'off', shared_buffers: '2GB', max_wal_size: '8GB' }

/** Ten columns of the types that operational tables are made of. */
export const saleTable = (
  rows: number,
): string => `CREATE TABLE sale (id bigint PRIMARY KEY, changed_at timestamptz NOT NULL, customer int NOT NULL,
  quantity int NOT NULL, amount numeric(18,2) NOT NULL, paid boolean NOT NULL, state text NOT NULL, day date NOT NULL,
  score double precision, reference uuid NOT NULL);
INSERT INTO sale SELECT n, timestamptz '2026-01-01 00:00:00Z' + n * interval '1 s', n * 7919 % 200000, 1 + n % 97,
  (n * 7919 % 100000000)::numeric / 100, n % 3 = 0, (ARRAY['new','open','paid','sent','closed'])[1 + n % 5],
  date '2024-01-01' + (n % 1000)::int, CASE WHEN n % 50 > 0 THEN sin(n) * 1000 END, md5(n::text)::uuid
FROM generate_series(1::bigint, ${rows}) n`

/** Count and sum of a hash of each row of `sale`. */
export async function sumInServer(server: RunningPostgres): Promise<string> {
  const row = `concat_ws('|', id, (extract(epoch FROM changed_at) * 1000000)::bigint, customer, quantity, amount,
    CASE WHEN paid THEN 1 ELSE 0 END, state, day, floor(score * 1000)::bigint, reference)`
  const [found] = await server.query(
    `SELECT count(*)::text || ' ' || sum(('x' || left(md5(${row}), 8))::bit(32)::bigint)::text AS sum FROM sale`,
  )
  return String(found?.['sum'])
}

/** The same of files that hold the table, Parquet or CSV. */
export async function sumInLake(pattern: string): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
  const connection = await instance.connect()
  try {
    const row = `concat_ws('|', id, epoch_us(replace(changed_at::VARCHAR, ' +', '+')::TIMESTAMPTZ), customer, quantity, amount::DECIMAL(18,2),
      CASE WHEN paid::BOOLEAN THEN 1 ELSE 0 END, state, day::DATE, floor(score::DOUBLE * 1000)::BIGINT, reference::VARCHAR)`
    const files = pattern.endsWith('.csv') ? `read_csv('${pattern}', all_varchar = true)` : `read_parquet('${pattern}')`
    const reader = await connection.runAndReadAll(
      `SELECT concat(count(*), ' ', sum(('0x' || left(md5(${row}), 8))::BIGINT)) FROM ${files}`,
    )
    return String(reader.getRows()[0]?.[0])
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
