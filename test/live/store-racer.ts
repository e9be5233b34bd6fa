/**
 * One writer of the race over a store in the cloud, as a process of its own: appends.
 *
 * Arguments: the store as JSON, name, number of changes.
 */
import { stageAppend } from '@tidemark/delta'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { type EmulatedStore, openEmulated } from '../support/cloud/open-emulated.ts'
import { makeChanges } from './racer.ts'

const [where = '{}', name = '', count = '0'] = process.argv.slice(2)
const stats = '{"numRecords":1}'
const store = await openEmulated(JSON.parse(where) as EmulatedStore)
const ports = { store, clock: systemClock, ids: systemIds }

await makeChanges(ports, { name, count: Number(count) }, (base, { id, txn }) => {
  const file = { path: id, size: 1n, modificationTime: 0, numRecords: 1n, partitionValues: {}, stats }
  return stageAppend(base, { files: [file], reads: { kind: 'none' }, txn, info: { operation: 'WRITE', runId: id } })
})
