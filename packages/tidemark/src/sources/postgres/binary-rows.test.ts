import { expect, test } from 'vitest'
import type { CopyChunk } from '../segments.ts'
import { type BinaryColumn, rowGroups } from './binary-rows.ts'
import type { Wire } from './wire.ts'

const HEAD = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex')
const END = Buffer.from('ffff', 'hex')

/** A row as the server writes it. */
function row(...values: readonly (Buffer | undefined)[]): Buffer {
  const parts = values.map(value => {
    const length = Buffer.alloc(4)
    length.writeInt32BE(value?.length ?? -1)
    return value === undefined ? length : Buffer.concat([length, value])
  })
  const count = Buffer.alloc(2)
  count.writeInt16BE(values.length)
  return Buffer.concat([count, ...parts])
}

async function* chunksOf(pieces: readonly Buffer[]): AsyncGenerator<CopyChunk, bigint, undefined> {
  for (const bytes of pieces) yield { bytes, rows: 1, longestRow: bytes.length }
  return 7n
}

/** Rows and bytes of each group, and what the server counted. */
async function groupsOf(
  wires: readonly Wire[],
  pieces: readonly Buffer[],
  groupBytes = 1,
): Promise<{ groups: [rows: number, bytes: string][]; sent: bigint }> {
  const columns = wires.map((wire): BinaryColumn => ({ wire, unfit: count => new RangeError(`${count} unfit`) }))
  const groups: [number, string][] = []
  const reading = rowGroups(chunksOf(pieces), columns, groupBytes)
  for (;;) {
    const { value, done } = await reading.next()
    if (done) return { groups, sent: value }
    // The values of a column follow its header and its levels.
    groups.push([
      value.rows,
      value.bytes
        .filter((_, n) => n % 3 === 2)
        .map(part => Buffer.from(part).toString('hex'))
        .join(' '),
    ])
  }
}

const int = (hex: string): Buffer => Buffer.from(hex, 'hex')

test('rows become groups, between chunks, and the end of the stream is no row', async () => {
  const first = Buffer.concat([HEAD, row(int('00000102'), int('61')), row(undefined, int(''))])
  const second = row(int('fffffffe'), undefined)
  const expected = [
    [2, '02010000 010000006100000000'],
    [1, 'feffffff '],
  ]
  expect(await groupsOf(['int4', 'text'], [first, second, END])).toEqual({ groups: expected, sent: 7n })
  expect((await groupsOf(['int4', 'text'], [first, Buffer.concat([second, END])])).groups).toEqual(expected)
  expect((await groupsOf(['int4', 'text'], [first, second, END], 1000)).groups).toEqual([
    [3, '02010000feffffff 010000006100000000'],
  ])
  expect((await groupsOf(['int4'], [Buffer.concat([HEAD, END])])).groups).toEqual([])
})

test('a stream that is not as the form says ends the reading', async () => {
  for (const [pieces, what] of [
    [[row(int('00000102'))], 'does not begin'],
    [[Buffer.concat([HEAD.subarray(0, 11), Buffer.from([0, 1, 0, 0, 0, 0, 0, 0])])], 'does not begin'],
    [[HEAD, row(int('00000102'), int('00'))], 'a row of 2 values in place of 1'],
    [[HEAD, row(int('000102'))], '3 bytes for a value of 4'],
    [[HEAD, END, row(int('00000102'))], 'a row of 1 values'],
    [[HEAD, row(int('00000102')).subarray(0, 8)], 'breaks off'],
  ] as const) {
    await expect(groupsOf(['int4'], pieces)).rejects.toThrow(what)
  }
})

test('values that a column cannot hold are counted, whatever else is among them', async () => {
  const number = (weight: number, sign: string, ...groups: readonly number[]): Buffer => {
    const bytes = Buffer.alloc(8 + groups.length * 2)
    bytes.writeInt16BE(groups.length)
    bytes.writeInt16BE(weight, 2)
    bytes.write(sign, 4, 'hex')
    groups.forEach((group, n) => bytes.writeInt16BE(group, 8 + n * 2))
    return bytes
  }
  const wire = { precision: 5, scale: 2 }
  const [fits, isNaN, long, fine] = [
    number(0, '4000', 123, 4500),
    number(0, 'c000'),
    number(0, '0000', 1000),
    number(-1, '0000', 1230),
  ]
  expect((await groupsOf([wire], [Buffer.concat([HEAD, row(fits)])])).groups).toEqual([[1, 'c7cfffffffffffff']])
  for (const unfit of [isNaN, long, fine, number(-2, '0000', 1), number(9, '0000', 1)]) {
    await expect(groupsOf([wire], [Buffer.concat([HEAD, row(fits), row(unfit), row(unfit)])])).rejects.toThrow(
      '2 unfit',
    )
  }
  await expect(groupsOf(['jsonb'], [Buffer.concat([HEAD, row(int('027b7d'))])])).rejects.toThrow('1 unfit')
  // Microseconds since 2000: the infinities, and the moments beside the first and the last that the lake has.
  const moment = (micros: bigint): Buffer => int(BigInt.asUintN(64, micros).toString(16).padStart(16, '0'))
  const [first, end] = [-63_082_281_600_000_000n, 252_455_616_000_000_000n]
  for (const unfit of [2n ** 63n - 1n, -(2n ** 63n), first - 1n, end]) {
    await expect(groupsOf(['timestamptz'], [Buffer.concat([HEAD, row(moment(unfit))])])).rejects.toThrow('1 unfit')
  }
  const edges = Buffer.concat([HEAD, row(moment(first)), row(moment(end - 1n))])
  expect((await groupsOf(['timestamptz'], [edges])).groups).toEqual([[2, '0040d400014023ffff5f73cc0c448403']])
})
