/**
 * Conflicts: whether a commit that came in between undoes what a staged change was decided on. The rules, their order
 * and their names are those of Spark's checker; a winner that breaks none of them may simply come before.
 */
import type { AddFile, Commit, RemoveFile } from '../log/actions.ts'
import { featuresOf, isHarmlessWhenAdded } from '../snapshot/features.ts'
import { checkReadable, checkWritable } from '../snapshot/protocol.ts'
import { pruneFiles } from '../stats/prune.ts'
import { isolationOf } from './isolation.ts'
import type { Staged } from './staged.ts'

export type ConflictRule =
  /** The table to create is already there. */
  | 'TableExists'
  /** The change lets nothing come between. */
  | 'NothingBetween'
  /** Commits between the change's snapshot and now were cleaned away, so they cannot be judged. */
  | 'HistoryGone'
  | 'ProtocolChanged'
  | 'MetadataChanged'
  /** Both commits report progress of one application, or set one domain. */
  | 'ConcurrentTransaction'
  /** New rows that the change should have seen. */
  | 'ConcurrentAppend'
  /** Rows are gone that the change was decided on. */
  | 'ConcurrentDeleteRead'
  /** Rows are gone that the change removes too. */
  | 'ConcurrentDeleteDelete'
  /** No winner was in the way, but there was always another one. */
  | 'TooManyTries'

export interface Conflict {
  readonly rule: ConflictRule
  /** Why, naming the file, application or domain concerned. */
  readonly reason: string
}

/** Row ids are handed out anew at the version that is reached, so this domain never stands in the way. */
const REASSIGNED_DOMAIN = 'delta.rowTracking'

/** The first rule that a winning commit breaks; undefined when the change may follow it as it is. */
export function findConflict(staged: Staged, winner: Commit): Conflict | undefined {
  if (staged.base === undefined) return { rule: 'TableExists', reason: `${staged.tablePath} already is a table` }
  if (staged.reads.kind === 'strict') {
    return { rule: 'NothingBetween', reason: 'the change was decided on the version before and lets nothing between' }
  }
  return (
    findProtocolConflict(staged, winner) ??
    findMetadataConflict(winner) ??
    findTransactionConflict(staged, winner) ??
    findAppendConflict(staged, winner) ??
    findDeleteConflict(staged, winner)
  )
}

/** A winner may add features that ask nothing of rows already written; it may not take any away. */
function findProtocolConflict(staged: Staged, winner: Commit): Conflict | undefined {
  const action = winner.actions.find(a => a.kind === 'protocol')
  if (action?.kind !== 'protocol' || staged.base === undefined) return undefined
  const changed = (reason: string): Conflict => ({ rule: 'ProtocolChanged', reason })
  if (staged.protocol !== undefined) return changed('both commits change the protocol')
  const [before, after] = [featuresOf(staged.base.protocol), featuresOf(action.protocol)]
  const lost = [...before].find(feature => !after.has(feature))
  if (lost !== undefined) return changed(`the feature ${lost} was taken away`)
  const unsafe = [...after].find(feature => !before.has(feature) && !isHarmlessWhenAdded(feature))
  if (unsafe !== undefined) return changed(`the feature ${unsafe} was added, and asks something of every new file`)
  try {
    checkReadable(staged.tablePath, action.protocol, staged.base.metaData)
    checkWritable(staged.tablePath, action.protocol, staged.base.metaData, staged.base.schema)
  } catch (error) {
    return changed(error instanceof Error ? error.message : String(error))
  }
  return undefined
}

function findMetadataConflict(winner: Commit): Conflict | undefined {
  if (!winner.actions.some(action => action.kind === 'metaData')) return undefined
  return { rule: 'MetadataChanged', reason: 'the schema or the settings were changed' }
}

function findTransactionConflict(staged: Staged, winner: Commit): Conflict | undefined {
  const domains = new Set(staged.domains.map(d => d.domain).filter(domain => domain !== REASSIGNED_DOMAIN))
  const appIds = new Set([...staged.txn.map(t => t.appId), ...readAppIds(staged)])
  for (const action of winner.actions) {
    if (action.kind === 'domainMetadata' && domains.has(action.domainMetadata.domain)) {
      return { rule: 'ConcurrentTransaction', reason: `the domain ${action.domainMetadata.domain} was set` }
    }
  }
  for (const action of winner.actions) {
    if (action.kind === 'txn' && appIds.has(action.txn.appId)) {
      return { rule: 'ConcurrentTransaction', reason: `the application ${action.txn.appId} committed` }
    }
  }
  return undefined
}

/** New rows: files that only hold rows from elsewhere bring none, and what became of those is for the next rules. */
function findAppendConflict(staged: Staged, winner: Commit): Conflict | undefined {
  const isolation = isolationOf(staged)
  const ignoresBlind = isolation === 'WriteSerializable' && staged.metaData === undefined
  if (isolation === 'SnapshotIsolation' || (ignoresBlind && winner.commitInfo?.['isBlindAppend'] === true)) {
    return undefined
  }
  const added = addsOf(winner).filter(add => add.dataChange)
  const [file] = filesToHaveSeen(staged, added)
  return file && { rule: 'ConcurrentAppend', reason: `${file.path} was added, and may hold rows the change was to see` }
}

/** Files are compared by path: two deletion vectors of one file are two opinions about the same rows. */
function findDeleteConflict(staged: Staged, winner: Commit): Conflict | undefined {
  const { reads } = staged
  const removed = removesOf(winner)
  // A file that is added again has other statistics, tags or row ids than those that were read.
  const touched = [...removed, ...addsOf(winner)]
  const read = new Set(reads.kind === 'files' ? reads.files : [])
  const readAndTouched = touched.find(file => read.has(file.path))
  if (readAndTouched) return { rule: 'ConcurrentDeleteRead', reason: `${readAndTouched.path} was read and is gone` }
  const [first] = removed
  if (first && reads.kind === 'table') {
    return { rule: 'ConcurrentDeleteRead', reason: `${first.path} is gone, and the whole table was read` }
  }
  const ours = new Set([...staged.remove, ...staged.add].map(file => file.path))
  const twice = touched.find(file => ours.has(file.path))
  return twice && { rule: 'ConcurrentDeleteDelete', reason: `${twice.path} was changed by both` }
}

/** Bounds of a file count as well as its partition: what it certainly lacks cannot have been wanted. */
function filesToHaveSeen({ reads, base }: Staged, added: readonly AddFile[]): readonly AddFile[] {
  if (reads.kind === 'table') return added
  if (reads.kind !== 'files') return []
  return !base || reads.predicate === undefined ? added : pruneFiles(added, base, reads.predicate)
}

function readAppIds({ reads }: Staged): readonly string[] {
  return reads.kind === 'strict' ? [] : (reads.appIds ?? [])
}

function addsOf(commit: Commit): AddFile[] {
  return commit.actions.flatMap(action => (action.kind === 'add' ? [action.add] : []))
}

function removesOf(commit: Commit): RemoveFile[] {
  return commit.actions.flatMap(action => (action.kind === 'remove' ? [action.remove] : []))
}
