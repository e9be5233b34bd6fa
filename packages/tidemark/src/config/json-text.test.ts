import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { parseJson } from './json-text.ts'
import { findNode, toValue } from './node.ts'
import { sourceText } from './source-text.ts'

function parse(text: string) {
  const { node, problems } = parseJson(sourceText('loop_input.json', text))
  return {
    value: node === undefined ? undefined : toValue(node),
    problems: problems.map(p => `${p.place?.line}:${p.place?.column}+${p.place?.length} ${p.message} ${p.hint}`),
  }
}

describe('JSON that people write by hand', () => {
  test('a comma after the last object is named at the comma and the list is still read', () => {
    expect(parse('[\n  {"schema" : "dbo"},\n  {"schema" : "dbo"},\n]')).toEqual({
      value: [{ schema: 'dbo' }, { schema: 'dbo' }],
      problems: ['3:21+1 This is not valid JSON: a comma follows the last element. Delete the comma.'],
    })
  })
  test('values without quotes are one problem that counts its places', () => {
    expect(parse('[{"schema":dbo,\n "table":DimUser,"cdc_col":updated_at}]')).toEqual({
      value: [{ schema: 'dbo', table: 'DimUser', cdc_col: 'updated_at' }],
      problems: ['1:12+3 This is not valid JSON: a text is not in double quotes (and in 2 more places). Write "dbo".'],
    })
  })
  test('single quotes and comments are separate problems, each at its first place', () => {
    expect(parse("[ // tables\n{'cdc':'2000-01-01'}]").problems).toEqual([
      '1:3+9 This is not valid JSON: it has no comments. Remove the comment, or use a .yml file.',
      '2:2+5 This is not valid JSON: single quotes are used (and in 1 more place). Use double quotes: "text".',
    ])
  })
  test('a missing comma, a key without quotes and a doubled key are found in one reading', () => {
    expect(parse('[{"a": 1 "b": 2}, {c: 1, "d": 1, "d": 2}]').problems).toEqual([
      '1:10+1 This is not valid JSON: a comma is missing between two elements. Add a comma before this.',
      '1:20+1 This is not valid JSON: a key is not in double quotes. Write "c".',
      '1:34+3 This is not valid JSON: the key "d" is given twice. Keep one of the two.',
    ])
  })
  test.each([
    ['[{"a": 1}', 'a closing ] is missing'],
    ['[{"a": 1', 'a closing } is missing'],
    ['[{"a": 1]', 'stands where a comma or } should be'],
    ['[{"a" 1}]', 'a colon is missing after "a"'],
    ['[] []', 'something follows the end of the value'],
    ['', 'the text ends too early'],
    ['[{"a": }]', 'cannot start a value'],
    ['[,]', 'cannot start a value'],
    ['["a\nb"]', 'a text is not closed on its line'],
    ['["\\x"]', '\\x is not an escape'],
    ['[01]', 'a text is not in double quotes'],
    [`${'['.repeat(70)}`, 'nested more than 64 levels'],
  ])('%s is refused: %s', (text, reason) => {
    expect(parse(text).problems.join('\n')).toContain(reason)
  })
})

test('what JSON.stringify writes is read back without a problem', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2), (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      expect(parse(text)).toEqual({ value: JSON.parse(text), problems: [] })
    }),
  )
})
test('no text makes the parser throw, and what it accepts JSON.parse accepts too', () => {
  const piece = fc.constantFrom(
    '[',
    ']',
    '{',
    '}',
    ',',
    ':',
    '"a"',
    "'b'",
    'null',
    '1',
    ' ',
    '\n',
    '//',
    '\\',
    '"',
    'x',
  )
  fc.assert(
    fc.property(
      fc.array(piece).map(pieces => pieces.join('')),
      text => {
        const { problems } = parse(text)
        let valid = true
        try {
          JSON.parse(text)
        } catch {
          valid = false
        }
        if (problems.length === 0) expect(valid).toBe(true)
        if (!valid) expect(problems).not.toEqual([])
      },
    ),
    { numRuns: 500 },
  )
})
test('a byte-order mark is passed over and a number keeps its digits', () => {
  const { node } = parseJson(sourceText('l.json', '\ufeff[12345678901234567890]'))
  expect(findNode(node, [0])).toMatchObject({ raw: '12345678901234567890', place: { line: 1, column: 2, length: 20 } })
})
