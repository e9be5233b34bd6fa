/**
 * Every kind of change there is, as operations on one small table: read it, write files, stage, commit. Each is told how
 * its table begins and what its rows are afterwards.
 */
import {
  type CommitPorts,
  type CommitResult,
  checkRows,
  commit,
  compare,
  type Extras,
  field,
  type ObjectStore,
  type RowChecker,
  readSnapshot,
  type Snapshot,
  type Staged,
  settingsWith,
  stageAlter,
  stageAppend,
  stageCreate,
  stageDelete,
  stageMetadata,
  stageOverwrite,
  stageRemoveAndAdd,
  stageReplaceKeys,
  stageUpdate,
} from '../../src/index.ts'
import { jsonParquet } from './json-parquet.ts'
import { publish } from './publish.ts'
import { ROW_SCHEMA, type Row, type RowExpr, rowRelations, rowWriter, tableRows, testPorts } from './rows.ts'

export const TABLE = 'silver/people'

export const row = (id: number, name: string): Row => ({ id, name })
export const START = [row(1, 'one'), row(2, 'two')]
export const NEW = [row(2, 'TWO'), row(3, 'three')]
const ALL = [...START, ...NEW].sort((a, b) => a.id - b.id)

export interface Attempt {
  ports: CommitPorts
  /** Begins the names of its files. */
  name: string
  signal: AbortSignal | undefined
}

export interface Scenario {
  name: string
  /** How the table begins; undefined for no table. */
  settings: Readonly<Record<string, string>> | undefined
  /** What the table went through before the operation, after it was made. */
  prepare?: (store: ObjectStore, made: Snapshot) => Promise<void>
  /** What another writer commits after the operation has looked at the table, on the same base. */
  between?: (store: ObjectStore, base: Snapshot) => Promise<void>
  stage(attempt: Attempt, base: Snapshot | undefined): Promise<Staged>
  /** Rows afterwards, by id. */
  rows: readonly Row[]
}

/** Read, stage and commit. `inner` is the store without faults, for what others do in between. */
export async function run(scenario: Scenario, attempt: Attempt, inner: ObjectStore): Promise<CommitResult> {
  const { ports, signal } = attempt
  const base = await readSnapshot(ports, { tablePath: TABLE, signal })
  const staged = await scenario.stage(attempt, base)
  if (base !== undefined) await scenario.between?.(inner, base)
  return commit(ports, staged, { signal })
}

/** Make the table a scenario begins with: two rows, one file each. */
export async function begin(scenario: Scenario, store: ObjectStore): Promise<void> {
  if (scenario.settings === undefined) return
  const ports = testPorts(store, '1')
  const files = (
    await Promise.all(START.map((r, i) => write({ ports, name: `start-${i}`, signal: undefined }, [r])))
  ).flat()
  const request = { tablePath: TABLE, schema: ROW_SCHEMA, configuration: scenario.settings, files }
  const create = stageCreate({ ...request, features: ['domainMetadata'], info: { operation: 'CREATE TABLE' } })
  const made = await publish(ports, create)
  await scenario.prepare?.(store, made)
}

/** Everything about a table that an operation may change, as one value to compare. */
export async function observe(store: ObjectStore): Promise<object | undefined> {
  const snapshot = await readSnapshot({ store, logParquet: jsonParquet(store) }, { tablePath: TABLE })
  if (snapshot === undefined) return undefined
  const { version, protocol, configuration, schema, txns, domains, files } = snapshot
  const rowIds = [...files.values()].map(f => `${f.baseRowId} ${f.defaultRowCommitVersion}`)
  const rows = await tableRows(store, snapshot)
  return { version, protocol, configuration, schema, txns, domains, rows, rowIds: rowIds.sort() }
}

export async function write({ ports, name, signal }: Attempt, rows: Row[], purpose?: 'changes') {
  const folder = purpose === undefined ? '' : '_change_data/'
  return rowWriter(ports.store, () => `${folder}${name}`).write(rows, { tablePath: TABLE, schema: ROW_SCHEMA, signal })
}

export function existing(base: Snapshot | undefined): Snapshot {
  if (base === undefined) throw new Error('no table')
  return base
}

/** What DELETE, UPDATE and replacing by key are given. */
export function engine({ ports, name, signal }: Attempt, base: Snapshot | undefined) {
  let files = 0
  return {
    snapshot: existing(base),
    ports,
    parquet: rowWriter(ports.store, () => `${name}-${(files += 1)}`),
    relations: rowRelations(ports.store),
    signal,
  }
}

const checker: RowChecker<readonly Row[]> = {
  countViolations: async (rows, conditions) => conditions.map(() => BigInt(rows.filter(r => r.id <= 0).length)),
}

const appendNew = async (attempt: Attempt, base: Snapshot | undefined, extras: Extras): Promise<Staged> =>
  stageAppend(existing(base), { files: await write(attempt, NEW), ...extras })

const alter =
  (configuration: Record<string, string>): Scenario['stage'] =>
  async (_attempt, base) =>
    stageMetadata(existing(base), { configuration, info: { operation: 'SET TBLPROPERTIES' } })

/** Another writer's blind append of nothing: a version that stands in nobody's way. */
export async function emptyCommit(store: ObjectStore, base: Snapshot): Promise<void> {
  const staged = stageAppend(base, { files: [], reads: { kind: 'none' }, info: { operation: 'WRITE' } })
  await commit(testPorts(store, '9'), staged)
}

const info = { operation: 'WRITE' }
const NO_SETTINGS = {}

export const scenarios: readonly Scenario[] = [
  {
    name: 'create',
    settings: undefined,
    stage: async attempt =>
      stageCreate({ tablePath: TABLE, schema: ROW_SCHEMA, files: await write(attempt, NEW), info }),
    rows: NEW,
  },
  {
    name: 'create with every setting there is',
    settings: undefined,
    stage: async attempt =>
      stageCreate({
        tablePath: TABLE,
        schema: ROW_SCHEMA,
        files: await write(attempt, NEW),
        configuration: { 'delta.enableInCommitTimestamps': 'true', 'delta.enableRowTracking': 'true' },
        domains: [{ domain: 'mark', configuration: '1' }],
        clusterBy: [['id']],
        info,
      }),
    rows: NEW,
  },
  {
    name: 'append with mark and application version',
    settings: NO_SETTINGS,
    stage: (attempt, base) => {
      const domains = [{ domain: 'mark', configuration: '7' }]
      return appendNew(attempt, base, { txn: [{ appId: 'flow', version: 7n }], domains, info })
    },
    rows: ALL,
  },
  {
    name: 'blind append after two winners',
    settings: NO_SETTINGS,
    between: async (store, base) => {
      await emptyCommit(store, base)
      await emptyCommit(store, base)
    },
    stage: (attempt, base) => appendNew(attempt, base, { reads: { kind: 'none' }, info }),
    rows: ALL,
  },
  {
    name: 'append of a table that keeps times and row ids, after a winner',
    settings: { 'delta.enableInCommitTimestamps': 'true', 'delta.enableRowTracking': 'true' },
    between: emptyCommit,
    stage: (attempt, base) => appendNew(attempt, base, { reads: { kind: 'none' }, info }),
    rows: ALL,
  },
  {
    name: 'append with a new column',
    settings: NO_SETTINGS,
    stage: async (attempt, base) => {
      const schema = { ...ROW_SCHEMA, fields: [...ROW_SCHEMA.fields, field('city', 'string')] }
      return stageAppend(existing(base), { files: await write(attempt, NEW), schema, info })
    },
    rows: ALL,
  },
  {
    name: 'overwrite',
    settings: NO_SETTINGS,
    stage: async (attempt, base) => stageOverwrite(existing(base), { files: await write(attempt, NEW), info }),
    rows: NEW,
  },
  {
    name: 'compaction after a winner',
    settings: NO_SETTINGS,
    between: emptyCommit,
    stage: async (attempt, base) => {
      const remove = [...existing(base).files.keys()]
      const reads = { kind: 'files' as const, files: remove }
      const files = await write(attempt, START)
      return stageRemoveAndAdd(existing(base), {
        remove,
        files,
        dataChange: false,
        reads,
        info: { operation: 'OPTIMIZE' },
      })
    },
    rows: START,
  },
  {
    name: 'rewrite with files of its changes',
    settings: { 'delta.enableChangeDataFeed': 'true' },
    stage: async (attempt, base) => {
      const cdc = await write(attempt, [row(1, 'one')], 'changes')
      const remove = ['start-0', 'start-1']
      return stageRemoveAndAdd(existing(base), {
        remove,
        files: await write(attempt, NEW),
        cdc,
        dataChange: true,
        info,
      })
    },
    rows: NEW,
  },
  {
    name: 'replacing by key',
    settings: NO_SETTINGS,
    stage: (attempt, base) =>
      stageReplaceKeys({ ...engine(attempt, base), keys: NEW, keyColumns: ['id'], rows: NEW, info }),
    rows: [row(1, 'one'), ...NEW],
  },
  {
    name: 'DELETE after a winner',
    settings: NO_SETTINGS,
    between: emptyCommit,
    stage: async (attempt, base) => {
      const where = compare('id', '=', '2')
      return (await stageDelete<Row[], RowExpr>({ ...engine(attempt, base), where, info: { operation: 'DELETE' } }))
        .staged
    },
    rows: [row(1, 'one')],
  },
  {
    name: 'UPDATE',
    settings: NO_SETTINGS,
    stage: async (attempt, base) => {
      const set = new Map([['name', { expression: () => 'other' }]])
      const request = { ...engine(attempt, base), where: compare('id', '>', '1'), set, info: { operation: 'UPDATE' } }
      return (await stageUpdate<Row[], RowExpr>(request)).staged
    },
    rows: [row(1, 'one'), row(2, 'other')],
  },
  {
    name: 'settings and features',
    settings: NO_SETTINGS,
    stage: alter({ 'delta.enableInCommitTimestamps': 'true', 'delta.feature.rowTracking': 'supported', mine: 'x' }),
    rows: START,
  },
  {
    name: 'a new constraint',
    settings: NO_SETTINGS,
    stage: async ({ ports, signal }, base) => {
      const table = existing(base)
      const rows = await tableRows(ports.store, table)
      const configuration = settingsWith(table, { positive: 'id > 0' })
      const { tablePath, schema } = table
      const checkedTable = await checkRows({ tablePath, schema, configuration, rows, checker, signal })
      const alterations = [{ kind: 'add constraint' as const, name: 'positive', sql: 'id > 0' }]
      return stageAlter(table, { alterations, checkedTable, info: { operation: 'ADD CONSTRAINT' } })
    },
    rows: START,
  },
]
