/**
 * Four processes change one source and run one project over it, on one lake in a store, killed at random moments: before
 * their run, in the middle of one, while others wait for it. What a run said it committed is there, every log is without a
 * gap, no row version is there twice, and in the end the lake equals the source.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCommits, readSnapshot } from '@tidemark/delta'
import { createRandom, type Random } from '../../examples/music/random.ts'
import { type CliProject, createProject } from '../support/cli.ts'
import { startAzurite } from '../support/cloud/azurite.ts'
import { azuriteLake, type EmulatedLake, motoLake } from '../support/cloud/emulated-lake.ts'
import { startFaultProxy } from '../support/cloud/fault-proxy.ts'
import { findMissingMoto, startMoto } from '../support/cloud/moto.ts'
import { type EmulatedStore, openEmulated } from '../support/cloud/open-emulated.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const SEED = Number(process.env['TIDEMARK_RACE_SEED'] ?? Date.now() % 1_000_000)
/** Changes of each process; TIDEMARK_RACE_CHANGES=100 is the long race. */
const CHANGES = Number(process.env['TIDEMARK_RACE_CHANGES'] ?? 5)
const WRITERS = ['a', 'b', 'c', 'd']
const TABLES = [...WRITERS.map(name => `own_${name}`), 'shared', 'counter']
const RACER = join(import.meta.dirname, 'run-racer.ts')

const SCHEMA = `${WRITERS.map(name => `CREATE TABLE own_${name} (id int PRIMARY KEY, note text);`).join('\n')}
  CREATE TABLE shared (id text PRIMARY KEY, n int); CREATE TABLE counter (id int PRIMARY KEY, n int, who text);
  INSERT INTO counter VALUES (1, 0, '')`

interface Outcome {
  /** `<table> <version> <run>` as a process was told. */
  readonly done: string[]
  kills: number
  runs: number
}

async function race(project: CliProject, name: string, random: Random, outcome: Outcome): Promise<void> {
  for (;;) {
    const args = ['--conditions=source', RACER, project.root, name, String(CHANGES)]
    const env = { ...process.env, ...project.env }
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env })
    const moment = { afterRuns: random.integer(1, Math.max(2, CHANGES / 8)), delayMs: random.integer(0, 1500) }
    const code = await follow(child, outcome, moment)
    if (code === 0) return
    if (code !== null) throw new Error(`process ${name} ended with ${code}`)
    outcome.kills += 1
  }
}

/** Read what a process says, kill it some time after so many runs, and wait for its end: null when it was killed. */
async function follow(
  child: ChildProcess,
  outcome: Outcome,
  moment: { afterRuns: number; delayMs: number },
): Promise<number | null> {
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (child.stdout === null) throw new Error('the process says nothing')
  let runs = 0
  for await (const line of createInterface(child.stdout)) {
    if (line.startsWith('done ')) outcome.done.push(line.slice(5))
    else runs += 1
    if (line === 'ran' && runs === moment.afterRuns) void delay(moment.delayMs).then(() => child.kill('SIGKILL'))
  }
  outcome.runs += runs
  return await ended
}

/** Versions and runs of every table of the lake; the versions must be 0, 1, 2 … */
async function readLogs(direct: EmulatedStore): Promise<Set<string>> {
  const store = await openEmulated(direct)
  const there = new Set<string>()
  for (const table of TABLES.flatMap(name => [`bronze.${name}`, `silver.${name}`])) {
    const tablePath = table.replace('.', '/')
    const latest = await readSnapshot({ store }, { tablePath })
    const commits = await readCommits(store, tablePath, { after: -1n, upTo: latest?.version ?? -1n })
    expect(
      commits.map(({ version }) => version),
      table,
    ).toEqual(commits.map((_, i) => BigInt(i)))
    for (const { version, commitInfo } of commits) there.add(`${table} ${version} ${String(commitInfo?.['runId'])}`)
  }
  store.close()
  return there
}

async function expectEqual(project: CliProject, database: TestDatabase): Promise<void> {
  const last = await project.run()
  expect(last.exit, last.stderr).toBe(0)
  for (const name of TABLES) {
    const [source] = await database.query(`SELECT count(*)::text AS n, count(DISTINCT id)::text AS keys FROM ${name}`)
    const [lake] = await project.query(`SELECT count(*) AS n, count(DISTINCT id) AS keys FROM silver.${name}`)
    expect({ n: String(lake?.['n']), keys: String(lake?.['keys']) }, name).toEqual(source)
    const [twice] = await project.query(
      `SELECT count(*) AS n FROM (SELECT id FROM bronze.${name} GROUP BY id, _row_version HAVING count(*) > 1)`,
    )
    expect(String(twice?.['n']), `row versions that are in bronze.${name} twice`).toBe('0')
  }
  const [counted] = await project.query('SELECT n FROM silver.counter')
  expect(String(counted?.['n'])).toBe(String(WRITERS.length * CHANGES))
  const verified = await project.tidemark('verify')
  expect(verified.exit, verified.stdout + verified.stderr).toBe(0)
}

const title = `${WRITERS.length} processes of ${CHANGES} changes and runs, killed at random, end in a lake that equals the source`

describe('a race of whole runs', () => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await createDatabase(import.meta.url)
  })
  afterAll(() => database.drop())

  const expectEqualLake = async (lake: EmulatedLake, direct: EmulatedStore): Promise<void> => {
    await database.query(`DROP SCHEMA public CASCADE; CREATE SCHEMA public; ${SCHEMA}`)
    const tables = TABLES.map(table => ({ schema: 'public', table }))
    const sources = { app: { type: 'postgres', url: { secret: 'env:RACE_URL' }, tables } }
    const written = { 'tidemark.yml': JSON.stringify({ name: 'race', ...lake.keys, sources }) }
    const project = await createProject(written, { RACE_URL: database.url, ...lake.env })
    const outcome: Outcome = { done: [], kills: 0, runs: 0 }
    const start = performance.now()
    await Promise.all(WRITERS.map((name, i) => race(project, name, createRandom(SEED + i), outcome)))
    const seconds = ((performance.now() - start) / 1000).toFixed(0)
    await expectEqual(project, database)
    const there = await readLogs(direct)
    const { done, kills, runs } = outcome
    console.log(
      `seed ${SEED}: ${runs} runs and ${kills} kills in ${seconds} s, ${there.size} commits, ${done.length} told`,
    )
    expect(done.filter(one => !there.has(one))).toEqual([])
    expect(Math.min(kills, done.length)).toBeGreaterThan(0)
  }

  test(`${title}, on Azurite`, async () => {
    await using azurite = await startAzurite()
    await azurite.makeContainer('race')
    const direct = { kind: 'azure' as const, endpoint: azurite.endpoint, container: 'race' }
    await expectEqualLake(azuriteLake(azurite.endpoint, 'az://race/lake'), direct)
  })

  test.skipIf(findMissingMoto() !== undefined)(`${title}, on moto`, async () => {
    await using moto = await startMoto()
    await moto.makeBucket('race')
    await using proxy = await startFaultProxy(moto.endpoint)
    // moto looks whether an object is there, or which, before it writes one, not while it does; S3 does both at once.
    proxy.use(
      () => undefined,
      ({ headers }) => headers['if-none-match'] !== undefined || headers['if-match'] !== undefined,
    )
    const direct = { kind: 's3' as const, endpoint: moto.endpoint, container: 'race' }
    await expectEqualLake(motoLake(proxy.endpoint, 's3://race/lake'), direct)
  })
})
