import type { FileHandle } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { writeWhole } from './fetch-file.ts'

/** A file on a disk that takes a few bytes at a time, until it is full. */
function fileOn(disk: { free: number }): { file: Pick<FileHandle, 'write'>; content: Buffer } {
  const content = Buffer.alloc(20, '.')
  const write = (bytes: Uint8Array, offset: number, length: number, position: number): Promise<object> => {
    const bytesWritten = Math.min(3, length, disk.free)
    if (bytesWritten === 0) return Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    disk.free -= bytesWritten
    content.set(bytes.subarray(offset, offset + bytesWritten), position)
    return Promise.resolve({ bytesWritten, buffer: bytes })
  }
  return { file: { write: write as FileHandle['write'] }, content }
}

test('a range that the disk takes in parts is written whole, in its place', async () => {
  const { file, content } = fileOn({ free: 100 })
  await writeWhole(file, Buffer.from('0123456789'), 5)
  expect(content.toString()).toBe('.....0123456789.....')
})

test('a range for which there is no room is an error, not a gap', async () => {
  const { file } = fileOn({ free: 7 })
  await expect(writeWhole(file, Buffer.from('0123456789'), 5)).rejects.toThrow('full')
})
