import { expect, test } from 'vitest'
import { Turnstile } from './turnstile.ts'

const never = new AbortController().signal

test('no more than the limit are inside, and who waits longest is next', async () => {
  const turnstile = new Turnstile(2)
  const entered: number[] = []
  const visits = [1, 2, 3, 4].map(n => turnstile.enter(never).then(() => entered.push(n)))
  await Promise.all(visits.slice(0, 2))
  expect(entered).toEqual([1, 2])
  turnstile.leave()
  await visits[2]
  expect(entered).toEqual([1, 2, 3])
  turnstile.leave()
  await visits[3]
  expect(entered).toEqual([1, 2, 3, 4])
})

test('a place is taken without waiting only while one is free', async () => {
  const turnstile = new Turnstile(1)
  expect(turnstile.tryEnter()).toBe(true)
  expect(turnstile.tryEnter()).toBe(false)
  const waiting = turnstile.enter(never)
  turnstile.leave()
  // It went to who waited.
  expect(turnstile.tryEnter()).toBe(false)
  await waiting
  turnstile.leave()
  expect(turnstile.tryEnter()).toBe(true)
})

test('who aborts leaves the queue without taking a place', async () => {
  const turnstile = new Turnstile(1)
  const abort = new AbortController()
  await turnstile.enter(never)
  const impatient = turnstile.enter(abort.signal)
  const patient = turnstile.enter(never)
  abort.abort(new Error('enough'))
  await expect(impatient).rejects.toThrow('enough')
  turnstile.leave()
  await expect(patient).resolves.toBeUndefined()
  await expect(turnstile.enter(abort.signal)).rejects.toThrow('enough')
})
