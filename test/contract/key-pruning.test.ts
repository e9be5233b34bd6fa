/**
 * Files left out by the keys of a source: never one with a match, whatever type the source gives its keys, and all that
 * lie between two keys where the keys are few.
 */
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
