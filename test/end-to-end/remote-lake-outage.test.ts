/** The network to a lake in a store goes away in the middle of a run: it is said, and the next run makes it good. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock, systemProcesses } from '../../packages/tidemark/src/run/system.ts'
import { createProject, type Ended } from '../support/cli.ts'
import { runInProcess } from '../support/cli-in-process.ts'
import { AZURITE_ACCOUNT, AZURITE_KEY, type Azurite, startAzurite } from '../support/cloud/azurite.ts'
import { type FaultProxy, type Rule, startFaultProxy } from '../support/cloud/fault-proxy.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

let database: TestDatabase
let azurite: Azurite
let proxy: FaultProxy

beforeAll(async () => {
  ;[database, azurite] = await Promise.all([createDatabase(import.meta.url), startAzurite()])
  proxy = await startFaultProxy(azurite.endpoint)
  await database.query(`CREATE TABLE sale (no int PRIMARY KEY, price int);
  INSERT INTO sale SELECT i, i FROM generate_series(1, 300) i`)
})
afterAll(async () => {
  await proxy[Symbol.asyncDispose]()
  await azurite[Symbol.asyncDispose]()
  await database.drop()
})

/** Pauses between tries are cut short; the pulse of the lease is not. */
const clock: typeof systemClock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms < 10_000 ? 1 : ms, signal),
}

/** What is left of a run that lost its lake is found by another process, not by the one that made it. */
let started = 0

interface Shop {
  tidemark: (...args: string[]) => Promise<Ended>
  rows: (query: string) => Promise<string>
}

async function shopIn(container: string): Promise<Shop> {
  await azurite.makeContainer(container)
  const { root } = await createProject({
    'tidemark.yml': JSON.stringify({
      name: 'shop',
      lake: `az://${container}/music`,
      lake_options: { account: AZURITE_ACCOUNT, endpoint: proxy.endpoint, account_key: { secret: 'env:LAKE_KEY' } },
      sources: {
        app: { type: 'postgres', url: { secret: 'env:SHOP_URL' }, tables: [{ schema: 'public', table: 'sale' }] },
      },
    }),
    'gold/total.sql':
      'CREATE MATERIALIZED VIEW gold.total AS SELECT count(*) AS n, sum(price) AS total FROM silver.sale;',
  })
  const env = { SHOP_URL: database.url, LAKE_KEY: AZURITE_KEY }
  const tidemark: Shop['tidemark'] = (...args) => {
    const identity = `process ${(started += 1)}`
    const processes = { ...systemProcesses, identify: () => identity }
    return runInProcess(args, { cwd: root, env, clock, processes })
  }
  const rows: Shop['rows'] = async query => {
    const { exit, stdout, stderr } = await tidemark('query', query, '--csv')
    expect(exit, stderr).toBe(0)
    return stdout
  }
  return { tidemark, rows }
}

/** All goes well for so many requests; the next is applied and its answer lost, and then nothing gets through. */
function outageAfter(requests: number): Rule {
  let seen = 0
  return () => {
    seen += 1
    if (seen <= requests) return undefined
    return seen === requests + 1 ? { do: 'apply then drop' } : { do: 'reset' }
  }
}

const CHECKS = [
  'SELECT n, total FROM gold.total',
  'SELECT count(*) AS n, count(DISTINCT no) AS keys, sum(price) AS total FROM silver.sale',
  'SELECT _op, count(*) AS n FROM bronze.sale GROUP BY _op ORDER BY _op',
]

test('a run whose lake goes away says so, and the next one loses nothing and doubles nothing', async () => {
  const whole = await shopIn('whole')
  proxy.use(() => undefined)
  expect((await whole.tidemark('run')).exit).toBe(0)
  const requests = proxy.seen.length
  const expected = await Promise.all(CHECKS.map(whole.rows))
  for (const [i, share] of [0.1, 0.3, 0.5, 0.7, 0.9].entries()) {
    const shop = await shopIn(`cut${i}`)
    proxy.use(outageAfter(Math.floor(requests * share)))
    const { exit, stdout, stderr } = await shop.tidemark('run', '--json')
    expect(exit, `after ${share} of the requests: ${stderr}`).toBe(3)
    expect(stdout + stderr).toContain('STORAGE_UNREACHABLE')
    expect(stdout + stderr).not.toContain(AZURITE_KEY)
    proxy.use(() => undefined)
    const next = await shop.tidemark('run')
    expect(next.exit, `after ${share} of the requests: ${next.stderr}`).toBe(0)
    expect(await Promise.all(CHECKS.map(shop.rows))).toEqual(expected)
  }
}, 300_000)

test('changes that an outage came between are taken over once, whenever it came', async () => {
  const shop = await shopIn('increments')
  proxy.use(() => undefined)
  expect((await shop.tidemark('run')).exit).toBe(0)
  const change = (round: number): Promise<unknown> =>
    database.query(`UPDATE sale SET price = price + 1000 WHERE no % 10 = ${round}; DELETE FROM sale WHERE no = ${round * 10 + 5};
    INSERT INTO sale VALUES (${1000 + round}, 1)`)
  await change(0)
  proxy.use(() => undefined)
  expect((await shop.tidemark('run')).exit).toBe(0)
  const requests = proxy.seen.length
  for (const [i, share] of [0.2, 0.45, 0.7].entries()) {
    const versions = await shop.rows('SELECT count(*) AS n FROM bronze.sale')
    await change(i + 1)
    proxy.use(outageAfter(Math.floor(requests * share)))
    expect((await shop.tidemark('run')).exit).toBe(3)
    proxy.use(() => undefined)
    const next = await shop.tidemark('run')
    expect(next.exit, `after ${share} of the requests: ${next.stderr}`).toBe(0)
    const [source] = await database.query('SELECT count(*)::int AS n, sum(price)::int AS total FROM sale')
    expect(await shop.rows('SELECT n, total FROM gold.total')).toBe(`n,total\n${source?.['n']},${source?.['total']}\n`)
    const [before = 0, after = 0] = [versions, await shop.rows('SELECT count(*) AS n FROM bronze.sale')].map(csv =>
      Number(csv.split('\n')[1]),
    )
    // Thirty updates, one delete, one insert.
    expect(after - before).toBe(32)
    expect(await shop.rows('SELECT no FROM silver.sale GROUP BY no HAVING count(*) > 1')).toBe('no\n')
    expect((await shop.tidemark('verify')).stdout).toContain('equal')
  }
}, 300_000)
