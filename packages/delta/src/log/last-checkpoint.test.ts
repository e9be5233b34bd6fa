import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { jsonChecksum } from './canonical-json.ts'
import { parseLastCheckpoint, readLastCheckpoint } from './last-checkpoint.ts'
import { checkpointNames } from './log-path.ts'

const V2 = '00000000000000000007.checkpoint.80a083e8-7026-4e79-81be-64bd76c43a11.json'

test('a hint names the files of its checkpoint', () => {
  expect(parseLastCheckpoint('{"version":7,"size":3}')).toMatchObject({ version: 7n, files: checkpointNames(7n) })
  expect(parseLastCheckpoint('{"version":7,"size":3,"parts":2}')?.files).toEqual(checkpointNames(7n, 2))
  const v2 = `{"version":7,"size":3,"v2Checkpoint":{"path":"${V2}"}}`
  expect(parseLastCheckpoint(v2)).toEqual({ version: 7n, files: [V2], format: 'json' })
})

test('a hint with a checksum is believed only when it fits', () => {
  const text = '{"version":7,"size":3}'
  const signed = (checksum: string): string => `{"version":7,"size":3,"checksum":"${checksum}"}`
  expect(parseLastCheckpoint(signed(jsonChecksum(text)))).toMatchObject({ version: 7n })
  expect(parseLastCheckpoint(signed('6a92d155a59bf2eecbd4b4ec7fd1f875'))).toBeUndefined()
})

test.each([
  '[]',
  '{}',
  '{"version":-1,"size":3}',
  '{"version":"7"}',
  '{"version":1.5}',
  '{"version":7,"parts":0}',
  '{"version":7,"parts":1000000000}',
  '{"version":8,"v2Checkpoint":{"path":"00000000000000000007.checkpoint.x.json"}}',
  '{"version":7,"v2Checkpoint":{"path":"../../secret"}}',
  '{"version":7,"v2Checkpoint":{}}',
])('%s is no hint', text => {
  expect(parseLastCheckpoint(text)).toBeUndefined()
})

test('a missing hint, a torn one and a store that fails are told apart from a usable one, and never an error', async () => {
  const store = memoryStore()
  const hint = async (): Promise<string> => (await readLastCheckpoint({ store }, 't')).kind
  expect(await hint()).toBe('none')
  for (const text of ['', '{"version":', 'null', '\u0000']) {
    await store.put('t/_delta_log/_last_checkpoint', new TextEncoder().encode(text))
    expect(await hint()).toBe('unusable')
  }
  await store.put('t/_delta_log/_last_checkpoint', new Uint8Array([0xff, 0xfe]))
  expect(await hint()).toBe('unusable')
  await store.put('t/_delta_log/_last_checkpoint', new TextEncoder().encode('{"version":7}'))
  expect(await hint()).toBe('found')
  const broken = { ...store, get: () => Promise.reject(new Error('timeout')) }
  expect((await readLastCheckpoint({ store: broken }, 't')).kind).toBe('unusable')
  await expect(readLastCheckpoint({ store }, 't', { signal: AbortSignal.abort() })).rejects.toThrow(/abort/)
})
