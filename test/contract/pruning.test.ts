/**
 * Pruning on real files: DuckDB writes them, its statistics become the log's, and it finds the same rows in the files
 * that are left as in all of them.
 */
import {
  commit,
  compare,
  expression,
  field,
  isIn,
  isNull,
  not,
  type Predicate,
  pruneFiles,
  readSnapshot,
  type Snapshot,
  type StructType,
  stageCreate,
} from '@tidemark/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { predicateSql } from '../../packages/tidemark/src/engine/predicate.ts'
import { ident, join, raw, type Sql, sql, text } from '../../packages/tidemark/src/engine/sql.ts'
import { toDuckType } from '../../packages/tidemark/src/engine/types.ts'
import { systemIds } from '../../packages/tidemark/src/run/system.ts'
import { EDGE_VALUES } from '../support/edge-values.ts'
import { openTestLake, type TestLake } from './flows-lake.ts'

const configuration = { 'delta.feature.timestampNtz': 'supported' }
const clock = { now: () => 1_790_000_000_000, sleep: () => Promise.resolve() }
let lake: TestLake
let session: Session
let tables = 0

beforeAll(async () => {
  lake = await openTestLake()
  session = await lake.engine.session()
})
afterAll(async () => {
  await session[Symbol.asyncDispose]()
  await lake[Symbol.asyncDispose]()
})

type Values = readonly (string | undefined)[]

/** Commit a table whose rows are written list by list, each into a file, or one for each partition. */
async function createTable(
  types: readonly string[],
  files: readonly (readonly Values[])[],
  partitionColumns: readonly string[] = [],
): Promise<Snapshot> {
  const tablePath = `pruning${(tables += 1)}`
  const schema: StructType = { type: 'struct', fields: types.map((type, i) => field(`c${i}`, type)) }
  const written = []
  for (const rows of files) {
    const selects = rows.map(values => sql`SELECT ${join(values.map((v, i) => literal(types[i] ?? '', v, `c${i}`)))}`)
    const target = { tablePath, schema, partitionColumns }
    written.push(...(await session.writeParquet(join(selects, ' UNION ALL '), target)))
  }
  const ports = { store: lake.store, logParquet: lake.engine.logParquet, clock, ids: systemIds }
  const info = { operation: 'WRITE' }
  await commit(ports, stageCreate({ tablePath, schema, files: written, configuration, partitionColumns, info }))
  const snapshot = await readSnapshot(ports, { tablePath })
  if (snapshot === undefined) throw new Error('the table was not made')
  return snapshot
}

function literal(type: string, value: string | undefined, name: string): Sql {
  const column = sql` AS ${ident(name)}`
  if (value === undefined) return sql`CAST(NULL AS ${toDuckType(type)})${column}`
  if (type === 'binary') return sql`unhex(${text(Buffer.from(value).toString('hex'))})${column}`
  return sql`CAST(${text(value)} AS ${toDuckType(type)})${column}`
}

async function countMatches(snapshot: Snapshot, paths: readonly string[], predicate: Predicate<Sql>): Promise<bigint> {
  const rows = await session.scan(snapshot, { files: paths })
  const condition = predicateSql(predicate, snapshot.schema, 't')
  return session.count(sql`SELECT count(*) FROM (${rows}) t WHERE ${condition}`)
}

const value = (type: string): fc.Arbitrary<string> => fc.constantFrom(...(EDGE_VALUES[type] ?? []))

function predicateOf(types: readonly string[]): fc.Arbitrary<Predicate<Sql>> {
  const operator = fc.constantFrom<'=' | '<>' | '<' | '<=' | '>' | '>='>('=', '<>', '<', '<=', '>', '>=')
  const column = fc.nat(types.length - 1)
  return fc.letrec<{ any: Predicate<Sql> }>(tie => ({
    any: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      column.chain(i => fc.tuple(operator, value(types[i] ?? '')).map(([op, v]) => compare(`c${i}`, op, v))),
      column.map(i => isNull(`c${i}`)),
      column.chain(i => fc.array(value(types[i] ?? ''), { maxLength: 3 }).map(values => isIn(`c${i}`, values))),
      fc
        .tuple(fc.constantFrom<'and' | 'or'>('and', 'or'), fc.array(tie('any'), { minLength: 1, maxLength: 3 }))
        .map(([kind, of]): Predicate<Sql> => ({ kind, of })),
      tie('any').map(not),
      column.map(i => expression(sql`${ident(`c${i}`)} IS NOT NULL`)),
    ),
  })).any
}

const world = fc.array(fc.constantFrom(...Object.keys(EDGE_VALUES)), { minLength: 1, maxLength: 3 }).chain(types => {
  const row = fc.tuple(...types.map(type => fc.option(value(type), { nil: undefined, freq: 5 })))
  return fc.record({
    types: fc.constant(types),
    // One column has to be in the files.
    partitionColumns: fc.subarray(types.map((_, i) => `c${i}`).slice(1)),
    files: fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
    predicates: fc.array(predicateOf(types), { minLength: 8, maxLength: 8 }),
  })
})

test('DuckDB finds the same rows in the files that pruning leaves as in all files, also of partitioned tables', async () => {
  let pruned = 0
  await fc.assert(
    fc.asyncProperty(world, async ({ types, partitionColumns, files, predicates }) => {
      const snapshot = await createTable(types, files, partitionColumns)
      for (const predicate of predicates) {
        const kept = pruneFiles(snapshot.files.values(), snapshot, predicate).map(file => file.path)
        pruned += snapshot.files.size - kept.length
        const expected = await countMatches(snapshot, [...snapshot.files.keys()], predicate)
        expect(await countMatches(snapshot, kept, predicate)).toBe(expected)
      }
    }),
    { numRuns: 25 },
  )
  // Of the files drawn, more than two hundred are left out on average.
  expect(pruned).toBeGreaterThan(20)
})

test('a table written in order is left at the file that holds the value, for every type with bounds', async () => {
  for (const [type, values] of Object.entries(EDGE_VALUES)) {
    // What is not finite or not sayable has no bounds, and long strings share them.
    const known = values.filter(
      v => !/inf|nan|BC|^12024|^9999-12-31 /i.test(v) && [...v].length <= 32 && v !== '\ufffd',
    )
    const snapshot = await createTable(
      [type],
      known.map(v => [[v]]),
    )
    const kept = known.map(v => pruneFiles(snapshot.files.values(), snapshot, compare('c0', '=', v)).length)
    const hasBounds = type !== 'boolean' && type !== 'binary'
    const same = (v: string): number => (/^-?0\.0$/.test(v) && (type === 'float' || type === 'double') ? 2 : 1)
    expect(kept, type).toEqual(known.map(v => (hasBounds ? same(v) : known.length)))
    expect(
      await countMatches(snapshot, [...snapshot.files.keys()], { kind: 'expression', expression: raw('true') }),
    ).toBe(BigInt(known.length))
  }
})

test('a value means the same to DuckDB and to pruning, in each of its spellings', async () => {
  const spellings: [type: string, value: string, ...others: string[]][] = [
    ['date', '12024-01-01', '+12024-01-01'],
    ['date', '0044-03-15 (BC)', '-0043-03-15'],
    ['timestamp', '2024-01-01 00:00:00+00', '2024-01-01T01:00:00.000+01:00', '2024-01-01 00:00:00', '2024-01-01'],
    ['timestamp', '12024-01-01 00:00:00+00', '+12024-01-01T00:00:00Z'],
    ['timestamp_ntz', '2024-01-01 00:00:00', '2024-01-01T00:00:00.000'],
    ['double', '-0.0', '0', '0.0E0'],
    ['double', 'NaN', 'nan'],
    ['double', '-Infinity', '-inf'],
    ['decimal(9,2)', '0.10', '.1', '1e-1'],
    ['string', ''],
    ['binary', ''],
    ['binary', 'é😀'],
  ]
  for (const [type, value, ...others] of spellings) {
    const snapshot = await createTable([type], [[[value]]])
    const paths = [...snapshot.files.keys()]
    for (const spelling of [value, ...others]) {
      const predicate = compare('c0', '=', spelling)
      expect(await countMatches(snapshot, paths, predicate), spelling).toBe(1n)
      expect(pruneFiles(snapshot.files.values(), snapshot, predicate), spelling).toHaveLength(1)
      expect(await countMatches(snapshot, paths, not(predicate)), spelling).toBe(0n)
    }
  }
})
