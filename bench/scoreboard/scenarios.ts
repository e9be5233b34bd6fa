/**
 * What goes wrong in the life of a pipeline, one small table at a time. Each scenario changes the source between runs of
 * the tool and says what is different in the target in the end; an empty verdict is what everybody hopes for.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { finish, killGroup, start, type Subject } from './contender.ts'

export interface World {
  subject: Subject
  /** The source, as its owner. */
  source: pg.Client
  /** A second connection, for what stays open. */
  other: pg.Client
}

export interface Scenario {
  name: string
  /** Rows that are there before the first run; 1,000 when left out. */
  rows?: number
  /** How often it is played anew; once when left out. */
  times?: number
  play(world: World, time: number): Promise<string>
}

/** Seconds after the first row's moment; a row's own id when left out. */
export async function insert(client: pg.Client, from: number, to: number, at = 'i'): Promise<void> {
  const moment = at === 'null' ? 'NULL' : `timestamptz '2026-06-01 00:00:00Z' + ${at} * interval '1 second'`
  await client.query(
    `INSERT INTO changes SELECT i, ${moment}, i % 100, 'n' || i FROM generate_series(${from}::bigint, ${to}) i`,
  )
}

const run = async ({ subject }: World): Promise<number | null> => finish(start(subject.command('increment')))

/** Lost, doubled and left over, by id; a run that failed is said when rows are missing. */
async function compare({ subject, source }: World, codes: readonly (number | null)[] = []): Promise<string> {
  const wanted = new Set((await source.query<{ id: string }>('SELECT id::text FROM changes')).rows.map(({ id }) => id))
  const loaded = (await subject.read()).map(({ id }) => id)
  const found = new Set(loaded)
  const counts = {
    lost: [...wanted].filter(id => !found.has(id)).length,
    doubled: loaded.length - found.size,
    ghosts: [...found].filter(id => !wanted.has(id)).length,
  }
  const stopped = codes.some(code => code !== 0) ? ['stopped with an error'] : []
  const wrong = Object.entries(counts).filter(([, count]) => count > 0)
  return [...stopped, ...wrong.map(([what, count]) => `${what} ${count}`)].join(', ')
}

const lateCommit: Scenario = {
  name: 'a transaction older than the mark commits late',
  async play(world) {
    await run(world)
    await world.other.query('BEGIN')
    await insert(world.other, 2001, 2005, '1500')
    await insert(world.source, 2006, 2010, '1600')
    await run(world)
    await world.other.query('COMMIT')
    await insert(world.source, 2011, 2015, '1700')
    const codes = [await run(world), await run(world)]
    return compare(world, codes)
  },
}

const tie: Scenario = {
  name: 'new rows with the very value of the mark',
  async play(world) {
    await run(world)
    await insert(world.source, 2001, 2005, '1000')
    return compare(world, [await run(world), await run(world)])
  },
}

const nullCursor: Scenario = {
  name: 'rows without a value in the cursor',
  async play(world) {
    await insert(world.source, 2001, 2003, 'null')
    await run(world)
    await insert(world.source, 2004, 2005, 'null')
    await insert(world.source, 2006, 2010, '1600')
    return compare(world, [await run(world)])
  },
}

const KILLS = 6

const kill: Scenario = {
  name: `kill -9 in an increment, then two runs (${KILLS} moments)`,
  times: KILLS,
  async play(world, time) {
    await run(world)
    const begin = performance.now()
    await run(world)
    const whole = performance.now() - begin
    await insert(world.source, 1001, 1500)
    const child = start(world.subject.command('increment'))
    await delay(whole * (0.5 + (0.5 * time) / KILLS))
    killGroup(child)
    await finish(child)
    return compare(world, [await run(world), await run(world)])
  },
}

const retyped: Scenario = {
  name: 'a column becomes text, with values that are no numbers',
  async play(world) {
    await run(world)
    await world.source.query('ALTER TABLE changes ALTER COLUMN qty TYPE text')
    await world.source.query(
      `INSERT INTO changes SELECT 2001, max(changed_at) + interval '1 s', 'abc', 'x' FROM changes`,
    )
    const code = await run(world)
    const verdict = await compare(world, [code])
    if (code !== 0) return 'stopped with an error'
    const column = (await world.subject.read()).find(({ id }) => id === '2001')?.qty
    const value = column ?? (await world.subject.rescued?.('2001', 'qty'))
    return value === 'abc'
      ? verdict
      : [verdict, `the value is ${value ?? 'gone'}`].filter(text => text !== '').join(', ')
  },
}

const readerDuringReload: Scenario = {
  name: 'a reader while everything is loaded again',
  rows: 200_000,
  async play(world) {
    await run(world)
    const child = start(world.subject.command('reload'))
    const wrong = new Set<number>()
    while (child.exitCode === null && child.signalCode === null) {
      const count = await world.subject.count()
      if (count !== 200_000) wrong.add(count)
      await delay(2)
    }
    const code = await finish(child)
    const saw = wrong.size === 0 ? [] : [`saw ${[...wrong].slice(0, 3).join(', ')} rows`]
    return [...(code === 0 ? [] : ['stopped with an error']), ...saw].join(', ')
  },
}

const hardDelete: Scenario = {
  name: 'ten rows deleted at the source',
  async play(world) {
    await run(world)
    await world.source.query('DELETE FROM changes WHERE id <= 10')
    await insert(world.source, 2001, 2001, '1600')
    return compare(world, [await run(world)])
  },
}

const tornState: Scenario = {
  name: 'half of the state file is gone',
  async play(world) {
    await run(world)
    const file = await world.subject.stateFile()
    if (file === undefined) return NOTHING_TO_TEAR
    const content = await readFile(file)
    await writeFile(file, content.subarray(0, content.length / 2))
    await insert(world.source, 2001, 2005, '1600')
    return compare(world, [await run(world), await run(world)])
  },
}

export const NOTHING_TO_TEAR = 'keeps it with the rows'

export const SCENARIOS: readonly Scenario[] = [
  lateCommit,
  tie,
  nullCursor,
  kill,
  retyped,
  readerDuringReload,
  hardDelete,
  tornState,
]
