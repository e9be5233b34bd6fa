/**
 * The proof under live writers: an application of eight connections works for a minute while runs follow each other. At
 * the end every layer equals the source, and the common recipe, which looked at the same moments, does not.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { StepResult } from '../../packages/tidemark/src/model/event.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createProject, failures, type TestProject, unbalanced } from '../support/project.ts'
import { compareRows, EQUAL } from './compare.ts'
import { createRecipe, type Recipe } from './recipe.ts'
import { DATED_BACK, SCHEMA, startWriters, type Tally } from './writers.ts'

const SECONDS = Number(process.env['TIDEMARK_LIVE_SECONDS'] ?? 60)
const SEED = Number(process.env['TIDEMARK_LIVE_SEED'] ?? Date.now() % 1_000_000)
const WRITERS = 8

const TABLES = [
  { schema: 'public', table: 'account', cdc_col: 'updated_at' },
  { schema: 'public', table: 'event', cdc_col: 'updated_at', silver: { expect_or_drop: { good: "payload <> 'bad'" } } },
  { schema: 'public', table: 'setting' },
]

const cdc = (target: string, sequence: string, type: 1 | 2): string => `CREATE OR REFRESH STREAMING TABLE ${target};
  CREATE FLOW ${target.replace('.', '_')}_cdc AS AUTO CDC INTO ${target} FROM STREAM(silver.account) KEYS (id)
  APPLY AS DELETE WHEN _op = 'delete' SEQUENCE BY ${sequence} STORED AS SCD TYPE ${type};`

const FLOWS = {
  'flows/account_now.sql': cdc('gold.account_now', '_seq', 1),
  'flows/account_history.sql': cdc('gold.account_history', '_seq', 2),
  'flows/account_by_clock.sql': cdc('gold.account_by_clock', 'updated_at', 2),
  'flows/event_log.sql': `CREATE OR REFRESH STREAMING TABLE gold.event_log;
    CREATE FLOW event_log AS INSERT INTO gold.event_log BY NAME SELECT region, no, _op FROM STREAM(silver.event);`,
  'flows/by_region.sql': `CREATE OR REFRESH MATERIALIZED VIEW gold.by_region AS
    SELECT region, count(*) AS events FROM silver.event GROUP BY region;`,
}

/** One account and one event as text, the same on both sides. */
const SOURCE = {
  account: `SELECT id::text, owner, balance::text, (extract(epoch FROM updated_at) * 1000000)::bigint::text AS at FROM account`,
  event: `SELECT region, no::text, payload, (extract(epoch FROM updated_at) * 1000000)::bigint::text AS at FROM event`,
}
const account = (table: string): string =>
  `SELECT id::VARCHAR AS id, owner, balance::VARCHAR AS balance, epoch_us(updated_at)::VARCHAR AS at FROM ${table}`
const event = (table: string): string =>
  `SELECT region, no::VARCHAR AS no, payload, epoch_us(updated_at)::VARCHAR AS at FROM ${table}`
/** The newest live entry of each key of a bronze table. */
const newest = (table: string, keys: string): string =>
  `(SELECT * FROM (SELECT * FROM {bronze.${table}} QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY _seq DESC) = 1)
    WHERE _op = 'upsert')`

describe(`${WRITERS} writers for ${SECONDS} s; replay with TIDEMARK_LIVE_SEED=${SEED} TIDEMARK_LIVE_SECONDS=${SECONDS}`, () => {
  let database: TestDatabase
  let project: TestProject
  let tally: Tally
  let recipe: Recipe
  let quiet: readonly StepResult[]
  const results: StepResult[] = []
  let runs = 0

  const once = async (): Promise<readonly StepResult[]> => {
    const outcome = await project.run()
    expect(failures(outcome)).toEqual([])
    expect(unbalanced(outcome.results)).toEqual([])
    runs += 1
    return outcome.results
  }

  beforeAll(
    async () => {
      database = await createDatabase(import.meta.url)
      await database.query(SCHEMA)
      project = await createProject({ url: database.url, tables: TABLES, flows: FLOWS })
      recipe = createRecipe(database)
      const { host, port, user, password, database: name } = database
      const connection = { host, port, user, password, database: name }
      const writers = await startWriters({ connection, seed: SEED, writers: WRITERS })
      ;({ tally } = writers)
      const end = performance.now() + SECONDS * 1000
      try {
        // A loaded machine is given the time it needs to do enough.
        while (performance.now() < end || runs <= SECONDS / 10 || tally.committed <= SECONDS * 20) {
          await recipe.poll()
          results.push(...(await once()))
        }
      } finally {
        await writers.stop()
      }
      await recipe.poll()
      results.push(...(await once()))
      quiet = await once()
    },
    SECONDS * 1000 + 540_000,
  )

  afterAll(async () => {
    await project?.[Symbol.asyncDispose]()
    await database?.drop()
  })

  const count = async (query: string): Promise<bigint> => BigInt(String((await project.rows(query))[0]?.['n']))

  test('the writers did everything a reader may stumble over', async () => {
    const rows = results.reduce((sum, { ledger }) => sum + (ledger?.kind === 'extract' ? ledger.inserted : 0n), 0n)
    const { events, ...counts } = tally
    console.info(
      `seed ${SEED}: ${JSON.stringify(counts)}, ${events.size} events, ${rows} rows into bronze in ${runs} runs of ${SECONDS} s`,
    )
    expect(tally.committed).toBeGreaterThan(SECONDS * 20)
    expect(tally.rolledBack).toBeGreaterThan(SECONDS)
    expect(tally.prepared).toBeGreaterThan(SECONDS / 4)
    expect(tally.savepoints).toBeGreaterThan(SECONDS * 20)
    expect(runs).toBeGreaterThan(SECONDS / 10)
  })

  test('bronze holds every committed row in its last state: nothing lost, stale, left over', async () => {
    const accounts = await project.rows(account(newest('account', 'id')))
    expect(compareRows(await database.query(SOURCE.account), accounts, ['id'])).toEqual(EQUAL)
    const events = await project.rows(event(newest('event', 'region, no')))
    expect(compareRows(await database.query(SOURCE.event), events, ['region', 'no'])).toEqual(EQUAL)
    const settings = await database.query('SELECT name, value FROM setting ORDER BY name, value')
    expect(await project.rows('SELECT name, value FROM {bronze.setting} ORDER BY name, value')).toEqual(settings)
  })

  test('bronze holds exactly the events whose COMMIT the application saw answered', async () => {
    const landed = (await project.rows('SELECT no::VARCHAR AS no FROM {bronze.event}')).map(({ no }) => Number(no))
    expect(landed.toSorted((a, b) => a - b)).toEqual([...tally.events].toSorted((a, b) => a - b))
  })

  test('no row version is in bronze twice, and the ledgers of all runs add up to what is there', async () => {
    for (const [table, keys] of Object.entries({ account: 'id', event: 'region, no' })) {
      const twice = await count(`SELECT count(*) AS n FROM (SELECT 1 FROM {bronze.${table}} WHERE _op = 'upsert'
        GROUP BY ${keys}, _row_version HAVING count(*) > 1)`)
      expect(twice).toBe(0n)
      const steps = results.filter(result => result.step === `bronze.${table}`)
      const ledger = { upsert: 0n, delete: 0n }
      for (const { ledger: l } of steps) {
        if (l?.kind !== 'extract') continue
        ledger.upsert += l.inserted
        ledger.delete += l.deletes
      }
      expect(ledger).toEqual({
        upsert: await count(`SELECT count(*) AS n FROM {bronze.${table}} WHERE _op = 'upsert'`),
        delete: await count(`SELECT count(*) AS n FROM {bronze.${table}} WHERE _op = 'delete'`),
      })
    }
  })

  test('verify agrees', async () => {
    const verdicts = (await project.verify()).map(({ table, status }) => `${table} ${status}`)
    expect(verdicts.toSorted()).toEqual(['bronze.account equal', 'bronze.event equal', 'bronze.setting equal'])
  })

  test('silver equals the source, and what breaks the rule is in quarantine once', async () => {
    const accounts = await project.rows(account('{silver.account}'))
    expect(compareRows(await database.query(SOURCE.account), accounts, ['id'])).toEqual(EQUAL)
    const good = await database.query(`${SOURCE.event} WHERE payload <> 'bad'`)
    expect(compareRows(good, await project.rows(event('{silver.event}')), ['region', 'no'])).toEqual(EQUAL)
    const bad = await database.query(`${SOURCE.event} WHERE payload = 'bad'`)
    const kept = await project.rows(event('{quarantine.silver_event}'))
    expect(compareRows(bad, kept, ['region', 'no'])).toEqual(EQUAL)
    expect(bad.length).toBeGreaterThan(0)
  })

  test('SCD 1 and the current rows of SCD 2 equal the source', async () => {
    const source = await database.query(SOURCE.account)
    expect(compareRows(source, await project.rows(account('{gold.account_now}')), ['id'])).toEqual(EQUAL)
    const current = await project.rows(account('(SELECT * FROM {gold.account_history} WHERE __END_AT IS NULL)'))
    expect(compareRows(source, current, ['id'])).toEqual(EQUAL)
  })

  test('SCD 2 keeps one version for each entry of bronze, in intervals that do not overlap', async () => {
    const versions = await count('SELECT count(*) AS n FROM {gold.account_history}')
    expect(versions).toBe(await count(`SELECT count(*) AS n FROM {bronze.account} WHERE _op = 'upsert'`))
    for (const table of ['gold.account_history', 'gold.account_by_clock']) {
      const wrong = `SELECT count(*) AS n FROM (SELECT __END_AT <= __START_AT AS is_empty,
        row_number() OVER w > 1 AND coalesce(lag(__END_AT) OVER w > __START_AT, true) AS too_early
        FROM {${table}} WINDOW w AS (PARTITION BY id ORDER BY __START_AT)) WHERE is_empty OR too_early`
      expect(await count(wrong), table).toBe(0n)
    }
  })

  test('an append flow saw every good event once, and the view counts them', async () => {
    const good = await database.query(`SELECT region, no::text FROM event WHERE payload <> 'bad'`)
    const log = await project.rows('SELECT region, no::VARCHAR AS no FROM {gold.event_log}')
    expect(compareRows(good, log, ['region', 'no'])).toEqual(EQUAL)
    const regions = `SELECT region, count(*)::text AS events FROM event WHERE payload <> 'bad' GROUP BY region ORDER BY region`
    const view = 'SELECT region, events::VARCHAR AS events FROM {gold.by_region} ORDER BY region'
    expect(await project.rows(view)).toEqual(await database.query(regions))
  })

  test('a run over the quiet source changes nothing', () => {
    expect(quiet.filter(({ status }) => status !== 'unchanged').map(({ step }) => step)).toEqual([])
  })

  test('the common recipe lost rows at the same moments: the writers are hard enough', async () => {
    const lost = (await database.query('SELECT no, payload FROM event')).filter(({ no }) => !recipe.seen.has(no ?? ''))
    const inTime = lost.filter(({ payload }) => !payload?.startsWith(DATED_BACK))
    console.info(
      `the common recipe lost ${lost.length} of ${tally.events.size} events, ${inTime.length} of them dated as they happened`,
    )
    expect(inTime.length).toBeGreaterThan(0)
  })
})
