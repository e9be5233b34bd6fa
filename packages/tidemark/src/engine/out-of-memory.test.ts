import { expect, test } from 'vitest'
import { findOutOfMemory } from './out-of-memory.ts'

test.each([
  'Out of Memory Error: failed to allocate data of size 16.0 MiB (38.1 MiB/38.1 MiB used)',
  'Out of Memory Error: could not allocate block of size 256.0 KiB (953.6 MiB/953.6 MiB used)',
])('too little memory is told with what there was: %s', message => {
  expect(findOutOfMemory(new Error(message), '2GB')).toMatchObject({
    code: 'ENGINE_OUT_OF_MEMORY',
    message: 'The engine may hold 2GB, and what it was asked for needs more at once.',
  })
})

test.each(['IO Error: Could not read file', 'Binder Error: Referenced column "Out of Memory Error: " not found'])(
  'what memory did not cause is left alone: %s',
  message => {
    expect(findOutOfMemory(new Error(message), '2GB')).toBeUndefined()
  },
)
