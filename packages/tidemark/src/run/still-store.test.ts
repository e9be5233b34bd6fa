import { DeltaError, isDeltaError, type ObjectStore } from '@tidemark/delta'
import { expect, test } from 'vitest'
import { stillStore } from './still-store.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A store in memory that says what it was asked for. */
function inMemory(objects: Map<string, Uint8Array>): { store: ObjectStore; asked: string[] } {
  const asked: string[] = []
  const never = (): never => {
    throw new Error('a plan writes nothing')
  }
  const store: ObjectStore = {
    get: async path => {
      asked.push(path)
      await Promise.resolve()
      const found = objects.get(path)
      if (found === undefined) throw new DeltaError('NOT_FOUND', path)
      return found
    },
    async *list(prefix) {
      for (const [path, found] of objects)
        if (path.startsWith(`${prefix}/`)) yield { path, size: found.length, modifiedAt: 0 }
    },
    putIfAbsent: never,
    put: never,
    putFile: never,
    delete: never,
    locate: path => path,
  }
  return { store, asked }
}

const isThere = (store: ObjectStore, path: string): Promise<boolean> =>
  store.get(path).then(
    () => true,
    error => (isDeltaError(error, 'NOT_FOUND') ? false : Promise.reject(error)),
  )

test('what was not there is asked for once, by however many at a time, and stays absent for this plan', async () => {
  const objects = new Map<string, Uint8Array>()
  const { store, asked } = inMemory(objects)
  const still = stillStore(store)
  expect(await Promise.all([isThere(still, 't/1'), isThere(still, 't/1')])).toEqual([false, false])
  objects.set('t/1', bytes('late'))
  expect(await isThere(still, 't/1')).toBe(false)
  expect(asked).toEqual(['t/1'])
  expect(await isThere(stillStore(store), 't/1')).toBe(true)
})

test('what a listing shows is there, whatever was known before', async () => {
  const objects = new Map<string, Uint8Array>()
  const still = stillStore(inMemory(objects).store)
  expect(await isThere(still, 't/1')).toBe(false)
  objects.set('t/1', bytes('late'))
  for await (const { path } of still.list('t')) expect(path).toBe('t/1')
  expect(await isThere(still, 't/1')).toBe(true)
})

test('small objects are kept and large ones are not', async () => {
  const { store, asked } = inMemory(
    new Map([
      ['small', bytes('x')],
      ['large', new Uint8Array(100_000)],
    ]),
  )
  const still = stillStore(store)
  for (const path of ['small', 'large', 'small', 'large']) await still.get(path)
  expect(asked).toEqual(['small', 'large', 'large'])
})

test('a failure is no knowledge: the next one asks again', async () => {
  const { store } = inMemory(new Map([['t/1', bytes('x')]]))
  let failures = 1
  const still = stillStore({
    ...store,
    get: path => ((failures -= 1) >= 0 ? Promise.reject(new Error('away')) : store.get(path)),
  })
  await expect(still.get('t/1')).rejects.toThrow('away')
  expect(await isThere(still, 't/1')).toBe(true)
})

test('a caller that gave up is told so, also of what is known', async () => {
  const still = stillStore(inMemory(new Map([['t/1', bytes('x')]])).store)
  await still.get('t/1')
  await expect(still.get('t/1', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
})
