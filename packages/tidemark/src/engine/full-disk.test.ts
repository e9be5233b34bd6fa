import { expect, test } from 'vitest'
import { findFullDisk } from './full-disk.ts'

const FOLDERS = { folders: ['/srv/lake'], scratch: '/srv/lake/_tmp/run' }

test.each([
  [
    'IO Error: Could not write file "/srv/lake/_tmp/run/1.parquet": No space left on device',
    'LAKE_FULL /srv/lake/_tmp/run/1.parquet: no space left.',
  ],
  [
    "Out of Memory Error: failed to offload data block of size 256.0 KiB (10.7 MiB/10.7 MiB used).\nThis limit was set by the 'max_temp_directory_size' setting.",
    'LAKE_FULL /srv/lake/_tmp/run: no space left.',
  ],
  [
    'IO Error: Cannot open file "/srv/lake/_tmp/run/x": Read-only file system',
    'LAKE_NOT_WRITABLE /srv/lake/_tmp/run/x: the file system is read-only.',
  ],
])('%s', (message, expected) => {
  const problem = findFullDisk(new Error(message), FOLDERS)
  expect(`${problem?.code} ${problem?.message}`).toBe(expected)
})

test.each([
  'IO Error: No files found that match the pattern "/srv/lake/part-1.parquet"',
  'Out of Memory Error: failed to allocate data of size 16.0 MiB (38.1 MiB/38.1 MiB used)',
  'Binder Error: Referenced column "No space left on device" not found',
])('what the disk did not cause is left alone: %s', message => {
  expect(findFullDisk(new Error(message), FOLDERS)).toBeUndefined()
})
