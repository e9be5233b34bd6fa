/**
 * Files left out by the keys of a source: never one with a match, whatever type the source gives its keys, and all that
 * lie between two keys where the keys are few, or in a wide gap between them.
 */
import fc from 'fast-check'
import { readSnapshot, type RowChange, type Snapshot, stageChange } from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sessionParquet, sessionRelations } from '../../packages/tidemark/src/engine/relations.ts'
import { raw, type Sql } from '../../packages/tidemark/src/engine/sql.ts'
import { openTestLake, schemaOf, type TestLake, type Values } from './flows-lake.ts'

let lake: TestLake
beforeAll(async () => {
  lake = await openTestLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

/** A table of one column with one file for each list of rows. */
async function createTable(name: string, type: string, files: readonly (readonly Values[])[]): Promise<Snapshot> {
  const schema = schemaOf({ k: type })
  for (const rows of [[], ...files]) await lake.append(`silver.${name}`, schema, rows)
  const snapshot = await readSnapshot(lake, { tablePath: `silver/${name}` })
  if (snapshot === undefined) throw new Error('the table was not made')
  return snapshot
}

/** Delete the rows that a source matches; which files were judged, and how many rows they had. */
async function deleteMatches(snapshot: Snapshot, rows: Sql): Promise<{ judged: number; deleted: bigint }> {
  const change: RowChange<Sql, Sql> = {
    source: { rows, keys: [{ target: 'k', source: 'k' }] },
    matched: [{ kind: 'delete' }],
  }
  return lake.withContext({}, async context => {
    const relations = sessionRelations(context.session)
    let judged = 0
    const counting: typeof relations = {
      ...relations,
      judge: request => {
        judged = request.files.length
        return relations.judge(request)
      },
    }
    const parquet = sessionParquet(context.session)
    const request = { snapshot, change, info: { operation: 'MERGE' }, ports: context, parquet, relations: counting }
    const { counts } = await stageChange(request)
    return { judged, deleted: counts.deleted }
  })
}

test('few keys leave out the files between them, and many only those beyond', async () => {
  const files = Array.from({ length: 40 }, (_, file) => [{ k: file * 10 }, { k: file * 10 + 5 }, { k: null }])
  const snapshot = await createTable('Sparse', 'long', files)
  const few = raw('SELECT unnest([0, 5, 203, 300, 395, 1000, NULL]) AS k')
  // 203 lies within a file that does not hold it.
  expect(await deleteMatches(snapshot, few)).toEqual({ judged: 4, deleted: 4n })
  const many = raw('SELECT k FROM range(100, 20100) r(k)')
  expect(await deleteMatches(snapshot, many)).toEqual({ judged: 30, deleted: 60n })
})

test('many keys leave out the files in a wide gap between them', async () => {
  const files = Array.from({ length: 12 }, (_, file) => [{ k: file * 1000 }, { k: file * 1000 + 999 }])
  const snapshot = await createTable('Gaps', 'long', files)
  const ends = raw(
    'SELECT k FROM range(1500, 3500) r(k) UNION ALL SELECT k FROM range(11_000, 31_000) r(k) UNION ALL SELECT NULL',
  )
  // Of the files 1 to 11, seven lie between the two ranges.
  expect(await deleteMatches(snapshot, ends)).toEqual({ judged: 4, deleted: 6n })
})

test('the ranges of any keys hold all of them, and begin and end with one', async () => {
  const types = [
    { sql: 'BIGINT', type: 'long', max: 2n ** 63n - 1n },
    { sql: 'DECIMAL(38,0)', type: 'decimal(38,0)', max: 10n ** 38n - 1n },
    { sql: 'TINYINT', type: 'long', max: 127n },
  ] as const
  const keys = fc.constantFrom(...types).chain(type => {
    const key = fc.oneof(
      fc.bigInt({ min: -type.max, max: type.max }),
      fc.bigInt({ min: -9n, max: 9n }),
      fc.constant(null),
    )
    return fc.record({ type: fc.constant(type), values: fc.array(key, { maxLength: 60 }) })
  })
  await lake.withContext({}, async ({ session }) => {
    const { keySpans } = sessionRelations(session)
    const property = fc.asyncProperty(keys, async ({ type, values }) => {
      const rows = raw(`SELECT unnest(CAST([${values.map(v => v ?? 'NULL').join()}] AS ${type.sql}[])) AS k`)
      const found = (await keySpans?.(rows, [{ name: 'k', type: type.type }]))?.get('k') ?? []
      const spans = found.map(({ min, max }) => [BigInt(min), BigInt(max)] as const)
      const known = values.filter(value => value !== null)
      const lost = known.filter(value => !spans.some(([min, max]) => min <= value && value <= max))
      expect(lost).toEqual([])
      expect(spans.flat().filter(end => !known.includes(end))).toEqual([])
      expect(spans.length).toBeLessThanOrEqual(33)
    })
    await fc.assert(property, { numRuns: 100 })
  })
})

test.each<[target: string, values: Values[], source: string, matches: number]>([
  ['long', [{ k: 9 }, { k: 10 }, { k: 11 }], "'9', '10'", 2],
  ['string', [{ k: '007' }, { k: '7' }, { k: '8' }], '7', 2],
  ['long', [{ k: 5 }, { k: 6 }], '5.0, 5.5', 1],
  ['double', [{ k: 5 }, { k: 6 }], '5::BIGINT', 1],
  ['date', [{ k: '2024-01-01' }, { k: '2024-01-02' }], "TIMESTAMP '2024-01-02 00:00:00'", 1],
  ['timestamp', [{ k: '2024-01-01 00:00:00+00' }], "DATE '2024-01-01'", 1],
  ['decimal(9,2)', [{ k: '5.00' }, { k: '5.10' }], '5, 6', 1],
  ['integer', [{ k: 5 }, { k: 6 }], '6::HUGEINT', 1],
  ['binary', [{ k: 'a' }], "'\\x61'::BLOB", 1],
])('a key of %s finds its match %j among %s', async (type, values, source, matches) => {
  const name = `Typed_${type.replace(/\W/g, '_')}_${matches}_${values.length}`
  const snapshot = await createTable(
    name,
    type,
    values.map(value => [value]),
  )
  const { deleted } = await deleteMatches(snapshot, raw(`SELECT unnest([${source}]) AS k`))
  expect(deleted).toBe(BigInt(matches))
})
