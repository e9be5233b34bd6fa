import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import { commit } from '../write/commit.ts'
import { stageCreate } from '../write/stage.ts'
import { writeVersionChecksum } from './version-checksum.ts'

test('a checksum says in numbers what its version holds, and the first one stays', async () => {
  const store = memoryStore()
  const files = [dataFile('a', [], 5), { ...dataFile('b', [], 7), size: 2n ** 60n }]
  const domains = [{ domain: 'mark', configuration: '{"x":1}' }]
  const txn = [{ appId: 'flow', version: 2n ** 62n }]
  const info = { operation: 'CREATE TABLE' }
  const staged = stageCreate({ tablePath: 't', schema: ROW_SCHEMA, files, domains, txn, info })
  const result = await commit(testPorts(store), staged)
  if (result.kind === 'conflict') throw new Error(result.reason)
  const { snapshot } = result
  expect(await writeVersionChecksum({ store }, snapshot)).toBe('created')
  const text = new TextDecoder().decode(await store.get('t/_delta_log/00000000000000000000.crc'))
  expect(text).toContain('"tableSizeBytes":1152921504606846981,"numFiles":2,"numMetadata":1,"numProtocol":1')
  expect(text).toContain('"setTransactions":[{"appId":"flow","version":4611686018427387904}]')
  expect(JSON.parse(text)).toMatchObject({
    metadata: snapshot.metaData,
    protocol: snapshot.protocol,
    domainMetadata: [{ ...domains[0], removed: false }],
    numDeletedRecordsOpt: 0,
    numDeletionVectorsOpt: 0,
  })
  expect(JSON.parse(text)).not.toHaveProperty('inCommitTimestampOpt')
  expect(await writeVersionChecksum({ store }, { ...snapshot, files: new Map() })).toBe('exists')
  expect(new TextDecoder().decode(await store.get('t/_delta_log/00000000000000000000.crc'))).toBe(text)
})
