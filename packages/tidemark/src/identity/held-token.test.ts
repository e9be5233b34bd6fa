/** Tokens of the identity as the client of the store asks for them, while the service of tokens goes away. */
import { ContainerClient } from '@azure/storage-blob'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { AzureIdentity } from './azure-identity.ts'
import { HeldToken } from './held-token.ts'

const LIFETIME_MS = 100_000
const clock = { now: () => Date.now(), monotonic: () => performance.now() }

beforeEach(() => void vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) }))
afterEach(() => void vi.useRealTimers())

/** A service of tokens, and a store that is asked as its identity and never answers. */
function machine() {
  const state = { isAway: false, given: 0, tokens: [] as (string | undefined)[] }
  const credential = {
    getToken: async () => {
      await Promise.resolve()
      if (state.isAway) throw new Error('the service of tokens is away')
      state.given += 1
      return { token: `token-${state.given}`, expiresOnTimestamp: Date.now() + LIFETIME_MS }
    },
  }
  const identity = new AzureIdentity([{ name: 'managed identity', credential }], clock)
  const client = new ContainerClient('https://music.invalid/lake', identity, {
    retryOptions: { maxTries: 1 },
    httpClient: {
      sendRequest: request => {
        state.tokens.push(request.headers.get('authorization'))
        return Promise.reject(new Error('no store'))
      },
    },
  })
  const ask = (): Promise<unknown> =>
    client
      .getBlobClient('t')
      .exists()
      .catch((error: unknown) => error)
  return { state, ask }
}

test('a service of tokens that goes away while a store stands idle ends nothing, and is told to who asks next', async () => {
  const unhandled: unknown[] = []
  const onUnhandled = (reason: unknown): void => void unhandled.push(reason)
  process.on('unhandledRejection', onUnhandled)
  onTestFinished(() => void process.off('unhandledRejection', onUnhandled))
  const { state, ask } = machine()
  await ask()
  state.isAway = true
  // Within the last two minutes of the token: it is asked for anew, in vain, and serves all the same.
  await ask()
  expect(state.tokens).toEqual(['Bearer token-1', 'Bearer token-1'])
  await vi.advanceTimersByTimeAsync(2 * LIFETIME_MS)
  vi.useRealTimers()
  // Node tells of a rejection that nobody handled after the turn in which it happened.
  await new Promise(resolve => setImmediate(resolve))
  expect(unhandled).toEqual([])
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 1) + 2 * LIFETIME_MS })
  expect(String(await ask())).toContain('managed identity: Error')
  expect(state.tokens).toHaveLength(2)
  state.isAway = false
  await ask()
  expect(state.tokens.at(-1)).toBe('Bearer token-2')
})

test('many requests at once take one token, and it is renewed beside them before it ends', async () => {
  const { state, ask } = machine()
  await Promise.all([ask(), ask(), ask()])
  expect([state.given, new Set(state.tokens)]).toEqual([1, new Set(['Bearer token-1'])])
  await ask()
  await vi.advanceTimersByTimeAsync(1)
  await ask()
  expect([state.given, state.tokens.at(-1)]).toEqual([3, 'Bearer token-2'])
})

test('a service of tokens that fails is left alone for a moment while there is a token', async () => {
  let asked = 0
  const held = new HeldToken(() => {
    asked += 1
    if (asked > 1) return Promise.reject(new Error('away'))
    return Promise.resolve({ token: 'a', expiresOnTimestamp: Date.now() + LIFETIME_MS })
  }, clock)
  for (let i = 0; i < 5; i++) expect((await held.get()).token).toBe('a')
  expect(asked).toBe(2)
  await vi.advanceTimersByTimeAsync(3000)
  await held.get()
  expect(asked).toBe(3)
})

test('whoever gives up waiting for a token takes it from nobody else', async () => {
  const { promise, resolve } = Promise.withResolvers<{ token: string; expiresOnTimestamp: number }>()
  const held = new HeldToken(() => promise, clock)
  const controller = new AbortController()
  const [given, other] = [held.get(controller.signal), held.get()]
  controller.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  resolve({ token: 'a', expiresOnTimestamp: Date.now() + LIFETIME_MS })
  expect((await other).token).toBe('a')
})

test('a service of tokens that never answers is given up, and asked again by the next', async () => {
  vi.useRealTimers()
  let asked = 0
  const answer = { token: 'a', expiresOnTimestamp: Date.now() + LIFETIME_MS }
  const held = new HeldToken(
    () => ((asked += 1) === 1 ? new Promise(() => undefined) : Promise.resolve(answer)),
    clock,
    5,
  )
  await expect(held.get()).rejects.toMatchObject({ name: 'TimeoutError' })
  expect((await held.get()).token).toBe('a')
})
