/**
 * One writer of a race: makes its changes to the table `t` one after the other until all are there, however often it is
 * killed. Its progress is in the table, committed with each change, so a change is never made twice.
 *
 * Prints `done <version> <name>-<n>` for each change it was told is there, and `lost <rule>` for each conflict.
 */
import {
  type CommitPorts,
  commit,
  readSnapshot,
  refreshSnapshot,
  type Snapshot,
  type Staged,
  type Txn,
} from '@tidemark/delta'

export interface Turn {
  /** Number of the change, counted from 0. */
  n: number
  /** Tries before this one since the writer was started. */
  tries: number
  /** `<name>-<n>`; the commit has it as its `runId`. */
  id: string
  /** Has to go into the commit. */
  txn: readonly Txn[]
}

export async function makeChanges(
  ports: CommitPorts,
  { name, count }: { name: string; count: number },
  stage: (base: Snapshot, turn: Turn) => Staged,
): Promise<void> {
  let snapshot = await readSnapshot(ports, { tablePath: 't' })
  if (snapshot === undefined) throw new Error('no table')
  for (let tries = 0; ; tries += 1) {
    const n = Number((snapshot.txn(name) ?? -1n) + 1n)
    if (n >= count) return
    const id = `${name}-${n}`
    const result = await commit(ports, stage(snapshot, { n, tries, id, txn: [{ appId: name, version: BigInt(n) }] }))
    if (result.kind === 'committed') {
      process.stdout.write(`done ${result.version} ${id}\n`)
      snapshot = result.snapshot
    } else {
      process.stdout.write(`lost ${result.rule}\n`)
      snapshot = await refreshSnapshot(ports, snapshot)
    }
  }
}
