import { describe, expect, test } from 'vitest'
import { ChangedKeys } from './changed-keys.ts'
import { PgoutputReader } from './pgoutput.ts'
import { printLsn } from './slot-sql.ts'
import { visibility } from './transactions.ts'

const u8 = (n: number): Buffer => Buffer.from([n])
const u16 = (n: number): Buffer => Buffer.from([n >> 8, n & 255])
const u32 = (n: number): Buffer => Buffer.concat([u16(n >>> 16), u16(n & 0xffff)])
const letter = (kind: string): Buffer => Buffer.from(kind, 'latin1')
const name = (text: string): Buffer => Buffer.from(`${text}\0`)
const value = (text: string | null | undefined): Buffer => {
  if (text === null) return letter('n')
  if (text === undefined) return letter('u')
  return Buffer.concat([letter('t'), u32(Buffer.byteLength(text)), Buffer.from(text)])
}
const tuple = (...values: (string | null | undefined)[]): Buffer =>
  Buffer.concat([u16(values.length), ...values.map(value)])

const begin = (at: number, xid: number): Buffer =>
  Buffer.concat([letter('B'), u32(0), u32(at), u32(0), u32(0), u32(xid)])
/** `id` is the identity, `note` is not. */
const relation = (oid: number, identity = 1): Buffer =>
  Buffer.concat([
    letter('R'),
    u32(oid),
    name('public'),
    name('t'),
    letter('d'),
    u16(2),
    ...['id', 'note'].flatMap((column, n) => [u8(n === 0 ? identity : 0), name(column), u32(20), u32(0xffff_ffff)]),
  ])
const change = (kind: string, oid: number, ...parts: (Buffer | string)[]): Buffer =>
  Buffer.concat([letter(kind), u32(oid), ...parts.map(part => (typeof part === 'string' ? letter(part) : part))])

function collect(messages: readonly Buffer[], snapshot = '100:100:'): ChangedKeys {
  const keys = new ChangedKeys([{ name: 't', key: ['id'], relations: ['7'] }], visibility(snapshot))
  const reader = new PgoutputReader()
  for (const message of messages) keys.take(reader.read(message))
  return keys
}

describe('the messages of a log', () => {
  test('name each changed key once, of watched tables alone', () => {
    const keys = collect([
      begin(16, 50),
      relation(7),
      relation(8),
      change('I', 7, 'N', tuple('1', 'a')),
      change('U', 7, 'N', tuple('1', undefined)),
      change('U', 7, 'K', tuple('å"', null), 'N', tuple('2', 'b')),
      change('D', 7, 'K', tuple('3', null)),
      change('I', 8, 'N', tuple('4', 'other')),
    ])
    expect(keys.of('t')).toEqual({ keys: [['1'], ['2'], ['å"'], ['3']] })
    expect(keys.unseen).toBeUndefined()
  })

  test('do not name them where a key is left out, the identity lacks it, or all rows went at once', () => {
    const truncate = Buffer.concat([letter('T'), u32(1), u8(0), u32(7)])
    const missing = (...messages: Buffer[]): unknown => collect([begin(16, 50), relation(7), ...messages]).of('t')
    expect(missing(change('U', 7, 'N', tuple(undefined, 'b')))).toEqual({ missing: 'a key is not in the log' })
    expect(missing(relation(7, 0), change('U', 7, 'N', tuple('1', 'b')))).toEqual({
      missing: 'its replica identity does not hold the key',
    })
    expect(missing(relation(7, 0), change('I', 7, 'N', tuple('1', 'b')))).toEqual({ keys: [['1']] })
    expect(missing(truncate, change('I', 7, 'N', tuple('1', 'b')))).toEqual({ missing: 'it was truncated' })
  })

  test('end, for the next reading, at the first transaction that the snapshot does not see', () => {
    expect(collect([begin(16, 50), begin(32, 98), begin(48, 51), begin(64, 99)], '98:103:98,99').unseen).toBe(32n)
    expect(collect([begin(16, 50), begin(32, 103)], '98:103:98,99').unseen).toBe(32n)
  })

  test('that are cut short are an error and not a value', () => {
    const whole = change('I', 7, 'N', tuple('1', 'value'))
    const reader = new PgoutputReader()
    reader.read(relation(7))
    for (let length = 1; length < whole.length; length += 1) {
      expect(() => reader.read(whole.subarray(0, length))).toThrow(RangeError)
    }
  })
})

test('the 32 bits of a transaction in the log are compared across the wrap', () => {
  const sees = visibility(`${2n ** 33n - 5n}:${2n ** 33n + 10n}:${2n ** 33n - 5n},${2n ** 33n + 3n}`)
  expect([2n ** 32n - 5n, 2n ** 32n - 4n, 3n, 4n, 9n, 10n].map(sees)).toEqual([false, true, false, true, true, false])
})

test('a position of the log is written as the server writes it', () => {
  expect([0n, 0xffff_ffffn, 0x16b374d848n].map(printLsn)).toEqual(['0/0', '0/FFFFFFFF', '16/B374D848'])
})
