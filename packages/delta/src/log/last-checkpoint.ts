/**
 * `_last_checkpoint`: a hint where a recent checkpoint lies. It may be stale, torn or absent, and nothing rests on it.
 */
import { parseJson } from '../json.ts'
import { isDeltaError } from '../errors.ts'
import type { StoreOptions } from '../store/store.ts'
import type { TableStore } from './table-store.ts'
import { jsonChecksum } from './canonical-json.ts'
import type { Checkpoint } from './checkpoints.ts'
import { checkpointNames, logFilePath, parseLogName, type Version } from './log-path.ts'
import { isRecord } from './parse-fields.ts'

export const LAST_CHECKPOINT = '_last_checkpoint'

/** A multi-part checkpoint of more parts than this is not believed. */
const MOST_PARTS = 100_000

export type Hint =
  /** There is none: the table is small, or nobody wrote one. */
  | { readonly kind: 'none' }
  /** There is one, and it says nothing that can be used. */
  | { readonly kind: 'unusable' }
  | { readonly kind: 'found'; readonly checkpoint: Checkpoint }

/** Read the hint. A failing store is as good as an unusable hint; only an abort is passed on. */
export async function readLastCheckpoint(
  { store }: TableStore,
  tablePath: string,
  options: StoreOptions = {},
): Promise<Hint> {
  try {
    const bytes = await store.get(logFilePath(tablePath, LAST_CHECKPOINT), options)
    const checkpoint = parseLastCheckpoint(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return checkpoint ? { kind: 'found', checkpoint } : { kind: 'unusable' }
  } catch (error) {
    options.signal?.throwIfAborted()
    return { kind: isDeltaError(error, 'NOT_FOUND') ? 'none' : 'unusable' }
  }
}

/** The checkpoint that a hint names; undefined when it is damaged or names a file this package does not know. */
export function parseLastCheckpoint(text: string): Checkpoint | undefined {
  const json = parseJson(text)
  if (!isRecord(json)) return undefined
  const { checksum, parts, v2Checkpoint } = json
  if (typeof checksum === 'string' && checksum !== jsonChecksum(text)) return undefined
  const version = toVersion(json['version'])
  if (version === undefined) return undefined
  // Not in the protocol, but Spark names the file of a V2 checkpoint here.
  if (isRecord(v2Checkpoint)) return namedCheckpoint(version, v2Checkpoint['path'])
  if (parts == null) return { version, files: checkpointNames(version), format: 'parquet' }
  if (typeof parts !== 'number' || !Number.isInteger(parts) || parts < 1 || parts > MOST_PARTS) return undefined
  return { version, files: checkpointNames(version, parts), format: 'parquet' }
}

function namedCheckpoint(version: Version, path: unknown): Checkpoint | undefined {
  const name = typeof path === 'string' ? path.slice(path.lastIndexOf('/') + 1) : ''
  const parsed = parseLogName(name)
  if (parsed?.kind !== 'checkpoint' || parsed.version !== version || parsed.form.kind === 'part') return undefined
  return { version, files: [name], format: parsed.form.kind === 'uuid' ? parsed.form.format : 'parquet' }
}

function toVersion(value: unknown): Version | undefined {
  if (typeof value === 'bigint') return value
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : undefined
}
