import { DeltaError, type ObjectStore } from '@tidemark/delta'
import { expect, test } from 'vitest'
import type { RemoteLakePlace } from './lake.ts'
import { askForLake } from './lake-owner.ts'

const project = { name: 'shop', lake: 'az://c/shop' }

/** A store of nothing but names, that counts how often folders were looked into. */
function storeOf(has: (path: string) => boolean, foldersIn: (folder: string) => readonly string[]) {
  const looked: string[] = []
  const never = (): never => {
    throw new Error('nothing is written, and not everything is listed')
  }
  const store: ObjectStore = {
    get: async path => {
      await Promise.resolve()
      if (!has(path)) throw new DeltaError('NOT_FOUND', path)
      return new TextEncoder().encode('{"format":1,"project":"music"}')
    },
    async *listFolders(folder) {
      await Promise.resolve()
      looked.push(folder)
      yield* foldersIn(folder)
    },
    list: never,
    putIfAbsent: never,
    put: never,
    putFile: never,
    delete: never,
    locate: path => path,
  }
  return { store, looked }
}

const never = (): never => {
  throw new Error('not asked for')
}
const place: RemoteLakePlace = {
  local: '/nowhere',
  open: never,
  above: () => Promise.resolve([]),
  probe: never,
  giveUpUploads: never,
}

test('a new lake around another is refused, however deep the other is and whatever lies beside it', async () => {
  const folders: Record<string, string[]> = {
    '': ['raw', 'system', 'team'],
    team: ['a', 'b'],
    'team/b': ['bronze', 'system'],
  }
  const { store } = storeOf(
    path => path === 'team/b/system/project.json',
    folder => folders[folder] ?? [],
  )
  await expect(askForLake(store, project, place)).rejects.toMatchObject({
    code: 'LAKES_OVERLAP',
    params: { other: 'az://c/shop/team/b' },
  })
})

test('folders of others are looked into so far and no further', async () => {
  const { store, looked } = storeOf(
    () => false,
    folder => Array.from({ length: 300 }, (_, n) => `${folder.length}-${n}`),
  )
  await askForLake(store, project, place)
  expect(looked).toHaveLength(500)
})
