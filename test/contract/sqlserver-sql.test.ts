/** Every statement that SQL Server is sent, as text: no such server can be run here, so each is read by a person. */
import { describe, expect, test } from 'vitest'
import type { Sql } from '../../packages/tidemark/src/engine/sql.ts'
import {
  ALL_TABLES,
  CATALOG,
  DATABASE,
  FORK,
  objectIds,
} from '../../packages/tidemark/src/sources/sqlserver/catalog.ts'
import { carryAsText, type SqlServerColumn } from '../../packages/tidemark/src/sources/sqlserver/column.ts'
import { sessionStatement } from '../../packages/tidemark/src/sources/sqlserver/connection.ts'
import { MAY_SEE, newestStatement, NOW, TRANSACTIONS } from '../../packages/tidemark/src/sources/sqlserver/cursor.ts'
import type { SqlServerTable } from '../../packages/tidemark/src/sources/sqlserver/to-table.ts'
import {
  BEGIN,
  CLOCK,
  HORIZONS,
  LOCK,
  NEXT,
  touchStatement,
  UNLOCK,
} from '../../packages/tidemark/src/sources/sqlserver/position.ts'
import {
  copyDeletedStatement,
  copyKeysStatement,
  copyStatement,
  countStatement,
  literalsStatement,
  type SqlServerSlice,
  sqlServerSlice,
} from '../../packages/tidemark/src/sources/sqlserver/slice-sql.ts'
import { parseFilter } from '../../packages/tidemark/src/sources/filter.ts'
import { carryType, sqlServerTypes } from '../../packages/tidemark/src/sources/sqlserver/types.ts'
import type { Slice, SourceColumn } from '../../packages/tidemark/src/sources/source.ts'

const print = (...statements: readonly Sql[]): string => statements.map(one => `${one.text};\n`).join('\n')
const golden = (name: string): string => `sqlserver-golden/${name}.sql`

function column(name: string, type: string, more: { scale?: number; precision?: number } = {}): SqlServerColumn {
  const { scale = 0, precision = 0 } = more
  const carried = carryType({ name: type, precision, scale, isAssembly: false }, 'Europe/Berlin')
  return { name, sourceType: type, nullable: true, ...carried }
}

type Named = Pick<SqlServerTable, 'schema' | 'table' | 'primaryKey' | 'versions' | 'columns'>

const hostile: Named = {
  schema: `s]c"h'e.ma`,
  table: `t"]; DROP TABLE canary; --`,
  primaryKey: [`k"e]y`, 'second'],
  versions: { kind: 'change tracking' },
  columns: [column(`k"e]y`, 'int'), column('second', 'nvarchar'), column(`v'; --`, 'datetime2', { scale: 7 })],
}
const orders: Named = {
  schema: 'dbo',
  table: 'orders',
  primaryKey: ['id'],
  versions: { kind: 'rowversion', column: 'rv' },
  columns: [column('id', 'bigint'), column('changed_at', 'datetime2', { scale: 3 }), column('rv', 'timestamp')],
}

function exactly(table: Named, slice: Slice): SqlServerSlice {
  const found = sqlServerSlice(slice, table, name => table.columns.find(one => one.name === name) as SourceColumn)
  if ('reason' in found) throw new Error(found.reason)
  return found
}

describe('statements', () => {
  test('of a session and of the position', async () => {
    await expect(print(sessionStatement(10_000))).toMatchFileSnapshot(golden('session'))
    await expect(
      print(DATABASE, FORK, HORIZONS, LOCK, CLOCK, BEGIN, touchStatement(hostile), UNLOCK, NEXT),
    ).toMatchFileSnapshot(golden('position'))
    await expect(print(NOW, MAY_SEE, TRANSACTIONS)).toMatchFileSnapshot(golden('transactions'))
  })

  test('of the catalog', async () => {
    const ids = objectIds(['5', '-7'])
    await expect(
      print(ALL_TABLES, ...(['tables', 'columns', 'keys', 'partitions'] as const).map(one => CATALOG[one](ids))),
    ).toMatchFileSnapshot(golden('catalog'))
  })

  test('by change tracking, with names that want to be more than names', async () => {
    const since = exactly(hostile, { kind: 'since', horizon: 43n })
    await expect(
      print(
        countStatement(hostile, since, hostile.columns, 'second'),
        copyStatement(hostile, since, hostile.columns),
        copyDeletedStatement(hostile, hostile.columns.slice(0, 2), 43n),
      ),
    ).toMatchFileSnapshot(golden('change-tracking'))
  })

  test('by rowversion', async () => {
    const since = exactly(orders, { kind: 'since', horizon: 2n ** 32n })
    await expect(
      print(countStatement(orders, since, orders.columns, undefined), copyStatement(orders, since, orders.columns)),
    ).toMatchFileSnapshot(golden('rowversion'))
  })

  test('of the whole table, and of its keys', async () => {
    const all = exactly(orders, { kind: 'all' })
    await expect(
      print(
        countStatement(hostile, exactly(hostile, { kind: 'all' }), hostile.columns, undefined),
        copyStatement(orders, all, orders.columns),
        copyKeysStatement(orders, orders.columns.slice(0, 1)),
      ),
    ).toMatchFileSnapshot(golden('whole'))
  })

  test('by a cursor, a range and keys, each literal asked about first', async () => {
    const slices: Slice[] = [
      { kind: 'cursor', column: 'changed_at', from: '2026-01-31 10:00:00' },
      { kind: 'range', column: 'changed_at', from: '2026-01-31', to: '2026-02-31T10:00' },
      { kind: 'range', column: 'id', from: undefined, to: `1'; DROP TABLE canary; --` },
      {
        kind: 'keys',
        columns: ['id', 'rv'],
        keys: [
          ['1', '0x00000000000007d1'],
          ['2', '00000000000007D2'],
        ],
      },
      { kind: 'keys', columns: ['id'], keys: [] },
    ]
    const statements = slices
      .map(slice => exactly(orders, slice))
      .flatMap(exact => [
        ...(exact.literals.length === 0 ? [] : [literalsStatement(exact.literals)]),
        countStatement(orders, exact, [], slices[0]?.kind === 'cursor' ? 'changed_at' : undefined),
        copyStatement(orders, exact, orders.columns.slice(0, 1)),
      ])
    await expect(print(...statements)).toMatchFileSnapshot(golden('slices'))
  })

  test('a text that is none of its column is refused without a question', () => {
    const reasonOf = (name: string, written: string): unknown => {
      const slice: Slice = { kind: 'cursor', column: name, from: written }
      const found = sqlServerSlice(slice, orders, one => orders.columns.find(each => each.name === one) as SourceColumn)
      return 'reason' in found ? found.reason : undefined
    }
    expect(reasonOf('id', '')).toBe('"" is no bigint')
    expect(reasonOf('id', ' ')).toBe('" " is no bigint')
    expect(reasonOf('id', '1\0')).toBe(String.raw`"1\u0000" is no bigint`)
    expect(reasonOf('changed_at', 'yesterday')).toBe('"yesterday" is no datetime2')
    expect(reasonOf('rv', '0x01')).toBe('"0x01" is no timestamp')
  })

  test('of every type: how it is printed, as text, found unfit, and bounded', async () => {
    const statements = sqlServerTypes.flatMap(({ names }) => {
      const [name = 'clr_type'] = names
      const one = column('c', name, { scale: 7, precision: 38 })
      const { columns: all } = { columns: [one] }
      const table: Named = { ...orders, columns: all, primaryKey: [], versions: undefined }
      const text = carryAsText('app', table, ['c'])
      const whole = exactly(table, { kind: 'all' })
      const unfit = one.unfit === undefined ? [] : [countStatement(table, whole, all, undefined)]
      const newest = one.orderable ? [newestStatement(table, one)] : []
      return [copyStatement(table, whole, all), copyStatement(table, whole, text), ...unfit, ...newest]
    })
    await expect(print(...statements)).toMatchFileSnapshot(golden('types'))
  })
})

test('rows that do not belong to a table are left out of each statement; deletes that are tracked have no rows to judge', () => {
  const filter = parseFilter("second <> 'é'", hostile, 'sqlserver')
  if ('refused' in filter) throw new Error(filter.refused)
  const some = { ...hostile, onlyWith: `v'; --`, filter }
  const since = exactly(hostile, { kind: 'since', horizon: 43n })
  const belongs = `t."v'; --" IS NOT NULL`
  const passed = `WHERE ( t."second" <> N'é')`
  const statements = [
    copyStatement(some, since, []),
    copyKeysStatement(some, []),
    countStatement(some, since, [], undefined),
  ]
  for (const { text } of [...statements, newestStatement(some, hostile.columns[2] as SqlServerColumn)]) {
    expect(text).toContain(passed)
  }
  for (const { text } of [copyStatement(some, since, []), copyKeysStatement(some, [])]) expect(text).toContain(belongs)
  expect(countStatement(some, since, [], undefined).text).toContain(
    `(SELECT CONVERT(varchar(20), count_big(t."v'; --")) FROM`,
  )
  for (const one of [belongs, passed]) expect(copyDeletedStatement(some, [], 43n).text).not.toContain(one)
})
