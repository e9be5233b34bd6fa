/**
 * Histories at random: whatever is written, altered, left open, broken off and declared anew in whatever order between two
 * runs, bronze is the source after the last of them, by `verify` and by a comparison that knows nothing of it.
 *
 *   TIDEMARK_HISTORY_SEED=7 TIDEMARK_HISTORIES=1 vitest run --project heavy test/live/ingestion-histories.test.ts
 */
import { describe, expect, test } from 'vitest'
import { createRandom } from '../../examples/music/random.ts'
import { faultyStore } from '../../packages/delta/test/support/faulty-store.ts'
import { Problem } from '../../packages/tidemark/src/errors/problem.ts'
import type { EntryOverrides, World } from '../support/world.ts'
import { differences, SALT } from './ingestion/compared.ts'
import { changeEntry, followHint } from './ingestion/entry.ts'
import { alter, createItem, endHeld, holdOrEnd, type Item, write, writing } from './ingestion/model.ts'
import { type Kind, KINDS } from './ingestion/source.ts'

/** Fixed, so that a run says something about the change it judges; other seeds look further. */
const SEED = Number(process.env['TIDEMARK_HISTORY_SEED'] ?? 40_100)
const HISTORIES = Number(process.env['TIDEMARK_HISTORIES'] ?? 8)
const SEEDS: readonly number[] = Array.from({ length: HISTORIES }, (_, n) => SEED + n)
const STEPS = 24

interface History {
  item: Item
  world: World
  /** Two entries of the one table. */
  entries: EntryOverrides[]
}

/** What one run may end with beside success: a stop that says what to do, or the break that was made. */
async function attempt({ item }: History, what: string, work: () => Promise<unknown>): Promise<string | undefined> {
  const ended = await work().then(
    () => undefined,
    (error: unknown) => error,
  )
  const code = ended instanceof Problem ? ended.code : undefined
  item.log.push(`${what}: ${code ?? (ended instanceof Error ? ended.message : 'done')}`)
  const isBreak = /the store failed/.test(String(ended))
  if (ended !== undefined && code === undefined && !isBreak)
    throw new Error('a run ended by no problem', { cause: ended })
  return code
}

async function step(history: History): Promise<void> {
  const { item, world, entries } = history
  const { random, log } = item
  const at = random.integer(0, entries.length - 1)
  const entry = entries[at] as EntryOverrides
  const what = random.integer(0, 19)
  if (what < 5) return await write(item)
  if (what < 8) return await alter(item)
  if (what < 10) return await holdOrEnd(item, writing(item))
  if (what < 13) {
    const changed = changeEntry(item, entry)
    entries[at] = changed
    log.push(JSON.stringify(changed))
    return
  }
  const name = `${String(entry.name)} ${String(entry.guarantee)}`
  const allowed = { allowMassDelete: true }
  if (what < 16) await attempt(history, `run ${name}`, () => world.ingest(entry, allowed))
  else if (what < 18) {
    const plan = { call: random.integer(1, 25), mode: random.pick(['before', 'after'] as const) }
    const broken = {
      ...allowed,
      reload: random.chance(0.3),
      store: (inner: World['lake']['store']) => faultyStore(inner, plan),
    }
    await attempt(history, `run ${name}, its lake failing ${plan.mode} call ${plan.call}`, () =>
      world.ingest(entry, broken),
    )
  } else if (what === 18) {
    const dated = { ...entry, cdcCol: 'at' }
    await attempt(history, `backfill ${name}`, () =>
      world.backfill(dated, { from: random.pick(['2020-01-01', '2999-01-01']) }),
    )
  } else await attempt(history, `repair ${name}`, () => world.repair(entry, { allowMass: true }))
}

/** Run until nothing stops the table any more, following what each stop says. */
async function settle(history: History, entry: EntryOverrides): Promise<EntryOverrides> {
  const { item, world } = history
  let now: EntryOverrides = { ...entry, fullPassMs: undefined }
  for (let tries = 0; tries < 6; tries += 1) {
    const code = await attempt(history, `last run ${String(entry.name)}`, () =>
      world.ingest(now, { allowMassDelete: true }),
    )
    if (code === undefined) return now
    const next = followHint(item, now, code)
    if (next === undefined) throw new Error(`${code} stopped ${String(entry.name)}, and nothing here was to blame`)
    now = next
    item.log.push(JSON.stringify(now))
  }
  throw new Error(`${String(entry.name)} is stopped whatever its hints say`)
}

async function play(kind: Kind, seed: number, testFile: string): Promise<{ found: string[]; log: readonly string[] }> {
  const random = createRandom(seed)
  const database = await kind.open(testFile)
  const key = random.pick(['int', 'text'] as const)
  const columns: Item['columns'] = [
    { name: 'v', type: 'text' },
    { name: 'n', type: 'int' },
  ]
  const item: Item = { kind, database, random, key, columns, held: [], log: [], made: 0 }
  await createItem(item, random.pick([2, 30]))
  // Small parts, so that first loads and backfills have some that can be missing.
  const world = await database.world({ salt: () => SALT, chunkBytes: 4096n })
  const entries: EntryOverrides[] = ['one', 'two'].map(name => ({ table: 'item', name, cdcCol: 'at' }))
  const history: History = { item, world, entries }
  const found: string[] = []
  try {
    for (let n = 0; n < STEPS; n += 1) await step(history)
    for (const open of item.held.splice(0)) await endHeld(open, 'COMMIT', item.log)
    for (const entry of entries) {
      const last = await settle(history, entry)
      const again = await world.ingest(last)
      if (again.status !== 'unchanged') found.push(`${String(last.name)}: a run over a quiet source changed it`)
      const verdict = await world.verify(last)
      if (verdict.status !== 'equal') found.push(`${String(last.name)}: verify says ${verdict.status}`)
      found.push(...(await differences(item, world, last)))
    }
  } catch (error) {
    found.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  return { found, log: item.log }
}

describe.each(KINDS.filter(({ isHere }) => isHere))('a table of $name', kind => {
  test.each(SEEDS)(
    'is in bronze what it is in its source, whatever happened between runs (TIDEMARK_HISTORY_SEED=%i TIDEMARK_HISTORIES=1)',
    async seed => {
      const { found, log } = await play(kind, seed, import.meta.url)
      expect(found, log.join('\n')).toEqual([])
    },
  )
})
