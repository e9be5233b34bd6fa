import { describe, expect, test } from 'vitest'
import type { Sql } from '../../engine/sql.ts'
import { Problem } from '../../errors/problem.ts'
import { tableKey } from '../source.ts'
import { describeTables } from './describe.ts'
import type { SqlServerTable } from './to-table.ts'
import { translateDriverError } from './driver-error.ts'
import type { FoundTable } from './names.ts'
import type { SqlServerSession, TextRow } from './session.ts'

const server = { host: 'db', port: 1433, database: 'music', user: 'reader' }
const tables: readonly FoundTable[] = ['a', 'b'].map((table, n) => ({
  schema: 'dbo',
  table,
  id: `${n + 1}`,
  isView: false,
}))
const counted = { horizon: 5n, next: 6n }

interface World {
  table?: TextRow
  column?: TextRow
  noSnapshot?: string
  /** Number of an object whose catalog rows are locked. */
  locked?: string
}

/** A session that gives the catalog rows of two tables `(id int PRIMARY KEY, rv rowversion)`. */
function sessionOf({ table, column, locked }: World): Pick<SqlServerSession, 'query'> {
  const rowsOf = (text: string, id: string): TextRow[] => {
    if (text.includes('AS may_select')) {
      const rights = { may_select: '1', may_track: '1', may_unmask: '0', is_filtered: '0' }
      return [{ id, type: 'U', ...rights, tracked_since: '0', min_valid: '3', ...table }]
    }
    if (text.includes('AS is_deterministic')) {
      const common = { id, nullable: '0', length: '4', precision: '10', scale: '0', definition: null }
      return [
        { ...common, number: '1', name: 'id', type: 'int', ...column },
        { ...common, number: '2', name: 'rv', type: 'timestamp' },
      ]
    }
    return text.includes('is_primary_key')
      ? [{ id, name: 'id' }]
      : [{ id, number: '1', storage: '9', rows: '7', bytes: '8192' }]
  }
  return {
    query: ({ text }: Sql) => {
      const ids = (/object_id IN \(([\d, ]+)\)/.exec(text)?.[1] ?? '').split(', ')
      if (locked !== undefined && ids.includes(locked)) {
        return Promise.reject(
          translateDriverError(Object.assign(new Error('locked'), { number: 1222 }), 'app', server) as Error,
        )
      }
      return Promise.resolve(ids.flatMap(id => rowsOf(text, id)))
    },
  }
}

async function look(world: World): Promise<(SqlServerTable | Problem | undefined)[]> {
  const { noSnapshot } = world
  const counters = { tracking: counted, rowVersions: { horizon: 100n, next: 101n }, noSnapshot }
  const signal = new AbortController().signal
  const options = { source: 'app', user: 'reader', timezone: 'UTC', lockTimeoutMs: 10_000, counters, signal }
  const found = await describeTables(sessionOf(world) as SqlServerSession, tables, options)
  return tables.map(table => found.get(tableKey(table)))
}

async function lookAtOne(world: World): Promise<SqlServerTable> {
  const [one] = await look(world)
  if (one === undefined || one instanceof Problem) throw one ?? new Error('not described')
  return one
}

describe('a table', () => {
  test('with tracked changes has their counter, and the oldest version that is still told', async () => {
    expect(await lookAtOne({})).toMatchObject({
      kind: 'table',
      primaryKey: ['id'],
      rowEstimate: 7n,
      rowVersions: { horizon: 5n, next: 6n, oldest: 4n },
      tracksDeletes: true,
      versionMethod: 'change tracking',
    })
  })

  test('whose changes the login may not see is read by its rowversion', async () => {
    const one = await lookAtOne({ table: { may_track: '0' } })
    expect(one).toMatchObject({ rowVersions: { horizon: 100n, next: 101n }, tracksDeletes: false })
    expect(one.rowVersions?.oldest).toBeUndefined()
  })

  test.each<[string, World, object]>([
    ['a view', { table: { type: 'V' } }, { kind: 'view', hasRowVersion: false }],
    ['an external table', { table: { is_external: '1' } }, { kind: 'foreign table' }],
    [
      'a computed column that reckons with the day',
      { column: { definition: '(getdate())', is_deterministic: '0' } },
      { hasRowVersion: false, versions: undefined },
    ],
    [
      'a computed column of the row itself',
      { column: { definition: '([id]+(1))', is_deterministic: '1' } },
      { hasRowVersion: true },
    ],
    [
      'a memory-optimized table',
      { table: { in_memory: '1' } },
      { hasRowVersion: false, outsideSnapshot: expect.stringContaining('memory-optimized') },
    ],
    ['no snapshot', { noSnapshot: 'off' }, { hasRowVersion: false, outsideSnapshot: 'off' }],
  ])('%s', async (_what, world, expected) => {
    expect(await lookAtOne(world)).toMatchObject(expected)
  })

  test.each<[string, World]>([
    ['SOURCE_TABLE_FORBIDDEN', { table: { may_select: '0' } }],
    ['SOURCE_ROW_SECURITY', { table: { is_filtered: '1' } }],
    ['SOURCE_COLUMN_MASKED', { column: { is_masked: '1' } }],
  ])('is refused as %s', async (code, world) => {
    expect(await look(world)).toMatchObject([{ code }, { code }])
  })

  test('that is locked is refused alone', async () => {
    const [first, second] = await look({ locked: '2' })
    expect([first, second]).toMatchObject([{ table: 'a' }, { code: 'SOURCE_TABLE_LOCKED' }])
  })
})

test('the fingerprint changes with what brings rows or values, and with nothing else', async () => {
  const of = async (world: World): Promise<string> => (await lookAtOne(world)).fingerprint
  const before = await of({})
  expect(await of({ table: { min_valid: '4', may_unmask: '1' } })).toBe(before)
  const others: World[] = [
    { table: { tracked_since: '1' } },
    { table: { may_track: '0' } },
    { column: { type: 'bigint' } },
    { column: { collation: 'Latin1_General_BIN' } },
    { column: { number: '3' } },
  ]
  for (const other of others) expect(await of(other)).not.toBe(before)
})
