/**
 * MERGE, overwriting by predicate, OPTIMIZE, RESTORE and altering columns, as operations on the table of `operations.ts`.
 */
import {
  type Alteration,
  compare,
  stageAlter,
  stageAppend,
  stageChange,
  stageMetadata,
  stageOptimize,
  stageOverwrite,
  stageOverwriteWhere,
  stageRestore,
  readSnapshot,
} from '../../src/index.ts'
import { emptyCommit, engine, existing, NEW, row, type Scenario, START, TABLE, write } from './operations.ts'
import { publish } from './publish.ts'
import { type Row, type RowExpr, testPorts } from './rows.ts'

const info = { operation: 'WRITE' }

/** Two more rows for the table, so that every clause of a MERGE finds one. */
const appendMore: Scenario['prepare'] = async (store, made) => {
  const ports = testPorts(store, '8')
  const files = await write({ ports, name: 'more', signal: undefined }, [row(4, 'four'), row(5, 'five')])
  await publish(ports, stageAppend(made, { files, info }))
}

const overwriteAll: Scenario['prepare'] = async (store, made) => {
  const ports = testPorts(store, '8')
  const files = await write({ ports, name: 'new', signal: undefined }, NEW)
  await publish(ports, stageOverwrite(made, { files, info }))
}

/** Mapping on a table that has files: the names in them are those that the columns had then. */
const mapColumns: Scenario['prepare'] = async (store, made) => {
  const configuration = { 'delta.columnMapping.mode': 'name' }
  await publish(testPorts(store, '8'), stageMetadata(made, { configuration, info }))
}

const source: Row[] = [row(2, 'TWO'), row(3, 'three'), row(4, 'gone'), row(9, 'unwanted')]
const column = (name: 'id' | 'name') => [name, { source: name }] as const

const mergeAll: Scenario['stage'] = async (attempt, base) => {
  const { staged } = await stageChange<Row[], RowExpr>({
    ...engine(attempt, base),
    change: {
      source: { rows: source, keys: [{ target: 'id', source: 'id' }] },
      matched: [
        { kind: 'delete', when: sides => sides.source?.name === 'gone' },
        { kind: 'update', set: new Map([column('name')]) },
      ],
      notMatched: [{ when: sides => sides.source?.id !== 9, values: new Map([column('id'), column('name')]) }],
      notMatchedBySource: [
        { kind: 'delete', when: sides => sides.target?.id === 5 },
        { kind: 'update', set: new Map([['name', { expression: () => 'alone' }]]) },
      ],
    },
    info: { operation: 'MERGE' },
  })
  return staged
}

const optimize =
  (zOrderBy?: readonly string[]): Scenario['stage'] =>
  async (attempt, base) => {
    const staged = await stageOptimize<Row[], RowExpr>({ ...engine(attempt, base), zOrderBy })
    if (staged === undefined) throw new Error('nothing to optimize')
    return staged
  }

const alterColumn =
  (alteration: Alteration): Scenario['stage'] =>
  async (_attempt, base) =>
    stageAlter(existing(base), { alterations: [alteration], info: { operation: 'CHANGE COLUMN' } })

const merged = [row(1, 'alone'), row(2, 'TWO'), row(3, 'three')]

export const moreScenarios: readonly Scenario[] = [
  { name: 'MERGE with every clause', settings: {}, prepare: appendMore, stage: mergeAll, rows: merged },
  {
    name: 'MERGE with every clause and a change feed',
    settings: { 'delta.enableChangeDataFeed': 'true' },
    prepare: appendMore,
    between: emptyCommit,
    stage: mergeAll,
    rows: merged,
  },
  {
    name: 'overwrite by predicate',
    settings: {},
    stage: async (attempt, base) => {
      const where = compare('id', '>', '1')
      return (await stageOverwriteWhere<Row[], RowExpr>({ ...engine(attempt, base), where, rows: NEW, info })).staged
    },
    rows: [row(1, 'one'), ...NEW],
  },
  { name: 'OPTIMIZE after a winner', settings: {}, between: emptyCommit, stage: optimize(), rows: START },
  { name: 'OPTIMIZE by Z-order', settings: {}, stage: optimize(['id']), rows: START },
  {
    name: 'RESTORE',
    settings: {},
    prepare: overwriteAll,
    stage: async ({ ports, signal }, base) => {
      const to = await readSnapshot(ports, { tablePath: TABLE, version: 0n, signal })
      return stageRestore(ports, { snapshot: existing(base), to: existing(to) })
    },
    rows: START,
  },
  {
    name: 'renaming a column',
    settings: {},
    prepare: mapColumns,
    stage: alterColumn({ kind: 'rename column', column: ['name'], name: 'title' }),
    rows: START,
  },
  {
    name: 'dropping a column',
    settings: {},
    prepare: mapColumns,
    stage: alterColumn({ kind: 'drop column', column: ['name'] }),
    rows: START,
  },
]
