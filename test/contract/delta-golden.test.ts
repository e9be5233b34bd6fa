/**
 * Tables that Spark wrote, read by our log and our scan: equal to what Spark read from them, row for row and type for
 * type. packages/delta/test/README.md lists the others, and this test keeps the list true. The tables lie beside the
 * repository; where they are not there, the tests say so by being skipped.
 */
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStore, readSnapshot, type Snapshot } from '@tidemark/delta'
import { expect, onTestFinished, test } from 'vitest'
import { openDuckdb } from '../../packages/tidemark/src/engine/duckdb.ts'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'
import { ident, join as joinSql, type Sql, sql, text } from '../../packages/tidemark/src/engine/sql.ts'

const GOLDEN = join(import.meta.dirname, '../../../shared/data/delta-golden')
const isThere = existsSync(GOLDEN)

const readme = await readFile(join(import.meta.dirname, '../../packages/delta/test/README.md'), 'utf8')
/** What happens to a table instead of being equal to its expected data. */
const others = new Map(
  [...readme.matchAll(/^\| `([^`]+)` \| ([^|]+) \| [^|]+ \|$/gm)].map(([, name = '', outcome = '']) => [name, outcome]),
)
const tables = isThere
  ? readdirSync(GOLDEN, { withFileTypes: true }).flatMap(e => (e.isDirectory() ? [e.name] : []))
  : []
const hiveTables = isThere ? readdirSync(join(GOLDEN, 'hive/delta')).map(name => `hive/delta/${name}`) : []

interface Opened {
  session: Session
  snapshot: Snapshot | undefined
}

async function open(folder: string, version?: bigint): Promise<Opened> {
  const store = new LocalStore(GOLDEN)
  const scratch = await mkdtemp(join(tmpdir(), 'tidemark-golden-'))
  const engine = await openDuckdb({ store, ids: systemIds, scratch, folders: [GOLDEN] })
  const session = await engine.session()
  onTestFinished(async () => {
    await session[Symbol.asyncDispose]()
    await engine.close()
    await rm(scratch, { recursive: true })
  })
  const { logParquet } = engine
  return { session, snapshot: await readSnapshot({ store, logParquet }, { tablePath: folder, version }) }
}

/** Columns with their types, and how many rows are on one side only. */
async function compareTo(name: string, { session, snapshot }: Opened, except: readonly string[] = []): Promise<object> {
  if (snapshot === undefined) throw new Error(`${name} is no table`)
  const files = text(join(GOLDEN, name, 'expected/**/*.parquet'))
  const columns = joinSql(snapshot.schema.fields.flatMap(f => (except.includes(f.name) ? [] : [ident(f.name)])))
  const ours = sql`SELECT ${columns} FROM (${await session.scan(snapshot)})`
  const theirs = sql`SELECT ${columns} FROM read_parquet(${files}, hive_partitioning = false)`
  const onlyIn = (a: Sql, b: Sql): Promise<bigint> => session.count(sql`SELECT count(*) FROM (${a} EXCEPT ALL ${b})`)
  return {
    ours: await session.describe(ours),
    theirs: await session.describe(theirs),
    onlyOurs: await onlyIn(ours, theirs),
    onlyTheirs: await onlyIn(theirs, ours),
  }
}

async function expectEqual(name: string, opened: Opened, except: readonly string[] = []): Promise<void> {
  const { ours, theirs, ...rest } = (await compareTo(name, opened, except)) as Record<string, unknown>
  expect(ours).toEqual(theirs)
  expect(rest).toEqual({ onlyOurs: 0n, onlyTheirs: 0n })
}

/** What reading the latest version gives, in the README's words. */
async function outcomeOf(folder: string): Promise<string> {
  try {
    const { session, snapshot } = await open(folder)
    if (snapshot === undefined) return 'no table'
    return `${await session.count(sql`SELECT count(*) FROM (${await session.scan(snapshot)})`)} rows`
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string }
    return `${code}: ${message}`
  }
}

test('every table of the collection is read and compared, or has its place in the README', () => {
  expect(others.size).toBeGreaterThan(20)
  const unknown = [...others.keys()].filter(name => isThere && !existsSync(join(GOLDEN, name)))
  expect(unknown).toEqual([])
})

test.skipIf(!isThere).each(tables.filter(name => !others.has(name)))('%s equals what Spark read', async name => {
  await expectEqual(name, await open(`${name}/delta`))
})

test.skipIf(!isThere).each([...others].filter(([name]) => name !== 'data-reader-partition-values' && name !== 'hive'))(
  '%s gives what the README says',
  async (name, outcome) => {
    const seen = await outcomeOf(name.startsWith('hive/') ? name : `${name}/delta`)
    // A refusal is quoted by its code and the words that tell its reason.
    const [code, words] = outcome.split(', ')
    if (words === undefined) return expect(seen).toBe(outcome)
    expect(seen).toContain(`${code?.replaceAll('`', '')}: `)
    expect(seen).toContain(words)
  },
)

test.skipIf(!isThere)('every table inside of hive has its place in the README', () => {
  expect(hiveTables.filter(name => !others.has(name))).toEqual([])
})

test.skipIf(!isThere)(
  'data-reader-partition-values is equal but for the timestamps of a writer in another zone',
  async () => {
    const name = 'data-reader-partition-values'
    const opened = await open(`${name}/delta`)
    await expectEqual(name, opened, ['as_timestamp'])
    const { session, snapshot } = opened
    if (snapshot === undefined) throw new Error('no table')
    const rows = await session.rows(
      sql`SELECT DISTINCT as_timestamp AS t FROM (${await session.scan(snapshot)}) ORDER BY t`,
    )
    const written = [...snapshot.files.values()].map(f => f.partitionValues['as_timestamp'] ?? null)
    expect(rows.map(r => r['t'])).toEqual([...new Set(written)].sort().map(t => t && `${t}+00`))
  },
)

test.skipIf(!isThere).each([
  ['time-travel-start', 0n],
  ['time-travel-start-start20', 1n],
  ['time-travel-start-start20-start40', 2n],
])('%s is version %i of the longest history', async (name, version) => {
  await expectEqual(name, await open('time-travel-start-start20-start40/delta', version))
})
