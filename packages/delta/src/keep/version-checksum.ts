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

/** Write the checksum of a committed version; one that is there already stays, whoever wrote it. */
export function writeVersionChecksum(
  { store }: TableStore,
  snapshot: Snapshot,
  options: StoreOptions = {},
): Promise<'created' | 'exists'> {
  const path = logFilePath(snapshot.tablePath, `${printVersion(snapshot.version)}.crc`)
  return store.putIfAbsent(path, new TextEncoder().encode(printVersionChecksum(snapshot)), options)
}

/** The one JSON object of the file. */
export function printVersionChecksum(snapshot: Snapshot): string {
  const { files, txns, domains, metaData, protocol, inCommitTimestamp } = snapshot
  let [bytes, deleted, vectors] = [0n, 0n, 0]
  for (const { size, deletionVector } of files.values()) {
    bytes += size
    if (deletionVector === undefined) continue
    deleted += deletionVector.cardinality
    vectors += 1
  }
  return printJson({
    tableSizeBytes: bytes,
    numFiles: files.size,
    numMetadata: 1,
    numProtocol: 1,
    ...(isActive('inCommitTimestamp', snapshot) ? { inCommitTimestampOpt: inCommitTimestamp } : {}),
    setTransactions: [...txns].map(([appId, version]) => ({ appId, version })),
    domainMetadata: [...domains].map(([domain, configuration]) => ({ domain, configuration, removed: false })),
    metadata: metaData,
    protocol,
    numDeletedRecordsOpt: deleted,
    numDeletionVectorsOpt: vectors,
  })
}
