/**
 * `_last_checkpoint`: a hint where a recent checkpoint lies. It may be stale, torn or absent, and nothing rests on it.
 */
import { isDeltaError } from '../errors.ts'
import { parseJson, printJson } from '../json.ts'
import type { StoreOptions } from '../store/store.ts'
import type { TableStore } from './table-store.ts'
import { jsonChecksum } from './canonical-json.ts'
import type { Checkpoint } from './checkpoints.ts'
import { checkpointNames, logFilePath, parseLogName, type Version } from './log-path.ts'
import { isRecord } from './parse-fields.ts'

const LAST_CHECKPOINT = '_last_checkpoint'

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

export interface NewHint {
  version: Version
  /** Actions in the checkpoint. */
  size: bigint
  sizeInBytes: bigint
  numOfAddFiles: number
  signal?: AbortSignal | undefined
}

/**
 * Point the hint to a new checkpoint, unless it points to a later one. Hadoop keeps checksums of local files beside
 * them; one that no longer fits would make Spark distrust the hint, so it goes first.
 */
export async function putLastCheckpoint(tables: TableStore, tablePath: string, hint: NewHint): Promise<void> {
  const { signal } = hint
  const current = await readLastCheckpoint(tables, tablePath, { signal })
  if (current.kind === 'found' && current.checkpoint.version >= hint.version) return
  await tables.store.delete(logFilePath(tablePath, `.${LAST_CHECKPOINT}.crc`))
  const bytes = new TextEncoder().encode(printLastCheckpoint(hint))
  await tables.store.put(logFilePath(tablePath, LAST_CHECKPOINT), bytes, { signal })
}

/** The text of a hint, with its checksum. */
function printLastCheckpoint({ version, size, sizeInBytes, numOfAddFiles }: Omit<NewHint, 'signal'>): string {
  const fields = { version, size, sizeInBytes, numOfAddFiles }
  return printJson({ ...fields, checksum: jsonChecksum(printJson(fields)) })
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
