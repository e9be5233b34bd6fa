/**
 * DELETE, UPDATE and MERGE on the real engine, held to a model that walks over rows one by one.
 */
import {
  type Assignments,
  and,
  type ChangeCounts,
  columnMappingOf,
  commit,
  compare,
  expression,
  isDeltaError,
  isNull,
  not,
  or,
  type Predicate,
  planChanges,
  type RowChange,
  type Snapshot,
  type Staged,
  type StagedChange,
  stageAppend,
  stageChange,
  stageCreate,
  stageDelete,
  stageUpdate,
} from '@tidemark/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sessionParquet, sessionRelations } from '../../packages/tidemark/src/engine/relations.ts'
import { raw, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { FlowContext } from '../../packages/tidemark/src/flows/context.ts'
import { openTestLake, schemaOf, type TestLake, type Values, valuesRelation } from './flows-lake.ts'

const TARGET = schemaOf({ k: 'long', v: 'integer', w: 'string' })
const SOURCE = schemaOf({ k: 'long', v: 'integer', note: 'string' })
const info = { operation: 'MERGE' }

interface Target {
  k: number | null
  v: number | null
  w: string | null
}
interface Source {
  k: number | null
  v: number | null
  note: string | null
}
type Sides = { target: Target; source: Source }
type Truth = boolean | null

/** A condition on both engines; `undefined` is no condition. */
interface Condition<Side> {
  sql: Sql
  js: (side: Side) => Truth
}

const greater = (a: number | null, b: number | null): Truth => (a === null || b === null ? null : a > b)

const ON_BOTH: readonly Condition<Sides>[] = [
  { sql: raw('source.v > target.v'), js: ({ source, target }) => greater(source.v, target.v) },
  { sql: raw('target.v IS NULL'), js: ({ target }) => target.v === null },
  { sql: raw("source.note = 'x'"), js: ({ source }) => (source.note === null ? null : source.note === 'x') },
]
const ON_TARGET: readonly Condition<Target>[] = [
  { sql: raw('target.v < 0'), js: target => greater(0, target.v) },
  { sql: raw('target.k IS NULL'), js: target => target.k === null },
]
const ON_SOURCE: readonly Condition<Source>[] = [
  { sql: raw('source.v > 0'), js: source => greater(source.v, 0) },
  { sql: raw('source.k IS NOT NULL'), js: source => source.k !== null },
]

interface Setting<Side> {
  set: Assignments<Sql>
  js: (side: Side) => Partial<Target>
}

const SET_BOTH: readonly Setting<Sides>[] = [
  {
    set: new Map([
      ['k', { source: 'k' }],
      ['v', { source: 'v' }],
      ['w', { source: 'note' }],
    ]),
    js: ({ source }) => ({ k: source.k, v: source.v, w: source.note }),
  },
  { set: new Map([['v', { source: 'v' }]]), js: ({ source }) => ({ v: source.v }) },
  {
    set: new Map([
      ['v', { expression: raw('target.v + source.v') }],
      ['w', { expression: raw("'sum'") }],
    ]),
    js: ({ source, target }) => ({ v: source.v === null || target.v === null ? null : target.v + source.v, w: 'sum' }),
  },
]
const SET_TARGET: readonly Setting<Target>[] = [
  { set: new Map([['w', { expression: raw("'gone'") }]]), js: () => ({ w: 'gone' }) },
  {
    set: new Map([['v', { expression: raw('target.v - 1') }]]),
    js: target => ({ v: target.v === null ? null : target.v - 1 }),
  },
]
const SET_INSERT: readonly Setting<Source>[] = [
  {
    set: new Map([
      ['k', { source: 'k' }],
      ['v', { source: 'v' }],
      ['w', { source: 'note' }],
    ]),
    js: source => ({ k: source.k, v: source.v, w: source.note }),
  },
  { set: new Map([['k', { expression: raw('source.k') }]]), js: source => ({ k: source.k }) },
]

interface Clause<Side> {
  when: Condition<Side> | undefined
  update: Setting<Side> | undefined
}

/** Clauses of one kind: only the last may be without a condition. */
function clauses<Side>(
  conditions: readonly Condition<Side>[],
  settings: readonly (Setting<Side> | undefined)[],
): fc.Arbitrary<Clause<Side>[]> {
  const list = fc.array(
    fc.record({ when: fc.constantFrom(...conditions, undefined), update: fc.constantFrom(...settings) }),
    { maxLength: 2 },
  )
  return list.map(all => {
    const always = all.findIndex(clause => clause.when === undefined)
    return always < 0 ? all : all.slice(0, always + 1)
  })
}

interface Merge {
  nullSafe: boolean
  condition: Condition<Sides> | undefined
  matched: Clause<Sides>[]
  notMatchedBySource: Clause<Target>[]
  notMatched: Clause<Source>[]
}

const merges: fc.Arbitrary<Merge> = fc.record({
  nullSafe: fc.boolean(),
  condition: fc.constantFrom(undefined, undefined, ...ON_BOTH),
  matched: clauses(ON_BOTH, [...SET_BOTH, undefined]),
  notMatchedBySource: clauses(ON_TARGET, [...SET_TARGET, undefined]),
  notMatched: clauses(ON_SOURCE, SET_INSERT),
})

const k = fc.option(fc.integer({ min: 0, max: 3 }), { freq: 6 })
const v = fc.option(fc.integer({ min: -3, max: 3 }))
const text = fc.option(fc.constantFrom('x', 'y', ''))
const targets: fc.Arbitrary<Target[]> = fc.array(fc.record({ k, v, w: text }), { maxLength: 6 })
const sources: fc.Arbitrary<Source[]> = fc.array(fc.record({ k, v, note: text }), { maxLength: 5 })

function toChange(merge: Merge, source: readonly Source[]): RowChange<Sql, Sql> {
  const decided = <Side>({ when, update }: Clause<Side>) => ({
    when: when?.sql,
    ...(update === undefined ? { kind: 'delete' as const } : { kind: 'update' as const, set: update.set }),
  })
  return {
    source: {
      rows: valuesRelation(SOURCE, source as unknown as Values[]),
      keys: [{ target: 'k', source: 'k' }],
      nullSafe: merge.nullSafe,
      condition: merge.condition?.sql,
    },
    matched: merge.matched.map(decided),
    notMatchedBySource: merge.notMatchedBySource.map(decided),
    notMatched: merge.notMatched.map(({ when, update }) => ({ when: when?.sql, values: update?.set ?? new Map() })),
  }
}

interface Expected {
  rows: Partial<Target>[]
  counts: Pick<ChangeCounts, 'inserted' | 'updated' | 'deleted'>
}

/** SQL's MERGE, row by row; undefined when one row of the target would be changed twice. */
function mergeRows(merge: Merge, target: readonly Target[], source: readonly Source[]): Expected | undefined {
  const counts = { inserted: 0n, updated: 0n, deleted: 0n }
  const rows: Partial<Target>[] = []
  const used = new Set<Source>()
  const first = <Side>(list: Clause<Side>[], side: Side): Clause<Side> | undefined =>
    list.find(clause => clause.when === undefined || clause.when.js(side) === true)
  const [only] = merge.matched
  const mayRepeat = merge.matched.length === 1 && only?.when === undefined && only?.update === undefined
  for (const row of target) {
    const matches = source.filter(
      other =>
        (row.k === null || other.k === null ? merge.nullSafe && row.k === other.k : row.k === other.k) &&
        (merge.condition === undefined || merge.condition.js({ target: row, source: other }) === true),
    )
    for (const other of matches) used.add(other)
    const taken = matches.flatMap((other): (Partial<Target> | 'delete')[] => {
      const clause = first(merge.matched, { target: row, source: other })
      return clause === undefined ? [] : [clause.update?.js({ target: row, source: other }) ?? 'delete']
    })
    if (taken.length > 1 && !mayRepeat) return undefined
    const own = matches.length > 0 ? undefined : first(merge.notMatchedBySource, row)
    const outcome = own === undefined ? taken[0] : (own.update?.js(row) ?? 'delete')
    if (outcome === 'delete') {
      counts.deleted += 1n
      continue
    }
    if (outcome !== undefined) counts.updated += 1n
    rows.push({ ...row, ...outcome })
  }
  for (const other of source.filter(one => !used.has(one))) {
    const clause = first(merge.notMatched, other)
    if (clause === undefined) continue
    counts.inserted += 1n
    rows.push({ k: null, v: null, w: null, ...clause.update?.js(other) })
  }
  return { rows, counts }
}

const inOrder = (rows: readonly object[]): string[] => rows.map(row => JSON.stringify(row)).toSorted()

let lake: TestLake
let tables = 0
beforeAll(async () => {
  lake = await openTestLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

/** What a table may be like; rows must come out the same whatever it is. */
const KINDS = {
  plain: { configuration: {}, partitionColumns: [] },
  vectors: { configuration: { 'delta.enableDeletionVectors': 'true' }, partitionColumns: [] },
  partitioned: { configuration: {}, partitionColumns: ['v'] },
  mapped: { configuration: { 'delta.columnMapping.mode': 'name' }, partitionColumns: [] },
  feed: { configuration: { 'delta.enableChangeDataFeed': 'true' }, partitionColumns: [] },
  everything: {
    configuration: {
      'delta.enableDeletionVectors': 'true',
      'delta.columnMapping.mode': 'id',
      'delta.enableChangeDataFeed': 'true',
    },
    partitionColumns: ['v'],
  },
} satisfies Record<string, { configuration: Record<string, string>; partitionColumns: string[] }>
type Kind = keyof typeof KINDS

/** Rows that nothing matches, so that a file keeps most of its rows and its hits are marked rather than rewritten. */
const PADDING: readonly Target[] = Array.from({ length: 40 }, (_, i) => ({ k: 100 + i, v: 1, w: 'padding' }))

type Stage = (snapshot: Snapshot, context: FlowContext) => Promise<StagedChange>

interface Changed {
  /** Rows afterwards, as the model writes them. */
  rows: object[]
  /** What the last change did. */
  counts: ChangeCounts
  snapshot: Snapshot
}

/** A table with a commit for each list of rows, changed once for each stage. */
async function changeTable(
  files: readonly Target[][],
  stages: readonly Stage[],
  kind: Kind = 'plain',
): Promise<Changed> {
  const tablePath = `silver/T${(tables += 1)}`
  return await lake.withContext({}, async context => {
    let snapshot = await publish(context, stageCreate({ tablePath, schema: TARGET, ...KINDS[kind], info }))
    for (const rows of files) {
      const written = await sessionParquet(context.session).write(valuesRelation(TARGET, rows as unknown as Values[]), {
        tablePath,
        schema: snapshot.schema,
        columnMapping: columnMappingOf(snapshot),
        partitionColumns: snapshot.metaData.partitionColumns,
      })
      snapshot = await publish(context, stageAppend(snapshot, { files: written, info }))
    }
    const before = await readTarget(context, snapshot)
    const first = snapshot.version + 1n
    let counts: ChangeCounts | undefined
    for (const stage of stages) {
      const change = await stage(snapshot, context)
      snapshot = await publish(context, change.staged)
      counts = change.counts
    }
    if (counts === undefined) throw new Error('nothing was staged')
    const rows = await readTarget(context, snapshot)
    if ('delta.enableChangeDataFeed' in KINDS[kind].configuration) {
      await expectFeed(context, { snapshot, first, before, rows, counts })
    }
    return { rows, counts, snapshot }
  })
}

/** The feed turns the rows before into the rows after, and tells of the last change what its counts do. */
async function expectFeed(
  context: FlowContext,
  told: { snapshot: Snapshot; first: bigint; before: object[]; rows: object[]; counts: ChangeCounts },
): Promise<void> {
  const { session } = context
  const plan = await planChanges(context, { tablePath: told.snapshot.tablePath, from: told.first })
  const changes = await session.rows(
    sql`SELECT CAST(k AS VARCHAR) AS k, CAST(v AS VARCHAR) AS v, w, _change_type AS type, _commit_version AS version \
FROM (${await session.scanChanges(plan)})`,
  )
  const number = (cell: unknown): number | null => (cell === null ? null : Number(cell))
  const rows = inOrder(told.before)
  for (const version of new Set(changes.map(change => change['version']).toSorted())) {
    const here = changes.filter(change => change['version'] === version)
    const lines = (types: string[]): string[] =>
      here
        .filter(change => types.includes(String(change['type'])))
        .map(change => JSON.stringify({ k: number(change['k']), v: number(change['v']), w: change['w'] }))
    for (const line of lines(['delete', 'update_preimage'])) {
      const at = rows.indexOf(line)
      if (at < 0) throw new Error(`version ${String(version)} took away ${line}, which was not there`)
      rows.splice(at, 1)
    }
    rows.push(...lines(['insert', 'update_postimage']))
  }
  expect(rows.toSorted()).toEqual(inOrder(told.rows))
  const last = changes.filter(change => change['version'] === told.snapshot.version)
  const count = (type: string): bigint => BigInt(last.filter(change => change['type'] === type).length)
  const { inserted, updated, deleted } = told.counts
  expect([count('insert'), count('update_postimage'), count('update_preimage'), count('delete')]).toEqual([
    inserted,
    updated,
    updated,
    deleted,
  ])
}

async function publish(ports: Pick<FlowContext, 'store' | 'clock' | 'ids'>, staged: Staged): Promise<Snapshot> {
  const result = await commit(ports, staged)
  if (result.kind !== 'committed') throw new Error(result.reason)
  return result.snapshot
}

async function readTarget({ session }: FlowContext, snapshot: Snapshot): Promise<object[]> {
  const found = await session.rows(
    sql`SELECT CAST(k AS VARCHAR) AS k, CAST(v AS VARCHAR) AS v, w FROM (${await session.scan(snapshot)})`,
  )
  const number = (cell: unknown): number | null => (cell === null ? null : Number(cell))
  return found.map(row => ({ k: number(row['k']), v: number(row['v']), w: row['w'] }))
}

const engine = (context: FlowContext) => ({
  ports: context,
  parquet: sessionParquet(context.session),
  relations: sessionRelations(context.session),
})

const kinds = fc.constantFrom(...(Object.keys(KINDS) as Kind[]))
const padded = (files: readonly Target[][]): Target[][] => files.map(rows => [...rows, ...PADDING])

test('any MERGE leaves the rows of the model and counts them, or refuses what is ambiguous', async () => {
  const step = fc.record({ source: sources, merge: merges })
  await fc.assert(
    fc.asyncProperty(
      fc.array(targets, { maxLength: 3 }),
      fc.array(step, { minLength: 1, maxLength: 3 }),
      kinds,
      fc.boolean(),
      async (lists, steps, kind, isPadded) => {
        const files = isPadded ? padded(lists) : lists
        let model: Expected | undefined = { rows: files.flat(), counts: { inserted: 0n, updated: 0n, deleted: 0n } }
        for (const { merge, source } of steps) model = model && mergeRows(merge, model.rows as Target[], source)
        const changing = changeTable(
          files,
          steps.map(
            ({ merge, source }) =>
              (snapshot, context) =>
                stageChange({ snapshot, change: toChange(merge, source), info, ...engine(context) }),
          ),
          kind,
        )
        if (model === undefined) {
          await expect(changing).rejects.toSatisfy(error => isDeltaError(error, 'MERGE_AMBIGUOUS'))
          return
        }
        const { rows, counts } = await changing
        expect(inOrder(rows)).toEqual(inOrder(model.rows))
        expect(counts).toMatchObject(model.counts)
      },
    ),
    { numRuns: 120 },
  )
})

test.each(Object.keys(KINDS) as Kind[])('a row that is only deleted may be matched by many: %s', async kind => {
  const files = padded([[1, 2, 3].map(key => ({ k: key, v: 1, w: 'x' }))])
  const source = [1, 1, 2, 7, 7].map((key, i) => ({ k: key, v: i, note: 'new' }))
  const merge: Merge = {
    nullSafe: false,
    condition: undefined,
    matched: [{ when: undefined, update: undefined }],
    notMatchedBySource: [],
    notMatched: [{ when: undefined, update: SET_INSERT[0] }],
  }
  const { rows, counts } = await changeTable(
    files,
    [(snapshot, context) => stageChange({ snapshot, change: toChange(merge, source), info, ...engine(context) })],
    kind,
  )
  expect(counts).toMatchObject({ inserted: 2n, updated: 0n, deleted: 2n })
  expect(inOrder(rows)).toEqual(inOrder(mergeRows(merge, files.flat(), source)?.rows ?? []))
})

test('with deletion vectors few changed rows are marked in their files, many are rewritten', async () => {
  const files = padded([[{ k: 1, v: 1, w: 'x' }], [{ k: 2, v: 2, w: 'y' }]])
  const set: Assignments<Sql> = new Map([['w', { expression: raw("'new'") }]])
  const update =
    (where: Predicate<Sql>): Stage =>
    (snapshot, context) =>
      stageUpdate({ snapshot, where, set, info: { operation: 'UPDATE' }, ...engine(context) })
  const first = await changeTable(files, [update(compare('k', '=', '1'))], 'vectors')
  expect([...first.snapshot.files.values()].map(file => file.deletionVector?.cardinality)).toEqual([
    undefined,
    1n,
    undefined,
  ])
  expect(first.counts).toMatchObject({ updated: 1n, copied: 0n, filesAdded: 1, filesRemoved: 0, filesMarked: 1 })
  const second = await changeTable(files, [update(compare('k', '=', '1')), update(compare('k', '<', '110'))], 'vectors')
  expect([...second.snapshot.files.values()].every(file => file.deletionVector === undefined)).toBe(true)
})

const conditions: readonly (readonly [Predicate<Sql>, (row: Target) => Truth])[] = [
  [compare('v', '<', '1'), row => greater(1, row.v)],
  [not(compare('v', '>=', '1')), row => greater(1, row.v)],
  [isNull('w'), row => row.w === null],
  [compare('w', '=', ''), row => (row.w === null ? null : row.w === '')],
  [or(compare('k', '>', '2'), isNull('k')), row => row.k === null || row.k > 2],
  [and(compare('k', '>=', '0'), expression(raw('k % 2 = 0'))), row => row.k !== null && row.k >= 0 && row.k % 2 === 0],
]

test('DELETE removes the rows for which its condition is TRUE, and no other', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(targets, { maxLength: 3 }),
      fc.constantFrom(...conditions),
      kinds,
      async (lists, condition, kind) => {
        const [where, js] = condition
        const files = padded(lists)
        const stage: Stage = (snapshot, context) =>
          stageDelete({ snapshot, where, info: { operation: 'DELETE' }, ...engine(context) })
        const { rows, counts } = await changeTable(files, [stage], kind)
        const left = files.flat().filter(row => js(row) !== true)
        expect(inOrder(rows)).toEqual(inOrder(left))
        expect(counts.deleted).toBe(BigInt(files.flat().length - left.length))
      },
    ),
    { numRuns: 40 },
  )
})

test('UPDATE sets values of the rows for which its condition is TRUE, seeing them as they were', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(targets, { maxLength: 3 }),
      fc.constantFrom(...conditions),
      kinds,
      async (lists, condition, kind) => {
        const [where, js] = condition
        const files = padded(lists)
        const set: Assignments<Sql> = new Map([
          ['v', { expression: raw('target.k') }],
          ['k', { expression: raw('target.v') }],
        ])
        const stage: Stage = (snapshot, context) =>
          stageUpdate({ snapshot, where, set, info: { operation: 'UPDATE' }, ...engine(context) })
        const { rows, counts } = await changeTable(files, [stage], kind)
        const swapped = files.flat().map(row => (js(row) === true ? { ...row, k: row.v, v: row.k } : row))
        expect(inOrder(rows)).toEqual(inOrder(swapped))
        expect(counts.updated).toBe(BigInt(files.flat().filter(row => js(row) === true).length))
      },
    ),
    { numRuns: 40 },
  )
})

test('a file without a hit is left as it is, and one that loses every row is not written', async () => {
  const files = [0, 10, 20].map(start => [0, 1].map(i => ({ k: start + i, v: 1, w: 'x' })))
  const where = or(compare('k', '>=', '20'), compare('k', '=', '0'))
  const { snapshot, counts } = await changeTable(files, [
    (before, context) => stageDelete({ snapshot: before, where, info: { operation: 'DELETE' }, ...engine(context) }),
  ])
  expect(counts).toMatchObject({ inserted: 0n, updated: 0n, deleted: 3n, copied: 1n, filesAdded: 1, filesRemoved: 2 })
  expect(snapshot.files.size).toBe(2)
})

test('a commit tells by the metrics of its operation what it did', async () => {
  const files = [
    [
      { k: 1, v: 1, w: 'x' },
      { k: 2, v: 2, w: 'y' },
    ],
  ]
  const staged: StagedChange[] = []
  await changeTable(files, [
    async (snapshot, context) => {
      const where = compare('k', '=', '1')
      const change = await stageDelete({ snapshot, where, info: { operation: 'DELETE' }, ...engine(context) })
      staged.push(change)
      return change
    },
  ])
  expect(staged[0]?.staged.info.operationMetrics).toEqual({
    numDeletedRows: '1',
    numUpdatedRows: '0',
    numCopiedRows: '1',
    numAddedFiles: '1',
    numRemovedFiles: '1',
    numDeletionVectorsAdded: '0',
  })
})
