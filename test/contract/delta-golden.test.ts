/**
 * Tables that Spark wrote, read by our log and our scan: equal to what Spark read from them, row for row and type for
 * type. packages/delta/test/README.md lists the others, and this test keeps the list true. The tables lie beside the
 * repository; where they are not there, the tests say so by being skipped.
 */
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeltaError, LocalStore, readSnapshot, type Snapshot } from '@tidemark/delta'
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

async function open(folder: string, version?: bigint, root = GOLDEN): Promise<Opened> {
  const store = new LocalStore(root)
  const scratch = await mkdtemp(join(tmpdir(), 'tidemark-golden-'))
  const engine = openDuckdb({ store, ids: systemIds, scratch, folders: [root] })
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
    return describeError(error)
  }
}

function describeError(error: unknown): string {
  return isDeltaError(error) ? `${error.code}: ${error.message}` : String(error)
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

/**
 * Some logs are stubs: their metaData lacks the required schema, and that is what they are refused for first. With the
 * schema filled in they are refused for what they were made for.
 */
const STUBS: readonly (readonly [name: string, from: bigint, outcome: string])[] = [
  ['versions-not-contiguous', 0n, 'LOG_GAP: The log of delta lacks version 1'],
  [
    'deltalog-state-reconstruction-from-checkpoint-missing-metadata',
    10n,
    'CHECKPOINT_INVALID: The checkpoint of version 10 of delta (00000000000000000010.checkpoint.parquet) has no metaData',
  ],
  // A checkpoint that lacks an action is passed over while the commits before it are there.
  ['deltalog-state-reconstruction-from-checkpoint-missing-metadata', 0n, 'version 10'],
]

test.skipIf(!isThere).each(STUBS)(
  '%s with its schema filled in, from version %i on: %s',
  async (name, from, outcome) => {
    const root = await mkdtemp(join(tmpdir(), 'tidemark-stub-'))
    onTestFinished(() => rm(root, { recursive: true }))
    await cp(join(GOLDEN, name), root, { recursive: true })
    const log = join(root, 'delta/_delta_log')
    const commits = (await readdir(log)).filter(file => /^\d{20}\.json$/.test(file))
    const schema = JSON.stringify('{"type":"struct","fields":[]}')
    for (const file of commits) {
      const path = join(log, file)
      if (BigInt(file.slice(0, 20)) < from) await rm(path)
      else await writeFile(path, (await readFile(path, 'utf8')).replace('"metaData":{', `$&"schemaString":${schema},`))
    }
    const seen = await open('delta', undefined, root).then(
      ({ snapshot }) => `version ${snapshot?.version}`,
      (error: unknown) => describeError(error),
    )
    expect(seen).toContain(outcome)
  },
)
