/**
 * A source behind a real PgBouncer: rows are those of the server itself whatever other clients have set in the connections, and
 * no setting of ours is met by them. What cannot be read so is refused by name.
 */
import { isDeepStrictEqual } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type CliProject, createProject } from '../support/cli.ts'
import { hasPgbouncer, type PoolMode, startPgbouncer } from '../support/pgbouncer.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const CONNECTIONS = 6
const VALUES = `id int PRIMARY KEY, took interval, parts float8[], days date[], times timestamptz[], paid money, raw bytea[],
  at timestamptz NOT NULL DEFAULT '2026-03-04 05:06:07.123456+02', local timestamp DEFAULT '2026-03-04 05:06:07', doc xml, span tstzrange`
const ROWS = (
  from: number,
  to: number,
): string => `INSERT INTO shown (id, took, parts, days, times, paid, raw, doc, span)
  SELECT g, '1 mon 2 days 03:00:00.5', '{0.1,1e-7}', '{2026-01-02}', '{2026-01-02 03:04:05+06}', 3.5, '{"\\\\x00ff"}',
  '<a>1</a>', '[2026-01-02 03:04:05+06,)' FROM generate_series(${from}, ${to}) g`

/** What another client might leave behind, each of which would bend a value, name something else or end the reading. */
const OF_OTHERS = `SET quote_all_identifiers = on; SET search_path = shadow, pg_catalog; SET IntervalStyle = 'postgres_verbose'; SET DateStyle = 'SQL, DMY';
  SET TimeZone = 'Asia/Kathmandu'; SET extra_float_digits = -10; SET bytea_output = 'escape'; SET xmlbinary = 'hex';
  SET row_security = on; SET default_transaction_isolation = 'serializable'; SET lock_timeout = 1; SET statement_timeout = '5min';
  SET ROLE pooled_other; SET default_text_search_config = 'german';  SET client_encoding = 'LATIN1'; SET idle_in_transaction_session_timeout = '5min'`

const LOOK = `SELECT s.name, s.setting FROM pg_catalog.pg_settings s WHERE s.name NOT LIKE 'transaction%' AND s.source = 'session' ORDER BY 1`

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  await database.query(`CREATE ROLE pooled_other; CREATE SCHEMA shadow;
    CREATE FUNCTION shadow.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'shadowed' $$;
    CREATE FUNCTION shadow.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'on' $$;
    CREATE FUNCTION shadow.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'shadowed' $$;
    CREATE FUNCTION shadow.never(text, text) RETURNS boolean LANGUAGE sql AS $$ SELECT false $$;
    CREATE OPERATOR shadow.= (LEFTARG = text, RIGHTARG = text, FUNCTION = shadow.never)`)
})
afterAll(async () => {
  await database?.query('DROP ROLE pooled_other')
  await database?.drop()
})

/** Several transactions at once, so that each has a connection of its own to the server. */
async function everywhere(url: string, statement: string): Promise<unknown[][]> {
  const clients = await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const client = new pg.Client(url)
      await client.connect()
      await client.query('BEGIN')
      return client
    }),
  )
  const results = await Promise.all(clients.map(client => client.query<Record<string, unknown>>(statement)))
  await Promise.all(clients.map(client => client.query('COMMIT')))
  await Promise.all(clients.map(client => client.end()))
  return results.map(({ rows }) => rows)
}

async function projectAt(url: string, tables: readonly string[] = ['shown'], settings = ''): Promise<CliProject> {
  const source = `{ type: postgres, url: { secret: env:APP_URL }, tables: list.json${settings} }`
  const list = JSON.stringify(tables.map(table => ({ schema: 'public', table, primary_key: ['id'] })))
  const files = { 'tidemark.yml': `name: t\nsources:\n  app: ${source}\n`, 'list.json': list }
  return await createProject(files, { APP_URL: url }, 'in this process')
}

async function rowsOf(project: CliProject): Promise<unknown> {
  return await Promise.all(
    ['shown', 'seen'].map(table =>
      project.query(`SELECT * EXCLUDE (_run_id, _seq, _ingested_at) FROM bronze.${table} ORDER BY id, _op`),
    ),
  )
}

describe.skipIf(!hasPgbouncer)('behind PgBouncer', () => {
  const kept: readonly (readonly [PoolMode, Record<string, string>, string])[] = [
    ['session', {}, 'a pool of sessions'],
    ['session', { server_reset_query: '' }, 'a pool of sessions that resets nothing'],
    ['transaction', {}, 'a pool of transactions'],
  ]
  test.each(kept)('%s %o: rows are exact in %s, and nothing is left in it', async (mode, settings) => {
    await database.query(`CREATE TABLE shown (${VALUES}); ${ROWS(1, 500)};
      CREATE VIEW seen AS SELECT id, current_user::text AS who, to_tsvector('the house')::text AS words FROM shown`)
    onTestFinished(async () => void (await database.query('DROP TABLE shown CASCADE')))
    const pool = await startPgbouncer(database, mode, settings)
    const tables = ['shown', 'seen']
    const [direct, pooled] = [await projectAt(database.url, tables), await projectAt(pool.url, tables)]
    await everywhere(pool.url, OF_OTHERS)
    const found = await everywhere(pool.url, LOOK)
    for (const run of [1, 2]) {
      const ran = await pooled.run()
      expect(ran.steps.map(({ status, problem }) => problem ?? status)).toEqual([
        'changed',
        'changed',
        'changed',
        'changed',
      ])
      expect((await direct.run()).status).toBe('succeeded')
      expect(await rowsOf(pooled)).toEqual(await rowsOf(direct))
      await everywhere(pool.url, OF_OTHERS)
      if (run === 1) await database.query(`${ROWS(501, 600)}; DELETE FROM shown WHERE id < 10`)
    }
    for (const command of ['doctor', 'verify', 'plan']) {
      expect(await pooled.tidemark(command), command).toMatchObject({ exit: 0 })
    }
    const left = await everywhere(pool.url, LOOK)
    expect(left.flat().filter(row => !found.flat().some(one => isDeepStrictEqual(one, row)))).toEqual([])
  })
  test('a slot is read through a pool of transactions', async () => {
    await database.query(`CREATE TABLE shown (${VALUES}); ${ROWS(1, 500)}; CREATE PUBLICATION pooled FOR TABLE shown`)
    await database.query(`SELECT pg_create_logical_replication_slot('pooled', 'pgoutput')`)
    onTestFinished(async () => {
      await database.query(`SELECT pg_drop_replication_slot('pooled')`)
      await database.query('DROP PUBLICATION pooled; DROP TABLE shown')
    })
    const pool = await startPgbouncer(database, 'transaction')
    const project = await projectAt(pool.url, ['shown'], ', slot: pooled')
    await project.run()
    await everywhere(pool.url, OF_OTHERS)
    const found = await everywhere(pool.url, LOOK)
    await database.query(
      `${ROWS(501, 510)}; DELETE FROM shown WHERE id < 5; UPDATE shown SET took = '1 day' WHERE id = 7`,
    )
    const ran = await project.run()
    expect(ran.step('bronze.shown')).toMatchObject({ status: 'changed', problem: null, warnings: [] })
    expect(await project.query('SELECT _op, count(*) AS n FROM bronze.shown GROUP BY _op ORDER BY _op')).toEqual([
      { _op: 'delete', n: '4' },
      { _op: 'upsert', n: '511' },
    ])
    const left = await everywhere(pool.url, LOOK)
    expect(left.flat().filter(row => !found.flat().some(one => isDeepStrictEqual(one, row)))).toEqual([])
  })

  test('a pool of statements is refused by name', async () => {
    const pool = await startPgbouncer(database, 'statement')
    const { steps } = await (await projectAt(pool.url)).run()
    expect(steps[0]?.problem?.code).toBe('SOURCE_POOLER_UNFIT')
    expect(steps[0]?.problem?.message).toContain('it pools statements')
  })

  test('a pool with too few connections is said to be busy, and what to raise', async () => {
    await database.query('CREATE TABLE shown (id int PRIMARY KEY)')
    onTestFinished(async () => void (await database.query('DROP TABLE shown')))
    const pool = await startPgbouncer(database, 'transaction', { default_pool_size: '1', query_wait_timeout: '1' })
    const { steps } = await (await projectAt(pool.url)).run()
    expect(steps[0]?.problem?.code).toBe('SOURCE_BUSY')
    expect(steps[0]?.problem?.message).toContain('query_wait_timeout')
  })
})
