import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RowPackets } from './row-packets.ts'

const FULL = 0xff_ff_ff

/** A packet, or several where one cannot hold it. */
function packets(body: Uint8Array, number: number): Buffer[] {
  const parts: Buffer[] = []
  for (let at = 0; at === 0 || at <= body.length; at += FULL) {
    const part = body.subarray(at, at + FULL)
    const header = Buffer.alloc(4)
    header.writeUIntLE(part.length, 0, 3)
    header[3] = number + parts.length
    parts.push(header, Buffer.from(part))
    if (part.length < FULL) break
  }
  return parts
}

interface Split {
  rows: string[]
  count: number
  longestRow: number
  passed: string
}

/** What comes out of the pieces of an answer: rows without headers, and everything else as one stream. */
function split(pieces: readonly Buffer[], room = 1000): Split {
  const passed: Buffer[] = []
  const rows: Buffer[] = []
  let partial: Buffer[] = []
  let left = 0
  const found = { count: 0, longestRow: 0 }
  const endRow = (): void => {
    if (partial.length === 0) return
    found.count += 1
    const row = Buffer.concat(partial).subarray(4)
    found.longestRow = Math.max(found.longestRow, row.length)
    rows.push(row)
    partial = []
  }
  const taker = new RowPackets({
    room,
    rows: (bytes, start, end, { count, longestRow }) => {
      endRow()
      expect(count === 1 || end - start <= room).toBe(true)
      found.count += count
      found.longestRow = Math.max(found.longestRow, longestRow)
      for (let at = start; at < end; at += 4 + bytes.readUIntLE(at, 3)) {
        rows.push(Buffer.from(bytes.subarray(at + 4, at + 4 + bytes.readUIntLE(at, 3))))
      }
    },
    beginPacket: (bytes, isFirst) => {
      expect(left).toBe(0)
      left = bytes + (isFirst ? 4 : 0)
      if (isFirst) endRow()
    },
    rowBytes: (bytes, start, end) => {
      left -= end - start
      partial.push(Buffer.from(bytes.subarray(start, end)))
    },
    pass: bytes => {
      endRow()
      passed.push(Buffer.from(bytes))
    },
  })
  for (const piece of pieces) taker.take(piece)
  endRow()
  return { rows: rows.map(row => row.toString('hex')), ...found, passed: Buffer.concat(passed).toString('hex') }
}

function cut(all: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < all.length; ) {
    const size = sizes[pieces.length % sizes.length] ?? 1
    pieces.push(all.subarray(at, at + size))
    at += size
  }
  return pieces
}

const END = Buffer.from('fe00002200', 'hex')
const FAILED = Buffer.from('ff25052354455354', 'hex')
const column = Buffer.from('03646566', 'hex')
const rowBody = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map(bytes => Uint8Array.from([Math.min(bytes[0] ?? 0, 0xfb), ...bytes.subarray(1)]))

test('rows are told from what else a server says, however their bytes are cut', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 })
  const ends = fc.constantFrom(END, FAILED)
  fc.assert(
    fc.property(fc.array(rowBody), ends, sizes, fc.constantFrom(1, 50, 1000), (bodies, end, pieces, room) => {
      const head = [Buffer.from([2]), column, column, END]
      const answer = [...head, ...bodies, end].flatMap((body, n) => packets(body, (n + 1) & 0xff))
      // The driver counts what it gets, and has not seen the rows.
      const seen = [...head, end].flatMap((body, n) => packets(body, n + 1))
      expect(split(cut(Buffer.concat(answer), pieces), room)).toEqual({
        rows: bodies.map(body => Buffer.from(body).toString('hex')),
        count: bodies.length,
        longestRow: Math.max(0, ...bodies.map(({ length }) => length)),
        passed: Buffer.concat(seen).toString('hex'),
      })
    }),
  )
})

test.each([
  ['an error', FAILED],
  ['success without rows', Buffer.from('00000002000000', 'hex')],
])('an answer that is %s goes to the driver whole', (_what, body) => {
  const answer = Buffer.concat([...packets(body, 1), ...packets(END, 2)])
  for (const size of [1, 3, 5, 100]) {
    expect(split(cut(answer, [size]))).toMatchObject({ rows: [], passed: answer.toString('hex') })
  }
})

test.each([FULL - 1, FULL, FULL + 1, 2 * FULL])('a row of %i bytes is one row', length => {
  const body = Buffer.alloc(length, 7)
  const answer = [Buffer.from([1]), column, END, Buffer.from([5]), body, Buffer.from([6]), END]
  const all = Buffer.concat(answer.flatMap((part, n) => packets(part, n + 1)))
  const { rows, count, longestRow } = split(cut(all, [65_536, 9, 1_000_000]))
  expect([count, longestRow, rows[0], rows[2]]).toEqual([3, length, '05', '06'])
  expect(rows[1] === body.toString('hex')).toBe(true)
})
