/**
 * Four processes commit to one table in a store in the cloud, are killed at random moments, and lose one answer in
 * twenty after the store did what was asked: every change is there once, and everything they were told is true.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { commit, field, readCommits, readSnapshot, stageCreate } from '@tidemark/delta'
import { createRandom, type Random } from '../../examples/music/random.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { startAzurite } from '../support/cloud/azurite.ts'
import { type FaultProxy, type SeenRequest, startFaultProxy } from '../support/cloud/fault-proxy.ts'
import { findMissingMoto, startMoto } from '../support/cloud/moto.ts'
import { type EmulatedStore, openEmulated } from '../support/cloud/open-emulated.ts'

const SEED = Number(process.env['TIDEMARK_RACE_SEED'] ?? Date.now() % 1_000_000)
const CHANGES = 100
const WRITERS = ['a', 'b', 'c', 'd']
const RACER = join(import.meta.dirname, 'store-racer.ts')

interface Outcome {
  /** `<version> <change>` as the writer was told. */
  done: string[]
  kills: number
}

async function race(where: EmulatedStore, name: string, random: Random): Promise<Outcome> {
  const outcome: Outcome = { done: [], kills: 0 }
  for (;;) {
    const args = ['--conditions=source', RACER, JSON.stringify(where), name, String(CHANGES)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const code = await follow(child, outcome, { killAfter: random.integer(10, 50), delayMs: random.integer(0, 30) })
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
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  if (child.stdout === null) throw new Error('the writer says nothing')
  let changes = 0
  for await (const line of createInterface(child.stdout)) {
    outcome.done.push(line.replace(/^done /, ''))
    changes += 1
    if (changes === kill.killAfter) void delay(kill.delayMs).then(() => child.kill('SIGKILL'))
  }
  return await ended
}

async function expectGapFree(direct: EmulatedStore, proxy: FaultProxy): Promise<void> {
  const store = await openEmulated(direct)
  const ports = { store, clock: systemClock, ids: systemIds }
  const schema = { type: 'struct' as const, fields: [field('id', 'long')] }
  await commit(ports, stageCreate({ tablePath: 't', schema, info: { operation: 'CREATE TABLE' } }))
  const random = createRandom(SEED)
  let dropped = 0
  const isCommit = ({ method, url }: SeenRequest): boolean =>
    method === 'PUT' && /_delta_log(?:\/|%2F)\d+\.json/.test(url)
  proxy.use(
    request => {
      if (!isCommit(request) || !random.chance(0.05)) return undefined
      dropped += 1
      return { do: 'apply then drop' }
    },
    // moto looks whether an object is there before it writes one, not while it does; S3 does both at once.
    request => direct.kind === 's3' && isCommit(request),
  )
  const through = { ...direct, endpoint: proxy.endpoint }
  const start = performance.now()
  const outcomes = await Promise.all(WRITERS.map((name, i) => race(through, name, createRandom(SEED + i + 1))))
  const seconds = (performance.now() - start) / 1000
  const latest = await readSnapshot({ store }, { tablePath: 't' })
  const commits = await readCommits(store, 't', { after: 0n, upTo: latest?.version ?? 0n })
  const there = commits.map(c => `${c.version} ${String(c.commitInfo?.['runId'])}`)
  const told = outcomes.flatMap(outcome => outcome.done)
  const kills = outcomes.reduce((n, { kills: more }) => n + more, 0)
  console.log(
    `seed ${SEED}: ${there.length} commits in ${seconds.toFixed(0)} s, ${kills} kills, ${dropped} answers lost`,
  )
  expect(commits.map(c => c.version)).toEqual(commits.map((_, i) => BigInt(i + 1)))
  expect(told.filter(one => !there.includes(one))).toEqual([])
  const wanted = WRITERS.flatMap(name => Array.from({ length: CHANGES }, (_, n) => `${name}-${n}`))
  expect(commits.map(c => String(c.commitInfo?.['runId'])).sort()).toEqual(wanted.sort())
  expect(Math.min(kills, dropped)).toBeGreaterThan(0)
}

const title = `${WRITERS.length} processes of ${CHANGES} commits, killed at random: none is lost, none is there twice`

describe('a race over a store in the cloud', () => {
  test(`${title}, on Azurite`, async () => {
    await using azurite = await startAzurite()
    await azurite.makeContainer('race')
    await using proxy = await startFaultProxy(azurite.endpoint)
    await expectGapFree({ kind: 'azure', endpoint: azurite.endpoint, container: 'race' }, proxy)
  })

  test.skipIf(findMissingMoto() !== undefined)(`${title}, on moto`, async () => {
    await using moto = await startMoto()
    await moto.makeBucket('race')
    await using proxy = await startFaultProxy(moto.endpoint)
    await expectGapFree({ kind: 's3', endpoint: moto.endpoint, container: 'race' }, proxy)
  })
})
