import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CopyFrames } from './copy-frames.ts'

/** A message of a kind with its body. */
function message(kind: string, body: Uint8Array): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(5), body])
  bytes.write(kind, 'latin1')
  bytes.writeUInt32BE(4 + body.length, 1)
  return bytes
}

/** What comes out of the pieces of some messages: rows, and everything else as one stream. */
function split(pieces: readonly Buffer[]): { rows: string[]; announced: number[]; passed: string } {
  const rows: Buffer[] = []
  const announced: number[] = []
  const passed: Buffer[] = []
  const frames = new CopyFrames({
    beginRow: bytes => {
      announced.push(bytes)
      rows.push(Buffer.alloc(0))
    },
    rowBytes: (bytes, start, end) => rows.push(Buffer.concat([rows.pop() as Buffer, bytes.subarray(start, end)])),
    pass: bytes => passed.push(Buffer.from(bytes)),
  })
  for (const piece of pieces) frames.take(piece)
  return { rows: rows.map(row => row.toString('hex')), announced, passed: Buffer.concat(passed).toString('hex') }
}

const messages = fc.array(
  fc.record({ kind: fc.constantFrom('d', 'd', 'd', 'N', 'C', 'Z'), body: fc.uint8Array({ maxLength: 40 }) }),
)

test('rows are told from what else a server says, however their bytes are cut', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (sent, sizes) => {
      const all = Buffer.concat(sent.map(({ kind, body }) => message(kind, body)))
      const pieces: Buffer[] = []
      for (let at = 0; at < all.length; ) {
        const size = sizes[pieces.length % sizes.length] as number
        pieces.push(all.subarray(at, at + size))
        at += size
      }
      const rows = sent.filter(({ kind }) => kind === 'd')
      const others = sent.filter(({ kind }) => kind !== 'd')
      expect(split(pieces)).toEqual({
        rows: rows.map(({ body }) => Buffer.from(body).toString('hex')),
        announced: rows.map(({ body }) => body.length),
        passed: Buffer.concat(others.map(({ kind, body }) => message(kind, body))).toString('hex'),
      })
    }),
  )
})

test('the length of a row is told by its first five bytes', () => {
  expect(split([message('d', Buffer.alloc(1000)).subarray(0, 5)]).announced).toEqual([1000])
})
