/** Constraints of tables, judged by the real engine through portable SQL. */
import {
  commit,
  field,
  type RowChecker,
  type Snapshot,
  type Staged,
  stageAlter,
  stageChange,
  type StagedChange,
  stageCreate,
  stageDelete,
  type StructType,
} from '@tidemark/delta'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sessionParquet, sessionRelations } from '../../packages/tidemark/src/engine/relations.ts'
import type { Sql } from '../../packages/tidemark/src/engine/sql.ts'
import type { FlowContext } from '../../packages/tidemark/src/flows/context.ts'
import { portableChecker } from '../../packages/tidemark/src/flows/row-checker.ts'
import { openTestLake, type TestLake, valuesRelation } from './flows-lake.ts'

const SCHEMA: StructType = {
  type: 'struct',
  fields: [field('id', 'long'), field('amount', 'decimal(10,2)'), field('status', 'string')],
}
const info = { operation: 'MERGE' }

let lake: TestLake
beforeAll(async () => {
  lake = await openTestLake()
})
afterAll(() => lake[Symbol.asyncDispose]())

const engine = (context: FlowContext) => ({
  ports: context,
  parquet: sessionParquet(context.session),
  relations: sessionRelations(context.session),
  checker: portableChecker(context.session, context.portable) as RowChecker<Sql> | undefined,
})

const counts = (conditions: readonly string[], rows: Sql): Promise<readonly (bigint | { refused: string })[]> =>
  lake.withContext({}, ({ session, portable }) =>
    portableChecker(session, portable).countViolations(
      rows,
      conditions.map((sql, i) => ({ kind: 'constraint' as const, name: `c${i}`, sql })),
      { schema: SCHEMA },
    ),
  )

const ROWS = valuesRelation(SCHEMA, [
  { id: 1, amount: '10.50', status: 'open' },
  { id: 2, amount: '-1', status: null },
  { id: 3, amount: null, status: 'paid' },
])

test('a row breaks a condition when it is FALSE or NULL, each condition is counted by itself', async () => {
  expect(await counts(['amount > 0', "status IN ('open', 'paid')", 'id IS NOT NULL'], ROWS)).toEqual([2n, 1n, 0n])
})

test('a condition outside the portable subset, or one that changes with the time, is refused with the reason', async () => {
  const [unknown, volatile, fine] = await counts(['soundex(status) = id', 'id < unix_timestamp()', 'id > 0'], ROWS)
  expect(unknown).toMatchObject({ refused: expect.stringContaining('soundex') as string })
  expect(volatile).toHaveProperty('refused')
  expect(fine).toBe(0n)
})

test('a merge into a table with a constraint commits rows that keep it, and no row that breaks it', async () => {
  await lake.withContext({}, async context => {
    const publish = async (staged: Staged): Promise<Snapshot> => {
      const result = await commit(context, staged)
      if (result.kind === 'conflict') throw new Error(result.reason)
      return result.snapshot
    }
    const plain = await publish(stageCreate({ tablePath: 'silver/orders', schema: SCHEMA, info }))
    const alterations = [{ kind: 'add constraint', name: 'positive', sql: 'amount > 0' }] as const
    const table = await publish(stageAlter(plain, { alterations, info }))
    const insert = (amount: string, tools: Partial<ReturnType<typeof engine>> = {}): Promise<StagedChange> =>
      stageChange({
        snapshot: table,
        change: {
          source: {
            rows: valuesRelation(SCHEMA, [{ id: 1, amount, status: 'open' }]),
            keys: [{ target: 'id', source: 'id' }],
          },
          notMatched: [{ values: new Map(SCHEMA.fields.map(({ name }) => [name, { source: name }])) }],
        },
        info,
        ...engine(context),
        ...tools,
      })
    await expect(insert('-5')).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
    await expect(insert('5', { checker: undefined })).rejects.toMatchObject({ code: 'WRITE_REFUSED' })
    const inserted = await publish((await insert('5')).staged)
    const gone = await stageDelete({ snapshot: inserted, info: { operation: 'DELETE' }, ...engine(context) })
    expect(gone.counts.deleted).toBe(1n)
  })
})
