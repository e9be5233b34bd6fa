/**
 * Row tracking: every file gets a range of row ids that no file had before, and the version that added it (Delta
 * protocol, "Row Tracking"). A file that is added again, with other statistics or a deletion vector, keeps what it has.
 */
import { DeltaError } from '../errors.ts'
import { parseJson, printJson } from '../json.ts'
import type { DataFile, DomainMetadata } from '../log/actions.ts'
import { isActive, refused } from '../snapshot/protocol.ts'
import { featuresOf } from '../snapshot/features.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { findRowCount } from '../stats/stats-text.ts'
import { rulesOf, type Staged, type TableRules } from './staged.ts'

const DOMAIN = 'delta.rowTracking'
const ID_COLUMN = 'delta.rowTracking.materializedRowIdColumnName'
const VERSION_COLUMN = 'delta.rowTracking.materializedRowCommitVersionColumnName'

/** The change with row ids for its files, and what its commitInfo says of rows that were moved. */
export function withRowIds(
  staged: Staged,
  { current, tableId }: { current: Snapshot | undefined; tableId: string },
): { change: Staged; tags: Readonly<Record<string, string>> | undefined } {
  const rules = rulesOf(staged, current)
  if (!handsOutIds(rules)) return { change: staged, tags: undefined }
  const version = current === undefined ? 0n : current.version + 1n
  const start = highWaterMark(current)
  let mark = start
  const add = staged.add.map((file): DataFile => {
    const known = file.baseRowId === undefined ? current?.files.get(file.path) : file
    if (known?.baseRowId !== undefined) {
      return { ...file, baseRowId: known.baseRowId, defaultRowCommitVersion: known.defaultRowCommitVersion ?? version }
    }
    const baseRowId = mark + 1n
    mark += file.numRecords
    return { ...file, baseRowId, defaultRowCommitVersion: version }
  })
  const domains = mark === start ? staged.domains : [...staged.domains, markDomain(mark)]
  const change = withColumnNames({ ...staged, add, domains }, { current, tableId })
  if (!isActive('rowTracking', rules)) return { change, tags: undefined }
  return { change, tags: { 'delta.rowTracking.preserved': String(!movesRows(staged)) } }
}

/**
 * Throw WRITE_REFUSED when a table would begin to promise row ids that some of its files lack, as such files would have to
 * be added again first, or when a file that comes does not tell how many ids it takes.
 */
export function checkRowTracking(
  base: Snapshot,
  after: TableRules,
  fresh: readonly Pick<DataFile, 'path' | 'stats' | 'baseRowId'>[],
): void {
  const { tablePath } = base
  const uncounted = handsOutIds(after)
    ? fresh.find(({ stats, baseRowId }) => baseRowId === undefined && findRowCount(stats) === undefined)
    : undefined
  if (uncounted !== undefined) {
    throw refused(tablePath, `the rows of ${uncounted.path} have to be given ids, and nothing tells their number`)
  }
  if (isActive('rowTracking', base) || !isActive('rowTracking', after)) return
  const without = [...base.files.values()].find(file => file.baseRowId === undefined)
  if (without === undefined) return
  throw refused(tablePath, `delta.enableRowTracking cannot be set while files have no row ids (${without.path})`)
}

function handsOutIds({ protocol, configuration }: TableRules): boolean {
  return featuresOf(protocol).has('rowTracking') && configuration['delta.rowTrackingSuspended'] !== 'true'
}

/** The highest row id handed out so far; -1 when there is none. */
function highWaterMark(current: Snapshot | undefined): bigint {
  const domain = current?.domain(DOMAIN)
  if (domain === undefined) return -1n
  const mark = (parseJson(domain) as { rowIdHighWaterMark?: number | bigint } | null)?.rowIdHighWaterMark
  if (mark !== undefined) return BigInt(mark)
  throw new DeltaError('LOG_INVALID', `The domain ${DOMAIN} of ${current?.tablePath} has no rowIdHighWaterMark.`, {
    tablePath: current?.tablePath,
  })
}

function markDomain(mark: bigint): DomainMetadata {
  return { domain: DOMAIN, configuration: printJson({ rowIdHighWaterMark: mark }), removed: false }
}

/** Rows of removed files may lie in new ones, where they have new ids: this writer does not carry ids over. */
function movesRows({ add, remove }: Staged): boolean {
  const removed = new Set(remove.map(file => file.path))
  return remove.length > 0 && add.some(file => !removed.has(file.path))
}

/** Names for the hidden columns in which other writers carry ids over; the table's own id makes them unlike any other. */
function withColumnNames(
  staged: Staged,
  { current, tableId }: { current: Snapshot | undefined; tableId: string },
): Staged {
  const { metaData } = staged
  if (metaData === undefined || metaData.configuration[ID_COLUMN] !== undefined) return staged
  if (!isActive('rowTracking', rulesOf(staged, current))) return staged
  const id = current?.metaData.id ?? tableId
  const names = { [ID_COLUMN]: `_row-id-col-${id}`, [VERSION_COLUMN]: `_row-commit-version-col-${id}` }
  return { ...staged, metaData: { ...metaData, configuration: { ...names, ...metaData.configuration } } }
}
