import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LocalStore } from '@tidemark/delta'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CachedStore, type DistantStore } from './cached-store.ts'
import { FileCache } from './file-cache.ts'
import { WrittenOnce } from './written-once.ts'

let root: string
let now: number

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-cache-'))
  // Reading a file may set the time of its last use to the real one, which must not be later.
  now = 4_000_000_000_000
})
afterEach(() => rm(root, { recursive: true }))

/** A store far away: a folder that can only be reached through its requests. */
function distantStore(failing: { downloads: number; code: string } = { downloads: 0, code: '' }) {
  const asked: string[] = []
  const far = new LocalStore(join(root, 'far'))
  const store: DistantStore = {
    usage: { requests: 0, sentBytes: 0, receivedBytes: 0 },
    get: async path => {
      asked.push(`get ${path}`)
      return await far.get(path)
    },
    putIfAbsent: (path, bytes) => far.putIfAbsent(path, bytes),
    put: (path, bytes) => far.put(path, bytes),
    putFile: (path, file) => far.putFile(path, file),
    list: (prefix, options) => far.list(prefix, options),
    async *listFolders() {
      // Nothing here asks for folders.
    },
    delete: path => far.delete(path),
    claim: () => Promise.reject(new Error('nobody claims anything here')),
    locate: path => `far://lake/${path}`,
    download: async (path, size, file) => {
      asked.push(`download ${path}`)
      if (failing.downloads > 0) {
        failing.downloads -= 1
        await writeFile(file, 'torn')
        throw Object.assign(new Error('no'), { code: failing.code })
      }
      await writeFile(file, (await far.get(path)).subarray(0, size))
    },
  }
  return { store, asked, far }
}

function cacheOf(limitBytes: number): FileCache {
  return new FileCache({ folder: join(root, 'cache'), limitBytes, clock: { now: () => (now += 1000) } })
}

function near(distant: DistantStore, process: string, cacheBytes = 1e6, limitBytes?: number): CachedStore {
  const folder = join(root, process)
  return new CachedStore({ distant, cache: cacheOf(cacheBytes), folder, lake: 'far://lake', limitBytes })
}

const object = (path: string, size = 10): { path: string; size: bigint } => ({ path, size: BigInt(size) })
const ten = (mark: string): Uint8Array => new TextEncoder().encode(mark.padEnd(10, '.'))

describe('a lake elsewhere', () => {
  test('gives an engine files where it locates them, as long as they are held, and fetches each once', async () => {
    const { store, asked, far } = distantStore()
    await far.put('t/a', ten('a'))
    const one = near(store, 'one')
    const held = await one.hold([object('t/a'), object('t/a')])
    const again = await one.hold([object('t/a')])
    expect(await readFile(one.locate('t/a'), 'utf8')).toBe('a.........')
    await held[Symbol.asyncDispose]()
    expect(await readFile(one.locate('t/a'), 'utf8')).toBe('a.........')
    await again[Symbol.asyncDispose]()
    await expect(readFile(one.locate('t/a'))).rejects.toThrow('ENOENT')
    await using other = await near(store, 'two').hold([object('t/a')])
    void other
    expect(asked).toEqual(['download t/a'])
    expect(one.address('t/a')).toBe('far://lake/t/a')
  })

  test('needs not fetch what was written from here, and always fetches what its log names without a size', async () => {
    const { store, asked } = distantStore()
    const one = near(store, 'one')
    await mkdir(join(root, 'scratch'))
    for (const path of ['t/part', 't/_delta_log/1.checkpoint.parquet']) {
      await writeFile(join(root, 'scratch', 'x'), 'written...')
      expect(await one.putFile(path, join(root, 'scratch', 'x'))).toBe('created')
      await rm(join(root, 'scratch', 'x'))
      await using held = await one.hold([path === 't/part' ? object(path) : { path }])
      void held
      expect(await readFile(one.locate(path), 'utf8')).toBe('written...')
    }
    expect(asked).toEqual(['get t/_delta_log/1.checkpoint.parquet'])
  })

  test('is asked for a commit once', async () => {
    const { store, asked, far } = distantStore()
    const commit = 't/_delta_log/00000000000000000000.json'
    for (const path of [commit, 't/_delta_log/_last_checkpoint']) await far.put(path, ten('x'))
    const one = near(store, 'one')
    for (const path of [commit, commit, 't/_delta_log/_last_checkpoint', 't/_delta_log/_last_checkpoint'])
      await one.get(path)
    expect(asked.filter(ask => ask.endsWith('json'))).toHaveLength(1)
    expect(asked).toHaveLength(3)
    await one.delete(commit)
    await expect(one.get(commit)).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('that lost an object says so, and lets go of the others', async () => {
    const { store, far } = distantStore()
    await far.put('t/a', ten('a'))
    const one = near(store, 'one')
    await expect(one.hold([object('t/a'), object('t/gone')])).rejects.toMatchObject({
      code: 'NOT_FOUND',
      details: { path: 't/gone' },
    })
    expect(await readdir(join(root, 'one', 't'))).toEqual([])
    await far.put('t/gone', ten('back'))
    await using held = await one.hold([object('t/gone')])
    void held
    expect(await readFile(one.locate('t/gone'), 'utf8')).toBe('back......')
  })

  test('brings an object for whoever still wants it when the one who was bringing it is stopped', async () => {
    const { store, asked, far } = distantStore()
    await far.put('t/a', ten('a'))
    const begun = Promise.withResolvers<void>()
    const download = store.download.bind(store)
    store.download = async (path, size, file, signal) => {
      if (asked.push(`ask for ${path}`) > 1) return await download(path, size, file, signal)
      begun.resolve()
      await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    const one = near(store, 'one')
    const [first, other, last] = [new AbortController(), new AbortController(), new AbortController()]
    const stopped = one.hold([object('t/a')], { signal: first.signal })
    await begun.promise
    const others = [other, last].map(({ signal }) => one.hold([object('t/a')], { signal }))
    first.abort(new Error('enough'))
    await expect(stopped).rejects.toThrow('enough')
    const held = await Promise.all(others)
    expect(await readFile(one.locate('t/a'), 'utf8')).toBe('a.........')
    expect(asked).toEqual(['ask for t/a', 'ask for t/a', 'download t/a'])
    for (const each of held) await each[Symbol.asyncDispose]()
    expect(await readdir(join(root, 'one', 't'))).toEqual([])
  })

  test('holds no more than it may, refuses before anything travels, and has room again when others let go', async () => {
    const { store, asked, far } = distantStore()
    for (const name of ['a', 'b', 'c']) await far.put(`t/${name}`, ten(name))
    const one = near(store, 'one', undefined, 25)
    const held = await one.hold([object('t/a'), object('t/b')])
    await using again = await one.hold([object('t/a')])
    void again
    const full = { code: 'STAGING_FULL', params: { folder: join(root, 'one'), neededBytes: '30', limitBytes: '25' } }
    await expect(one.hold([object('t/c'), object('t/b')])).rejects.toMatchObject(full)
    expect(asked.toSorted()).toEqual(['download t/a', 'download t/b'])
    await held[Symbol.asyncDispose]()
    await held[Symbol.asyncDispose]()
    const both = await Promise.allSettled([one.hold([object('t/c')]), one.hold([object('t/b')])])
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(await readFile(one.locate('t/c'), 'utf8')).toBe('c.........')
  })

  test('on a full disk does without the cache, and when that is not enough names the folder', async () => {
    const { store, far } = distantStore({ downloads: 1, code: 'ENOSPC' })
    await far.put('t/a', ten('a'))
    await far.put('t/b', ten('b'))
    await mkdir(join(root, 'cache'))
    await writeFile(join(root, 'cache', 'kept'), 'earlier')
    await using held = await near(store, 'one').hold([object('t/a')])
    void held
    expect(await readdir(join(root, 'cache'))).not.toContain('kept')
    const full = distantStore({ downloads: 9, code: 'ENOSPC' })
    await expect(near(full.store, 'two').hold([object('t/b')])).rejects.toMatchObject({
      code: 'LAKE_FULL',
      params: { lake: join(root, 'two') },
    })
    expect(await readdir(join(root, 'two', 't'))).toEqual([])
  })
})

describe('the cache', () => {
  test('keeps what was read last within its limit, and takes no file from under a reader', async () => {
    const { store, asked, far } = distantStore()
    for (const name of ['a', 'b', 'c', 'd']) await far.put(`t/${name}`, ten(name))
    const [one, two] = [near(store, 'one', 30), near(store, 'two', 30)]
    await using reader = await one.hold([object('t/a')])
    void reader
    for (const name of ['b', 'a', 'c', 'd']) await (await two.hold([object(`t/${name}`)]))[Symbol.asyncDispose]()
    expect(await readdir(join(root, 'cache'))).toHaveLength(3)
    expect(await readFile(one.locate('t/a'), 'utf8')).toBe('a.........')
    const before = asked.length
    for (const name of ['a', 'c', 'd']) await (await two.hold([object(`t/${name}`)]))[Symbol.asyncDispose]()
    expect(asked).toHaveLength(before)
    await (await two.hold([object('t/b')]))[Symbol.asyncDispose]()
    expect(asked.at(-1)).toBe('download t/b')
  })

  test('fetches again what a power cut has cut short', async () => {
    const { store, asked, far } = distantStore()
    await far.put('t/a', ten('a'))
    await (await near(store, 'one').hold([object('t/a')]))[Symbol.asyncDispose]()
    const [copy = ''] = await readdir(join(root, 'cache'))
    await truncate(join(root, 'cache', copy), 4)
    const two = near(store, 'two')
    await using held = await two.hold([object('t/a')])
    void held
    expect(await readFile(two.locate('t/a'), 'utf8')).toBe('a.........')
    expect(asked).toEqual(['download t/a', 'download t/a'])
  })

  test('has nothing of an object that is larger than all of it', async () => {
    const { store, far } = distantStore()
    await far.put('t/a', ten('a'))
    await using held = await near(store, 'one', 9).hold([object('t/a')])
    void held
    expect(await readdir(join(root, 'cache')).catch(() => [])).toEqual([])
  })

  test('in memory stays within its limit, whatever is written once', () => {
    const once = new WrittenOnce(160)
    const paths = Array.from({ length: 40 }, (_, i) => `t/_delta_log/${String(i).padStart(20, '0')}.json`)
    for (const path of paths) once.add(path, ten('x'))
    once.add(paths[39] ?? '', ten('x'))
    expect(paths.filter(path => once.get(path) !== undefined)).toEqual(paths.slice(24))
    once.add('t/_delta_log/00000000000000000099.json', new Uint8Array(11))
    expect(once.get('t/_delta_log/00000000000000000099.json')).toBeUndefined()
  })
})
