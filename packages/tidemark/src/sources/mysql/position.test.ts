import { expect, test } from 'vitest'
import { countTransactions, parsePosition } from './position.ts'

test('a set of global transaction ids counts what was logged, in both spellings', () => {
  expect(countTransactions('')).toBe(0n)
  expect(countTransactions('0-1-270,1-1-9')).toBe(279n)
  expect(
    countTransactions('3e11fa47-71ca-11e1-9e33-c80aa9429562:1-270:300,\n4e11fa47-71ca-11e1-9e33-c80aa9429562:1-9'),
  ).toBe(280n)
})

test('a server is known by its own id, or where it has none by its place', () => {
  const clock = { order_us: '1767225600000001', as_of: '2026-01-01T00:00:00.000001Z', database: 'music' }
  const mysql = parsePosition(
    clock,
    new Map([
      ['server_uuid', 'u-1'],
      ['hostname', 'a'],
      ['log_bin', 'ON'],
    ]),
    undefined,
  )
  expect([mysql.identity, mysql.order]).toEqual(['mysql:u-1:ON:music', 1767225600000001n])
  const place = new Map([
    ['server_uid', 's'],
    ['hostname', 'a'],
    ['port', '3306'],
    ['datadir', '/d'],
    ['log_bin', 'OFF'],
  ])
  expect(parsePosition(clock, place, 2)).toMatchObject({ identity: 'mysql:s:a:3306:/d:OFF:music', openTransactions: 2 })
})
