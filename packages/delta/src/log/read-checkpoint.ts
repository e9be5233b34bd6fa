/**
 * Reading a checkpoint: classic, in many parts, or of the V2 spec with its sidecars; JSON here, Parquet by whoever the
 * caller brought. What cannot be read is a CHECKPOINT_INVALID that names version and file, and a reader has ways round.
 */
import { DeltaError, isDeltaError } from '../errors.ts'
import type { AddFile } from './actions.ts'
import type { Checkpoint } from './checkpoints.ts'
import { fileKey } from './file-key.ts'
import { parseLines } from './log-lines.ts'
import { logFilePath, type Version } from './log-path.ts'
import { type Line, type LineParser, lineParser } from './parse-action.ts'
import { parsedStats } from './parsed-stats.ts'
import type { LogParquet, TableStore } from './table-store.ts'

export interface CheckpointRequest {
  tablePath: string
  checkpoint: Checkpoint
  /** Read the removed files too; only keeping a log needs them. */
  removed?: boolean
  signal?: AbortSignal | undefined
}

/** One line of a checkpoint that takes part in replay. */
export type CheckpointAction = Exclude<Line, { kind: 'commitInfo' | 'checkpointMetadata' | 'sidecar' | 'cdc' }>

const NAMED = ['protocol', 'metaData', 'txn', 'domainMetadata', 'sidecar', 'checkpointMetadata']
const ADD_FIELDS = [
  'path',
  'partitionValues',
  'size',
  'modificationTime',
  'dataChange',
  'stats',
  'tags',
  'deletionVector',
  'baseRowId',
  'defaultRowCommitVersion',
  'clusteringProvider',
].map(name => `add.${name}`)

/**
 * The actions of a checkpoint in batches, in any order; a file may come twice, and then its last form counts.
 *
 * @throws CHECKPOINT_INVALID when a file of it is missing, torn or not what it says
 * @throws CHECKPOINT_NEEDED when it is Parquet and there is nobody to read that
 */
export async function* readCheckpoint(
  tables: TableStore,
  request: CheckpointRequest,
): AsyncGenerator<readonly CheckpointAction[]> {
  const { checkpoint, tablePath } = request
  const parse = lineParser()
  const sidecars: string[] = []
  for (const name of checkpoint.files) {
    for await (const lines of readFile(tables, request, { name, parse, format: checkpoint.format })) {
      for (const line of lines) {
        if (line.kind === 'sidecar') sidecars.push(sidecarName(tablePath, checkpoint.version, line.path))
        if (line.kind === 'checkpointMetadata') checkVersion(request, name, line.version)
      }
      yield lines.filter(isReplayed)
    }
  }
  for (const sidecar of sidecars) {
    const file: OneFile = { name: `_sidecars/${sidecar}`, parse, format: 'parquet' }
    for await (const lines of readFile(tables, request, file)) yield lines.filter(isFile)
  }
}

/**
 * Names of the sidecars that a checkpoint refers to.
 *
 * @throws CHECKPOINT_INVALID or CHECKPOINT_NEEDED when that cannot be found out
 */
export async function readSidecarNames(tables: TableStore, request: CheckpointRequest): Promise<string[]> {
  const { checkpoint, tablePath } = request
  const names: string[] = []
  for (const name of checkpoint.files) {
    const file: OneFile = { name, parse: lineParser(), format: checkpoint.format, columns: ['sidecar'] }
    for await (const lines of readFile(tables, request, file)) {
      for (const line of lines) {
        if (line.kind === 'sidecar') names.push(sidecarName(tablePath, checkpoint.version, line.path))
      }
    }
  }
  return names
}

function isReplayed(line: Line): line is CheckpointAction {
  switch (line.kind) {
    case 'commitInfo':
    case 'cdc':
    case 'sidecar':
    case 'checkpointMetadata':
      return false
    default:
      return true
  }
}

function isFile(line: Line): line is Extract<Line, { kind: 'add' | 'remove' }> {
  return line.kind === 'add' || line.kind === 'remove'
}

interface OneFile {
  name: string
  parse: LineParser
  format: 'json' | 'parquet'
  /** Everything that takes part in replay when left out. */
  columns?: readonly string[]
}

async function* readFile(tables: TableStore, request: CheckpointRequest, file: OneFile): AsyncGenerator<Line[]> {
  const { tablePath, checkpoint, signal } = request
  try {
    if (file.format === 'json') {
      const bytes = await tables.store.get(logFilePath(tablePath, file.name), { signal })
      yield [...parseLines({ version: checkpoint.version, file: file.name }, bytes, file.parse)]
    } else {
      const { logParquet } = tables
      if (logParquet === undefined) throw checkpointNeeded(tablePath, checkpoint.version, file.name)
      yield* readParquet(logParquet, request, file)
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (isDeltaError(error, 'CHECKPOINT_NEEDED', 'CHECKPOINT_INVALID')) throw error
    throw invalid(request, file.name, error)
  }
}

async function* readParquet(logParquet: LogParquet, request: CheckpointRequest, file: OneFile): AsyncGenerator<Line[]> {
  const path = logFilePath(request.tablePath, file.name)
  const { signal } = request
  const columns = file.columns ?? [...NAMED, ...ADD_FIELDS, ...(request.removed ? ['remove'] : [])]
  const bare = new Map<string, AddFile>()
  for await (const rows of logParquet.readRows(path, { columns, signal })) {
    const lines: Line[] = []
    for (const row of rows) {
      const line = file.parse(row)
      if (line === undefined) continue
      if (line.kind === 'add' && line.add.stats === undefined) bare.set(fileKey(line.add), line.add)
      lines.push(line)
    }
    yield lines
  }
  if (bare.size > 0) yield* readParsedStats(logParquet, request, { ...file, path, bare })
}

/** Files without statistics as text may have them as columns. */
async function* readParsedStats(
  logParquet: LogParquet,
  { signal }: CheckpointRequest,
  file: OneFile & { path: string; bare: ReadonlyMap<string, AddFile> },
): AsyncGenerator<Line[]> {
  const columns = [...ADD_FIELDS.filter(name => name !== 'add.stats'), 'add.stats_parsed']
  for await (const rows of logParquet.readRows(file.path, { columns, signal })) {
    yield rows.flatMap((row): Line[] => {
      const line = file.parse(row)
      const add = line?.kind === 'add' ? file.bare.get(fileKey(line.add)) : undefined
      const stats = add === undefined ? undefined : parsedStats(row)
      return add === undefined || stats === undefined ? [] : [{ kind: 'add', add: { ...add, stats } }]
    })
  }
}

/** Sidecars lie in one folder; whatever path an action gives, only the name counts. */
function sidecarName(tablePath: string, version: Version, path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  try {
    const decoded = decodeURIComponent(name)
    if (!/^\.{0,2}$|[/\\\0]/.test(decoded)) return decoded
  } catch {}
  const message = `Checkpoint ${version} of ${tablePath} names the sidecar ${JSON.stringify(path)}, which is no file name.`
  throw new DeltaError('CHECKPOINT_INVALID', message, { tablePath, version, file: path })
}

function checkVersion(request: CheckpointRequest, name: string, version: Version): void {
  if (version === request.checkpoint.version) return
  throw invalid(request, name, new TypeError(`it says that it is of version ${version}`))
}

function invalid({ tablePath, checkpoint }: CheckpointRequest, file: string, cause: unknown): DeltaError {
  const { version } = checkpoint
  const reason = cause instanceof Error ? (cause.message.split('\n', 1)[0] ?? '') : String(cause)
  const message = `The checkpoint of version ${version} of ${tablePath} cannot be read (${file}): ${reason.replace(/\.$/, '')}.`
  return new DeltaError('CHECKPOINT_INVALID', message, { tablePath, version, file }, cause)
}

function checkpointNeeded(tablePath: string, version: Version, file: string): DeltaError {
  const message =
    `${tablePath} keeps its versions up to ${version} in a Parquet checkpoint (${file}); ` +
    `reading it needs a reader of Parquet: pass logParquet beside the store.`
  return new DeltaError('CHECKPOINT_NEEDED', message, { tablePath, version, file })
}
