/**
 * kill -9 of the command line at random moments, again and again on one lake. Whatever the moment, the next run
 * completes, and every layer is what it would have been.
 */
import { spawn } from 'node:child_process'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readSnapshot } from '@tidemark/delta'
import { createRandom, type Random } from '../../examples/music/random.ts'
import { listRuns, readRunEnd } from '../../packages/tidemark/src/run/facts.ts'
import { tablePath } from '../../packages/tidemark/src/model/names.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'
import { createProject, failures, type TestProject, unbalanced } from '../support/project.ts'
import { changeShop, emptyShop, SHOP_FLOWS, SHOP_SCHEMA, SHOP_TABLES } from './shop.ts'
import { expectedShop, readShop } from './shop-check.ts'

const SEED = Number(process.env['TIDEMARK_KILL_SEED'] ?? Date.now() % 1_000_000)
const KILLS = Number(process.env['TIDEMARK_KILLS'] ?? 50)
const TIDEMARK = fileURLToPath(new URL('../../packages/tidemark/bin/tidemark.js', import.meta.url))

interface Moment {
  /** From the start of the process, or from its first event, when the plan is made and steps begin. */
  from: 'start' | 'plan'
  ms: number
}

interface Killed {
  /** False when the run ended before the moment came. */
  hit: boolean
  /** Milliseconds to the first event, and from there to the end. */
  planMs: number
  workMs: number
}

/** Run the command line in a process of its own and kill that process, which is the run itself, at the moment given. */
function runAndKill(project: TestProject, moment: Moment | undefined): Promise<Killed> {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    let planned: number | undefined
    const child = spawn(process.execPath, [TIDEMARK, 'run', '--events'], {
      cwd: project.root,
      env: { ...process.env, ...project.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let said = ''
    child.stderr.on('data', text => {
      said += text
    })
    const killAfter = (ms: number): void => void delay(ms).then(() => child.kill('SIGKILL'))
    if (moment?.from === 'start') killAfter(moment.ms)
    child.stdout.on('data', () => {
      if (planned === undefined && moment?.from === 'plan') killAfter(moment.ms)
      planned ??= performance.now()
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      const ended = performance.now()
      if (signal !== 'SIGKILL' && code !== 0) reject(new Error(`the run ended with ${code ?? signal}\n${said}`))
      else
        resolve({ hit: signal === 'SIGKILL', planMs: (planned ?? ended) - started, workMs: ended - (planned ?? ended) })
    })
  })
}

/** Sum of the versions of all tables: its growth is the number of commits. */
async function countCommits(project: TestProject): Promise<number> {
  let commits = 0
  for (const table of await project.tables()) {
    const snapshot = await readSnapshot(project, { tablePath: tablePath(table) })
    commits += Number(snapshot?.version ?? -1n) + 1
  }
  return commits
}

/** Runs by how they ended; `open` for those that have no end yet. */
async function runsByEnd(project: TestProject): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { runId, end } of await listRuns(project.store)) {
    const status = end !== undefined ? (await readRunEnd(project.store, runId)).status : 'open'
    counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}

function pickMoment(random: Random, kill: number, usual: Killed): Moment {
  const [from, span] = kill % 5 === 0 ? (['start', usual.planMs] as const) : (['plan', usual.workMs] as const)
  // One moment in each fiftieth of the time, so that fifty kills visit all of it.
  const slice = ((kill * 7) % KILLS) + random.integer(0, 999) / 1000
  return { from, ms: (slice / KILLS) * span }
}

describe(`${KILLS} kills; replay with TIDEMARK_KILL_SEED=${SEED} TIDEMARK_KILLS=${KILLS}`, () => {
  const shop = emptyShop()
  const random = createRandom(SEED)
  let database: TestDatabase
  let project: TestProject
  let round = 0

  const change = async (): Promise<void> => {
    round += 1
    await changeShop(database, shop, random, round)
  }
  const check = async (when: string): Promise<void> => {
    const [live] = await database.query(
      'SELECT count(*)::text AS n FROM invoice i JOIN customer c ON c.id = i.customer_id WHERE amount >= 0',
    )
    expect(await readShop(project), when).toEqual(expectedShop(shop, Number(live?.['n'])))
  }

  beforeAll(async () => {
    database = await createDatabase(import.meta.url)
    await database.query(SHOP_SCHEMA)
    project = await createProject({ url: database.url, tables: SHOP_TABLES, flows: SHOP_FLOWS })
  })

  afterAll(async () => {
    await project?.[Symbol.asyncDispose]()
    await database?.drop()
  })

  test('after each the next run completes: no row lost or doubled in any layer, the dead run abandoned, no scratch left', async () => {
    await change()
    let usual = await runAndKill(project, undefined)
    await check('after the first run')
    const where = { 'before any commit': 0, 'between commits': 0, 'after the last commit': 0 }
    let abandoned = 0
    let kills = 0
    let measuredAt: number | undefined
    for (let tries = 0; kills < KILLS; tries += 1) {
      if (tries > KILLS * 3) throw new Error(`only ${kills} of ${tries} moments came before the end of the run`)
      // What a run takes changes with what else the machine does, and the moments are shares of it.
      if (kills % 10 === 0 && kills !== measuredAt) {
        measuredAt = kills
        await change()
        usual = await runAndKill(project, undefined)
      }
      await change()
      const moment = pickMoment(random, kills, usual)
      const before = await countCommits(project)
      const killed = await runAndKill(project, moment)
      if (!killed.hit)
        usual = { ...usual, workMs: killed.workMs || usual.workMs, planMs: Math.min(usual.planMs, killed.planMs) }
      const after = await countCommits(project)
      const open = (await runsByEnd(project))['open'] ?? 0
      const when = `kill ${kills}, ${moment.ms.toFixed(1)} ms after ${moment.from}`

      const recovery = await project.run()
      expect(failures(recovery), when).toEqual([])
      expect(unbalanced(recovery.results), when).toEqual([])
      await check(when)
      abandoned += open
      expect((await runsByEnd(project))['abandoned'] ?? 0, when).toBe(abandoned)
      if (!killed.hit) continue
      kills += 1
      const rest = (await countCommits(project)) - after
      if (after === before) where['before any commit'] += 1
      else where[rest === 0 ? 'after the last commit' : 'between commits'] += 1
    }
    console.info(`seed ${SEED}: ${KILLS} kills, ${abandoned} of them inside a run: ${JSON.stringify(where)}`)
    expect(where['between commits']).toBeGreaterThan(KILLS / 5)
  })
})
