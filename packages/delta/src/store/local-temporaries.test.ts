import { mkdir, mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { LocalStore } from './local-store.ts'
import { removeLeftTemporaries, temporaryBeside } from './local-temporaries.ts'

async function makeFolder(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'tidemark-temporary-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  return root
}

test('old temporary files are removed wherever they lie; new ones, names like theirs and what links lead to stay', async () => {
  const [root, elsewhere] = [await makeFolder(), await makeFolder()]
  await mkdir(join(root, 't/_delta_log'), { recursive: true })
  const [old, fresh] = [temporaryBeside(join(root, 't/_delta_log/1.json')), temporaryBeside(join(root, 't/part'))]
  const other = temporaryBeside(join(elsewhere, 'x'))
  const kept = join(root, 't/.tmp-of-somebody')
  for (const path of [old, fresh, other, kept]) await writeFile(path, 'bytes')
  await symlink(elsewhere, join(root, 'link'))
  for (const path of [old, other, kept]) await utimes(path, 1_000, 1_000)
  const found = await removeLeftTemporaries(root, { before: 2_000_000, dryRun: true })
  expect(found.map(path => join(root, path))).toEqual([old])
  expect(await readdir(join(root, 't/_delta_log'))).toHaveLength(1)
  expect(await removeLeftTemporaries(root, { before: 2_000_000 })).toEqual(found)
  expect(await readdir(join(root, 't/_delta_log'))).toEqual([])
  expect(await readdir(join(root, 't'))).toHaveLength(3)
  expect(await readdir(elsewhere)).toHaveLength(1)
  expect(await removeLeftTemporaries(root, { before: 2_000_000 })).toEqual([])
  expect(await removeLeftTemporaries(join(root, 'nowhere'), { before: 2_000_000 })).toEqual([])
})

test('none is listed', async () => {
  const root = await makeFolder()
  await writeFile(temporaryBeside(join(root, 'a')), 'bytes')
  const listed: string[] = []
  for await (const { path } of new LocalStore(root).list('')) listed.push(path)
  expect(listed).toEqual([])
})
