import { describe, expect, test } from 'vitest'
import { isHorizonUsable, parsePosition, waitUntilDurable } from './position.ts'

const row = {
  system: '7',
  timeline: '00000002',
  database: '5',
  lsn: '18446744073709551615',
  as_of: '2026-11-24T00:00:00.000001Z',
}

describe('parsePosition', () => {
  test('numbers beyond 2^53 stay exact', () => {
    const position = parsePosition({
      ...row,
      snapshot: '9007199254740993:9007199254740999:9007199254740993,9007199254740995',
    })
    expect(position).toEqual({
      identity: 'postgres:7:00000002:5',
      history: 'postgres:7:00000002:5',
      order: 9007199254740997n,
      rowVersions: { horizon: 9007199254740993n, next: 9007199254740999n, maxAge: 2n ** 31n },
      log: 18446744073709551615n,
      asOf: '2026-11-24T00:00:00.000001Z',
      openTransactions: 2,
    })
  })

  test('a server without open transactions has an order equal to the next transaction', () => {
    expect(parsePosition({ ...row, snapshot: '754:754:' })).toMatchObject({ order: 754n, openTransactions: 0 })
  })

  test('another timeline, server or database is another identity', () => {
    const identity = (changed: object): string => parsePosition({ ...row, snapshot: '3:3:', ...changed }).identity
    const all = [
      identity({}),
      identity({ timeline: '00000003' }),
      identity({ system: '8' }),
      identity({ database: '6' }),
    ]
    expect(new Set(all).size).toBe(4)
  })

  test('a text that is no snapshot is our bug, aloud', () => {
    expect(() => parsePosition({ ...row, snapshot: '754' })).toThrow(/bug in tidemark/)
  })
})

test('a horizon is usable while its age fits 31 bits, and never when it lies in the future', () => {
  const usable = (age: bigint): boolean => isHorizonUsable(2n ** 40n, 2n ** 40n - age)
  expect([0n, 1n, 2n ** 30n, 2n ** 31n - 2n ** 25n].map(usable)).toEqual([true, true, true, true])
  expect([2n ** 31n, 2n ** 31n - 1n, 2n ** 32n + 5n, -1n].map(usable)).toEqual([false, false, false, false])
})

describe('waitUntilDurable', () => {
  /** How often a server is looked at whose log is on disk at the n-th look, where a pause takes what the clock says. */
  async function looksOf(durableAt: number, pauseMs: (pause: number) => number): Promise<number> {
    let [looks, pauses, now] = [0, 0, 0]
    const session = {
      query: () => Promise.resolve([{ durable: (looks += 1) >= durableAt ? 't' : 'f', delay_ms: '200' }]),
    }
    const clock = {
      monotonic: () => now,
      sleep: () => Promise.resolve(void (now += pauseMs((pauses += 1)))),
    }
    await waitUntilDurable(session, { position: { log: 1n }, clock, signal: new AbortController().signal })
    return looks
  }

  test('log that is never written is that of open transactions once the server has had three times its delay', async () => {
    expect(await looksOf(Infinity, () => 20)).toBe(33)
  })

  test('a machine that stood still between two looks gives the server the time that it had not', async () => {
    expect(await looksOf(10, pause => (pause === 1 ? 3000 : 20))).toBe(10)
    expect(await looksOf(Infinity, pause => (pause === 1 ? 3000 : 20))).toBe(23)
  })
})
