import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseStats, type StatsTree } from './parse-stats.ts'
import { findRowCount, StatsText } from './stats-text.ts'

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'minValues', 'q"x', '\\', 'é😀', '}', '__proto__'),
  fc.string({ maxLength: 4 }),
)
const scalar = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('"minValues":{"a":1}', '\\"', '{', '\ud83d', '{"a":"b\\\\"}'),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
)
const tree = fc.letrec<{ node: object; value: unknown }>(tie => ({
  node: fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(scalar, { maxLength: 2 }), tie('node')),
}))
const stats = fc.record(
  { numRecords: fc.nat(), minValues: tree.node, maxValues: tree.node, nullCount: tree.node, tightBounds: fc.boolean() },
  { requiredKeys: [] },
)
/** Everything a writer may do to the text that does not change its meaning. */
const style = fc.constantFrom(
  (value: unknown) => JSON.stringify(value),
  (value: unknown) => JSON.stringify(value, undefined, 1),
  (value: unknown) =>
    JSON.stringify(value).replaceAll(/[^\0-\x7f]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
)

test('looking one value up gives what parsing all of the stats gives', () => {
  fc.assert(
    fc.property(stats, style, (value, print) => {
      const text = print(value)
      const opened = new StatsText(text)
      const parsed = parseStats(text)
      expect(findRowCount(text)).toBe(parsed?.numRecords)
      for (const section of ['minValues', 'maxValues', 'nullCount'] as const) {
        for (const [path, expected] of leaves(parsed?.[section] ?? {}, [])) {
          expect(opened.find(section, path)).toBe(expected)
        }
      }
    }),
  )
})

function leaves(node: StatsTree, parent: readonly string[]): (readonly [readonly string[], string | undefined])[] {
  return Object.entries(node).flatMap(([key, value]) => {
    const path = [...parent, key]
    if (typeof value === 'string' || typeof value === 'boolean') return [[path, String(value)] as const]
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, undefined] as const]
    return [[path, undefined] as const, ...leaves(value as StatsTree, path)]
  })
}

test('numbers keep their digits', () => {
  const text = '{"minValues":{"d":-12345678901234567890.1234567890,"e":1E-7}}'
  expect(new StatsText(text).find('minValues', ['d'])).toBe('-12345678901234567890.1234567890')
  expect(new StatsText(text).find('minValues', ['e'])).toBe('1E-7')
})

test.each([
  undefined,
  '',
  '{',
  '[]',
  '3',
  'null',
  '{"minValues":{"k":"x',
  '{"minValues":{"k"',
  '{"minValues":{"k":',
  '{"minValues" {"k":1}}',
  '{"minValues":[{"k":1}]}',
  '{"minValues":{"k":{"x":1}}}',
  '{"minValues":{"k":[1]}}',
  '{"minValues":{"k":null}}',
  '{"minValues":{"k":"\\u00"}}',
  '{"maxValues":{"k":1} "minValues":{"k":1}}',
  '{minValues:{"k":1}}',
])('%s has no minimum', text => {
  expect(new StatsText(text).find('minValues', ['k'])).toBeUndefined()
})
