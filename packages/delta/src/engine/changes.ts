/**
 * ChangePlan: what happened to the rows of a table from version to version, as a plain value that an engine turns into
 * rows with `_change_type`, `_commit_version` and `_commit_timestamp` (Delta protocol, "Add CDC File").
 */
import { RowSet } from '../deletion-vector/row-set.ts'
import { DeltaError } from '../errors.ts'
import type { AddFile, CdcFile, Commit, RemoveFile } from '../log/actions.ts'
import { listLog } from '../log/listing.ts'
import type { Version } from '../log/log-path.ts'
import type { TableStore } from '../log/table-store.ts'
import { columnMappingOf, physicalSchema } from '../schema/column-mapping.ts'
import { evolve } from '../schema/evolve.ts'
import { parseSchema, type StructType } from '../schema/schema.ts'
import { isActive } from '../snapshot/protocol.ts'
import { readCommits } from '../snapshot/read-commits.ts'
import { readSnapshot } from '../snapshot/read-snapshot.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { commitTimes } from '../snapshot/version-at.ts'
import { planScan, type ScanFile, type ScanPlan } from './scan.ts'

export interface ChangePlan extends Omit<ScanPlan, 'version' | 'files'> {
  /** In order; a version that changed no rows has no parts. */
  readonly versions: readonly VersionChanges[]
}

export interface VersionChanges {
  /** `_commit_version`. */
  readonly version: Version
  /** `_commit_timestamp`, the time by which `findVersionAt` finds the version: milliseconds since 1970 UTC. */
  readonly timestamp: number
  readonly parts: readonly ChangePart[]
}

/** Rows of one file that were changed in one way. */
export interface ChangePart {
  /**
   * `_change_type` of all of them; undefined when each row has its own, in the column of that name in the file. In all
   * other files such a column means nothing.
   */
  readonly changeType: 'insert' | 'delete' | undefined
  readonly file: ScanFile
  /** Row numbers of the file; undefined for all rows but the file's deleted ones. */
  readonly onlyRows: RowSet | undefined
}

export interface ChangesRequest {
  readonly tablePath: string
  /** The first version whose changes are wanted. */
  readonly from: Version
  /** The last one, inclusive; the latest when left out. */
  readonly to?: Version | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Plan the reading of changes, with the columns of the last version. Where a version has change data files they are all
 * of its changes; otherwise added files are inserted rows and removed files deleted ones, and a file that came again
 * with another deletion vector tells by the difference.
 *
 * @throws CHANGES_UNAVAILABLE when the range ends before it begins, or a version does not tell: it rewrote files while no
 *   change feed was kept, or its columns cannot be read as those of the last version
 * @throws VERSION_NOT_FOUND or LOG_GAP when a version of the range is not there
 *
 * @example
 * ```ts
 * const { versions } = await planChanges(ports, { tablePath: 'people', from: 1n })
 * console.log(versions.map(({ version }) => version)) // [ 1n ]
 * console.log(versions[0]?.parts.map(({ changeType, file }) => [changeType, file.add.path])) // [ [ 'insert', 'b' ] ]
 * ```
 */
export async function planChanges(ports: TableStore, request: ChangesRequest): Promise<ChangePlan> {
  const { tablePath, from, signal } = request
  const last = await getSnapshot(ports, { tablePath, version: request.to, signal })
  if (last.version < from && request.to !== undefined) {
    const message = `The changes of ${tablePath} cannot go from version ${from} back to ${last.version}.`
    throw new DeltaError('CHANGES_UNAVAILABLE', message, { tablePath, version: from, to: last.version })
  }
  const first = await getSnapshot(ports, { tablePath, version: from, signal })
  const commits = await readCommits(ports.store, tablePath, { after: from - 1n, upTo: last.version, signal })
  const { commits: listed } = await listLog(ports.store, tablePath)
  const times = new Map(commitTimes(listed).map(({ version, timestamp }) => [version, timestamp]))
  const versions: VersionChanges[] = []
  let rules: Rules = first
  checkColumns(rules, from, last)
  for (const commit of commits) {
    rules = rulesAfter(rules, commit, last)
    const time = commit.commitInfo?.['inCommitTimestamp']
    const isTimed = isActive('inCommitTimestamp', settings(rules)) && typeof time === 'number'
    const timestamp = isTimed ? time : (times.get(commit.version) ?? commit.commitInfo?.timestamp ?? 0)
    versions.push({ version: commit.version, timestamp, parts: await partsOf(ports, { commit, rules, last, signal }) })
  }
  const { files: _none, version: _version, ...plan } = await planScan(ports, last, { files: [], signal })
  return { ...plan, versions }
}

type Rules = Pick<Snapshot, 'protocol' | 'metaData'>

function settings({ protocol, metaData }: Rules): Pick<Snapshot, 'protocol' | 'configuration'> {
  return { protocol, configuration: metaData.configuration }
}

interface Context {
  commit: Commit
  rules: Rules
  last: Snapshot
  signal: AbortSignal | undefined
}

/** The table's rules from a commit on. Throws CHANGES_UNAVAILABLE when its columns are not those of the last version. */
function rulesAfter(before: Rules, commit: Commit, last: Snapshot): Rules {
  let { protocol, metaData } = before
  for (const action of commit.actions) {
    if (action.kind === 'protocol') protocol = action.protocol
    if (action.kind === 'metaData') metaData = action.metaData
  }
  if (metaData !== before.metaData) checkColumns({ protocol, metaData }, commit.version, last)
  return { protocol, metaData }
}

/** Files are known by their physical names, so a renamed column is the same and a dropped one does not matter. */
function checkColumns({ protocol, metaData }: Rules, version: Version, last: Snapshot): void {
  const { tablePath } = last
  const mapping = columnMappingOf({ protocol, configuration: metaData.configuration })
  const schema = parseSchema(metaData.schemaString)
  const then = physicalSchema(schema, mapping)
  const now = physicalSchema(last.schema, columnMappingOf(last))
  const evolution = evolve(then, now, { widenTypes: true })
  const drifts = evolution.kind === 'compatible' ? [] : evolution.drifts
  const drift = drifts.find(({ reason }) => reason === 'type' || reason === 'letter case')
  if (drift) throw unavailable(tablePath, version, `its column ${drift.column} is ${drift.wanted} by now`)
  const partitions = (columns: readonly string[], from: StructType, to: StructType): string =>
    columns.map(column => to.fields[from.fields.findIndex(f => f.name === column)]?.name ?? column).join(', ')
  const before = partitions(metaData.partitionColumns, schema, then)
  const after = partitions(last.metaData.partitionColumns, last.schema, now)
  if (before !== after)
    throw unavailable(tablePath, version, `it was partitioned by (${before}), and is by (${after}) now`)
}

async function partsOf(ports: TableStore, context: Context): Promise<ChangePart[]> {
  const { commit, last } = context
  const changed = commit.actions.flatMap(action => (action.kind === 'cdc' ? [action.cdc] : []))
  if (changed.length > 0) {
    const files = await scanFiles(ports, context, changed.map(fileOfChanges))
    return files.map(file => ({ changeType: undefined, file, onlyRows: undefined }))
  }
  const adds = commit.actions.flatMap(action => (action.kind === 'add' && action.add.dataChange ? [action.add] : []))
  const removes = commit.actions.flatMap(action =>
    action.kind === 'remove' && action.remove.dataChange ? [fileOfRemove(last, commit.version, action.remove)] : [],
  )
  const removed = new Map(removes.map(file => [file.path, file]))
  const again = adds.filter(file => removed.has(file.path))
  const stays = new Set(again.map(file => file.path))
  const whole = {
    adds: adds.filter(file => !stays.has(file.path)),
    removes: removes.filter(file => !stays.has(file.path)),
  }
  if (!isActive('changeDataFeed', settings(context.rules)) && whole.adds.length > 0 && whole.removes.length > 0) {
    throw unavailable(last.tablePath, commit.version, 'it rewrote files while no change feed was kept')
  }
  const all = (changeType: 'insert' | 'delete') => (file: ScanFile) => ({ changeType, file, onlyRows: undefined })
  return [
    ...(await scanFiles(ports, context, whole.removes)).map(all('delete')),
    ...(await differences(ports, context, again, removed)),
    ...(await scanFiles(ports, context, whole.adds)).map(all('insert')),
  ]
}

/** Rows that a file lost, or got back, by another deletion vector. */
async function differences(
  ports: TableStore,
  context: Context,
  again: readonly AddFile[],
  removed: ReadonlyMap<string, AddFile>,
): Promise<ChangePart[]> {
  const before = await scanFiles(
    ports,
    context,
    again.map(file => removed.get(file.path) ?? file),
  )
  const after = await scanFiles(ports, context, again)
  return after.flatMap((scanned, i): ChangePart[] => {
    const [old, now] = [before[i]?.deletedRows ?? RowSet.empty, scanned.deletedRows ?? RowSet.empty]
    const file = { ...scanned, deletedRows: undefined }
    const lost: ChangePart = { changeType: 'delete', file, onlyRows: now.minus(old) }
    const back: ChangePart = { changeType: 'insert', file, onlyRows: old.minus(now) }
    return [lost, back].filter(part => part.onlyRows?.size !== 0)
  })
}

async function scanFiles(ports: TableStore, { last, signal }: Context, files: readonly AddFile[]): Promise<ScanFile[]> {
  return [...(await planScan(ports, last, { files, signal })).files]
}

function fileOfChanges({ path, uri, partitionValues, size }: CdcFile): AddFile {
  return { path, uri, partitionValues, size, modificationTime: 0, dataChange: false }
}

/** Old writers left out what a removed file was; without partition columns that is no loss. */
function fileOfRemove(last: Snapshot, version: Version, remove: RemoveFile): AddFile {
  const { path, uri, partitionValues, size = 0n, stats, deletionVector } = remove
  if (partitionValues === undefined && last.metaData.partitionColumns.length > 0) {
    throw unavailable(last.tablePath, version, `it does not say of which partition ${path} was`)
  }
  return {
    path,
    uri,
    partitionValues: partitionValues ?? {},
    size,
    modificationTime: 0,
    dataChange: true,
    ...(stats === undefined ? {} : { stats }),
    ...(deletionVector === undefined ? {} : { deletionVector }),
  }
}

async function getSnapshot(
  ports: TableStore,
  request: { tablePath: string; version: Version | undefined; signal: AbortSignal | undefined },
): Promise<Snapshot> {
  const snapshot = await readSnapshot(ports, request)
  if (snapshot !== undefined) return snapshot
  const { tablePath, version } = request
  throw new DeltaError('VERSION_NOT_FOUND', `${tablePath} is not a table.`, { tablePath, version })
}

function unavailable(tablePath: string, version: Version, reason: string): DeltaError {
  const message = `What version ${version} of ${tablePath} changed cannot be told: ${reason}.`
  return new DeltaError('CHANGES_UNAVAILABLE', message, { tablePath, version, reason })
}
