import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseNamed } from './escaped-names.ts'

/** What makes V8 believe it knows the next name: the same first name, with a value of another kind. */
function learn(name: string): void {
  JSON.parse(JSON.stringify({ first: [], [name]: 0 }))
}

test.each([
  ['\\', '"'],
  ['a\\', 'a\n'],
  ['a\\', 'a"'],
  ['\\"', '"/'],
])('after the name %j was met, %j keeps its name', (met, name) => {
  learn(met)
  const text = JSON.stringify({ first: 1, [name]: { [name]: 2 } })
  expect(parseNamed(text)).toEqual(
    Object.fromEntries([
      ['first', 1],
      [name, Object.fromEntries([[name, 2]])],
    ]),
  )
  expect(parseNamed(text, (value, source) => source ?? value)).toEqual({ first: '1', [name]: { [name]: '2' } })
})

const name = fc.oneof(fc.constantFrom('', '\\', '"', 'a\\', 'a"', 'a\n', '__proto__', ':', '1', 'é\ud83d'), fc.string())
const value = fc.letrec<{ any: unknown }>(tie => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(0, true, null, '{"a\\', '"x\\":', ',"'),
    fc.string(),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(name, tie('any'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).any

test('what is printed is parsed back, whatever names were met before', () => {
  fc.assert(
    fc.property(value, fc.constantFrom(undefined, 1), (wanted, indent) => {
      expect(parseNamed(JSON.stringify(wanted, undefined, indent))).toStrictEqual(wanted)
    }),
  )
})

test('text that is no JSON stays a SyntaxError', () => {
  for (const text of ['', '{"a\\"', '{"a\\":1}', '{"a\\x":1}', '{"a\\n":1', '{,"a\\n":1}', '{"a\\n"::1}']) {
    expect(() => parseNamed(text)).toThrow(SyntaxError)
  }
})
