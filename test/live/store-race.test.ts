/**
 * Four processes commit to one table in a store in the cloud, are killed at random moments, and lose one answer in
 * twenty after the store did what was asked: every change is there once, and everything they were told is true.
 */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commit, field, readCommits, readSnapshot, stageCreate } from '@tidemark/delta'
import { createRandom } from '../../examples/music/random.ts'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { startAzurite } from '../support/cloud/azurite.ts'
import { type FaultProxy, type SeenRequest, startFaultProxy } from '../support/cloud/fault-proxy.ts'
import { findMissingMoto, startMoto } from '../support/cloud/moto.ts'
import { type EmulatedStore, openEmulated } from '../support/cloud/open-emulated.ts'
import { expectEachOnce, killsOf, type Outcome, race, SEED } from './race.ts'

const CHANGES = 100
const WRITERS = ['a', 'b', 'c', 'd']
const RACER = join(import.meta.dirname, 'store-racer.ts')

function runWriter(where: EmulatedStore, name: string, seed: number): Promise<Outcome> {
  const random = createRandom(seed)
  const args = [JSON.stringify(where), name, String(CHANGES)]
  return race(
    RACER,
    () => args,
    () => ({ killAfter: random.integer(10, 50), delayMs: random.integer(0, 30) }),
  )
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
  const outcomes = await Promise.all(WRITERS.map((name, i) => runWriter(through, name, SEED + i + 1)))
  const seconds = (performance.now() - start) / 1000
  const latest = await readSnapshot({ store }, { tablePath: 't' })
  const commits = await readCommits(store, 't', { after: 0n, upTo: latest?.version ?? 0n })
  const kills = killsOf(outcomes)
  console.log(
    `seed ${SEED}: ${commits.length} commits in ${seconds.toFixed(0)} s, ${kills} kills, ${dropped} answers lost`,
  )
  expectEachOnce(commits, outcomes, { writers: WRITERS, changes: CHANGES })
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
