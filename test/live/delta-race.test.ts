/**
 * Eight processes change one local table at once while they are killed at random moments: every change is there exactly
 * once, and no change follows a commit that stood in its way.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type Commit, commit, field, LocalStore, readCommits, readSnapshot, stageCreate } from '@tidemark/delta'
import { createRandom, type Random } from '../../examples/music/random.ts'
import { testPorts } from '../../packages/delta/test/support/rows.ts'

const SEED = Number(process.env['TIDEMARK_RACE_SEED'] ?? Date.now() % 1_000_000)
const CHANGES = Number(process.env['TIDEMARK_RACE_CHANGES'] ?? 250)
const WRITERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const RACER = join(import.meta.dirname, 'delta-racer.ts')

interface Outcome {
  /** `<version> <change>` as the writer was told. */
  done: string[]
  lost: string[]
  kills: number
}

/** Start a writer again and again until it has made all its changes, killing it after a few of them each time. */
async function race(root: string, name: string, random: Random): Promise<Outcome> {
  const outcome: Outcome = { done: [], lost: [], kills: 0 }
  for (let life = 0; ; life += 1) {
    const args = ['--conditions=source', RACER, root, name, String(CHANGES), String(SEED + life)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const killAfter = random.integer(5, 60)
    const code = await follow(child, outcome, { killAfter, delayMs: random.integer(0, 20) })
    if (code === 0) return outcome
    if (code !== null) throw new Error(`writer ${name} ended with ${code}`)
    outcome.kills += 1
  }
}

/** Read what a writer says, kill it some time after so many changes, and wait for its end: null when it was killed. */
async function follow(
  child: ChildProcess,
  outcome: Outcome,
  kill: { killAfter: number; delayMs: number },
): Promise<number | null> {
  let changes = 0
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (child.stdout === null) throw new Error('the writer says nothing')
  for await (const line of createInterface(child.stdout)) {
    const [word, ...rest] = line.split(' ')
    if (word === 'lost') outcome.lost.push(rest.join(' '))
    if (word !== 'done') continue
    outcome.done.push(rest.join(' '))
    changes += 1
    if (changes === kill.killAfter) void delay(kill.delayMs).then(() => child.kill('SIGKILL'))
  }
  return ended
}

const words = (text: unknown): string[] =>
  String(text ?? '')
    .split(' ')
    .filter(word => word !== '')
const parameters = (c: Commit): Record<string, unknown> =>
  (c.commitInfo?.['operationParameters'] ?? {}) as Record<string, unknown>
const added = (c: Commit) => c.actions.flatMap(a => (a.kind === 'add' ? [a.add] : []))
const removed = (c: Commit) => c.actions.flatMap(a => (a.kind === 'remove' ? [a.remove.path] : []))

/** The commits that stood in a commit's way and yet came before it, by the table of rules written down once more. */
function wronglyPassed(ours: Commit, between: readonly Commit[]): string[] {
  const mine = new Set([...words(parameters(ours)['read']), ...removed(ours)])
  const changesRows = ours.commitInfo?.operation !== 'OPTIMIZE'
  return between.flatMap(theirs => {
    const who = `${ours.version} after ${theirs.version}`
    if (removed(theirs).some(path => mine.has(path))) return [`${who}: a file that was read is gone`]
    const brings = added(theirs).some(file => file.dataChange) && theirs.commitInfo?.['isBlindAppend'] !== true
    return changesRows && parameters(ours)['sawAll'] === 'true' && brings ? [`${who}: rows it did not see`] : []
  })
}

/** Rows at each version, replayed by hand: a row is in one file, and goes only where a change says so. */
function replayRows(commits: readonly Commit[]): { alive: string[]; doubled: string[] } {
  const files = new Map<string, string[]>()
  const doubled: string[] = []
  for (const c of commits) {
    for (const path of removed(c)) files.delete(path)
    for (const file of added(c)) files.set(file.path, words(file.tags?.['rows']))
    const all = [...files.values()].flat()
    if (new Set(all).size !== all.length) doubled.push(String(c.version))
  }
  return { alive: [...files.values()].flat().sort(), doubled }
}

test(`${WRITERS.length} processes of ${CHANGES} changes, killed at random: each is there once and followed nobody in its way (seed ${SEED})`, async () => {
  console.log(`seed ${SEED}: TIDEMARK_RACE_SEED=${SEED} replays the choices of each writer`)
  const root = await mkdtemp(join(tmpdir(), 'tidemark-race-'))
  try {
    const store = new LocalStore(root)
    const schema = { type: 'struct' as const, fields: [field('id', 'long')] }
    await commit(testPorts(store), stageCreate({ tablePath: 't', schema, info: { operation: 'CREATE TABLE' } }))
    const random = createRandom(SEED)
    const outcomes = await Promise.all(
      WRITERS.map(name => race(root, name, createRandom(random.integer(0, 1_000_000)))),
    )
    const latest = await readSnapshot({ store }, { tablePath: 't' })
    const commits = await readCommits(store, 't', { after: 0n, upTo: latest?.version ?? 0n })
    const told = outcomes.flatMap(outcome => outcome.done)
    const there = commits.map(c => `${c.version} ${String(c.commitInfo?.['runId'])}`)
    expect(commits.map(c => c.version)).toEqual(commits.map((_, i) => BigInt(i + 1)))
    expect(there.filter(one => !told.includes(one)).length).toBeLessThanOrEqual(
      outcomes.reduce((n, o) => n + o.kills, 0),
    )
    expect(told.filter(one => !there.includes(one))).toEqual([])
    const wanted = WRITERS.flatMap(name => Array.from({ length: CHANGES }, (_, n) => `${name}-${n}`))
    expect(commits.map(c => String(c.commitInfo?.['runId'])).sort()).toEqual(wanted.sort())
    expect(new Set(commits.map(c => c.commitInfo?.txnId)).size).toBe(commits.length)
    const wrong = commits.flatMap((c, i) => {
      const read = Number(c.commitInfo?.['readVersion'])
      return wronglyPassed(c, commits.slice(read, i))
    })
    expect(wrong).toEqual([])
    const deleted = new Set(commits.flatMap(c => words(parameters(c)['deleted'])))
    const expected = commits.flatMap(c => words(parameters(c)['added'])).filter(row => !deleted.has(row))
    const { alive, doubled } = replayRows(commits)
    expect(doubled).toEqual([])
    expect(alive).toEqual(expected.sort())
    report(outcomes, commits)
  } finally {
    await rm(root, { recursive: true })
  }
})

/** What the race was like: without conflicts, commits carried on and kills it would have shown nothing. */
function report(outcomes: readonly Outcome[], commits: readonly Commit[]): void {
  const count = (names: readonly string[]): string => {
    const counts = new Map<string, number>()
    for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
    return [...counts].map(([name, n]) => `${n} ${name}`).join(', ')
  }
  const kills = outcomes.reduce((n, o) => n + o.kills, 0)
  const carriedOn = commits.filter(c => Number(c.commitInfo?.['readVersion']) < Number(c.version) - 1)
  console.log(`${commits.length} commits (${count(commits.map(c => c.commitInfo?.operation ?? ''))})`)
  console.log(
    `${carriedOn.length} carried on past others, ${kills} kills, conflicts: ${count(outcomes.flatMap(o => o.lost))}`,
  )
  expect(Math.min(kills, carriedOn.length, outcomes.flatMap(o => o.lost).length)).toBeGreaterThan(0)
}
