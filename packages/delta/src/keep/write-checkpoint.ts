/**
 * Writing a checkpoint: one Parquet file with the classic name, which every reader finds and old ones understand well
 * enough to say what they lack. Where the table asks for V2 checkpoints its files are listed in sidecars.
 */
import { parquetCodec } from '../engine/parquet-codec.ts'
import { DeltaError } from '../errors.ts'
import { putLastCheckpoint } from '../log/last-checkpoint.ts'
import { checkpointNames, logFilePath, type Version } from '../log/log-path.ts'
import { retentionOf } from '../log/retention.ts'
import type { LogParquet, TableStore } from '../log/table-store.ts'
import type { StructType } from '../schema/schema.ts'
import { checkWritable, isActive } from '../snapshot/protocol.ts'
import { readState } from '../snapshot/read-snapshot.ts'
import { finishReplay, type Replay, type Snapshot } from '../snapshot/snapshot.ts'
import { checkpointSchema, type StatsColumns, statsColumnsOf } from './checkpoint-columns.ts'
import { fileRows, namedRows } from './checkpoint-rows.ts'

export interface CheckpointPorts extends TableStore {
  clock: { now(): number }
  ids: { uuid(): string }
}

export interface WrittenCheckpoint {
  version: Version
  /** `exists` when somebody else has already written one of this version; it is left as it is. */
  outcome: 'created' | 'exists'
  /** Actions in it, those in sidecars included. */
  size: bigint
  sizeInBytes: bigint
}

/** Actions in one sidecar. */
const SIDECAR_ROWS = 100_000
const CHUNK_ROWS = 1000

/**
 * Write the checkpoint of a version, the latest when it is left out, and point the hint to it. The table is the same
 * whether this succeeds, fails or is cut off: a checkpoint is there as a whole or not at all.
 *
 * @throws CHECKPOINT_NEEDED when there is nobody to write Parquet
 * @throws CHECKPOINT_INVALID when what was written is not what was to be written; it is removed again
 * @throws FEATURE_UNSUPPORTED or WRITE_REFUSED when the table may not be written
 *
 * @example
 * ```ts
 * const { version, outcome, size } = await writeCheckpoint(ports, { tablePath: 'people' })
 * console.log([version, outcome, size]) // [ 1n, 'created', 4n ]
 * ```
 */
export async function writeCheckpoint(
  ports: CheckpointPorts,
  request: { tablePath: string; version?: Version | undefined; signal?: AbortSignal | undefined },
): Promise<WrittenCheckpoint> {
  const { tablePath, signal } = request
  const { logParquet } = ports
  if (logParquet === undefined) {
    const message = `A checkpoint of ${tablePath} is a Parquet file; pass logParquet beside the store.`
    throw new DeltaError('CHECKPOINT_NEEDED', message, { tablePath })
  }
  const state = await readState(ports, { ...request, removed: true })
  if (state === undefined) throw new DeltaError('NOT_FOUND', `There is no table at ${tablePath}.`, { tablePath })
  const snapshot = finishReplay(tablePath, state.version, state)
  checkWritable(tablePath, snapshot.protocol, snapshot.metaData, snapshot.schema)
  const writing: Writing = { ports, logParquet, state, snapshot, stats: statsColumnsOf(snapshot), signal }
  const written = isActive('v2Checkpoint', snapshot) ? await writeManifest(writing) : await writeWhole(writing)
  if (written.outcome === 'created') {
    await putLastCheckpoint(ports, tablePath, { ...written, numOfAddFiles: state.files.size, signal })
  }
  return written
}

interface Writing {
  ports: CheckpointPorts
  logParquet: LogParquet
  state: Replay
  snapshot: Snapshot
  stats: StatsColumns
  signal: AbortSignal | undefined
}

/** All actions in one file, as the V1 spec has it. */
function writeWhole(writing: Writing): Promise<WrittenCheckpoint> {
  const { state, stats } = writing
  return writeTop(writing, checkpointSchema('whole', stats), [namedRows(state), filesOf(writing)], 0n)
}

/** Files in sidecars, and everything else with their names in the checkpoint itself, as the V2 spec has it. */
async function writeManifest(writing: Writing): Promise<WrittenCheckpoint> {
  const { state, snapshot } = writing
  const metadata = JSON.stringify({ checkpointMetadata: { version: Number(snapshot.version), tags: {} } })
  const sidecars: string[] = []
  let [files, bytes] = [0n, 0n]
  for (const rows of batches(filesOf(writing), SIDECAR_ROWS)) {
    const sidecar = await writeSidecar(writing, rows)
    sidecars.push(sidecar.line)
    files += BigInt(rows.length)
    bytes += sidecar.sizeInBytes
  }
  const rows = [metadata, ...namedRows(state), ...sidecars]
  const written = await writeTop(writing, checkpointSchema('manifest', writing.stats), [rows], bytes)
  return { ...written, size: written.size + files }
}

async function writeSidecar(writing: Writing, rows: string[]): Promise<{ line: string; sizeInBytes: bigint }> {
  const { ports, snapshot, stats } = writing
  const name = `${ports.ids.uuid()}.parquet`
  const path = logFilePath(snapshot.tablePath, `_sidecars/${name}`)
  const { sizeInBytes } = await writeCounted(writing, path, checkpointSchema('sidecar', stats), [rows])
  const sidecar = { path: name, sizeInBytes: Number(sizeInBytes), modificationTime: ports.clock.now(), tags: {} }
  return { line: JSON.stringify({ sidecar }), sizeInBytes }
}

async function writeTop(
  writing: Writing,
  schema: StructType,
  rows: readonly Iterable<string>[],
  sidecarBytes: bigint,
): Promise<WrittenCheckpoint> {
  const { tablePath, version } = writing.snapshot
  const [name = ''] = checkpointNames(version)
  const written = await writeCounted(writing, logFilePath(tablePath, name), schema, rows)
  return { ...written, version, sizeInBytes: written.sizeInBytes + sidecarBytes }
}

/** Write a file, and take it away again when it does not hold as many rows as were given. */
async function writeCounted(
  { ports, logParquet, snapshot, signal }: Writing,
  path: string,
  schema: StructType,
  rows: readonly Iterable<string>[],
): Promise<Omit<WrittenCheckpoint, 'version'>> {
  const counted = { rows: 0n }
  const options = { codec: parquetCodec(snapshot.configuration), signal }
  const { outcome, rowCount, sizeBytes } = await logParquet.writeRows(path, schema, count(rows, counted), options)
  if (rowCount !== counted.rows) {
    if (outcome === 'created') await ports.store.delete(path)
    const { tablePath, version } = snapshot
    const message = `The checkpoint of version ${version} of ${tablePath} has ${rowCount} rows instead of ${counted.rows} (${path}).`
    throw new DeltaError('CHECKPOINT_INVALID', message, { tablePath, version, file: path })
  }
  return { outcome, size: rowCount, sizeInBytes: sizeBytes }
}

async function* count(rows: readonly Iterable<string>[], counted: { rows: bigint }): AsyncGenerator<readonly string[]> {
  for (const part of rows) {
    for (const chunk of batches(part, CHUNK_ROWS)) {
      counted.rows += BigInt(chunk.length)
      yield await Promise.resolve(chunk)
    }
  }
}

function* batches(rows: Iterable<string>, most: number): Generator<string[]> {
  let batch: string[] = []
  for (const row of rows) {
    batch.push(row)
    if (batch.length < most) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function filesOf({ ports, state, snapshot, stats }: Writing): Iterable<string> {
  return fileRows(state, stats, ports.clock.now() - tombstonesKeptMs(snapshot))
}

/** A setting that nobody understands keeps every tombstone: dropping one early lets VACUUM forget a file. */
function tombstonesKeptMs({ tablePath, configuration }: Snapshot): number {
  try {
    return retentionOf(tablePath, configuration).filesMs
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
