/**
 * In-commit timestamps: a time in the commit itself, later than that of the commit before, where a table keeps such
 * times (Delta protocol, "In-Commit Timestamps").
 */
import { commitPath, logFolderPath, type Version } from '../log/log-path.ts'
import { isActive } from '../snapshot/protocol.ts'
import { findCommit } from '../log/find-commit.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import type { ObjectStore } from '../store/store.ts'
import { rulesOf, type Staged } from './staged.ts'

/**
 * The time that a commit after `current` has to be later than: that of the commit before or, where the table did not
 * keep times yet, of its file. Undefined where no time is kept or none was there before.
 */
export async function findTimeBefore(
  store: ObjectStore,
  staged: Staged,
  current: Snapshot | undefined,
): Promise<number | undefined> {
  if (current === undefined || !keepsTimes(rulesOf(staged, current))) return undefined
  if (!keepsTimes(current)) return findModifiedAt(store, current)
  if (current.inCommitTimestamp !== undefined) return current.inCommitTimestamp
  const commit = await findCommit(store, current.tablePath, current.version)
  const time = commit?.commitInfo?.['inCommitTimestamp'] ?? commit?.commitInfo?.timestamp
  return typeof time === 'number' ? time : undefined
}

/** The change with the time of its commit; a table that begins to keep times notes from which version on. */
export function withInCommitTimestamp(
  staged: Staged,
  context: { current: Snapshot | undefined; now: number; before: number | undefined },
): { change: Staged; inCommitTimestamp: number | undefined } {
  const { current, now, before } = context
  const rules = rulesOf(staged, current)
  if (!keepsTimes(rules)) return { change: staged, inCommitTimestamp: undefined }
  const inCommitTimestamp = before === undefined ? now : Math.max(now, before + 1)
  if (current === undefined || keepsTimes(current)) return { change: staged, inCommitTimestamp }
  const configuration = {
    ...rules.configuration,
    'delta.inCommitTimestampEnablementVersion': String(current.version + 1n),
    'delta.inCommitTimestampEnablementTimestamp': String(inCommitTimestamp),
  }
  const metaData = { ...(staged.metaData ?? current.metaData), configuration }
  return { change: { ...staged, metaData }, inCommitTimestamp }
}

function keepsTimes(rules: Parameters<typeof isActive>[1]): boolean {
  return isActive('inCommitTimestamp', rules)
}

async function findModifiedAt(store: ObjectStore, { tablePath, version }: Snapshot): Promise<number | undefined> {
  const path = commitPath(tablePath, version)
  const startAfter = version === 0n ? undefined : commitPath(tablePath, (version - 1n) as Version)
  for await (const object of store.list(logFolderPath(tablePath), { startAfter })) {
    // The time of the commit is a whole number of milliseconds, and one more than this.
    if (object.path === path) return Math.floor(object.modifiedAt)
  }
  return undefined
}
