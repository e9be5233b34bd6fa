import { expect, test } from 'vitest'
import { memoryStore } from '../../test/support/memory-store.ts'
import { dataFile, ROW_SCHEMA, testPorts } from '../../test/support/rows.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { commit } from './commit.ts'
import { commitInfoOf } from './commit-info.ts'
import { stageAppend, stageCreate, stageMetadata, stageOverwrite, stageRemoveAndAdd } from './stage.ts'

const attempt = { txnId: 'x', timestamp: 5 }
const rows = (name: string, count: number) =>
  dataFile(
    name,
    Array.from({ length: count }, (_, id) => ({ id, name: '' })),
    100,
  )

async function makeTable(): Promise<Snapshot> {
  const request = { tablePath: 't', schema: ROW_SCHEMA, files: [rows('a', 2)], info: { operation: 'CREATE TABLE' } }
  const result = await commit(testPorts(memoryStore()), stageCreate(request))
  if (result.kind === 'conflict') throw new Error(result.reason)
  return result.snapshot
}

test('a write is described as Spark describes one, every value as text', async () => {
  const table = await makeTable()
  const files = [rows('b', 3), rows('c', 1)]
  const info = { operation: 'WRITE' }
  expect(commitInfoOf(stageAppend(table, { files, reads: { kind: 'none' }, info }), attempt)).toEqual({
    timestamp: 5,
    operation: 'WRITE',
    operationParameters: { mode: 'Append', partitionBy: '[]' },
    readVersion: 0n,
    isolationLevel: 'WriteSerializable',
    isBlindAppend: true,
    operationMetrics: { numFiles: '2', numOutputRows: '4', numOutputBytes: '200' },
    engineInfo: '@tidemark/delta',
    txnId: 'x',
  })
  expect(commitInfoOf(stageOverwrite(table, { files, info }), attempt)).toMatchObject({
    operationParameters: { mode: 'Overwrite' },
    isolationLevel: 'Serializable',
    isBlindAppend: false,
  })
})

test('what the caller says comes before what can be counted', async () => {
  const table = await makeTable()
  const info = {
    operation: 'STREAMING UPDATE',
    operationMetrics: { numOutputRows: '9' },
    operationParameters: { q: '1' },
  }
  expect(commitInfoOf(stageAppend(table, { files: [rows('b', 1)], info }), attempt)).toMatchObject({
    operationParameters: { q: '1' },
    operationMetrics: { numAddedFiles: '1', numRemovedFiles: '0', numOutputRows: '9', numOutputBytes: '100' },
  })
})

test('a file that only gets a deletion vector is not counted as written', async () => {
  const table = await makeTable()
  const deletionVector = { storageType: 'i' as const, pathOrInlineDv: 'wi5b', sizeInBytes: 40, cardinality: 1n }
  const files = [{ ...rows('a', 2), deletionVector }, rows('b', 3)]
  const of = (operation: string): unknown => {
    const staged = stageRemoveAndAdd(table, { remove: ['a'], files, dataChange: true, info: { operation } })
    return commitInfoOf(staged, attempt)['operationMetrics']
  }
  expect(of('WRITE')).toEqual({ numFiles: '1', numOutputRows: '3', numOutputBytes: '100' })
  expect(of('STREAMING UPDATE')).toMatchObject({ numAddedFiles: '1', numRemovedFiles: '0', numOutputRows: '3' })
})

test('a commit says it is a blind append only when it read nothing and removes nothing', async () => {
  const table = await makeTable()
  const blind = (reads: Parameters<typeof stageAppend>[1]['reads'], remove: string[] = []): unknown => {
    const request = { remove, files: [rows('b', 1)], dataChange: true, reads, info: { operation: 'WRITE' } }
    return commitInfoOf(stageRemoveAndAdd(table, request), attempt)['isBlindAppend']
  }
  expect(blind({ kind: 'none' })).toBe(true)
  expect(blind({ kind: 'none' }, ['a'])).toBe(false)
  expect([undefined, { kind: 'strict' as const }, { kind: 'table' as const }].map(reads => blind(reads))).toEqual([
    false,
    false,
    false,
  ])
})

test('the isolation a commit claims is the one it was judged under', async () => {
  const table = await makeTable()
  const files = { kind: 'files' as const, files: ['a'] }
  const level = (dataChange: boolean, operation: string): unknown => {
    const request = { remove: ['a'], files: [rows('b', 2)], dataChange, reads: files, info: { operation } }
    return commitInfoOf(stageRemoveAndAdd(table, request), attempt)['isolationLevel']
  }
  expect(level(false, 'OPTIMIZE')).toBe('SnapshotIsolation')
  expect(level(false, 'WRITE')).toBe('WriteSerializable')
  expect(level(true, 'DELETE')).toBe('WriteSerializable')
  const metadata = stageMetadata(table, { configuration: { a: 'b' }, info: { operation: 'SET TBLPROPERTIES' } })
  expect(commitInfoOf(metadata, attempt)['isolationLevel']).toBe('Serializable')
})
