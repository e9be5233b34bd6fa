import { mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { collect } from '../../test/support/collect.ts'
import { LocalStore } from './local-store.ts'

const links = vi.hoisted(() => ({ failure: undefined as string | undefined }))

vi.mock('node:fs/promises', async original => {
  const real = await original<typeof import('node:fs/promises')>()
  const link = async (from: string, to: string): Promise<void> => {
    if (links.failure === undefined) return real.link(from, to)
    throw Object.assign(new Error(`${links.failure}: link`), { code: links.failure, syscall: 'link' })
  }
  return { ...real, link }
})

let root: string
const bytes = new TextEncoder().encode('content')

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tidemark-local-'))
})

afterEach(async () => {
  links.failure = undefined
  await rm(root, { recursive: true })
})

test('folders are private to the owner, and so are files', async () => {
  const store = new LocalStore(join(root, 'lake'))
  await store.putIfAbsent('bronze/t/part-0', bytes)
  const local = join(root, 'local')
  await writeFile(local, 'x', { mode: 0o644 })
  await store.putFile('bronze/t/part-1', local)
  const mode = async (path: string): Promise<number> => (await stat(join(root, 'lake', path))).mode & 0o777
  expect([await mode('.'), await mode('bronze'), await mode('bronze/t')]).toEqual([0o700, 0o700, 0o700])
  expect([await mode('bronze/t/part-0'), await mode('bronze/t/part-1')]).toEqual([0o600, 0o600])
})

test('no temporary file stays behind, and one left by a crash is not listed', async () => {
  const store = new LocalStore(root)
  await store.putIfAbsent('t/a', bytes)
  await store.putIfAbsent('t/a', bytes)
  await store.put('t/a', bytes)
  expect(await readdir(join(root, 't'))).toEqual(['a'])
  await writeFile(join(root, 't', '.tmp-left-behind'), 'torn')
  expect((await collect(store.list('t'))).map(o => o.path)).toEqual(['t/a'])
})

test('a symbolic link cannot lead out of the store, neither as folder nor as file', async () => {
  const outside = join(root, 'outside')
  await mkdir(join(root, 'lake'))
  await mkdir(outside)
  await writeFile(join(outside, 'secret'), 'x')
  await symlink(outside, join(root, 'lake', 'door'))
  await symlink(join(outside, 'secret'), join(root, 'lake', 'window'))
  const store = new LocalStore(join(root, 'lake'))
  const escape = { code: 'PATH_INVALID' }
  await expect(store.get('door/secret')).rejects.toMatchObject(escape)
  await expect(store.get('window')).rejects.toMatchObject(escape)
  await expect(store.putIfAbsent('door/new/file', bytes)).rejects.toMatchObject(escape)
  await expect(collect(store.list('door'))).rejects.toMatchObject(escape)
  expect(() => store.locate('door/secret')).toThrow(expect.objectContaining(escape))
  expect(await readdir(outside)).toEqual(['secret'])
})

test('a listing passes over what cannot be an object: links out, links in a circle, names that are no paths', async () => {
  const store = new LocalStore(join(root, 'lake'))
  await store.putIfAbsent('t/a', bytes)
  await writeFile(join(root, 'secret'), 'x')
  await symlink(root, join(root, 'lake', 'door'))
  await symlink(join(root, 'secret'), join(root, 'lake', 't', 'window'))
  await symlink(join(root, 'lake', 't', 'circle'), join(root, 'lake', 't', 'circle'))
  await symlink(join(root, 'nowhere'), join(root, 'lake', 't', 'nowhere'))
  await mkdir(join(root, 'lake', 't', 'back\\slash'))
  await writeFile(join(root, 'lake', 't', 'back\\slash', 'b'), 'x')
  const torn = Buffer.concat([Buffer.from(join(root, 'lake', 't', 'torn')), Buffer.from([0xff, 0xfe])])
  await writeFile(torn, 'x')
  expect((await collect(store.list(''))).map(o => o.path)).toEqual(['t/a'])
})

test('the root itself may be a symbolic link', async () => {
  await mkdir(join(root, 'real'))
  await symlink(join(root, 'real'), join(root, 'lake'))
  const store = new LocalStore(join(root, 'lake'))
  expect(await store.putIfAbsent('t/a', bytes)).toBe('created')
  expect(await store.get('t/a')).toEqual(Buffer.from(bytes))
})

test.each(['EPERM', 'ENOTSUP', 'EXDEV'])('without hard links (%s) one of 20 writers still wins', async code => {
  links.failure = code
  const store = new LocalStore(root)
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => store.putIfAbsent('t/a', bytes)))
  expect(outcomes.filter(o => o === 'created')).toHaveLength(1)
  const local = join(root, 'local')
  await writeFile(local, 'rows')
  expect(await store.putFile('t/b', local)).toBe('created')
  expect(await store.putFile('t/b', local)).toBe('exists')
  expect(new TextDecoder().decode(await store.get('t/b'))).toBe('rows')
  expect((await readdir(join(root, 't'))).sort()).toEqual(['a', 'b'])
})

test('a write that the file system refuses says that nothing was written', async () => {
  await writeFile(join(root, 'file'), 'x')
  const store = new LocalStore(root)
  await expect(store.putIfAbsent('file/below', bytes)).rejects.toMatchObject({ code: 'NOT_WRITTEN' })
  links.failure = 'ENOSPC'
  await expect(store.putIfAbsent('t/a', bytes)).rejects.toMatchObject({ code: 'NOT_WRITTEN' })
  links.failure = undefined
  await expect(store.get('t/a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
