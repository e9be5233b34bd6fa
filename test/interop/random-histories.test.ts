/**
 * Histories at random: whatever is changed, compacted, restored, checkpointed, cleaned and vacuumed in whatever order, a
 * table holds the rows of a model that has none of that, at each of its versions, for us and for the others.
 *
 *   TIDEMARK_HISTORY_SEED=7 TIDEMARK_HISTORIES=20 vitest run --project heavy test/interop/random-histories.test.ts
 */
import { join } from 'node:path'
import { planChanges, readSnapshot, type Snapshot } from '@tidemark/delta'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { beginHistory, type History, readRows, takeStep } from '../support/history/history.ts'
import { type ModelRow, printRow, printRows, textQuery } from '../support/history/model.ts'
import { WHEN_MISSING } from '../support/interop/installed.ts'
import { openOwnLake, type OwnLake } from '../support/interop/own-lake.ts'
import { hasReader, type Reader, readWith } from '../support/interop/read-with.ts'

/** Fixed, so that a run says something about the change it judges; other seeds look further. */
const SEED = Number(process.env['TIDEMARK_HISTORY_SEED'] ?? 295_834)
const HISTORIES = Number(process.env['TIDEMARK_HISTORIES'] ?? 1)
const STEPS = Number(process.env['TIDEMARK_HISTORY_STEPS'] ?? 24)

interface Kind {
  readonly configuration: Readonly<Record<string, string>>
  readonly partitionColumns?: readonly string[]
  readonly features?: readonly string[]
  /** Readers that cannot read such tables, with the reason. */
  readonly unread?: Partial<Record<Reader, string>>
}

const VECTORS = { 'delta.enableDeletionVectors': 'true' }
const FEED = { 'delta.enableChangeDataFeed': 'true' }

const KINDS: Readonly<Record<string, Kind>> = {
  plain: { configuration: {} },
  serializable: { configuration: { 'delta.isolationLevel': 'Serializable', ...VECTORS } },
  partitioned: { configuration: VECTORS, partitionColumns: ['part'] },
  'with vectors and a feed': { configuration: { ...VECTORS, ...FEED } },
  'mapped by name': { configuration: { 'delta.columnMapping.mode': 'name', ...VECTORS, ...FEED } },
  'mapped by id, partitioned, with row ids': {
    configuration: { 'delta.columnMapping.mode': 'id', 'delta.enableRowTracking': 'true', ...VECTORS },
    partitionColumns: ['part'],
    unread: { duckdb: 'partition values of mapped columns come as NULL' },
  },
  'of growing types with V2 checkpoints': {
    configuration: {
      'delta.enableTypeWidening': 'true',
      'delta.checkpointPolicy': 'v2',
      'delta.enableInCommitTimestamps': 'true',
      ...FEED,
    },
    features: ['timestampNtz'],
    unread: { 'delta-rs': 'it does not know typeWidening' },
  },
  'of growing types in its partitions too': {
    configuration: { 'delta.enableTypeWidening': 'true', ...VECTORS },
    partitionColumns: ['b', 'day'],
    features: ['timestampNtz'],
    unread: { 'delta-rs': 'it does not know typeWidening' },
  },
}

let lake: OwnLake
let session: Session
beforeAll(async () => {
  lake = await openOwnLake('random-histories')
  session = await lake.engine.session()
})
afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await lake[Symbol.asyncDispose]()
})

describe.each(Object.entries(KINDS))(`a table %s (${WHEN_MISSING})`, (name, kind) => {
  test.each(Array.from({ length: HISTORIES }, (_, i) => SEED + i))(
    'holds the rows of its model; replay with TIDEMARK_HISTORY_SEED=%d TIDEMARK_HISTORIES=1',
    async seed => {
      const history = await beginHistory(
        { lake, session },
        { ...kind, tablePath: `${name.replaceAll(/\W/g, '')}${seed}`, seed },
      )
      try {
        for (let step = 1; step <= STEPS; step += 1) {
          await takeStep(history)
          await expectModel(history)
          if (step % 8 === 0) await expectOthers(history, kind)
        }
      } catch (error) {
        console.error(`${name}, TIDEMARK_HISTORY_SEED=${seed}:\n${history.log.join('\n')}`)
        throw error
      }
    },
  )
})

/** A reader that knows nothing finds the rows, at the latest version and at an older one, and the feed leads from one to the other. */
async function expectModel(history: History): Promise<void> {
  const { tablePath, snapshot, random, versions } = history
  const fresh = await readSnapshot(lake.ports, { tablePath })
  if (fresh === undefined) throw new Error('the table is gone')
  expect(fresh.version).toBe(snapshot.version)
  expect(filesOf(fresh)).toEqual(filesOf(snapshot))
  expect(fresh.totals).toEqual(snapshot.totals)
  expect(await readRows(history, fresh)).toEqual(printRows(history.table))
  const version = random.pick([...versions.keys()])
  const table = versions.get(version) ?? history.table
  const old = await readSnapshot(lake.ports, { tablePath, version })
  if (old === undefined) throw new Error(`version ${version} is gone`)
  expect(await readRows({ session, table }, old), `version ${version}`).toEqual(printRows(table))
  await expectFeed(history)
}

/** What a checkpoint keeps of files is not whether they brought changes. */
function filesOf({ files }: Snapshot): object[] {
  const all = [...files.values()].map(file => ({ ...file, dataChange: undefined }))
  return all.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

async function expectFeed(history: History): Promise<void> {
  const { feedFrom, random, versions, table, tablePath, snapshot } = history
  if (feedFrom === undefined) return
  const from = random.pick([...versions.keys()].filter(version => version >= feedFrom))
  if (from === snapshot.version) return
  const plan = await planChanges(lake.ports, { tablePath, from: from + 1n })
  const relation = await session.scanChanges(plan)
  const told = [
    { key: 'kind', name: '_change_type', type: 'string' },
    { key: 'version', name: '_commit_version', type: 'long' },
  ]
  const changes = await session.rows(textQuery({ columns: [...table.columns, ...told], rows: [] }, relation))
  const rows = (versions.get(from)?.rows ?? []).map(row => printRow(table, row))
  for (const at of [...new Set(changes.map(one => BigInt(String(one['version']))))].toSorted((a, b) => Number(a - b))) {
    const here = changes.filter(one => one['version'] === String(at))
    const lines = (...kinds: string[]): string[] =>
      here.filter(one => kinds.includes(String(one['kind']))).map(one => printRow(table, one as ModelRow))
    for (const line of lines('delete', 'update_preimage')) {
      const index = rows.indexOf(line)
      expect(index, `version ${at} took away ${line}`).toBeGreaterThanOrEqual(0)
      rows.splice(index, 1)
    }
    rows.push(...lines('insert', 'update_postimage'))
  }
  expect(rows.toSorted(), `changes since ${from}`).toEqual(printRows(table))
}

async function expectOthers({ tablePath, log }: History, { unread = {} }: Kind): Promise<void> {
  const folder = join(lake.folder, tablePath)
  const own = await readWith('tidemark', folder)
  for (const reader of (['delta-rs', 'duckdb'] as const).filter(one => hasReader(one) && !(one in unread))) {
    log.push(`  read by ${reader}`)
    expect(unsigned(await readWith(reader, folder)), reader).toEqual(unsigned(own))
  }
}

/** As the model has it: which of 0 and -0 a reader gives for a partition that both are in is chance. */
function unsigned({ columns, rows }: Awaited<ReturnType<typeof readWith>>): object {
  return { columns, rows: rows.map(row => row.replaceAll('"-0"', '"0"')).toSorted() }
}
