import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type FilterDialect, parseFilter } from './filter.ts'
import { FUNCTIONS, KEYWORDS, PARTS, SIZED_TYPES, TYPES } from './filter-words.ts'
import type { SourceTable } from './source.ts'

const names = ['id', 'Status', 'date', 'user', 'a"b; --', 'end']
const table = { columns: [...names, 'Secret'].map(name => ({ name })) } as unknown as Pick<SourceTable, 'columns'>
const hidden = new Set(['Secret'])

function written(filter: string, dialect: FilterDialect = 'postgres'): string {
  const parsed = parseFilter(filter, { ...table, hidden }, dialect)
  return 'text' in parsed ? parsed.text.replaceAll(/\s+/g, ' ') : `refused: ${parsed.refused}`
}

test.each<[string, string, FilterDialect?]>([
  ["status = 'open' AND id > 10", `( t."Status" = 'open' and t."id" > 10)`],
  ["status IN ('a', 'it''s') OR (id + -1) * 2 <= 7.5", `( t."Status" in( 'a', 'it''s') or( t."id" + - 1) * 2 <= 7.5)`],
  ['"a""b; --" IS NULL', `( t."a""b; --" is null)`],
  ["coalesce(lower(status), '') <> ''", `( coalesce( lower( t."Status"), '') <> '')`],
  ["date >= date '2026-01-01' and user like 'x%'", `( t."date" >= date '2026-01-01' and t."user" like 'x%')`],
  ['extract(year from date) = 2026', '( extract( year from t."date") = 2026)'],
  ["status = ';-- not a comment, nowhere'", `( t."Status" = ';-- not a comment, nowhere')`],
  ["[a\"b; --] = 'é'", `( t."a""b; --" = N'é')`, 'sqlserver'],
  ['`end` between 1 and 2', '( t."end" between 1 and 2)', 'mysql'],
  ["date::text = 'x' || status", `( t."date" :: text = 'x' || t."Status")`],
])('%s is one condition, written anew', (filter, expected, dialect) => {
  expect(written(filter, dialect)).toBe(expected)
})

describe('what could be more than one expression over one row, or mean something else tomorrow, is refused', () => {
  test.each<[string, string, FilterDialect?]>([
    ['', 'it is empty'],
    ['id = 1; drop table canary', '"; drop table" is no part'],
    ['id = 1) or (1 = 1', 'closed that was not opened'],
    ['(id = 1', 'not closed'],
    ['id = 1 -- and', 'comment'],
    ['id = 1 /* and */', 'comment'],
    ["status = 'open", 'does not end'],
    ["status = '\\' or 1=1 --'", 'backslash'],
    ["status = E'x'", '"E\'x\'" is no part'],
    ['status = $$x$$', 'is no part'],
    ['id = 1, 2', 'more than one expression'],
    ['id in (select 1)', 'select is neither'],
    ['exists (select 1)', 'exists() is none'],
    ['date < now()', 'now() is none'],
    ['date < current_date', 'current_date is neither'],
    ['id < random ( )', 'random() is none'],
    ["date < 'now'", 'another moment'],
    ["date < date 'TODAY'", 'another moment'],
    ["date < ' 04:00 yesterday '", 'another moment'],
    ["date < 'now()'", 'another moment'],
    ["date < '(today)2'", 'another moment'],
    ['secret = 1', 'secret is masked'],
    ['"Secret" = 1', 'Secret is masked'],
    ['pg_sleep(10) is null', 'pg_sleep() is none'],
    ['public.lower(status) = 1', 'is no part'],
    ['id = 1 union all', 'union is neither'],
    ['id = :x', 'is no part'],
    ['id = @@version', 'is no part'],
    ['id = 0x1F', 'is no part'],
    ['missing = 1', 'missing is neither a column'],
    ['"missing" = 1', 'no column missing'],
    ['[id] = 1', 'quoted in a way'],
    ["starts_with(status, 'x')", 'starts_with() is none', 'mysql'],
    ["status || 'x' = ''", 'no operator ||', 'mysql'],
    ["id::text = '1'", 'no operator ::', 'sqlserver'],
    [`id = 1${' '.repeat(4000)}`, 'longer than 4000'],
  ])('%s', (filter, reason, dialect) => {
    expect(written(filter, dialect)).toMatch(/^refused: /)
    expect(written(filter, dialect)).toContain(reason)
  })
})

test('whatever is put together, it is refused or holds nothing but known words, in parentheses that stay closed', () => {
  const pieces = [
    ...names,
    ...['and', 'or', 'is', 'null', 'now', 'select', 'lower', 'cast', 'as', 'N', 'E', 'x', '1', '2.5'],
    ...[
      "'",
      "''",
      "'a'",
      '"',
      '""',
      '"id"',
      '`',
      '[',
      ']',
      '(',
      ')',
      '()',
      ',',
      ';',
      '--',
      '-',
      '/*',
      '*/',
      '/',
      '*',
      '\\',
      '$',
      '$$',
      '#',
      '\n',
      ' ',
      '=',
      '||',
      '::',
      '\0',
      '\u2028',
      'é',
    ],
  ]
  const known = new Set([KEYWORDS, FUNCTIONS, TYPES, SIZED_TYPES, PARTS].flatMap(list => [...list]))
  const filters = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map(parts => parts.join(''))
  fc.assert(
    fc.property(
      filters,
      fc.constantFrom<FilterDialect>('postgres', 'mysql', 'sqlserver', 'sqlite'),
      (filter, dialect) => {
        const parsed = parseFilter(filter, table, dialect)
        if (!('text' in parsed)) return
        const bare = parsed.text.replaceAll(/ N?'(?:[^']|'')*'/g, ' 0').replaceAll(/t\."(?:[^"]|"")*"/g, '0')
        expect(bare).toMatch(/^\([ a-z_\d().,<>=!|:+*/%-]*\)$/)
        expect(bare).not.toMatch(/--|\/\*|\*\//)
        for (const [word] of bare.matchAll(/[a-z_]+/g)) expect(known).toContain(word)
        let depth = 0
        for (const [n, letter] of [...bare].entries()) {
          depth += letter === '(' ? 1 : letter === ')' ? -1 : 0
          expect(depth > 0 || n === bare.length - 1).toBe(true)
        }
      },
    ),
    { numRuns: 2000 },
  )
})
