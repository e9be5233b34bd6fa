import { expect, test } from 'vitest'
import { MessageLengths } from './long-message.ts'

/** A message of a kind, its body as long as wanted. */
function message(kind: string, body: number): Buffer {
  const bytes = Buffer.alloc(5 + body, 'x')
  bytes.write(kind, 'latin1')
  bytes.writeUInt32BE(4 + body, 1)
  return bytes
}

test('a row that is too long is told by its first bytes, however the bytes are cut', () => {
  const all = Buffer.concat([message('H', 7), message('d', 10), message('d', 11), message('c', 0), message('Z', 500)])
  for (let size = 1; size <= all.length; size += 1) {
    const found: number[] = []
    const lengths = new MessageLengths(10, bytes => found.push(bytes))
    for (let at = 0; at < all.length; at += size) lengths.take(all.subarray(at, at + size))
    expect(found).toEqual([11])
  }
  const found: number[] = []
  new MessageLengths(10, bytes => found.push(bytes)).take(message('d', 1000).subarray(0, 5))
  expect(found).toEqual([1000])
})
