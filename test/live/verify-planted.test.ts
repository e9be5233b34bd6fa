/**
 * The proof of the proof: in a table of a million rows, while writers insert, change and delete, verify finds one planted
 * lost row, one stale row and one ghost, nothing else, and repairs them.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { Verdict } from '../../packages/tidemark/src/ingest/verify.ts'
import { type CliProject, createProject } from '../support/cli.ts'
import { plantEntries } from '../support/plant.ts'
import { createDatabase, type TestDatabase } from '../support/postgres.ts'

const ROWS = 1_000_000
const WRITERS = 3

let database: TestDatabase
beforeAll(async () => {
  database = await createDatabase(import.meta.url)
  await database.query(`CREATE TABLE item (id bigint PRIMARY KEY, name text, amount numeric(12, 2), at timestamptz);
    INSERT INTO item SELECT g, 'item ' || g, g * 0.25, timestamptz '2026-01-01 00:00+00' + g * interval '1 second'
    FROM generate_series(1, ${ROWS}) g; CREATE SEQUENCE fresh START ${2 * ROWS}`)
})
afterAll(() => database.drop())

interface Writers {
  /** Transactions committed so far. */
  readonly committed: number
  stop(): Promise<void>
}

/** Each writer inserts, changes and deletes in transactions of its own, some of which stay open for a while. */
async function startWriters(): Promise<Writers> {
  const stop = new AbortController()
  let committed = 0
  const write = async (writer: number): Promise<void> => {
    const client = await database.connect()
    for (let n = 0; !stop.signal.aborted; n += 1) {
      const key = 1000 + ((n * 7919 + writer * 104_729) % (ROWS - 1000))
      const pause = n % 20 === 0 ? 'SELECT pg_sleep(0.2);' : ''
      await client.query(`BEGIN; UPDATE item SET amount = amount + 1, at = now() WHERE id = ${key};
        INSERT INTO item VALUES (nextval('fresh'), 'new', 1, now()); ${pause}
        DELETE FROM item WHERE id = ${key + 1}; COMMIT; SELECT pg_sleep(0.01)`)
      committed += 1
    }
  }
  const running = Array.from({ length: WRITERS }, (_, writer) => write(writer))
  return {
    get committed() {
      return committed
    },
    stop: async () => {
      stop.abort()
      await Promise.all(running)
    },
  }
}

async function verify(project: CliProject, ...args: string[]): Promise<Verdict> {
  const ended = await project.tidemark('verify', ...args, '--json')
  const [verdict] = JSON.parse(ended.stdout) as Verdict[]
  if (verdict === undefined) throw new Error(ended.stderr)
  return verdict
}

test('one lost, one stale and one ghost among a million rows are found beside writers, alone, and repaired', async () => {
  const project = await createProject(
    {
      'tidemark.yml': 'name: p\nsources:\n  app: { type: postgres, url: { secret: env:APP_URL }, tables: list.json }\n',
      'list.json': JSON.stringify([{ schema: 'public', table: 'item', cdc_col: 'at' }]),
    },
    { APP_URL: database.url },
  )
  const run = (): Promise<{ exit: number }> => project.run('--select', 'bronze.item')
  await run()
  const writers = await startWriters()
  const none = { lost: '0', stale: '0', ghost: '0' }
  try {
    for (let round = 0; round < 2; round += 1) {
      const verdict = await verify(project)
      expect(verdict, 'a false alarm beside writers').toMatchObject({ ...none, examples: [] })
      expect(verdict.status).toMatch(/^(pending|equal)$/)
      expect((await run()).exit).toBe(0)
    }
    await plantEntries(
      project.lake,
      'bronze.item',
      sql`SELECT * REPLACE ('delete' AS _op) FROM rows WHERE id = 1 AND _op = 'upsert' \
UNION ALL BY NAME SELECT * REPLACE ('stale' AS name) FROM rows WHERE id = 2 \
UNION ALL BY NAME SELECT * REPLACE (9000000 AS id) FROM rows WHERE id = 3`,
    )
    const found = await verify(project)
    expect(found).toMatchObject({ status: 'different', lost: '1', stale: '1', ghost: '1' })
    const named = found.examples.filter(({ kind }) => kind === 'lost' || kind === 'stale')
    expect(named).toEqual([
      { kind: 'lost', key: '1' },
      { kind: 'stale', key: '2' },
    ])
    const repaired = await verify(project, '--repair')
    expect(repaired).toMatchObject({ ...none, repaired: { lost: '1', stale: '1', ghost: '1' } })
    expect(repaired.status).not.toBe('different')
    expect((await run()).exit).toBe(0)
    expect(await verify(project)).toMatchObject({ ...none, examples: [] })
  } finally {
    await writers.stop()
  }
  expect((await run()).exit).toBe(0)
  const last = await verify(project)
  const [source] = await database.query('SELECT count(*) AS n FROM item')
  console.info(`${writers.committed} transactions beside ${ROWS} rows; ${source?.['n']} rows at the end`)
  expect(last).toMatchObject({ status: 'equal', ...none, sourceRows: source?.['n'], lakeRows: source?.['n'] })
  expect(last.sourceHash).toBe(last.lakeHash)
  expect(writers.committed).toBeGreaterThan(50)
})
