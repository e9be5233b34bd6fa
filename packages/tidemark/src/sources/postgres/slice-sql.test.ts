import { describe, expect, test } from 'vitest'
import { raw } from '../../engine/sql.ts'
import { carryType } from './types.ts'
import type { PostgresColumn } from './column.ts'
import {
  copyGivenKeysStatement,
  copyKeysStatement,
  copyStatement,
  countStatement,
  countTableStatement,
  readStatement,
} from './slice-sql.ts'

function column(name: string, type: string, modifier = -1): PostgresColumn {
  return { name, sourceType: type, nullable: true, ...carryType({ name: type, modifier, isArray: false }, 'UTC') }
}

const columns = [column('id', 'int4'), column('day', 'date')]
const table = { schema: 'public', table: 'o"r', hasRowVersion: true, columns }

describe('copyStatement', () => {
  test('everything: the raw row version, then the columns', () => {
    expect(copyStatement(table, { kind: 'all' }, columns).text).toBe(
      `COPY (SELECT t.xmin, t."id", (t."day" - date '1970-01-01') FROM "public"."o""r" AS t WHERE true) ` +
        `TO STDOUT (FORMAT binary)`,
    )
  })

  test('since a mark: by age, without frozen rows whose old id looks new', () => {
    expect(copyStatement(table, { kind: 'since', horizon: 725n }, []).text).toBe(
      `COPY (SELECT t.xmin FROM "public"."o""r" AS t WHERE (age(t.xmin) >= 0 AND age(t.xmin) <= age('725'::xid))) TO STDOUT (FORMAT binary)`,
    )
  })

  test('a 64-bit horizon is compared by the 32 bits that a row keeps, permanent ids excluded', () => {
    const bits = (horizon: bigint): string | undefined =>
      /age\('(\d+)'::xid\)\)/.exec(copyStatement(table, { kind: 'since', horizon }, []).text)?.[1]
    expect([2n ** 32n + 725n, 2n ** 33n, 2n ** 33n + 2n, 2n ** 33n + 3n, 2n ** 33n - 1n].map(bits)).toEqual([
      '725',
      '3',
      '3',
      '3',
      '4294967295',
    ])
  })

  test('without a row version it is a hash of what the row says', () => {
    expect(copyStatement({ ...table, hasRowVersion: false }, { kind: 'all' }, columns).text).toContain(
      `md5(ROW(t."id", (t."day" - date '1970-01-01'))::text)`,
    )
  })
})

test('read without COPY, values are as they are where that is exact, and else what COPY would write', () => {
  const [id, code] = [column('id', 'int4'), column('code', 'bpchar')]
  const list = { ...column('list', '_int4'), ...carryType({ name: '_int4', modifier: -1, isArray: true }, 'UTC') }
  expect(readStatement(table, { kind: 'all' }, [id, code, list], new Set([id])).text).toBe(
    `SELECT pg_catalog.age(t.xmin) AS "c0", t."id" AS "c1", ` +
      `CASE WHEN t."code" IS DISTINCT FROM NULL THEN pg_catalog.concat(t."code") END AS "c2", ` +
      `CASE WHEN t."list" IS DISTINCT FROM NULL THEN pg_catalog.concat(to_jsonb(t."list")) END AS "c3" ` +
      `FROM "public"."o""r" AS t WHERE true`,
  )
})

test('bounds of a range are literals, whatever they hold', () => {
  const slice = { kind: 'range', column: 'a"b', from: "1' OR ''='", to: undefined } as const
  expect(countStatement(table, slice, []).text).toBe(
    `SELECT count(*) AS total, count(*) FILTER (WHERE (t."a""b" IS NOT NULL AND t."a""b" >= '1'' OR ''''=''' AND true)) ` +
      `AS in_slice FROM "public"."o""r" AS t`,
  )
})

test('keys are literals of their columns, whatever they hold, and no key is no row', () => {
  const slice = {
    kind: 'keys',
    columns: ['a"b', 'c'],
    keys: [
      ["1' OR ''='", '2'],
      ['3', ''],
    ],
  } as const
  const keyed = { ...table, columns: [column('a"b', 'text'), column('c', 'int4')] }
  const given =
    `SELECT CAST(u."k0" AS text) AS "a""b", CAST(u."k1" AS int4) AS "c" FROM ` +
    `unnest(ARRAY['1'' OR ''''=''', '3']::text[], ARRAY['2', '']::text[]) AS u ("k0", "k1")`
  expect(copyStatement(keyed, slice, []).text).toBe(
    `COPY (SELECT t.xmin FROM "public"."o""r" AS t WHERE (t."a""b", t."c") IN (SELECT g."a""b", g."c" FROM (${given}) AS g)) ` +
      `TO STDOUT (FORMAT binary)`,
  )
  expect(copyStatement(keyed, { ...slice, keys: [] }, []).text).toContain('WHERE false)')
  expect(copyGivenKeysStatement(keyed, keyed.columns, slice.keys).text).toContain(
    `SELECT t."a""b", t."c" FROM (${given}) AS t)`,
  )
})

test('only columns whose type can hold too much are judged', () => {
  const { text } = countStatement(table, { kind: 'all' }, columns)
  expect(text).not.toContain('unfit_0')
  expect(text).toContain('AS "unfit_1"')
})

test('where an index leads to the slice nothing is tested row by row, and the filter counts in each of the three counts', () => {
  const slice = { kind: 'cursor', column: 'day', from: '2026-01-01' } as const
  const led = { ...table, leadingColumns: ['id', 'day'], filter: raw('(t."id" > 7)') }
  const from = `FROM "public"."o""r" AS t WHERE (t."id" > 7)`
  const { text } = countStatement(led, slice, columns, 'day')
  expect(text).toMatch(/^SELECT \(SELECT count\(\*\) FROM /)
  const beside = `SELECT (SELECT count(*) ${from}) AS total, (SELECT count(*) ${from} AND t."day" IS NULL) AS without_cursor`
  expect(text).toContain(`${beside}, count(*) AS in_slice`)
  expect(countTableStatement(led, 'day').text).toBe(beside)
  expect(text).toContain(`AS "unfit_1" ${from} AND (t."day" IS NULL OR t."day" >= '2026-01-01')`)
})

test('without such an index one scan counts all, and a slice by index alone is all that is counted', () => {
  const slice = { kind: 'cursor', column: 'day', from: '2026-01-01' } as const
  const scan = (leadingColumns: string[], more: object = {}): number | undefined =>
    countStatement({ ...table, leadingColumns }, { ...slice, ...more }, columns, 'day').text.match(/ FROM /g)?.length
  expect(scan(['id'])).toBe(1)
  expect(scan(['id', 'day'])).toBe(3)
  expect(scan(['id', 'day'], { byIndex: true })).toBe(1)
})

test('keys are sent alone', () => {
  expect(copyKeysStatement(table, columns.slice(0, 1)).text).toContain('SELECT t."id" FROM')
})
