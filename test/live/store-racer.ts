/**
 * One writer of the race over a store in the cloud, as a process of its own: appends until all its changes are there,
 * however often it is killed. How far it came is in the table, committed with each change.
 *
 * Arguments: the store as JSON, name, number of changes. Prints `done <version> <name>-<n>` for each change it was told
 * is there.
 */
import { commit, readSnapshot, refreshSnapshot, stageAppend } from '@tidemark/delta'
import { systemClock, systemIds } from '../../packages/tidemark/src/run/system.ts'
import { type EmulatedStore, openEmulated } from '../support/cloud/open-emulated.ts'

const [where = '{}', name = '', count = '0'] = process.argv.slice(2)

async function main(): Promise<void> {
  const store = await openEmulated(JSON.parse(where) as EmulatedStore)
  const ports = { store, clock: systemClock, ids: systemIds }
  let snapshot = await readSnapshot(ports, { tablePath: 't' })
  for (;;) {
    if (snapshot === undefined) throw new Error('no table')
    const n = Number((snapshot.txn(name) ?? -1n) + 1n)
    if (n >= Number(count)) return
    const runId = `${name}-${n}`
    const file = {
      path: runId,
      size: 1n,
      modificationTime: 0,
      numRecords: 1n,
      partitionValues: {},
      stats: '{"numRecords":1}',
    }
    const result = await commit(
      ports,
      stageAppend(snapshot, {
        files: [file],
        reads: { kind: 'none' },
        txn: [{ appId: name, version: BigInt(n) }],
        info: { operation: 'WRITE', runId },
      }),
    )
    if (result.kind === 'committed') {
      process.stdout.write(`done ${result.version} ${runId}\n`)
      snapshot = result.snapshot
    } else snapshot = await refreshSnapshot(ports, snapshot)
  }
}

await main()
