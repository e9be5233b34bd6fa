/**
 * Version checksums, `<version>.crc` (Delta protocol, "Version Checksum File"): what a version holds in numbers, by which
 * another reader can tell that the log was tampered with.
 */
import { printJson } from '../json.ts'
import { logFilePath, printVersion } from '../log/log-path.ts'
import type { StoreOptions } from '../store/store.ts'
import type { TableStore } from '../log/table-store.ts'
import { isActive } from '../snapshot/protocol.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'

/**
 * Write the checksum of a committed version; one that is there already stays, whoever wrote it. `commit` does this after
 * every commit. The sums are the snapshot's own, so the cost does not grow with the table, and nothing waits for the disk: a
 * power cut may leave a version without a checksum or with a torn one, which is no JSON object any more.
 *
 * @example
 * ```ts
 * console.log(await writeVersionChecksum(ports, people)) // exists
 * ```
 */
export function writeVersionChecksum(
  { store }: TableStore,
  snapshot: Snapshot,
  options: StoreOptions & { txnId?: string | undefined } = {},
): Promise<'created' | 'exists'> {
  const { txnId, signal } = options
  const path = logFilePath(snapshot.tablePath, `${printVersion(snapshot.version)}.crc`)
  const bytes = new TextEncoder().encode(printVersionChecksum(snapshot, txnId))
  return store.putIfAbsent(path, bytes, { signal, advisory: true })
}

/** The one JSON object of the file. */
function printVersionChecksum(snapshot: Snapshot, txnId: string | undefined): string {
  const { files, totals, txns, domains, metaData, protocol, inCommitTimestamp } = snapshot
  return printJson({
    ...(txnId === undefined ? {} : { txnId }),
    tableSizeBytes: totals.sizeBytes,
    numFiles: files.size,
    numMetadata: 1,
    numProtocol: 1,
    ...(isActive('inCommitTimestamp', snapshot) ? { inCommitTimestampOpt: inCommitTimestamp } : {}),
    setTransactions: [...txns].map(([appId, version]) => ({ appId, version })),
    domainMetadata: [...domains].map(([domain, configuration]) => ({ domain, configuration, removed: false })),
    metadata: metaData,
    protocol,
    numDeletedRecordsOpt: totals.deletedRows,
    numDeletionVectorsOpt: totals.deletionVectors,
  })
}
