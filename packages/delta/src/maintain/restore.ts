/**
 * RESTORE: an older version becomes current again by one new commit, so history is never rewritten.
 */
import { locateVector } from '../deletion-vector/read-vectors.ts'
import { DeltaError } from '../errors.ts'
import { dataFileOf } from '../write/data-file.ts'
import type { AddFile, DeletionVectorDescriptor } from '../log/actions.ts'
import { canonicalDataPath } from '../log/data-path.ts'
import { isSameFile } from '../log/file-key.ts'
import { conditionsOf } from '../schema/conditions.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { findStorePath } from '../store/store-location.ts'
import type { ObjectStore } from '../store/store.ts'
import { INTERNAL_SETTINGS } from '../write/rules-after.ts'
import { stageOn } from '../write/stage-on.ts'
import type { Extras, Staged } from '../write/staged.ts'

export interface RestoreRequest extends Pick<Extras, 'txn' | 'domains' | 'reads'> {
  /** The newest version. */
  snapshot: Snapshot
  /** The version of the same table that is to be current again. */
  to: Snapshot
  info?: Partial<Extras['info']>
}

/**
 * Stage the commit that brings back rows, columns and settings of an older version. The protocol stays, and so do the
 * marks of applications (`txn`, domains) unless others are given: whoever restores decides what that means for them.
 *
 * @throws FILE_MISSING when files of that version were removed by `vacuum`: it cannot be brought back
 * @throws FILE_INVALID when a deletion vector of that version can be nowhere
 *
 * @example
 * ```ts
 * const to = await readSnapshot(ports, { tablePath: 'people', version: 0n })
 * const staged = to && (await stageRestore(ports, { snapshot: people, to }))
 * console.log(staged?.remove.map(file => file.path)) // [ 'b' ]
 * ```
 */
export async function stageRestore(
  { store }: { readonly store: ObjectStore },
  { snapshot, to, info, ...extras }: RestoreRequest,
): Promise<Staged> {
  const isIn = (files: Snapshot['files'], file: AddFile): boolean => {
    const other = files.get(file.path)
    return other !== undefined && isSameFile(other, file)
  }
  const remove = [...snapshot.files.values()].filter(file => !isIn(to.files, file))
  const restored = [...to.files.values()].filter(file => !isIn(snapshot.files, file))
  await refuseMissing(store, to, restored)
  // What the rows of that version fulfilled then is all that its settings demand now.
  const checked = conditionsOf(to.schema, to.configuration)
  const [now, then] = [snapshot, to].map(version => JSON.stringify(version.metaData.partitionColumns))
  return stageOn(
    snapshot,
    {
      reads: { kind: 'table' },
      ...extras,
      checked,
      info: { operation: 'RESTORE', operationParameters: { version: String(to.version) }, ...info },
    },
    {
      schema: to.schema,
      configuration: settingsAfter(snapshot, to),
      ...(now === then ? {} : { partitionColumns: to.metaData.partitionColumns }),
      add: restored.map(dataFileOf),
      remove,
      copiesNothing: true,
      checkedTable: checked,
    },
  )
}

/** Settings as they were then; what a table keeps by itself goes on from where it is. */
function settingsAfter(snapshot: Snapshot, to: Snapshot): Record<string, string | null> {
  const gone = Object.keys(snapshot.configuration).filter(key => !(key in to.configuration))
  const settings = { ...Object.fromEntries(gone.map(key => [key, null])), ...to.configuration }
  return Object.fromEntries(Object.entries(settings).filter(([key]) => !INTERNAL_SETTINGS.includes(key)))
}

/**
 * One listing of the table's folder: asking for each file would take a request each. What lies elsewhere by its absolute
 * path is not looked for.
 */
async function refuseMissing(store: ObjectStore, to: Snapshot, files: readonly AddFile[]): Promise<void> {
  if (files.length === 0) return
  const { tablePath, version } = to
  const there = new Set<string>()
  for await (const { path } of store.list(tablePath)) there.add(path)
  const missing = files.flatMap(({ path, deletionVector }) => {
    const isElsewhere = path.startsWith('/') || /^[a-z][a-z0-9+.-]*:/i.test(path)
    const context = { store, tablePath, version }
    const vector =
      deletionVector === undefined || isOutside(store, deletionVector)
        ? undefined
        : locateVector(context, { dataFile: path, vector: deletionVector })
    const needed = [...(isElsewhere ? [] : [`${tablePath}/${path}`]), ...(vector === undefined ? [] : [vector])]
    return needed.filter(one => one.startsWith(`${tablePath}/`) && !there.has(one))
  })
  const [file] = missing
  if (file === undefined) return
  const message =
    `Version ${version} of ${tablePath} cannot be brought back: ${missing.length} of its files were removed, ` +
    `${file} among them. Nothing was changed.`
  throw new DeltaError('FILE_MISSING', message, { tablePath, version, file, count: missing.length })
}

function isOutside(store: ObjectStore, { storageType, pathOrInlineDv }: DeletionVectorDescriptor): boolean {
  return storageType === 'p' && findStorePath(store, canonicalDataPath(pathOrInlineDv)) === undefined
}
