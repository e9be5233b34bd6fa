import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { commitPath } from '../log/log-path.ts'
import { commit } from '../write/commit.ts'
import { stageAppend, stageCreate } from '../write/stage.ts'
import type { Staged } from '../write/staged.ts'
import { readHistory } from './read-commits.ts'
import type { Snapshot } from './snapshot.ts'

const info = { operation: 'WRITE' }

test('history goes back as far as wanted, and ends where the log was cleaned', async () => {
  const store = memoryStore()
  const ports = testPorts(store)
  const publish = async (staged: Staged): Promise<Snapshot> => {
    const result = await commit(ports, staged)
    if (result.kind === 'conflict') throw new Error(result.reason)
    return result.snapshot
  }
  let snapshot = await publish(stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info }))
  while (snapshot.version < 40n) snapshot = await publish(stageAppend(snapshot, { files: [], info }))
  const versions = async (limit: number): Promise<bigint[]> => {
    const commits = await readHistory(store, 't', { upTo: 40n, limit })
    return commits.map(({ version }) => version)
  }
  expect(await versions(2)).toEqual([40n, 39n])
  expect(await versions(16)).toHaveLength(16)
  expect((await versions(100)).at(-1)).toBe(0n)
  expect(await versions(100)).toHaveLength(41)
  for (let version = 0n; version < 30n; version += 1n) await store.delete(commitPath('t', version))
  expect(await versions(5)).toEqual([40n, 39n, 38n, 37n, 36n])
  expect((await versions(100)).at(-1)).toBe(30n)
})
