/**
 * Names of the files in `_delta_log`: commits, checkpoints in their three forms, compacted logs and version checksums.
 */

/** A table version; 0 is the commit that created the table. */
export type Version = bigint

/** How a checkpoint is spread over files. */
export type CheckpointForm =
  | { readonly kind: 'classic' }
  | { readonly kind: 'part'; readonly part: number; readonly parts: number }
  /** Named by a uuid: always of the V2 spec. */
  | { readonly kind: 'uuid'; readonly format: 'json' | 'parquet' }

export type LogName =
  | { readonly kind: 'commit'; readonly version: Version }
  | { readonly kind: 'checkpoint'; readonly version: Version; readonly form: CheckpointForm }
  /** The commits `version` to `to`, both inclusive, as one. */
  | { readonly kind: 'compacted'; readonly version: Version; readonly to: Version }
  | { readonly kind: 'checksum'; readonly version: Version }

/** Recognise a file name inside `_delta_log`. Hints, temporary files and files of subfolders give undefined. */
export function parseLogName(name: string): LogName | undefined {
  const match = /^(\d{20})\.(.+)$/.exec(name)
  if (!match) return undefined
  const version = BigInt(match[1] ?? '')
  const rest = match[2] ?? ''
  if (rest === 'json') return { kind: 'commit', version }
  if (rest === 'crc') return { kind: 'checksum', version }
  const form = parseCheckpointForm(rest)
  if (form) return { kind: 'checkpoint', version, form }
  const compacted = /^(\d{20})\.compacted\.json$/.exec(rest)
  if (!compacted) return undefined
  const to = BigInt(compacted[1] ?? '')
  return to > version ? { kind: 'compacted', version, to } : undefined
}

function parseCheckpointForm(rest: string): CheckpointForm | undefined {
  if (rest === 'checkpoint.parquet') return { kind: 'classic' }
  const part = /^checkpoint\.(\d{10})\.(\d{10})\.parquet$/.exec(rest)
  if (part) return { kind: 'part', part: Number(part[1]), parts: Number(part[2]) }
  const uuid = /^checkpoint\.[^./]+\.(json|parquet)$/.exec(rest)
  return uuid ? { kind: 'uuid', format: uuid[1] === 'json' ? 'json' : 'parquet' } : undefined
}

/** The file name of a commit. */
export function printLogName(version: Version): string {
  return `${printVersion(version)}.json`
}

/** A version as file names begin with it. */
export function printVersion(version: Version): string {
  return String(version).padStart(20, '0')
}

/** The file names of a checkpoint in one or in several parts. */
export function checkpointNames(version: Version, parts?: number): string[] {
  if (parts === undefined) return [`${printVersion(version)}.checkpoint.parquet`]
  const count = printPart(parts)
  return Array.from(
    { length: parts },
    (_, i) => `${printVersion(version)}.checkpoint.${printPart(i + 1)}.${count}.parquet`,
  )
}

function printPart(number: number): string {
  return String(number).padStart(10, '0')
}

/** The folder of a table's log, as store path. */
export function logFolderPath(tablePath: string): string {
  return `${tablePath}/_delta_log`
}

/** The store path of a file of the log. */
export function logFilePath(tablePath: string, name: string): string {
  return `${logFolderPath(tablePath)}/${name}`
}

/** The store path of a commit. */
export function commitPath(tablePath: string, version: Version): string {
  return logFilePath(tablePath, printLogName(version))
}
