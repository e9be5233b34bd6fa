/**
 * A race: writers as processes of their own (racer.ts), killed at random moments and started again until all their
 * changes are made; and what must be true afterwards of a table that such writers changed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { Commit } from '@tidemark/delta'
import { expect } from 'vitest'

/** With TIDEMARK_RACE_SEED as a race said it, each writer makes the same choices again. */
export const SEED: number = Number(process.env['TIDEMARK_RACE_SEED'] ?? Date.now() % 1_000_000)

export interface Outcome {
  /** `<version> <change>` as the writer was told. */
  done: string[]
  /** Rules that were broken. */
  lost: string[]
  kills: number
}

/** When a writer is killed: so long after so many changes. */
interface Kill {
  killAfter: number
  delayMs: number
}

/** Start a writer again and again until it has made all its changes, killing it after a few of them each time. */
export async function race(
  script: string,
  args: (life: number) => readonly string[],
  choose: () => Kill,
): Promise<Outcome> {
  const outcome: Outcome = { done: [], lost: [], kills: 0 }
  for (let life = 0; ; life += 1) {
    const command = ['--conditions=source', script, ...args(life)]
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
    const code = await follow(child, outcome, choose())
    if (code === 0) return outcome
    if (code !== null) throw new Error(`${command.join(' ')} ended with ${code}`)
    outcome.kills += 1
  }
}

/** Read what a writer says, kill it in time, and wait for its end: null when it was killed. */
async function follow(child: ChildProcess, outcome: Outcome, { killAfter, delayMs }: Kill): Promise<number | null> {
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
    if (changes === killAfter) void delay(delayMs).then(() => child.kill('SIGKILL'))
  }
  return await ended
}

export function killsOf(outcomes: readonly Outcome[]): number {
  return outcomes.reduce((n, { kills }) => n + kills, 0)
}

/**
 * Versions without a gap, every change of every writer once, and all that the writers were told is true. A writer that
 * was killed may not have heard of one change.
 */
export function expectEachOnce(
  commits: readonly Commit[],
  outcomes: readonly Outcome[],
  { writers, changes }: { writers: readonly string[]; changes: number },
): void {
  const there = commits.map(c => `${c.version} ${String(c.commitInfo?.['runId'])}`)
  const told = outcomes.flatMap(outcome => outcome.done)
  expect(commits.map(c => c.version)).toEqual(commits.map((_, i) => BigInt(i + 1)))
  expect(there.filter(one => !told.includes(one)).length).toBeLessThanOrEqual(killsOf(outcomes))
  expect(told.filter(one => !there.includes(one))).toEqual([])
  const wanted = writers.flatMap(name => Array.from({ length: changes }, (_, n) => `${name}-${n}`))
  expect(commits.map(c => String(c.commitInfo?.['runId'])).sort()).toEqual(wanted.sort())
  expect(new Set(commits.map(c => c.commitInfo?.txnId)).size).toBe(commits.length)
}
