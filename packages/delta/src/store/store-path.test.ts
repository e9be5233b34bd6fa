import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareBytes } from './store-path.ts'

test('texts are ordered as their UTF-8 bytes are', () => {
  const character = fc.oneof(
    fc.constantFrom('a', 'b', '/', '\u007f', '\u0080', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '😀', '\u{10ffff}'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  )
  const text = fc.array(character, { maxLength: 5 }).map(characters => characters.join(''))
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
    }),
    { numRuns: 1000 },
  )
})
