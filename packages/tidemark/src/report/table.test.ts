import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { inferColumns, printCsv, printJsonRows, printTable, type TableRow } from './table.ts'

const rows: TableRow[] = [
  { country: 'Norway', streams: 9007199254740993n, note: null },
  { country: '日本', streams: 12n, note: 'tie\nbroken\u001b[2J' },
]
const columns = inferColumns(['country', 'streams', 'note'], rows)

describe('a table', () => {
  test('lines up in any script, with numbers to the right and text made safe', () => {
    expect(printTable(columns, rows)).toBe(
      [
        'country           streams  note',
        'Norway   9007199254740993',
        '日本                   12  tie broken',
        '',
      ].join('\n'),
    )
  })

  test('fits a given width by cutting its widest columns', () => {
    const text = printTable(columns, [{ country: 'x'.repeat(50), streams: 1n, note: 'y'.repeat(30) }], { width: 40 })
    expect(text.split('\n').every(line => line.length <= 40)).toBe(true)
    expect(text).toMatch(/x…  .*y…/)
  })

  test('without rows is its heading', () => {
    expect(printTable(inferColumns(['a', 'b'], []), [])).toBe('a  b\n')
  })
})

describe('CSV', () => {
  test('tells NULL from the empty text and quotes what needs it', () => {
    const text = printCsv(
      [{ name: 'a' }, { name: 'b' }],
      [
        { a: null, b: '' },
        { a: 'x,"y"\n', b: true },
      ],
    )
    expect(text).toBe('a,b\n,""\n"x,""y""\n",true\n')
  })

  test.each(['=1+1', '+cmd', '-cmd', '@x', '\tx', '\rx', '-2+3'])('%j cannot run as a formula', value => {
    const printed = printCsv([{ name: 'a' }], [{ a: value }])
    expect(printed.replace('a\n', '').replace(/^"/, '')).toMatch(/^'/)
    expect(printCsv([{ name: 'a' }], [{ a: value }], { guardFormulas: false })).not.toContain("'")
  })

  test('numbers stay numbers', () => {
    const values: TableRow[] = [{ a: -5n }, { a: '-5.20' }, { a: '+1e-7' }]
    expect(printCsv([{ name: 'a' }], values)).toBe('a\n-5\n-5.20\n+1e-7\n')
  })

  test('every record is one record again when parsed by the rules of the format', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ a: fc.string(), b: fc.option(fc.string()) })), data => {
        const text = printCsv([{ name: 'a' }, { name: 'b' }], data, { guardFormulas: false })
        expect(parseCsv(text).slice(1)).toEqual(data.map(row => [row.a, row.b]))
      }),
    )
  })
})

test('JSON keeps every digit and every key', () => {
  const parsed: unknown = JSON.parse(printJsonRows(columns, rows))
  expect(parsed).toEqual([
    { country: 'Norway', streams: '9007199254740993', note: null },
    { country: '日本', streams: '12', note: 'tie\nbroken\u001b[2J' },
  ])
  expect(printJsonRows(columns, [])).toBe('[]\n')
})

/** RFC 4180, with an unquoted empty field as NULL. */
function parseCsv(text: string): (string | null)[][] {
  const fields = text.matchAll(/(?:"((?:[^"]|"")*)"|([^,"\n\r]*))(,|\n)/g)
  const records: (string | null)[][] = [[]]
  for (const [, quoted, bare, end] of fields) {
    records.at(-1)?.push(quoted === undefined ? (bare === '' ? null : (bare ?? null)) : quoted.replaceAll('""', '"'))
    if (end === '\n') records.push([])
  }
  return records.slice(0, -1)
}
