import { expect, test } from 'vitest'
import { findNode, keyPlaceOf, mergeNodes, placeOf, toValue } from './node.ts'
import { sourceText } from './source-text.ts'
import { suggest } from './suggest.ts'
import { parseYaml } from './yaml-text.ts'

function tree(file: string, text: string) {
  const { node } = parseYaml(sourceText(file, text))
  if (node === undefined) throw new Error('the text of this test is not valid YAML')
  return node
}

test('merging lays maps over each other, replaces lists and texts, and keeps where each value was written', () => {
  const base = tree('base.yml', 'a: { x: 1, y: [1, 2] }\nb: old\nc: kept\n')
  const merged = mergeNodes(base, tree('over.yml', '\na: { y: [3], z: 4 }\nb: { now: a map }\n'))
  expect(toValue(merged)).toEqual({ a: { x: 1, y: [3], z: 4 }, b: { now: 'a map' }, c: 'kept' })
  expect(placeOf(merged, ['a', 'x'])).toMatchObject({ file: 'base.yml', line: 1, column: 9 })
  expect(placeOf(merged, ['a', 'z'])).toMatchObject({ file: 'over.yml', line: 2, column: 17 })
  expect(keyPlaceOf(merged, ['b', 'now'])).toMatchObject({ file: 'over.yml', line: 3, column: 6, length: 3 })
})

test('the place of a path that does not exist is the nearest place around it', () => {
  const node = tree('a.yml', 'a:\n  - b: 1\n')
  expect(placeOf(node, ['a', 0, 'c', 'd'])).toMatchObject({ line: 2, column: 5 })
  expect(findNode(node, ['a', 'b'])).toBeUndefined()
})

test('a key named like a property of every object is a key like any other', () => {
  const value = toValue(tree('a.yml', '__proto__: { polluted: 1 }\nconstructor: 2\n')) as object
  expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})

test.each([
  ['cdc_column', ['schema', 'cdc_col', 'cdc'], 'cdc_col'],
  ['Primary-Key', ['primary_key'], 'primary_key'],
  ['tabel', ['label', 'table'], 'table'],
  ['prd', ['dev', 'prod'], 'prod'],
  ['x', ['a', 'bb'], undefined],
  ['entirely', ['different'], undefined],
])('%s among %j is taken for %s', (written, known, meant) => {
  expect(suggest(written, known)).toBe(meant)
})
