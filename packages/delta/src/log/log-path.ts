/**
 * Names of the files in `_delta_log`: which of them are commits, which are checkpoints, and which say nothing to us.
 */

/** A table version; 0 is the commit that created the table. */
export type Version = bigint

export type LogName = { kind: 'commit'; version: Version } | { kind: 'checkpoint'; version: Version }

/**
 * Recognise a file name inside `_delta_log`. Version checksums, compacted logs, hints and files of subfolders give
 * undefined: a reader is right without them.
 */
export function parseLogName(name: string): LogName | undefined {
  const commit = /^(\d{20})\.json$/.exec(name)
  if (commit) return { kind: 'commit', version: BigInt(commit[1] ?? '') }
  const checkpoint = /^(\d{20})\.checkpoint(\.[^/]+)?\.(parquet|json)$/.exec(name)
  if (checkpoint) return { kind: 'checkpoint', version: BigInt(checkpoint[1] ?? '') }
  return undefined
}

/** The file name of a commit. */
export function printLogName(version: Version): string {
  return `${String(version).padStart(20, '0')}.json`
}

/** The folder of a table's log, as store path. */
export function logFolderPath(tablePath: string): string {
  return `${tablePath}/_delta_log`
}

/** The store path of a commit. */
export function commitPath(tablePath: string, version: Version): string {
  return `${logFolderPath(tablePath)}/${printLogName(version)}`
}
