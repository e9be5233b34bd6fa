/**
 * Values of every storage class in columns of every declared type: what is refused and what arrives, and under which version,
 * is what SQLite itself says of each value, however the rows are cut into pages.
 */
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { raw } from '../../packages/tidemark/src/engine/sql.ts'
import type { SourceColumn, SourceSnapshot, SourceTable } from '../../packages/tidemark/src/sources/source.ts'
import { createSqliteFile, type SqliteFile } from '../support/sqlite.ts'
import { type Rule, RULES } from '../support/sqlite-rules.ts'
import {
  copySegments,
  never,
  openSqliteSource,
  problemOf,
  queryDuckdb,
  readRows,
  ref,
  tableOf,
} from '../support/source.ts'

/** Bytes stand for a blob; a text is given by its bytes. */
type Value = null | bigint | number | Uint8Array | { text: Uint8Array }

const own = (table: string): ReturnType<typeof ref> => ref(table, 'main')
const bytesOf = (text: string): Uint8Array => Buffer.from(text)
const spread = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> => fc.tuple(...parts).map(all => all.join(''))
const digits = (length: number): fc.Arbitrary<string> =>
  fc.nat(10 ** length - 1).map(n => String(n).padStart(length, '0'))
const most = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 5, arbitrary: usual }, { weight: 1, arbitrary: odd })

const EDGES = [0n, 1n, 2n ** 31n, 2n ** 53n, 10n ** 8n, 10n ** 9n, 10n ** 15n, 10n ** 18n, 2n ** 63n - 1n]
const integers = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -1000n, max: 1000n }),
  fc
    .tuple(fc.constantFrom(...EDGES), fc.constantFrom(-1n, 0n, 1n), fc.boolean())
    .map(([edge, more, isNegative]) => (isNegative ? -(edge + more) : edge + more))
    .filter(n => n >= -(2n ** 63n) && n < 2n ** 63n),
  fc.constant(-(2n ** 63n)),
)
const reals = fc.oneof(
  fc.tuple(fc.integer({ min: -(10 ** 9), max: 10 ** 9 }), fc.nat(12)).map(([n, scale]) => n / 10 ** scale),
  fc.tuple(fc.maxSafeInteger(), fc.nat(18)).map(([n, scale]) => n / 10 ** scale),
  fc.double({ noNaN: true }),
  fc.constantFrom(
    0.1 + 0.2,
    5e-324,
    1.7976931348623157e308,
    -0,
    5,
    1e15,
    1e17,
    2 ** 63,
    -(2 ** 63),
    1e22,
    99999999.995,
  ),
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
)
const year = most(digits(4), fc.constantFrom('0000', '0001', '9999', '2024', '2100', '02024', '20 4'))
const two = most(
  fc.nat(31).map(n => String(n).padStart(2, '0')),
  fc.constantFrom('60', '24', '29', '30', '99', '1', '0a', '  '),
)
const days = spread(year, most(fc.constant('-'), fc.constantFrom('', '/')), two, fc.constant('-'), two)
const zones = most(
  fc.constant(''),
  spread(fc.constantFrom('Z', 'z', '+', '-', ' +', '\tZ'), fc.constantFrom('', '02:00', '14:59', '15:00', '0200')),
)
const clocks = spread(
  most(fc.constantFrom(' ', 'T'), fc.constantFrom('t', 'TT', '  ', ' \t', '')),
  two,
  fc.constant(':'),
  two,
  most(spread(fc.constant(':'), two), fc.constantFrom('', ':', ':60')),
  most(
    fc.constant(''),
    spread(
      fc.constant('.'),
      fc.nat(8).chain(n => (n === 0 ? fc.constant('') : digits(n))),
    ),
  ),
  zones,
  most(fc.constant(''), fc.constantFrom(' ', '\n', 'x', '\0')),
)
const moments = fc.oneof(days, spread(days, clocks), spread(days, fc.constantFrom('T', ' ', 'Z')))
const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc
    .array(fc.constantFrom('"', "'", '\\', ',', '\n', '\r', '\0', '\t', '\u{1f}', '\u{7f}', 'ä', '😀', '[', ']', 'a'), {
      maxLength: 80,
    })
    .map(all => all.join('')),
  fc.constantFrom('', '12', '1.5', ' 12', '-', 'null', 'true', '9e999', '0x1f', '2026-01-01'),
)
const blobs = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  // What SQLite's JSON takes for NULL, integers and texts of its own binary form.
  fc
    .constantFrom('00', '01', '1331', '1761', '37313233', '1a22', '2561', '')
    .map(hex => Uint8Array.from(Buffer.from(hex, 'hex'))),
)
const value: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  integers,
  reals,
  fc.oneof(words, moments, days).map(text => ({ text: bytesOf(text) })),
  blobs,
)
/** What a column of the type mostly holds. */
function usualOf({ declared, asText }: Rule): fc.Arbitrary<Value> {
  if (asText === true) return value
  if (/^(integer|boolean)$/.test(declared)) return declared === 'boolean' ? fc.bigInt({ min: 0n, max: 1n }) : integers
  if (/^(real|numeric|decimal)/.test(declared)) return fc.oneof(reals, integers)
  if (declared === 'blob') return blobs
  const texts = declared === 'date' ? days : declared === 'datetime' ? moments : words
  return texts.map(text => ({ text: bytesOf(text) }))
}

/** A table whose column holds what it is given, whatever the type says: it gets the type afterwards. */
function fill(writer: DatabaseSync, table: string, values: readonly Value[]): void {
  writer.exec(`CREATE TABLE ${table} (id integer PRIMARY KEY, c)`)
  const plain = writer.prepare(`INSERT INTO ${table} (c) VALUES (?)`)
  const text = writer.prepare(`INSERT INTO ${table} (c) VALUES (CAST(? AS text))`)
  writer.exec('BEGIN')
  for (const one of values) {
    if (one !== null && typeof one === 'object' && 'text' in one) text.run(one.text)
    else plain.run(one)
  }
  writer.exec('COMMIT')
}

function declare(writer: DatabaseSync, tables: readonly string[], declared: string): void {
  writer.enableDefensive(false)
  writer.exec('PRAGMA writable_schema = ON')
  for (const table of tables) {
    const made = `CREATE TABLE ${table} (id integer PRIMARY KEY, c ${declared})`
    writer.exec(`UPDATE sqlite_schema SET sql = '${made}' WHERE name = '${table}'`)
  }
  writer.exec('PRAGMA writable_schema = RESET')
}

/** Which values fit, by SQLite, and the texts of those. A real column gives integers back as doubles, so it is asked there. */
function judged(writer: DatabaseSync, table: string, rule: Rule): { fits: boolean; text: string | null }[] {
  const fits = rule.fits('c')
  const rows = writer
    .prepare(
      `SELECT c IS NULL OR ${fits} AS fits, CASE WHEN ${fits} THEN CAST(${rule.print('c')} AS blob) END AS text FROM ${table}`,
    )
    .all()
  return rows.map(({ fits, text }) => ({
    fits: fits === 1,
    text: text instanceof Uint8Array ? Buffer.from(text).toString() : null,
  }))
}

function carried(file: SqliteFile, table: SourceTable, rule: Rule): readonly SourceColumn[] {
  return rule.asText === true ? openSqliteSource(file.path).carryAsText(table, ['c']) : table.columns
}

async function open(
  file: SqliteFile,
  tables: readonly string[],
): Promise<{ snapshot: SourceSnapshot; tables: SourceTable[] }> {
  const snapshot = await openSqliteSource(file.path).openSnapshot(tables.map(own), never)
  return { snapshot, tables: tables.map(table => tableOf(snapshot, own(table))) }
}

const versionOf = (id: string, text: string | null): string => {
  const parts = [id, text].map(part => (part === null ? '-' : `${Buffer.byteLength(part)}:${part}`))
  return createHash('md5').update(parts.join('')).digest('hex')
}

test.each(RULES)('what fits $declared arrives with its value and version, in pages of all sizes', async rule => {
  const file = await createSqliteFile()
  const drawn = [
    ...fc.sample(usualOf(rule), { seed: 7, numRuns: 2400 }),
    ...fc.sample(value, { seed: 8, numRuns: 600 }),
  ]
  fill(file.writer, 'drawn', drawn)
  declare(file.writer, ['drawn'], rule.declared)
  const kept = judged(file.writer, 'drawn', rule).flatMap(({ fits }, n) => (fits ? [drawn[n] ?? null] : []))
  // A text that DuckDB cannot type stops the load as it did; which ones is not SQLite's to say.
  const typed = await typable(file, kept, rule)
  expect(typed.length).toBeGreaterThan(300)
  const values = Array.from({ length: 6000 }, (_, n) => (n < typed.length ? n : (n * 7919) % typed.length)).map(
    n => typed[n] ?? null,
  )
  fill(file.writer, 'good', values)
  declare(file.writer, ['good'], rule.declared)
  const texts = judged(file.writer, 'good', rule)
  expect(texts.every(({ fits }) => fits)).toBe(true)
  const { snapshot, tables } = await open(file, ['good'])
  const [table] = tables
  if (table === undefined) throw new Error('no table')
  expect(snapshot.copyRefusesUnfit?.(table.columns)).toBe(true)
  const expected = await typedTexts(
    texts.map(({ text }) => text),
    rule,
  )
  for (const segmentBytes of [64 * 1024 * 1024, 20_000]) {
    const rows = await readRows(snapshot, table, { columns: carried(file, table, rule), segmentBytes })
    rows.sort((a, b) => Number(a['id']) - Number(b['id']))
    expect(rows.map(row => row['c'])).toEqual(expected)
    expect(rows.map(row => row['_row_version'])).toEqual(texts.map(({ text }, n) => versionOf(String(n + 1), text)))
  }
})

test.each(RULES)('what fits $declared arrives the same when there is nothing beside it', async rule => {
  const file = await createSqliteFile()
  const drawn = [
    ...fc.sample(usualOf(rule), { seed: 11, numRuns: 500 }),
    ...fc.sample(value, { seed: 12, numRuns: 100 }),
  ]
  fill(file.writer, 'drawn', drawn)
  declare(file.writer, ['drawn'], rule.declared)
  const kept = judged(file.writer, 'drawn', rule).flatMap(({ fits }, n) => (fits ? [drawn[n] ?? null] : []))
  const values = (await typable(file, kept, rule)).slice(0, 250)
  const names = values.map((_, n) => `t${n}`)
  names.forEach((name, n) => fill(file.writer, name, [values[n] ?? null]))
  declare(file.writer, names, rule.declared)
  const texts = names.map(name => judged(file.writer, name, rule)[0]?.text ?? null)
  const { snapshot, tables } = await open(file, names)
  const segments = await Promise.all(
    tables.map(table => copySegments(snapshot, table, { columns: carried(file, table, rule).slice(1) })),
  )
  const [table] = tables
  if (table === undefined) throw new Error('no table')
  const typed = await typedTexts(texts, rule)
  const version = (text: string | null): string =>
    createHash('md5')
      .update(text === null ? '-' : `${Buffer.byteLength(text)}:${text}`)
      .digest('hex')
  const files = segments.flatMap(all => all.map(({ path }) => path))
  const rows = await queryDuckdb(openSqliteSource(file.path).readSegments(files, carried(file, table, rule).slice(1)))
  const shown = (of: readonly (readonly (string | null | undefined)[])[]): string[] =>
    of.map(one => one.join('|')).toSorted()
  expect(shown(rows.map(row => [row['_row_version'], row['c']]))).toEqual(
    shown(texts.map((text, n) => [version(text), typed[n]])),
  )
})

test.each(RULES.filter(({ asText }) => asText !== true))(
  'what does not fit $declared is refused, each value alone',
  async rule => {
    const file = await createSqliteFile()
    const drawn = [
      ...fc.sample(usualOf(rule), { seed: 9, numRuns: 600 }),
      ...fc.sample(value, { seed: 10, numRuns: 400 }),
    ]
    fill(file.writer, 'drawn', drawn)
    declare(file.writer, ['drawn'], rule.declared)
    const judgements = judged(file.writer, 'drawn', rule)
    const good = drawn.filter((one, n) => judgements[n]?.fits && one !== null).slice(0, 3)
    const bad = drawn.filter((_, n) => judgements[n]?.fits === false).slice(0, 80)
    expect(bad.length).toBeGreaterThan(20)
    const names = bad.map((_, n) => `bad${n}`)
    bad.forEach((one, n) => fill(file.writer, `bad${n}`, [...good, one, ...good]))
    declare(file.writer, names, rule.declared)
    const { snapshot, tables } = await open(file, names)
    for (const [n, table] of tables.entries()) {
      const problem = await problemOf(copySegments(snapshot, table))
      expect([bad[n], problem.code, problem.message]).toEqual([
        bad[n],
        'SOURCE_VALUE_UNFIT',
        expect.stringContaining('has 1 row with'),
      ])
    }
  },
)

test('bytes that are no UTF-8 are refused wherever they stand, and named', async () => {
  const file = await createSqliteFile()
  for (const [n, hex] of ['ff', 'c3', 'c328', 'eda080', 'f4908080', 'c080'].entries()) {
    for (const [k, at] of [0, 300, 4999].entries()) {
      const values = Array.from(
        { length: 5000 },
        (_, i): Value => ({ text: i === at ? Buffer.from(`61${hex}`, 'hex') : bytesOf('é') }),
      )
      fill(file.writer, `t${n}${k}`, values)
      declare(file.writer, [`t${n}${k}`], 'text')
      const { snapshot, tables } = await open(file, [`t${n}${k}`])
      const problem = await problemOf(copySegments(snapshot, tables[0] as SourceTable))
      expect([problem.code, problem.params['column']]).toEqual(['SOURCE_TEXT_INVALID', 'c'])
      expect(problem.params['row']).toMatch(new RegExp(`^${at + 1},"a`))
    }
  }
})

/** The values that DuckDB can type. */
async function typable(file: SqliteFile, values: readonly Value[], rule: Rule): Promise<Value[]> {
  fill(file.writer, 'typable', values)
  declare(file.writer, ['typable'], rule.declared)
  const texts = judged(file.writer, 'typable', rule).map(({ text }) => text)
  const isTyped = await askDuckdb(texts, `TRY(${rule.typed('t')}) IS NOT NULL OR t IS NULL`)
  return values.filter((_, n) => isTyped[n] === 'true')
}

async function typedTexts(texts: readonly (string | null)[], rule: Rule): Promise<(string | null)[]> {
  return await askDuckdb(texts, rule.typed('t'))
}

async function askDuckdb(texts: readonly (string | null)[], expression: string): Promise<(string | null)[]> {
  const hex = texts.map(text => (text === null ? 'NULL' : `'${Buffer.from(text).toString('hex')}'`))
  const rows = await queryDuckdb(
    raw(`SELECT ${expression} AS v FROM (SELECT n, decode(unhex(h)) AS t FROM (SELECT unnest([${hex.join(', ')}]) AS h, \
generate_subscripts([${hex.join(', ')}], 1) AS n)) ORDER BY n`),
  )
  return rows.map(row => row['v'] ?? null)
}
