import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { publish } from '../../test/support/publish.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import type { DataFile, DeletionVectorDescriptor } from '../log/actions.ts'
import { readSnapshot } from '../snapshot/read-snapshot.ts'
import { commit } from '../write/commit.ts'
import { stageAppend, stageCreate, stageRemoveAndAdd } from '../write/stage.ts'
import { writeVersionChecksum } from './version-checksum.ts'

test('a commit is followed by a checksum of what its version holds, and the first one stays', async () => {
  const store = memoryStore()
  const files = [dataFile('a', [], 5), { ...dataFile('b', [], 7), size: 2n ** 60n }]
  const domains = [{ domain: 'mark', configuration: '{"x":1}' }]
  const txn = [{ appId: 'flow', version: 2n ** 62n }]
  const info = { operation: 'CREATE TABLE' }
  const staged = stageCreate({ tablePath: 't', schema: ROW_SCHEMA, files, domains, txn, info })
  const result = await commit(testPorts(store), staged)
  if (result.kind === 'conflict') throw new Error(result.reason)
  const { snapshot } = result
  const text = new TextDecoder().decode(await store.get('t/_delta_log/00000000000000000000.crc'))
  expect(text).toContain('"tableSizeBytes":1152921504606846981,"numFiles":2,"numMetadata":1,"numProtocol":1')
  expect(text).toContain('"setTransactions":[{"appId":"flow","version":4611686018427387904}]')
  const { txnId } = JSON.parse(
    new TextDecoder().decode(await store.get('t/_delta_log/00000000000000000000.json')).split('\n')[0] ?? '',
  ).commitInfo
  expect(JSON.parse(text)).toMatchObject({
    txnId,
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

test('the sums go on from the commit before, whatever was added, removed and marked, and equal those of a reading', async () => {
  const store = memoryStore()
  const ports = testPorts(store)
  const info = { operation: 'WRITE' }
  const vector = (cardinality: bigint): DeletionVectorDescriptor => {
    return { storageType: 'u', pathOrInlineDv: 'vBn[lx{q8@P<9BNH/isA', offset: 1, sizeInBytes: 34, cardinality }
  }
  const marked = (name: string, rows: bigint): DataFile => ({ ...dataFile(name, [], 9), deletionVector: vector(rows) })
  const created = await publish(
    ports,
    stageCreate({ tablePath: 't', schema: ROW_SCHEMA, features: ['deletionVectors'], info }),
  )
  const first = await publish(ports, stageAppend(created, { files: [dataFile('a', [], 9), marked('b', 3n)], info }))
  const again = { remove: ['a', 'b'], files: [marked('a', 2n), marked('b', 4n)], dataChange: true, info }
  const second = await publish(ports, stageRemoveAndAdd(first, again))
  const gone = { remove: ['b'], files: [dataFile('c', [], 5)], dataChange: true, info }
  await publish(ports, stageRemoveAndAdd(second, gone))
  const sums = await Promise.all(
    [0, 1, 2, 3].map(async version => {
      const name = `t/_delta_log/${String(version).padStart(20, '0')}.crc`
      const { numFiles, tableSizeBytes, numDeletedRecordsOpt, numDeletionVectorsOpt } = JSON.parse(
        new TextDecoder().decode(await store.get(name)),
      )
      return [numFiles, tableSizeBytes, numDeletedRecordsOpt, numDeletionVectorsOpt]
    }),
  )
  expect(sums).toEqual([
    [0, 0, 0, 0],
    [2, 18, 3, 1],
    [2, 18, 6, 2],
    [2, 14, 2, 1],
  ])
  const read = await readSnapshot(ports, { tablePath: 't' })
  expect(read?.totals).toEqual({ sizeBytes: 14n, deletedRows: 2n, deletionVectors: 1 })
})

test('a checksum that a power cut left torn is known as such, stays, and keeps nobody from reading and committing', async () => {
  const store = memoryStore()
  const ports = testPorts(store)
  const info = { operation: 'WRITE' }
  const made = await publish(ports, stageCreate({ tablePath: 't', schema: ROW_SCHEMA, info }))
  const path = 't/_delta_log/00000000000000000000.crc'
  const whole = await store.get(path)
  const torn = [new Uint8Array(), new Uint8Array(whole.length), whole.slice(0, -1), whole.slice(0, 1)]
  for (const [at, bytes] of torn.entries()) {
    expect(() => JSON.parse(new TextDecoder().decode(bytes))).toThrow(SyntaxError)
    store.objects.set(path, bytes)
    const read = await readSnapshot(ports, { tablePath: 't' })
    if (read === undefined) throw new Error('there is no table')
    expect(read).toMatchObject({ version: BigInt(at), metaData: made.metaData })
    await publish(ports, stageAppend(read, { files: [dataFile(`f${at}`, [])], info }))
    expect(await writeVersionChecksum(ports, made)).toBe('exists')
    expect(store.objects.get(path)).toEqual(bytes)
  }
})
