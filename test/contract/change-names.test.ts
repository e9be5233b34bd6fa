/**
 * Changes beside what they must not meddle with: columns called like the engine's own, and rows that are only copied
 * while others get values of another type.
 */
import {
  commit,
  compare,
  planChanges,
  type Snapshot,
  type Staged,
  type StructType,
  stageChange,
  stageCreate,
  stageDelete,
  stageOptimize,
  stageOverwriteWhere,
  stageUpdate,
} from '@tidemark/delta'
import { expect, test } from 'vitest'
import type { Row } from '../../packages/tidemark/src/engine/engine.ts'
import { sessionParquet, sessionRelations } from '../../packages/tidemark/src/engine/relations.ts'
import { ident, raw, type Sql, sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { FlowContext } from '../../packages/tidemark/src/flows/context.ts'
import { openTestLake, schemaOf } from './flows-lake.ts'

const tablePath = 'silver/T'
const info = { operation: 'MERGE' }
/** Not a double: as one it would be 9007199254740992. */
const EXACT = 9007199254740993n

const engine = (context: FlowContext) => ({
  ports: context,
  parquet: sessionParquet(context.session),
  relations: sessionRelations(context.session),
})

async function publish(context: FlowContext, staged: Staged): Promise<Snapshot> {
  const result = await commit(context, staged)
  if (result.kind !== 'committed') throw new Error(result.reason)
  return result.snapshot
}

interface Table {
  schema: StructType
  rows: Sql
  configuration?: Record<string, string>
  partitionColumns?: string[]
}

async function makeTable(context: FlowContext, { rows, ...table }: Table): Promise<Snapshot> {
  const files = await context.session.writeParquet(rows, { tablePath, ...table })
  return publish(context, stageCreate({ tablePath, ...table, files, info }))
}

async function readRows({ session }: FlowContext, snapshot: Snapshot): Promise<Row[]> {
  return await session.rows(sql`SELECT * FROM (${await session.scan(snapshot)}) ORDER BY ALL`)
}

async function inLake(work: (context: FlowContext) => Promise<void>): Promise<void> {
  await using lake = await openTestLake()
  await lake.withContext({}, work)
}

const INTERNAL = ['_tidemark_source', '_TIDEMARK_SOURCE', '_tidemark_clause', '_tidemark_file', '_tidemark_row']
const NAMES = [...INTERNAL, '_change_type', 'source', 'target', 'a"b']

test.each(NAMES)('a merge means the same whatever its columns are called: %s', async name => {
  for (const [target, source] of [
    [name, 'v'],
    ['v', name],
    [name, name],
  ] as const) {
    await inLake(async context => {
      const rows = sql`SELECT * FROM (VALUES (1, 10), (2, 10), (3, 10)) t(k, ${ident(target)})`
      const snapshot = await makeTable(context, { schema: schemaOf({ k: 'long', [target]: 'long' }), rows })
      const { staged } = await stageChange({
        snapshot,
        info,
        ...engine(context),
        change: {
          source: {
            rows: sql`SELECT CAST(k AS BIGINT) AS k, CAST(v AS BIGINT) AS ${ident(source)} \
FROM (VALUES (1, 2), (4, 1), (5, 2), (6, 0)) t(k, v)`,
            keys: [{ target: 'k', source: 'k' }],
          },
          matched: [{ kind: 'update', set: new Map([[target, { source }]]) }],
          notMatched: [
            {
              when: raw('source.k = 4'),
              values: new Map([
                ['k', { source: 'k' }],
                [target, { source }],
              ]),
            },
            { values: new Map([['k', { source: 'k' }]]) },
          ],
        },
      })
      const after = await readRows(context, await publish(context, staged))
      expect(after.map(row => [row['k'], row[target]])).toEqual([
        [1n, 2n],
        [2n, 10n],
        [3n, 10n],
        [4n, 1n],
        [5n, null],
        [6n, null],
      ])
    })
  }
})

test.each(INTERNAL)('marked rows are the deleted ones, and told as such, beside a column %s', name =>
  inLake(async context => {
    const snapshot = await makeTable(context, {
      schema: schemaOf({ k: 'long', [name]: 'long' }),
      rows: sql`SELECT range AS k, 7 AS ${ident(name)} FROM range(100)`,
      configuration: { 'delta.enableDeletionVectors': 'true', 'delta.enableChangeDataFeed': 'true' },
    })
    const where = compare('k', '=', '42')
    const { staged } = await stageDelete({ snapshot, where, info, ...engine(context) })
    const after = await readRows(context, await publish(context, staged))
    expect(after.length).toBe(99)
    expect(after.some(row => row['k'] === 42n)).toBe(false)
    const plan = await planChanges(context, { tablePath, from: 1n })
    const changes = await context.session.rows(sql`SELECT * FROM (${await context.session.scanChanges(plan)})`)
    expect(changes).toMatchObject([{ k: 42n, [name]: 7n, _change_type: 'delete' }])
  }),
)

test.each(['_tidemark_piece', '_tidemark_rank0', 'place', 'part', 'n'])(
  'partitions and orders are written rightly beside a column %s',
  name =>
    inLake(async context => {
      const schema = schemaOf({ p: 'long', [name]: 'long', x: 'long' })
      const rows = sql`SELECT range % 3 AS p, 50 - range AS ${ident(name)}, range AS x FROM range(50)`
      const snapshot = await makeTable(context, { schema, rows, partitionColumns: ['p'] })
      const before = await readRows(context, snapshot)
      expect(before.every(row => Number(row[name]) === 50 - Number(row['x']))).toBe(true)
      const staged = await stageOptimize({ snapshot, zOrderBy: ['x', name], ...engine(context) })
      if (staged === undefined) throw new Error('nothing to gain')
      expect(await readRows(context, await publish(context, staged))).toEqual(before)
    }),
)

test('an update to a value of another type leaves the rows beside it exactly as they are', () =>
  inLake(async context => {
    const snapshot = await makeTable(context, {
      schema: schemaOf({ k: 'long', v: 'long' }),
      rows: sql`SELECT * FROM (VALUES (1, ${raw(String(EXACT))}), (2, 5)) t(k, v)`,
    })
    const set = new Map([['v', { expression: raw('CAST(7 AS DOUBLE)') }]])
    const { staged } = await stageUpdate({ snapshot, where: compare('k', '=', '2'), set, info, ...engine(context) })
    expect(await readRows(context, await publish(context, staged))).toEqual([
      { k: 1n, v: EXACT },
      { k: 2n, v: 7n },
    ])
  }))

test('the change feed tells replaced rows exactly, whatever type the new ones come in', () =>
  inLake(async context => {
    const snapshot = await makeTable(context, {
      schema: schemaOf({ k: 'long', v: 'long' }),
      rows: sql`SELECT * FROM (VALUES (1, ${raw(String(EXACT))}), (2, 5)) t(k, v)`,
      configuration: { 'delta.enableChangeDataFeed': 'true' },
    })
    const rows = raw('SELECT 1 AS k, CAST(8 AS DOUBLE) AS v')
    const where = compare('k', '=', '1')
    const { staged } = await stageOverwriteWhere({ snapshot, where, rows, info, ...engine(context) })
    await publish(context, staged)
    const plan = await planChanges(context, { tablePath, from: 1n })
    const changes = sql`SELECT k, v, _change_type FROM (${await context.session.scanChanges(plan)}) ORDER BY ALL`
    expect(await context.session.rows(changes)).toEqual([
      { k: 1n, v: 8n, _change_type: 'insert' },
      { k: 1n, v: EXACT, _change_type: 'delete' },
    ])
  }))

test('rows are held to the condition of an overwrite as what they are once they are stored', () =>
  inLake(async context => {
    const schema = schemaOf({ k: 'long', v: 'long' })
    const snapshot = await makeTable(context, { schema, rows: raw('SELECT 1 AS k, 1 AS v') })
    const stage = (k: string) =>
      stageOverwriteWhere({
        snapshot,
        where: compare('k', '=', '1'),
        rows: sql`SELECT CAST(${raw(k)} AS DOUBLE) AS k, 2 AS v`,
        info,
        ...engine(context),
      })
    const { staged } = await stage('1.4')
    expect(await readRows(context, await publish(context, staged))).toEqual([{ k: 1n, v: 2n }])
    await expect(stage('1.6')).rejects.toMatchObject({ code: 'ROWS_OUTSIDE' })
  }))
