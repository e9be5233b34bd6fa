/**
 * What opening a big table costs: 300,000 files in a Parquet checkpoint, as many in one commit of JSON, and 10,000
 * commits without a checkpoint. Each open is a process of its own; each figure is the best of three.
 *
 *   node --conditions=source bench/delta-open.ts
 */
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { field, LocalStore, printSchema, readSnapshot, refreshSnapshot } from '@tidemark/delta'
import { openDuckdb } from '../packages/tidemark/src/engine/duckdb.ts'
import type { Engine } from '../packages/tidemark/src/engine/engine.ts'
import { sql, text, textList } from '../packages/tidemark/src/engine/sql.ts'

const FILES = 300_000
const COMMITS = 10_000
const TRIES = 3

interface Opened {
  ms: number
  /** Processor time of the open: what it takes however busy the machine is. */
  cpuMs: number
  refreshMs: number
  /** The most that the process held, Node and DuckDB included. */
  peakMiB: number
  /** What JavaScript holds while the snapshot is kept. */
  heldMiB: number
  files: number
}

const protocol = '{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}'
const schemaString = printSchema({ type: 'struct', fields: [field('id', 'long'), field('name', 'string')] })
const metaData = JSON.stringify({
  metaData: {
    id: 'x',
    format: { provider: 'parquet', options: {} },
    schemaString,
    partitionColumns: [],
    configuration: {},
  },
})

/** An add as DuckDB's tables get it: about 150 bytes a line with its statistics. */
function addLine(i: number): string {
  const stats = `{"numRecords":100,"minValues":{"id":${i}},"maxValues":{"id":${i + 99}},"nullCount":{"id":0}}`
  const add = { path: `part-${i}.parquet`, partitionValues: {}, size: 1000 + i, modificationTime: 1_700_000_000_000 }
  return JSON.stringify({ add: { ...add, dataChange: true, stats } })
}

function commitFile(root: string, version: number): string {
  return join(root, 't/_delta_log', `${String(version).padStart(20, '0')}.json`)
}

async function makeJson(root: string): Promise<void> {
  await writeFile(commitFile(root, 0), `${protocol}\n${metaData}\n`)
  await writeFile(commitFile(root, 1), Array.from({ length: FILES }, (_, i) => addLine(i)).join('\n'))
}

async function makeCommits(root: string): Promise<void> {
  await writeFile(commitFile(root, 0), `${protocol}\n${metaData}\n`)
  for (let i = 1; i < COMMITS; i++) {
    await writeFile(commitFile(root, i), `{"commitInfo":{"timestamp":${i},"operation":"WRITE"}}\n${addLine(i)}\n`)
  }
}

/** The checkpoint of what `makeJson` makes, with the types a checkpoint has. */
async function makeCheckpoint(root: string, engine: Engine): Promise<void> {
  await makeJson(root)
  const files = textList([commitFile(root, 0), commitFile(root, 1)])
  const lines = sql`read_json(${files}, format = 'newline_delimited', columns = {
    'protocol': 'STRUCT(minReaderVersion INTEGER, minWriterVersion INTEGER)',
    'metaData': 'STRUCT(id VARCHAR, format STRUCT(provider VARCHAR, options MAP(VARCHAR, VARCHAR)), schemaString VARCHAR, partitionColumns VARCHAR[], configuration MAP(VARCHAR, VARCHAR))',
    'add': 'STRUCT(path VARCHAR, partitionValues MAP(VARCHAR, VARCHAR), size BIGINT, modificationTime BIGINT, dataChange BOOLEAN, stats VARCHAR)'})`
  const file = join(root, 't/_delta_log', `${'1'.padStart(20, '0')}.checkpoint.parquet`)
  await using session = await engine.session()
  await session.run(sql`COPY (SELECT * FROM ${lines}) TO ${text(file)} (FORMAT parquet)`)
  await writeFile(join(root, 't/_delta_log/_last_checkpoint'), `{"version":1,"size":${FILES + 2}}`)
  await rm(commitFile(root, 0))
  await writeFile(commitFile(root, 1), '{"commitInfo":{"timestamp":1,"operation":"WRITE"}}\n')
}

async function open(root: string): Promise<Opened> {
  const store = new LocalStore(root)
  const engine = await openEngine(root, store)
  const tables = { store, logParquet: engine.logParquet }
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const snapshot = await readSnapshot(tables, { tablePath: 't' })
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  if (snapshot === undefined) throw new Error('there is no table')
  const again = performance.now()
  await refreshSnapshot(tables, snapshot)
  const refreshMs = performance.now() - again
  await engine.close()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  const heldMiB = (heapUsed + external) / 2 ** 20
  return {
    ms,
    cpuMs: (user + system) / 1000,
    refreshMs,
    heldMiB,
    peakMiB: process.resourceUsage().maxRSS / 1024,
    files: snapshot.files.size,
  }
}

/** It has started before anything is measured. */
async function openEngine(root: string, store: LocalStore): Promise<Engine> {
  const ids = { uuid: () => randomUUID(), runId: () => 'bench' }
  const engine = openDuckdb({ store, ids, scratch: join(root, '_tmp/bench'), folders: [root], threads: 2 })
  await (await engine.session())[Symbol.asyncDispose]()
  return engine
}

async function measure(name: string, make: (root: string, engine: Engine) => Promise<void>): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-open-'))
  try {
    await mkdir(join(root, 't/_delta_log'), { recursive: true })
    const engine = await openEngine(root, new LocalStore(root))
    await make(root, engine)
    await engine.close()
    const tries: Opened[] = []
    for (let i = 0; i < TRIES; i++) tries.push(await inProcess(root))
    const best = tries.reduce((a, b) => (a.ms < b.ms ? a : b))
    const size = await stat(commitFile(root, 1))
    const figures = [
      `${best.ms.toFixed(0)} ms (processor ${Math.min(...tries.map(one => one.cpuMs)).toFixed(0)} ms)`,
      `refresh ${best.refreshMs.toFixed(1)} ms`,
      `peak ${best.peakMiB.toFixed(0)} MiB`,
      `held ${best.heldMiB.toFixed(0)} MiB`,
      `${best.files} files, commit 1 has ${(size.size / 2 ** 20).toFixed(1)} MiB`,
    ]
    process.stdout.write(`${name.padEnd(28)}${figures.join(', ')}\n`)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

async function inProcess(root: string): Promise<Opened> {
  const args = ['--expose-gc', '--conditions=source', fileURLToPath(import.meta.url), root]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Opened
}

const root = process.argv[2]
if (root === undefined) {
  await measure('300,000 files, checkpoint', makeCheckpoint)
  await measure('300,000 files, one commit', makeJson)
  await measure('10,000 commits', makeCommits)
} else {
  process.stdout.write(JSON.stringify(await open(root)))
}
