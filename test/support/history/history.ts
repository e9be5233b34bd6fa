/**
 * A history at random: a table and its model, changed, restored and kept in order step by step.
 */
import {
  cleanLog,
  commit,
  type CreateRequest,
  field,
  readSnapshot,
  type Snapshot,
  type Staged,
  stageCreate,
  stageRestore,
  type StructType,
  vacuum,
  writeCheckpoint,
} from '@tidemark/delta'
import { createRandom, type Random } from '../../../examples/music/random.ts'
import type { Session } from '../../../packages/tidemark/src/engine/engine.ts'
import type { OwnLake } from '../interop/own-lake.ts'
import type { HistoryChange } from './change.ts'
import { type ModelRow, type ModelTable, printRow, printRows, textQuery } from './model.ts'
import { randomChange } from './table-changes.ts'

const DAY_MS = 24 * 60 * 60 * 1000

const COLUMNS = [
  ['id', 'long'],
  ['part', 'string'],
  ['s', 'string'],
  ['n', 'integer'],
  ['b', 'byte'],
  ['d', 'double'],
  ['f', 'float'],
  ['day', 'date'],
  ['at', 'timestamp'],
  ['amount', 'decimal(37,2)'],
] as const

const SCHEMA: StructType = { type: 'struct', fields: COLUMNS.map(([name, type]) => field(name, type)) }

/** The table as it should be, at each version that can still be read. */
export interface History {
  readonly lake: OwnLake
  readonly session: Session
  readonly tablePath: string
  readonly random: Random
  /** What was done, for whoever looks into a failure. */
  readonly log: string[]
  snapshot: Snapshot
  table: ModelTable
  readonly versions: Map<bigint, ModelTable>
  /** The first version whose changes can be told in the columns of now; undefined where no feed is kept. */
  feedFrom: bigint | undefined
}

/** A new table, without a row. */
export async function beginHistory(
  { lake, session }: Pick<History, 'lake' | 'session'>,
  kind: Pick<CreateRequest, 'tablePath' | 'configuration' | 'partitionColumns' | 'features'> & { seed: number },
): Promise<History> {
  const { tablePath, seed, configuration = {}, partitionColumns = [], features } = kind
  const info = { operation: 'CREATE TABLE' }
  const snapshot = await lake.publish(
    stageCreate({ tablePath, schema: SCHEMA, configuration, partitionColumns, features, info }),
  )
  const table = { columns: COLUMNS.map(([name, type]) => ({ key: name, name, type })), rows: [] }
  const feedFrom = 'delta.enableChangeDataFeed' in configuration ? 0n : undefined
  const versions = new Map([[0n, table]])
  return { lake, session, tablePath, random: createRandom(seed), log: [], snapshot, table, versions, feedFrom }
}

/** One step more: mostly a change, sometimes two at once, a step back, or what keeps a table small. */
export async function takeStep(history: History): Promise<void> {
  const { random } = history
  const step = random.integer(0, 19)
  if (step < 12) return change(history)
  if (step < 15) return changeTwice(history)
  if (step < 17) return restore(history)
  return keep(history)
}

function changeOf({ random, lake, session, table, snapshot }: History): HistoryChange {
  return randomChange({ random, lake, session, table, snapshot })
}

async function change(history: History): Promise<void> {
  const { lake } = history
  const one = changeOf(history)
  history.log.push(`${history.snapshot.version + 1n} ${one.name}`)
  const staged = await one.stage(history.snapshot)
  if (staged === undefined) return
  follow(history, await lake.publish(staged), one.apply(history.table), one.altersColumns)
}

/** Two changes are decided on one version: both happen in some order, or in theirs where the table is strict, or the second does not. */
async function changeTwice(history: History): Promise<void> {
  const { lake } = history
  const [first, second] = [changeOf(history), changeOf(history)]
  history.log.push(`${history.snapshot.version + 1n} ${first.name} | ${second.name}`)
  const staged: (Staged | undefined)[] = [await first.stage(history.snapshot), await second.stage(history.snapshot)]
  const before = history.table
  if (staged[0] !== undefined) follow(history, await lake.publish(staged[0]), first.apply(before), first.altersColumns)
  if (staged[1] === undefined) return
  const result = await commit(lake.ports, staged[1])
  if (result.kind === 'conflict') return void history.log.push(`  ${result.rule}: ${result.reason}`)
  if (first.altersColumns || second.altersColumns) {
    return follow(history, result.snapshot, second.apply(history.table), true)
  }
  const isSerializable = result.snapshot.configuration['delta.isolationLevel'] === 'Serializable'
  const inOrder = second.apply(history.table)
  const orders = isSerializable ? [inOrder] : [inOrder, first.apply(second.apply(before))]
  const found = await readRows(history, result.snapshot)
  const table = orders.find(order => printRows(order).join('\n') === found.join('\n'))
  follow(history, result.snapshot, table ?? inOrder, false)
}

async function restore(history: History): Promise<void> {
  const { lake } = history
  const version = history.random.pick([...history.versions.keys()])
  history.log.push(`${history.snapshot.version + 1n} restore ${version}`)
  const to = await readSnapshot(lake.ports, { tablePath: history.tablePath, version })
  if (to === undefined) throw new Error(`version ${version} is gone`)
  const table = history.versions.get(version) ?? history.table
  const isSame = JSON.stringify(table.columns) === JSON.stringify(history.table.columns)
  const staged = await stageRestore(lake.ports, { snapshot: history.snapshot, to })
  follow(history, await lake.publish(staged), table, !isSame)
}

/** Whatever is done to keep a table small leaves its rows as they are, and the versions that it must not touch. */
async function keep(history: History): Promise<void> {
  const { lake } = history
  const { random, tablePath, snapshot, log } = history
  const what = random.pick(['checkpoint', 'checkpoint', 'old checkpoint', 'clean', 'vacuum'] as const)
  log.push(`  ${what}`)
  if (what === 'checkpoint') await writeCheckpoint(lake.ports, { tablePath })
  if (what === 'old checkpoint') {
    await writeCheckpoint(lake.ports, { tablePath, version: random.pick([...history.versions.keys()]) })
  }
  const later = { ...lake.ports, clock: { now: () => Date.now() + 40 * DAY_MS } }
  if (what === 'clean') {
    const { oldest = 0n } = await cleanLog(later, { tablePath })
    for (const version of history.versions.keys()) if (version < oldest) history.versions.delete(version)
    if (history.feedFrom !== undefined && history.feedFrom < oldest) history.feedFrom = oldest
  }
  if (what === 'vacuum') {
    await vacuum(later, { tablePath })
    for (const version of history.versions.keys()) if (version < snapshot.version) history.versions.delete(version)
    if (history.feedFrom !== undefined) history.feedFrom = snapshot.version
  }
}

function follow(history: History, snapshot: Snapshot, table: ModelTable, altersColumns = false): void {
  history.snapshot = snapshot
  history.table = table
  history.versions.set(snapshot.version, table)
  if (altersColumns && history.feedFrom !== undefined) history.feedFrom = snapshot.version
}

/** The rows of a version, printed as those of the model. */
export async function readRows(
  { session, table }: Pick<History, 'session' | 'table'>,
  snapshot: Snapshot,
): Promise<string[]> {
  const rows = await session.rows(textQuery(table, await session.scan(snapshot)))
  return rows.map(row => printRow(table, row as ModelRow)).toSorted()
}
