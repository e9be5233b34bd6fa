import { describe, expect, test } from 'vitest'
import { carryType } from './types.ts'
import type { PostgresColumn } from './column.ts'
import { copyGivenKeysStatement, copyKeysStatement, copyStatement, countStatement, readStatement } from './slice-sql.ts'

function column(name: string, type: string, modifier = -1): PostgresColumn {
  return { name, sourceType: type, nullable: true, ...carryType({ name: type, modifier, isArray: false }, 'UTC') }
}

const columns = [column('id', 'int4'), column('day', 'date')]
const table = { schema: 'public', table: 'o"r', hasRowVersion: true, columns }

describe('copyStatement', () => {
  test('everything: no overlap, the raw row version', () => {
    expect(copyStatement(table, { kind: 'all' }, columns).text).toBe(
      `COPY (SELECT 0, t.xmin, t."id", (t."day" - date '1970-01-01') FROM "public"."o""r" AS t WHERE true) ` +
        `TO STDOUT (FORMAT binary)`,
    )
  })

  test('since a mark: by age, without frozen rows whose old id looks new', () => {
    expect(copyStatement(table, { kind: 'since', horizon: 725n, seen: 730n }, []).text).toBe(
      `COPY (SELECT CASE WHEN age(t.xmin) > age('730'::xid) THEN 1 ELSE 0 END, t.xmin FROM "public"."o""r" AS t ` +
        `WHERE (age(t.xmin) >= 0 AND age(t.xmin) <= age('725'::xid))) TO STDOUT (FORMAT binary)`,
    )
  })

  test('a 64-bit horizon is compared by the 32 bits that a row keeps, permanent ids excluded', () => {
    const bits = (horizon: bigint): string | undefined =>
      /age\('(\d+)'::xid\)\)/.exec(copyStatement(table, { kind: 'since', horizon, seen: horizon }, []).text)?.[1]
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
    `SELECT 0 AS "c0", pg_catalog.concat(t.xmin) AS "c1", t."id" AS "c2", ` +
      `CASE WHEN t."code" IS DISTINCT FROM NULL THEN pg_catalog.concat(t."code") END AS "c3", ` +
      `CASE WHEN t."list" IS DISTINCT FROM NULL THEN pg_catalog.concat(to_jsonb(t."list")) END AS "c4" ` +
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
    `COPY (SELECT 1, t.xmin FROM "public"."o""r" AS t WHERE (t."a""b", t."c") IN (SELECT g."a""b", g."c" FROM (${given}) AS g)) ` +
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

test('keys are sent alone', () => {
  expect(copyKeysStatement(table, columns.slice(0, 1)).text).toContain('SELECT t."id" FROM')
})
