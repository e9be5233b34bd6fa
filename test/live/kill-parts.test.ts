/**
 * kill -9 of a first load, and of a backfill, that are read in parts: between parts, within them, and around the commit.
 * Whatever the moment, the next process reads only the parts that are missing, and the table is equal in the end.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { createRandom, type Random } from '../../examples/music/random.ts'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { LoadPlan } from '../../packages/tidemark/src/ingest/load-record.ts'
import { sweepEndedLoads } from '../../packages/tidemark/src/run/ended-loads.ts'
import { type EntryOverrides, openWorld } from '../support/open-world.ts'
import { createDatabase, requireRelease, type TestDatabase } from '../support/postgres.ts'

const SEED = Number(process.env['TIDEMARK_KILL_SEED'] ?? Date.now() % 1_000_000)
const KILLS = Number(process.env['TIDEMARK_KILLS'] ?? 15)
const LOADER = fileURLToPath(new URL('part-loader.ts', import.meta.url))
const ROWS = 8000
const PART_BYTES = 256 * 1024
const FOLDER = 'system/loads/bronze/big'
const dated: EntryOverrides = { table: 'big', cdcCol: 'at', guarantee: 'bounded_lag', fullPassMs: 86_400_000 }

interface Life {
  hit: boolean
  /** Parts that it began to read, by where they begin. */
  begun: string[]
  end: { method: string; inserted: string } | undefined
}

/** One process; with `kill`, until so many milliseconds after it began to read so many parts. */
function live(args: readonly string[], kill?: { parts: number; ms: number }): Promise<Life> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--conditions=source', LOADER, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const life: Life = { hit: false, begun: [], end: undefined }
    createInterface(child.stdout).on('line', line => {
      const { begins, method, inserted } = JSON.parse(line) as { begins?: string; method?: string; inserted?: string }
      if (method !== undefined) life.end = { method, inserted: inserted ?? '' }
      if (begins === undefined) return
      life.begun.push(begins)
      if (life.begun.length === kill?.parts) void delay(kill.ms).then(() => child.kill('SIGKILL'))
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve({ ...life, hit: true })
      else if (code === 0) resolve(life)
      else reject(new Error(`the loader ended with ${code ?? signal}`))
    })
  })
}

/** Parts of a load that was begun: how many there are, and those that are recorded, by where they begin. */
async function readRecord(folder: string): Promise<{ of: number; done: Set<string> }> {
  const plan = await readFile(join(folder, 'plan.json'), 'utf8').catch(() => undefined)
  if (plan === undefined) return { of: 0, done: new Set() }
  const { loadId, chunks } = JSON.parse(plan) as LoadPlan
  const files = await readdir(join(folder, loadId)).catch(() => [])
  // One that is being written when its writer is killed is no record.
  const names = files.filter(name => /^\d+\.json$/.test(name))
  const starts = chunks.map(({ from }) => (from as unknown as { bigint: string } | undefined)?.bigint ?? 'start')
  return { of: chunks.length, done: new Set(names.map(name => starts[Number.parseInt(name, 10)] ?? name)) }
}

describe(`${KILLS} kills; replay with TIDEMARK_KILL_SEED=${SEED} TIDEMARK_KILLS=${KILLS}`, () => {
  let db: TestDatabase
  let random: Random

  beforeAll(async () => {
    db = await createDatabase(import.meta.url)
  })
  afterAll(() => db?.drop())

  beforeEach(async context => {
    requireRelease(context, 14, 'scans of ranges of blocks')
    random = createRandom(SEED)
    await db.query(`DROP TABLE IF EXISTS big;
      CREATE TABLE big (id int PRIMARY KEY, v text NOT NULL, at timestamptz NOT NULL DEFAULT '2026-01-01');
      INSERT INTO big SELECT n, repeat('x', 900) || n FROM generate_series(1, ${ROWS}) n; ANALYZE big`)
  })

  const makeFolder = async (): Promise<string> => {
    const root = await mkdtemp(join(tmpdir(), 'tidemark-killed-'))
    onTestFinished(() => rm(root, { recursive: true, force: true }))
    return root
  }

  const argsOf = (root: string, entry: EntryOverrides, from?: string): string[] => {
    const { host, port, user, password, database } = db
    const server = JSON.stringify({ host, port, user, password, database })
    return [root, server, JSON.stringify(entry), String(PART_BYTES), ...(from === undefined ? [] : [from])]
  }

  /** Now and then so late that all parts are under way, and the commit is near. */
  const chooseMoment = (missing: number): { parts: number; ms: number } => ({
    parts: random.integer(0, 3) === 0 && missing > 0 ? missing : random.integer(1, 6),
    ms: random.integer(0, 60),
  })

  /** Kill one process after the other until one came to its end; `change` what lies in the source between them. */
  async function playRound(
    args: readonly string[],
    record: string,
    at: { kills: number; change: () => Promise<void> },
  ): Promise<{ kills: number; last: Life; taken: number }> {
    let taken = 0
    for (let kills = 0; ; ) {
      const before = await readRecord(record)
      taken = Math.max(taken, before.done.size)
      const moment = kills < at.kills ? chooseMoment(before.of - before.done.size) : undefined
      const life = await live(args, moment)
      const again = life.begun.filter(start => before.done.has(start))
      expect(again, `parts that were there, read again after kill ${kills}`).toEqual([])
      if (!life.hit) return { kills, last: life, taken }
      kills += 1
      await at.change()
    }
  }

  /** What bronze has of the source, and what it has twice. */
  async function expectEqual(root: string, entry: EntryOverrides, when: string): Promise<void> {
    const closing: (() => Promise<void>)[] = []
    const world = await openWorld(db, root, { atEnd: close => void closing.push(close) })
    const rows = await world.live('big', sql`id`)
    const wanted = await db.query('SELECT id::text, v FROM big')
    expect(new Map(rows.map(row => [String(row['id']), row['v']])), when).toEqual(
      new Map(wanted.map(row => [row['id'], row['v']])),
    )
    expect(rows, when).toHaveLength(wanted.length)
    const versions = (await world.bronze('big')).map(
      row => `${String(row['id'])} ${String(row['_op'])} ${String(row['_row_version'])}`,
    )
    expect(versions.length - new Set(versions).size, `${when}: row versions that are there twice`).toBe(0)
    expect((await world.verify(entry)).status, when).toBe('equal')
    // What a run does that comes after one that died: a kill may have hit between the commit and the end of its record.
    await sweepEndedLoads(world.lake, { now: Date.now(), signal: new AbortController().signal })
    const left: string[] = []
    for await (const { path } of world.lake.store.list('system/loads')) left.push(path)
    expect(left, `${when}: records left`).toEqual([])
    for (const close of closing.reverse()) await close()
  }

  test('a first load reads only the parts that are missing, and holds every row once', async () => {
    let round = 0
    let [kills, taken] = [0, 0]
    const change = async (): Promise<void> => {
      round += 1
      const id = random.integer(1, ROWS - 10)
      await db.query(`UPDATE big SET v = v || '!' WHERE id % 400 = ${round}; DELETE FROM big WHERE id = ${id};
        UPDATE big SET id = id + 100000 WHERE id = ${id + 1}; INSERT INTO big VALUES (${200_000 + round}, 'new')`)
    }
    while (kills < KILLS) {
      const root = await makeFolder()
      const played = await playRound(argsOf(root, { table: 'big' }), join(root, FOLDER), {
        kills: KILLS - kills,
        change,
      })
      kills += played.kills
      taken += played.taken
      await expectEqual(root, { table: 'big' }, `after kill ${kills}`)
    }
    console.info(`seed ${SEED}: ${kills} kills of first loads, ${taken} parts taken over`)
    expect(taken).toBeGreaterThan(0)
  })

  test('a backfill commits only the parts that are missing, and every row of its range once', async () => {
    let round = 0
    let [kills, taken] = [0, 0]
    // Behind the cursor, so that nothing but the backfill finds it.
    const change = async (): Promise<void> => {
      round += 1
      await db.query(`UPDATE big SET v = v || '?' WHERE id % 3 = ${round % 3}`)
    }
    while (kills < KILLS) {
      const root = await makeFolder()
      await live(argsOf(root, dated))
      await change()
      const args = argsOf(root, dated, '2026-01-01')
      const unchanged = { kills: KILLS - kills, change: () => Promise.resolve() }
      const played = await playRound(args, join(root, FOLDER, 'backfill'), unchanged)
      kills += played.kills
      taken += played.taken
      await expectEqual(root, dated, `after kill ${kills}`)
    }
    console.info(`seed ${SEED}: ${kills} kills of backfills, ${taken} parts taken over`)
    expect(taken).toBeGreaterThan(0)
  })
})
