/**
 * Eight processes change one local table at once while they are killed at random moments: every change is there exactly
 * once, and no change follows a commit that stood in its way.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Commit, commit, field, LocalStore, readCommits, readSnapshot, stageCreate } from '@tidemark/delta'
import { createRandom } from '../../examples/music/random.ts'
import { testPorts } from '../../packages/delta/test/support/rows.ts'
import { expectEachOnce, killsOf, type Outcome, race, SEED } from './race.ts'

const CHANGES = Number(process.env['TIDEMARK_RACE_CHANGES'] ?? 250)
const WRITERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
const RACER = join(import.meta.dirname, 'delta-racer.ts')

/** One writer's part in the race; its lives differ in what they choose. */
function runWriter(root: string, name: string, seed: number): Promise<Outcome> {
  const random = createRandom(seed)
  const args = (life: number): string[] => [root, name, String(CHANGES), String(SEED + life)]
  return race(RACER, args, () => ({ killAfter: random.integer(5, 60), delayMs: random.integer(0, 20) }))
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
    const outcomes = await Promise.all(WRITERS.map(name => runWriter(root, name, random.integer(0, 1_000_000))))
    const latest = await readSnapshot({ store }, { tablePath: 't' })
    const commits = await readCommits(store, 't', { after: 0n, upTo: latest?.version ?? 0n })
    expectEachOnce(commits, outcomes, { writers: WRITERS, changes: CHANGES })
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
  const kills = killsOf(outcomes)
  const carriedOn = commits.filter(c => Number(c.commitInfo?.['readVersion']) < Number(c.version) - 1)
  console.log(`${commits.length} commits (${count(commits.map(c => c.commitInfo?.operation ?? ''))})`)
  console.log(
    `${carriedOn.length} carried on past others, ${kills} kills, conflicts: ${count(outcomes.flatMap(o => o.lost))}`,
  )
  expect(Math.min(kills, carriedOn.length, outcomes.flatMap(o => o.lost).length)).toBeGreaterThan(0)
}
