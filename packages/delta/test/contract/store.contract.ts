/**
 * What every ObjectStore promises, as one suite to run over each implementation.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { ObjectStore } from '../../src/index.ts'
import { collect } from '../support/collect.ts'

export interface StoreContract {
  name: string
  /** A new, empty store, and what removes it. */
  make: () => Promise<{ store: ObjectStore; close: () => Promise<void> }>
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const textOf = (data: Uint8Array): string => new TextDecoder().decode(data)

/** A promise as a test on a store of its own. */
export function onStore(make: StoreContract['make']) {
  return (promise: (store: ObjectStore) => Promise<void>) => async (): Promise<void> => {
    const { store, close } = await make()
    try {
      await promise(store)
    } finally {
      await close()
    }
  }
}

export function storeContract({ name, make }: StoreContract): void {
  const withStore = onStore(make)
  const paths = async (store: ObjectStore, prefix: string, startAfter?: string): Promise<string[]> =>
    (await collect(store.list(prefix, { startAfter }))).map(o => o.path)

  describe(`${name} as object store`, () => {
    test.each([false, true])(
      'of 20 writers of one name exactly one creates it, and its bytes stay, where advisory is %s',
      async advisory =>
        withStore(async store => {
          const write = (text: string) => store.putIfAbsent('t/_delta_log/1.json', bytes(text), { advisory })
          const outcomes = await Promise.all(Array.from({ length: 20 }, (_, i) => write(`writer ${i}`)))
          expect(outcomes.filter(o => o === 'created')).toHaveLength(1)
          const winner = outcomes.indexOf('created')
          expect(textOf(await store.get('t/_delta_log/1.json'))).toBe(`writer ${winner}`)
          expect(await write('late')).toBe('exists')
          expect(textOf(await store.get('t/_delta_log/1.json'))).toBe(`writer ${winner}`)
        })(),
    )

    test(
      'put replaces the whole object',
      withStore(async store => {
        await store.put('hint', bytes('a long first text'))
        await store.put('hint', bytes('short'))
        expect(textOf(await store.get('hint'))).toBe('short')
      }),
    )

    test(
      'the folders below a folder are named once each, whatever they hold, where the store can tell',
      withStore(async store => {
        for (const path of ['b/é x/1', 'b/é x/2', 'b/a-/y/z/1', 'b/a/1', 'b/file', 'ba/not/1', 'b/a%2Fb/1'])
          await store.put(path, bytes('x'))
        if (store.listFolders === undefined) return
        expect(await collect(store.listFolders('b'))).toEqual(['a%2Fb', 'a-', 'a', 'é x'])
        expect(await collect(store.listFolders('nothing'))).toEqual([])
      }),
    )

    test(
      'a missing object is NOT_FOUND to read and fine to delete',
      withStore(async store => {
        await store.put('folder/file', bytes('x'))
        for (const path of ['nothing', 'no/where', 'folder', 'folder/file/below']) {
          await expect(store.get(path)).rejects.toMatchObject({ code: 'NOT_FOUND' })
        }
        await store.delete('nothing')
        await store.delete('folder/file')
        await expect(store.get('folder/file')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      }),
    )

    test(
      'unicode, spaces and percent signs in names come back as they went in',
      withStore(async store => {
        const names = ['blå/bær', 'a b/c%20d', '表/日本.json', '😀', "it's", 'q=1/x']
        for (const path of names) await store.putIfAbsent(path, bytes(path))
        for (const path of names) expect(textOf(await store.get(path))).toBe(path)
        expect(new Set(await paths(store, ''))).toEqual(new Set(names))
      }),
    )

    test(
      'list goes in byte order of the whole path, at any depth',
      withStore(async store => {
        const ordered = ['p/a-b', 'p/a.b', 'p/a/1', 'p/a/z/0', 'p/a0', 'p/b', 'p/é', 'p/\uffee', 'p/😀']
        for (const path of [...ordered].reverse()) await store.put(path, bytes('x'))
        await store.put('pq/other', bytes('x'))
        expect(await paths(store, 'p')).toEqual(ordered)
        for (const [i, path] of ordered.entries()) {
          expect(await paths(store, 'p', path)).toEqual(ordered.slice(i + 1))
        }
      }),
    )

    test(
      'list starts after a name that does not exist, and of a missing folder is empty',
      withStore(async store => {
        await store.put('t/1', bytes('12345'))
        await store.put('t/3', bytes('x'))
        expect(await paths(store, 't', 't/2')).toEqual(['t/3'])
        expect(await paths(store, 'nothing')).toEqual([])
        const [first] = await collect(store.list('t'))
        expect(first).toMatchObject({ path: 't/1', size: 5 })
      }),
    )

    test(
      'a path that could leave the store is refused by every method',
      withStore(async store => {
        for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a//b', '.', '', 'a/./b', 'a\0b', 'a\\..\\b']) {
          const expected = { code: 'PATH_INVALID' }
          await expect(store.get(path)).rejects.toMatchObject(expected)
          await expect(store.putIfAbsent(path, bytes('x'))).rejects.toMatchObject(expected)
          await expect(store.put(path, bytes('x'))).rejects.toMatchObject(expected)
          await expect(store.delete(path)).rejects.toMatchObject(expected)
          expect(() => store.locate(path)).toThrow(expect.objectContaining(expected))
        }
      }),
    )

    test(
      'putFile publishes a finished file once and leaves the original',
      withStore(async store => {
        await withFolder(async folder => {
          const local = join(folder, 'data.parquet')
          await writeFile(local, 'rows')
          expect(await store.putFile('t/new/part-0', local)).toBe('created')
          expect(await store.putFile('t/new/part-0', local)).toBe('exists')
          await rm(local)
          expect(textOf(await store.get('t/new/part-0'))).toBe('rows')
          await expect(store.putFile('t/new/part-1', local)).rejects.toThrow()
        })
      }),
    )

    test(
      'a listing longer than any page of a service is whole and in order',
      withStore(async store => {
        const names = Array.from({ length: 1050 }, (_, i) => `t/_delta_log/${String(i).padStart(20, '0')}.json`)
        const waiting = names.values()
        const write = async (): Promise<void> => {
          for (const name of waiting) await store.putIfAbsent(name, bytes('x'))
        }
        await Promise.all(Array.from({ length: 16 }, write))
        expect(await paths(store, 't/_delta_log')).toEqual(names)
        expect(await paths(store, 't/_delta_log', names[1040])).toEqual(names.slice(1041))
      }),
    )

    test(
      'a file of many parts arrives byte for byte',
      withStore(async store => {
        await withFolder(async folder => {
          const content = Buffer.alloc(17_000_001, 'every part is another one; ')
          await writeFile(join(folder, 'big'), content)
          expect(await store.putFile('t/big', join(folder, 'big'))).toBe('created')
          expect(Buffer.compare(await store.get('t/big'), content)).toBe(0)
          const [listed] = await collect(store.list('t'))
          expect(listed?.size).toBe(content.length)
        })
      }),
    )

    test(
      'of two files of many parts the first stays',
      withStore(async store => {
        await withFolder(async folder => {
          const [first, second] = [join(folder, 'first'), join(folder, 'second')]
          const content = Buffer.alloc(9_000_001, 'every part is another one; ')
          await writeFile(first, content)
          await writeFile(second, content.subarray(1))
          const outcomes = await Promise.all([store.putFile('t/big', first), store.putFile('t/big', second)])
          expect(outcomes.toSorted()).toEqual(['created', 'exists'])
          const winner = outcomes[0] === 'created' ? content : content.subarray(1)
          expect(Buffer.compare(await store.get('t/big'), winner)).toBe(0)
        })
      }),
    )

    test(
      'an empty object is an object',
      withStore(async store => {
        expect(await store.putIfAbsent('t/empty', bytes(''))).toBe('created')
        expect(await store.putIfAbsent('t/empty', bytes('x'))).toBe('exists')
        expect((await store.get('t/empty')).length).toBe(0)
        expect(await paths(store, 't')).toEqual(['t/empty'])
      }),
    )

    test(
      'an aborted write does not take effect',
      withStore(async store => {
        const signal = AbortSignal.abort()
        await expect(store.putIfAbsent('t/x', bytes('x'), { signal })).rejects.toThrow()
        await expect(store.put('t/x', bytes('x'), { signal })).rejects.toThrow()
        await expect(store.get('t/x')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      }),
    )
  })
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-store-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}
