/**
 * The same proof with a logical slot: writers work, runs are killed at random moments, and at the end bronze is the source,
 * although nearly every increment read nothing but the keys that the log names.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { createRandom } from '../../examples/music/random.ts'
import { RELEASE, startPostgres } from '../support/postgres.ts'
import { createProject, failures, type TestProject, unbalanced } from '../support/project.ts'
import { compareRows, EQUAL } from './compare.ts'
import { SCHEMA, startWriters } from './writers.ts'

const SECONDS = Number(process.env['TIDEMARK_LIVE_SECONDS'] ?? 30)
const SEED = Number(process.env['TIDEMARK_LIVE_SEED'] ?? Date.now() % 1_000_000)
const TIDEMARK = fileURLToPath(new URL('../../packages/tidemark/bin/tidemark.js', import.meta.url))
const CONFIG = { wal_level: 'logical', fsync: 'off', max_prepared_transactions: '20' }
const TABLES = ['account', 'event'].map(table => ({ schema: 'public', table }))
const KEYS = { account: ['id'], event: ['region', 'no'] }
const VALUES = {
  account: 'id::text, owner, balance::text',
  event: 'region, no::text, payload',
}

interface Life {
  /** False when the run ended before the moment came. */
  hit: boolean
  /** From its first event to its end. */
  ms: number
}

/** Run in a process of its own, which dies at that moment after its first event, if it still lives. */
async function runAndKill(project: TestProject, ms: number): Promise<Life> {
  const child = spawn(process.execPath, [TIDEMARK, 'run', '--events'], {
    cwd: project.root,
    env: { ...process.env, ...project.env },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let began = performance.now()
  child.stdout.once('data', () => {
    began = performance.now()
    void delay(ms).then(() => child.kill('SIGKILL'))
  })
  child.stdout.resume()
  const signal = await new Promise(resolve => child.on('close', (_code, by) => resolve(by)))
  return { hit: signal === 'SIGKILL', ms: Math.round(performance.now() - began) }
}

test(`writers and kills for ${SECONDS} s leave bronze equal to the source; replay with TIDEMARK_LIVE_SEED=${SEED}`, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-slot-live-'))
  const server = await startPostgres({ directory, config: CONFIG })
  onTestFinished(async () => {
    await server.stop('immediate')
    await rm(directory, { recursive: true, force: true })
  })
  await server.query(SCHEMA)
  const published = RELEASE < 15 ? 'account, event' : 'account (id), event (region, no)'
  await server.query(`CREATE PUBLICATION live FOR TABLE ${published}`)
  await server.query(`SELECT pg_create_logical_replication_slot('live', 'pgoutput')`)
  await using project = await createProject({ url: server.url(), tables: TABLES, source: { slot: 'live' } })
  const { host, port, user, password } = server
  const connection = { host, port, user, password, database: 'postgres' }
  const random = createRandom(SEED)
  const methods = new Map<string, number>()
  let kills = 0
  // What a run takes here and now: a moment beyond it kills nothing.
  let usualMs = 1500
  const run = async (): Promise<void> => {
    const outcome = await project.run()
    expect(failures(outcome)).toEqual([])
    expect(unbalanced(outcome.results)).toEqual([])
    for (const { source } of outcome.results) {
      if (source !== undefined) methods.set(source.method, (methods.get(source.method) ?? 0) + 1)
    }
  }

  await run()
  const writers = await startWriters({ connection, seed: SEED, writers: 6 })
  try {
    const end = performance.now() + SECONDS * 1000
    // A loaded machine is given the time it needs to do enough.
    const isEnough = (): boolean => kills > 0 && (methods.get('slot live') ?? 0) > 2
    for (let round = 0; performance.now() < end || !isEnough(); round += 1) {
      await run()
      if (round % 3 !== 0) continue
      const { hit, ms } = await runAndKill(project, random.integer(0, usualMs))
      if (hit) kills += 1
      else usualMs = Math.max(1, ms)
    }
  } finally {
    await writers.stop()
  }
  await run()
  await run()

  const counts = JSON.stringify(Object.fromEntries(methods))
  console.info(`seed ${SEED}: ${writers.tally.committed} commits, ${kills} kills, extracts ${counts}`)
  expect(kills).toBeGreaterThan(0)
  expect(methods.get('slot live') ?? 0).toBeGreaterThan(2)
  for (const table of ['account', 'event'] as const) {
    const keys = KEYS[table].join(', ')
    const newest = `(SELECT * FROM {bronze.${table}} QUALIFY row_number() OVER (PARTITION BY ${keys} ORDER BY _seq DESC) = 1)`
    const lake = await project.rows(
      `SELECT ${VALUES[table].replaceAll(/(\w+)::text/g, '$1::VARCHAR AS $1')} FROM ${newest} WHERE _op = 'upsert'`,
    )
    const source = (await server.query(`SELECT ${VALUES[table]} FROM ${table}`)) as Record<string, string | null>[]
    expect(compareRows(source, lake, KEYS[table])).toEqual(EQUAL)
    const twice = await project.rows(`SELECT count(*) AS n FROM (SELECT 1 FROM {bronze.${table}} WHERE _op = 'upsert'
      GROUP BY ${keys}, _row_version HAVING count(*) > 1)`)
    expect(twice).toEqual([{ n: 0n }])
  }
  expect((await project.verify()).map(({ status }) => status)).toEqual(['equal', 'equal'])
})
