/**
 * The statistics in the log against the rows in the files: what DuckDB returns, and what becomes of it, is true for every
 * type. A wrong bound would let a reader skip a file that holds the row it looks for.
 */
import { type DataType, field, parseStats, type StatsTree, type StructType } from '@tidemark/delta'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Session } from '../../packages/tidemark/src/engine/engine.ts'
import { ident, join, raw, type Sql, sql, text } from '../../packages/tidemark/src/engine/sql.ts'
import { toDuckType } from '../../packages/tidemark/src/engine/types.ts'
import { EDGE_VALUES } from '../support/edge-values.ts'
import { openTestLake, type TestLake } from './flows-lake.ts'

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

type Path = readonly string[]
interface Leaf {
  path: Path
  type: string
}

const struct = (...fields: StructType['fields']): StructType => ({ type: 'struct', fields })
const TYPES = Object.keys(EDGE_VALUES)
/** Each type at the top level and inside a struct, and two that have no statistics. */
const SCHEMA = struct(
  ...TYPES.map((type, i) => field(`c${i}`, type)),
  field('s', struct(...TYPES.map((type, i) => field(`d "${i}"`, type)))),
  field('list', { type: 'array', elementType: 'integer', containsNull: true }),
  field('pairs', { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true }),
)
const NESTED = toDuckType(SCHEMA.fields[TYPES.length]?.type ?? '')
const LEAVES: readonly Leaf[] = [
  ...TYPES.map((type, i) => ({ path: [`c${i}`], type })),
  ...TYPES.map((type, i) => ({ path: ['s', `d "${i}"`], type })),
]

/** What a column really holds, by aggregates over its values. */
interface Truth {
  nulls: bigint
  min: string | null
  max: string | null
  hasNaN: boolean
  /** True when a string is longer than 256 bytes. */
  hasLong: boolean
  /** Rows beyond the bounds. */
  outside: bigint
  /** True when a bound is the very minimum or maximum, but for the fractions of a millisecond. */
  isMin: boolean | null
  isMax: boolean | null
}

async function measure(rows: Sql, { path, type }: Leaf, bounds: { min: Sql; max: Sql }): Promise<Truth> {
  const value = ident(...path)
  const isNear = (a: Sql, b: Sql): Sql =>
    type.startsWith('timestamp') ? sql`abs(epoch_us(${a}) - epoch_us(${b})) < 1000` : sql`${a} = ${b}`
  const nan = type === 'float' || type === 'double' ? sql`isnan(${value})` : raw('false')
  const long = type === 'string' ? sql`strlen(${value}) > 256` : raw('false')
  const [row] = await session.rows(
    sql`SELECT count(*) FILTER (${value} IS NULL) AS nulls, CAST(min(${value}) AS VARCHAR) AS min, \
CAST(max(${value}) AS VARCHAR) AS max, coalesce(bool_or(${nan}), false) AS nan, coalesce(bool_or(${long}), false) AS long, \
count(*) FILTER (${value} < ${bounds.min} OR ${value} > ${bounds.max}) AS outside, \
${isNear(sql`min(${value})`, bounds.min)} AS is_min, ${isNear(sql`max(${value})`, bounds.max)} AS is_max FROM (${rows}) t`,
  )
  return {
    nulls: row?.['nulls'] as bigint,
    min: row?.['min'] as string | null,
    max: row?.['max'] as string | null,
    hasNaN: row?.['nan'] === true,
    hasLong: row?.['long'] === true,
    outside: row?.['outside'] as bigint,
    isMin: row?.['is_min'] as boolean | null,
    isMax: row?.['is_max'] as boolean | null,
  }
}

/** Write the rows of a query as one file, and check its statistics. */
async function assertStats(query: Sql, schema: StructType, leaves: readonly Leaf[]): Promise<void> {
  const tablePath = `t${(tables += 1)}`
  const top = schema.fields.map(f => f.name)
  const table = ident(session.temporaryName('rows'))
  await session.run(sql`CREATE TEMP TABLE ${table} AS ${query}`)
  const rows = sql`SELECT * FROM ${table}`
  const files = await session.writeParquet(rows, { tablePath, schema, statsColumns: top })
  expect(files).toHaveLength(1)
  const stats = parseStats(files[0]?.stats)
  expect(stats?.numRecords).toBe(await session.count(sql`SELECT count(*) FROM (${rows}) t`))
  for (const leaf of leaves) {
    const min = leafOf(stats?.minValues, leaf.path)
    const max = leafOf(stats?.maxValues, leaf.path)
    const type = toDuckType(leaf.type)
    const bound = (value: string | undefined): Sql =>
      value === undefined ? sql`CAST(NULL AS ${type})` : sql`CAST(${text(value)} AS ${type})`
    const truth = await measure(rows, leaf, { min: bound(min), max: bound(max) })
    const where = `${leaf.path.join('.')} ${leaf.type} from ${truth.min} to ${truth.max}, stats ${min} to ${max}`
    expect(leafOf(stats?.nullCount, leaf.path), where).toBe(String(truth.nulls))
    expect(truth.outside, where).toBe(0n)
    const { hasNaN } = truth
    // DuckDB cuts strings at 256 bytes, and tells no bounds at all when one that is left cannot be counted up.
    if (truth.hasLong && min === undefined && max === undefined) continue
    const isMinSayable = isSayable(leaf.type, truth.min, '')
    assertTightness(
      leaf.type,
      { bound: min, value: truth.min, isNear: truth.isMin, isSayable: isMinSayable && !hasNaN },
      where,
    )
    // Rounded up to milliseconds, this would be the year 10000.
    const isMaxSayable = isSayable(leaf.type, truth.max, '9999-12-31 23:59:59.9999')
    assertTightness(
      leaf.type,
      { bound: max, value: truth.max, isNear: truth.isMax, isSayable: isMaxSayable && !hasNaN },
      where,
    )
  }
  expect(stats?.nullCount).not.toHaveProperty('list')
  expect(stats?.nullCount).not.toHaveProperty('pairs')
  await session.run(sql`DROP TABLE ${table}`)
}

/** A bound is there and as near as the format allows, or there is a reason why not. */
function assertTightness(
  type: string,
  end: { bound: string | undefined; value: string | null; isNear: boolean | null; isSayable: boolean },
  where: string,
): void {
  const { bound, value } = end
  if (value === null || !end.isSayable) expect(bound, where).toBeUndefined()
  else if (type === 'string' && [...value].length > 32) expect([...(bound ?? '')].length, where).toBeLessThanOrEqual(64)
  else expect(end.isNear, where).toBe(true)
}

/** Whether stats can say the value: dates and times of the years 1 to 9999, finite numbers. */
function isSayable(type: string, value: string | null, exception: string): boolean {
  if (type === 'boolean' || type === 'binary' || value === null) return false
  if (type === 'date') return /^\d{4}-\d\d-\d\d$/.test(value)
  if (!type.startsWith('timestamp')) return type === 'string' || !value.includes('inf')
  return /^\d{4}-\d\d-\d\d \d/.test(value) && (exception === '' || !value.startsWith(exception))
}

function leafOf(tree: StatsTree | undefined, path: Path): string | undefined {
  let place: StatsTree[string] = tree
  for (const name of path)
    place = typeof place === 'object' && !Array.isArray(place) ? (place as StatsTree | null)?.[name] : undefined
  return place == null ? undefined : String(place)
}

function literal(type: DataType, value: string | undefined): Sql {
  if (value === undefined) return sql`CAST(NULL AS ${toDuckType(type)})`
  if (type === 'binary') return sql`unhex(${text(Buffer.from(value).toString('hex'))})`
  return sql`CAST(${text(value)} AS ${toDuckType(type)})`
}

const cell = (type: string): fc.Arbitrary<string | undefined> =>
  fc.option(fc.constantFrom(...(EDGE_VALUES[type] ?? [])), { nil: undefined, freq: 5 })
/** Values for all leaves; a NULL struct makes all of its leaves NULL. */
const row = fc.record({
  top: fc.tuple(...TYPES.map(cell)),
  nested: fc.option(fc.tuple(...TYPES.map(cell)), { freq: 4 }),
})

test('statistics are true and near for every type, whatever values meet in a file', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), async rows => {
      const selects = rows.map(({ top, nested }) => {
        const columns = top.map((value, i) => sql`${literal(TYPES[i] ?? '', value)} AS ${ident(`c${i}`)}`)
        const fields = nested?.map((value, i) => sql`${ident(`d "${i}"`)} := ${literal(TYPES[i] ?? '', value)}`)
        const s = fields === undefined ? sql`CAST(NULL AS ${NESTED})` : sql`struct_pack(${join(fields)})`
        return sql`SELECT ${join(columns)}, ${s} AS s, [1, NULL] AS list, MAP {'k': NULL} AS pairs`
      })
      await assertStats(sql`${join(selects, ' UNION ALL ')}`, SCHEMA, LEAVES)
    }),
    { numRuns: 30 },
  )
})

test('statistics of a file with several row groups are those of all of them, 38 digits and long strings included', async () => {
  const leaves: Leaf[] = [
    { path: ['wide'], type: 'decimal(38,10)' },
    { path: ['whole'], type: 'decimal(38,0)' },
    { path: ['money'], type: 'decimal(18,4)' },
    { path: ['id'], type: 'long' },
    { path: ['ratio'], type: 'double' },
    { path: ['name'], type: 'string' },
    { path: ['at'], type: 'timestamp' },
    { path: ['day'], type: 'date' },
    { path: ['late'], type: 'double' },
  ]
  const schema = struct(...leaves.map(({ path, type }) => field(path[0] ?? '', type)))
  // Extremes lie in either of the two groups, and never both in the same.
  const rows = sql`SELECT CAST(CASE n WHEN 5 THEN '-9999999999999999999999999999.9999999999' WHEN 125000 THEN \
'9999999999999999999999999999.9999999998' ELSE n || '.0000000001' END AS DECIMAL(38,10)) AS wide, \
CAST(CASE n WHEN 125000 THEN '-12345678901234567890' WHEN 5 THEN '18446744073709551617' ELSE CAST(n AS VARCHAR) END \
AS DECIMAL(38,0)) AS whole, \
CAST(CASE n WHEN 125000 THEN -99999999999999.9999 ELSE n END AS DECIMAL(18,4)) AS money, \
CASE n WHEN 125000 THEN -9223372036854775807 WHEN 7 THEN 9223372036854775807 ELSE n END AS id, \
CASE n WHEN 125000 THEN -1e300 ELSE n / 7 END AS ratio, \
CASE n WHEN 5 THEN '' WHEN 125000 THEN repeat('z', 40) ELSE 'name ' || n END AS name, \
to_timestamp(n * 1000) AS at, DATE '1970-01-01' + CAST(n % 40000 - 20000 AS INTEGER) AS day, \
CASE WHEN n >= 125000 THEN 'NaN'::DOUBLE WHEN n < 9 THEN 1.5 END AS late FROM range(130000) r(n)`
  await assertStats(rows, schema, leaves)
})
