/**
 * Commit: one conditional create of a version's file. When others were first, the change follows them if none of them
 * stands in its way. The answer is always decided: the commit is there, or it cannot be as it is, or a COMMIT_UNDECIDED
 * says that this could not be found out.
 */

import type { Commit, CommitInfo } from '../log/actions.ts'
import { findCommit } from '../log/find-commit.ts'
import { listLog } from '../log/listing.ts'
import type { Version } from '../log/log-path.ts'
import { parseCommit } from '../log/parse-commit.ts'
import { printCommit } from '../log/print-commit.ts'
import type { TableStore } from '../log/table-store.ts'
import { keepLog, type Upkeep } from '../keep/keep-log.ts'
import { finishReplay, replayCommit, type Snapshot, startReplay } from '../snapshot/snapshot.ts'
import type { ObjectStore } from '../store/store.ts'
import { attemptOf } from './attempt.ts'
import { isCleanedPast } from './cleaned-past.ts'
import { type Conflict, type ConflictRule, findConflict } from './conflict.ts'
import { createVersion } from './create-version.ts'
import { findTimeBefore } from './in-commit-timestamp.ts'
import type { Staged } from './staged.ts'

export interface CommitPorts extends TableStore {
  clock: { now(): number; sleep(ms: number, signal?: AbortSignal): Promise<void> }
  ids: { uuid(): string }
}

export type CommitResult =
  /** `upkeep` is what was done for the log afterwards; whatever it says, the commit stands. */
  | { kind: 'committed'; version: Version; snapshot: Snapshot; upkeep: Upkeep }
  /** Another writer's commit stands in the way. Nothing was changed: read again, plan again. */
  | { kind: 'conflict'; version: Version; rule: ConflictRule; reason: string; winner: CommitInfo | undefined }

export interface CommitOptions {
  signal?: AbortSignal | undefined
  /** How many versions are tried for before the answer is TooManyTries; at least 1. */
  tries?: number
}

const TRIES = 25
const FIRST_PAUSE_MS = 5
const LONGEST_PAUSE_MS = 1000

/** What is known of the table while a change looks for its version. */
interface Race {
  readonly ports: CommitPorts
  readonly staged: Staged
  readonly txnId: string
  readonly tableId: string
  readonly signal: AbortSignal | undefined
}

/**
 * Publish a staged change as the next version. Commits made since its snapshot are judged one by one by what the change
 * says it read; the first that stands in its way is the conflict. An attempt whose outcome is unknown is looked up and
 * repeated with the same bytes at the same version, so a commit happens once or not at all. After the commit its version
 * checksum is written and, once enough of the log has grown, a checkpoint.
 *
 * @throws COMMIT_UNDECIDED when the store does not answer: the commit may exist, so no staged file may be deleted
 * @throws NOT_WRITTEN when the store refused the write before it could have any effect
 *
 * @example
 * ```ts
 * const staged = stageAppend(people, { files, info: { operation: 'WRITE' } })
 * const result = await commit(ports, staged)
 * console.log(result.kind === 'committed' && result.snapshot.files.size) // 3
 * console.log((await commit(ports, staged)).kind) // conflict
 * ```
 */
export async function commit(ports: CommitPorts, staged: Staged, options: CommitOptions = {}): Promise<CommitResult> {
  const { signal, tries = TRIES } = options
  signal?.throwIfAborted()
  const race: Race = { ports, staged, txnId: ports.ids.uuid(), tableId: ports.ids.uuid(), signal }
  const first = await catchUp(race, staged.base)
  if (first.kind === 'conflict') return first
  let { current } = first
  for (let attempt = 1; ; attempt += 1) {
    const { ours, bytes, snapshot } = await prepare(race, current)
    const { version } = ours
    const path = { tablePath: staged.tablePath, version }
    const found = await createVersion(ports, { ...path, bytes, txnId: race.txnId, signal })
    if (found === 'ours') {
      return { kind: 'committed', version, ...(await keepLog(ports, snapshot, { signal, txnId: race.txnId })) }
    }
    if (attempt >= tries) return tooManyTries(found, attempt)
    const blocked = findConflict(staged, found)
    if (blocked) return toConflict(version, blocked, found)
    await pause(ports, attempt, signal)
    // Whoever waited behind the same winner may have gone on; what is there already need not be tried for.
    const next = await passWinners(race, current, found)
    if (next.kind === 'conflict') return next
    signal?.throwIfAborted()
    current = next.current
  }
}

type Passed = { kind: 'passed'; current: Snapshot | undefined } | Extract<CommitResult, { kind: 'conflict' }>

/** Judge what was committed before the first attempt. */
async function catchUp(race: Race, base: Snapshot | undefined): Promise<Passed> {
  const { ports, signal } = race
  const { tablePath } = race.staged
  if (base === undefined) return (await findTable(ports.store, tablePath)) ?? { kind: 'passed', current: undefined }
  const next = base.version + 1n
  const winner = await findCommit(ports.store, tablePath, next, { signal })
  if (winner) return passWinners(race, base, winner)
  if (await isCleanedPast(ports.store, base, ports.clock.now())) {
    const reason = `versions after ${base.version} were cleaned away since it was read`
    return toConflict(next, { rule: 'HistoryGone', reason }, undefined)
  }
  return { kind: 'passed', current: base }
}

/** Version 0 may have been cleaned away from a table that lives; creating it again would corrupt that table. */
async function findTable(store: ObjectStore, tablePath: string): Promise<Passed | undefined> {
  const { latest, hasCheckpoint } = await listLog(store, tablePath)
  if (latest === undefined && !hasCheckpoint) return undefined
  const winner = latest === undefined ? undefined : await findCommit(store, tablePath, latest)
  return toConflict(latest ?? 0n, { rule: 'TableExists', reason: `${tablePath} already is a table` }, winner)
}

/** Judge a commit and all that follow it by now; those that may come before are taken into the snapshot. */
async function passWinners(race: Race, current: Snapshot | undefined, first: Commit): Promise<Passed> {
  const { tablePath } = race.staged
  const state = startReplay(current)
  let last = first
  for (let winner: Commit | undefined = first; winner; winner = await findNext(race, last)) {
    const conflict = findConflict(race.staged, winner)
    if (conflict) return toConflict(winner.version, conflict, winner)
    replayCommit(state, winner)
    last = winner
  }
  return { kind: 'passed', current: finishReplay(tablePath, last.version, state) }
}

function findNext({ ports, staged, signal }: Race, after: Commit): Promise<Commit | undefined> {
  return findCommit(ports.store, staged.tablePath, after.version + 1n, { signal })
}

/** The bytes for the version after `current`, and the snapshot they make, built from what a reader will see. */
async function prepare(
  race: Race,
  current: Snapshot | undefined,
): Promise<{ ours: Commit; bytes: Uint8Array; snapshot: Snapshot }> {
  const { ports, staged, txnId, tableId } = race
  const version = current === undefined ? 0n : current.version + 1n
  const before = await findTimeBefore(ports.store, staged, current)
  const { change, attempt } = attemptOf(staged, { current, txnId, tableId, now: ports.clock.now(), before })
  const bytes = printCommit(change, attempt)
  // Before anything is published: nothing can fail once the commit is there.
  const ours = parseCommit(version, bytes)
  const state = startReplay(current)
  replayCommit(state, ours)
  return { ours, bytes, snapshot: finishReplay(staged.tablePath, version, state) }
}

function toConflict(version: Version, { rule, reason }: Conflict, winner: Commit | undefined): Passed & CommitResult {
  const who = winner?.commitInfo?.operation ?? 'another writer'
  return {
    kind: 'conflict',
    version,
    rule,
    reason: winner === undefined ? reason : `version ${version} (${who}): ${reason}`,
    winner: winner?.commitInfo,
  }
}

function tooManyTries(last: Commit, tries: number): CommitResult {
  const reason = `each of ${tries} versions tried for went to another writer`
  return toConflict(last.version, { rule: 'TooManyTries', reason }, last)
}

/** Doubling pauses up to a second, spread by chance so that writers that lost together do not return together. */
function pause(ports: CommitPorts, attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const chance = Number.parseInt(ports.ids.uuid().slice(0, 4), 16) / 0xffff || 0
  return ports.clock.sleep(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1)) * chance, signal)
}
