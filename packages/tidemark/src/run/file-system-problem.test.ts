import { DeltaError } from '@tidemark/delta'
import { expect, test } from 'vitest'
import { findFileSystemProblem } from './file-system-problem.ts'

function systemError(code: string, syscall: string, more: object = { path: '/lake/x' }): Error {
  return Object.assign(new Error(`${code}: as the system says, ${syscall} '/lake/x'`), { code, syscall, ...more })
}

test.each([
  ['EACCES', 'scandir', 'LAKE_NOT_READABLE'],
  ['EACCES', 'mkdir', 'LAKE_NOT_WRITABLE'],
  ['EPERM', 'link', 'LAKE_NOT_WRITABLE'],
  ['EROFS', 'open', 'LAKE_NOT_WRITABLE'],
  ['ENOSPC', 'write', 'LAKE_FULL'],
  ['EDQUOT', 'write', 'LAKE_FULL'],
  ['EIO', 'read', 'LAKE_DISK_FAILED'],
  ['ESTALE', 'open', 'LAKE_DISK_FAILED'],
  ['EMFILE', 'open', 'LAKE_DISK_FAILED'],
  ['ENOENT', 'open', undefined],
])('%s of %s is %s', (code, syscall, expected) => {
  const error = systemError(code, syscall)
  expect(findFileSystemProblem(error, error)?.code).toBe(expected)
})

test('whatever kept a write from being made is said, a file in the way by name', () => {
  const within = (cause: Error): DeltaError => new DeltaError('NOT_WRITTEN', 'x was not written.', {}, cause)
  const problem = (code: string, syscall: string): string | undefined => {
    const error = systemError(code, syscall)
    return findFileSystemProblem(error, within(error))?.message
  }
  expect(problem('ENOTDIR', 'mkdir')).toBe('/lake/x: something that is no folder is in the way (ENOTDIR).')
  expect(problem('EACCES', 'open')).toBe('/lake/x: no permission (EACCES).')
  expect(problem('ENAMETOOLONG', 'open')).toContain('ENAMETOOLONG: as the system says')
})

test('a staged file that cannot get to its place is told by that place', () => {
  const error = systemError('EACCES', 'link', { path: '/lake/_tmp/1', dest: '/lake/silver/t/part.parquet' })
  expect(findFileSystemProblem(error, error)?.message).toContain('/lake/silver/t/part.parquet: no permission')
})

test('a disk that fails while a file is read is told without a path', () => {
  const error = systemError('EIO', 'read', {})
  expect(findFileSystemProblem(error, error)?.message).toContain('the lake: EIO')
})

test('an error of the network is nobody’s disk', () => {
  const error = systemError('EMFILE', 'connect', { address: '10.0.0.1', port: 5432 })
  expect(findFileSystemProblem(error, error)).toBeUndefined()
  expect(findFileSystemProblem(systemError('ETIMEDOUT', 'read', {}), undefined)).toBeUndefined()
  expect(findFileSystemProblem(new Error('plain'), undefined)).toBeUndefined()
})
