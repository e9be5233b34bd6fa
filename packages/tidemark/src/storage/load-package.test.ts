import { expect, test } from 'vitest'
import { loadPackage } from './load-package.ts'

test('a client that is not installed is named with the command that installs it', async () => {
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
  const load = loadPackage('@azure/storage-blob @azure/identity', 'az://lake', () => Promise.reject(missing))
  await expect(load).rejects.toMatchObject({
    code: 'STORAGE_PACKAGE_MISSING',
    hint: 'npm install @azure/storage-blob @azure/identity',
    state: 'Nothing was read or written.',
  })
})

test('a client that is there and broken is not called missing', async () => {
  await expect(loadPackage('x', 'az://lake', () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
})
