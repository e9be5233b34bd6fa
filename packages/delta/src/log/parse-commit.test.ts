import { expect, test } from 'vitest'
import { parseCommit } from './parse-commit.ts'

const encode = (...lines: string[]): Uint8Array => new TextEncoder().encode(lines.join('\n'))

const add = (fields: object): string =>
  JSON.stringify({ add: { path: 'p', partitionValues: {}, size: 1, modificationTime: 2, dataChange: true, ...fields } })

test('unknown actions and fields are left aside', () => {
  const commit = parseCommit(
    3n,
    encode('{"commitInfo":{"operation":"WRITE","txnId":"t","extra":[1]}}', '{"future":{"x":1}}', add({ shiny: 1 }), ''),
  )
  expect(commit.commitInfo).toMatchObject({ operation: 'WRITE', txnId: 't' })
  expect(commit.actions.map(a => a.kind)).toEqual(['add'])
  expect(commit.actions[0]).not.toHaveProperty('add.shiny')
})

test('sizes and versions beyond 2^53 keep every digit', () => {
  const line = add({ path: 'a%20b' }).replace('"size":1', '"size":9007199254740993')
  const txn = '{"txn":{"appId":"x","version":9223372036854775807}}'
  expect(parseCommit(0n, encode(line, txn)).actions).toEqual([
    expect.objectContaining({
      add: expect.objectContaining({ size: 9_007_199_254_740_993n, path: 'a b', uri: 'a%20b' }),
    }),
    { kind: 'txn', txn: { appId: 'x', version: 9_223_372_036_854_775_807n } },
  ])
})

test('an empty partition value is null', () => {
  const [action] = parseCommit(0n, encode(add({ partitionValues: { a: '', b: null, c: 'x' } }))).actions
  expect(action).toMatchObject({ add: { partitionValues: { a: null, b: null, c: 'x' } } })
})

test.each([
  ['a torn line', '{"add":{"path":"x"'],
  ['a line that is no object', '[1]'],
  ['an add without size', add({ size: undefined })],
  ['an add with a fractional size', add({ size: 1.5 })],
  ['an add that leaves the table', add({ path: '../x' })],
  ['a remove without dataChange', '{"remove":{"path":"x"}}'],
  ['a txn without version', '{"txn":{"appId":"x"}}'],
])('%s is refused with version, file and line', (_what, line) => {
  expect(() => parseCommit(12n, encode('{"commitInfo":{}}', line))).toThrow(
    expect.objectContaining({
      code: 'LOG_INVALID',
      details: { version: 12n, file: '00000000000000000012.json', line: 2 },
    }),
  )
})

test('bytes that are not UTF-8 are refused', () => {
  expect(() => parseCommit(0n, new Uint8Array([0x7b, 0xff]))).toThrow(expect.objectContaining({ code: 'LOG_INVALID' }))
})

test('a deletion vector comes typed, whichever way its absent offset is written', () => {
  const vector = { storageType: 'u', pathOrInlineDv: 'x', sizeInBytes: 34, cardinality: 2 }
  const parse = (deletionVector: object): unknown => parseCommit(0n, encode(add({ deletionVector }))).actions[0]
  const typed = { add: { deletionVector: { ...vector, cardinality: 2n } } }
  expect(parse(vector)).toMatchObject(typed)
  expect(parse({ ...vector, offset: null })).toMatchObject(typed)
  expect(parse({ ...vector, offset: 1 })).toMatchObject({ add: { deletionVector: { offset: 1 } } })
  expect(() => parse({ ...vector, storageType: 'q' })).toThrow(expect.objectContaining({ code: 'LOG_INVALID' }))
})
