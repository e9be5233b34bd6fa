/**
 * What a commit does for the log: a version checksum, and a checkpoint once enough has grown. Nothing is removed, and
 * nothing that goes wrong here makes the commit fail.
 */
import { readLastCheckpoint } from '../log/last-checkpoint.ts'
import type { Version } from '../log/log-path.ts'
import type { Snapshot } from '../snapshot/snapshot.ts'
import { isCheckpointDue } from './checkpoint-policy.ts'
import { writeVersionChecksum } from './version-checksum.ts'
import { type CheckpointPorts, writeCheckpoint } from './write-checkpoint.ts'

export type Upkeep =
  /** No checkpoint was due; the version checksum is there. */
  | { readonly kind: 'none' }
  | { readonly kind: 'done'; readonly checkpoint: Version }
  /** The checksum failed, which only this version lacks then, or a checkpoint, which is due again after the next commit. */
  | { readonly kind: 'failed'; readonly error: unknown }

/**
 * Look after the log of a version just committed. Returns the snapshot as the next commit should see it: with the newest
 * checkpoint known. Never rejects; an abort ends it as a failure.
 */
export async function keepLog(
  ports: CheckpointPorts,
  snapshot: Snapshot,
  options: { signal?: AbortSignal | undefined; txnId?: string | undefined } = {},
): Promise<{ snapshot: Snapshot; upkeep: Upkeep }> {
  // Readers may use a checksum as soon as they see its version, and a checkpoint takes longer.
  const failure = await writeVersionChecksum(ports, snapshot, options).then(
    () => undefined,
    (error: unknown) => ({ kind: 'failed', error }) as const,
  )
  const kept = await keepCheckpoint(ports, snapshot, options.signal)
  return kept.upkeep.kind === 'failed' ? kept : { ...kept, upkeep: failure ?? kept.upkeep }
}

async function keepCheckpoint(
  ports: CheckpointPorts,
  snapshot: Snapshot,
  signal: AbortSignal | undefined,
): Promise<{ snapshot: Snapshot; upkeep: Upkeep }> {
  if (ports.logParquet === undefined || !isCheckpointDue(snapshot)) return { snapshot, upkeep: { kind: 'none' } }
  const { tablePath, version } = snapshot
  let known = snapshot
  try {
    known = await withHint(ports, snapshot, signal)
    if (!isCheckpointDue(known)) return { snapshot: known, upkeep: { kind: 'none' } }
    await writeCheckpoint(ports, { tablePath, version, signal })
    known = withCheckpoint(snapshot, version)
    return { snapshot: known, upkeep: { kind: 'done', checkpoint: version } }
  } catch (error) {
    return { snapshot: known, upkeep: { kind: 'failed', error } }
  }
}

/** Another writer may have written a checkpoint since the snapshot was read. */
async function withHint(
  ports: CheckpointPorts,
  snapshot: Snapshot,
  signal: AbortSignal | undefined,
): Promise<Snapshot> {
  const hint = await readLastCheckpoint(ports, snapshot.tablePath, { signal })
  if (hint.kind !== 'found') return snapshot
  const { version } = hint.checkpoint
  const isNewer = version > (snapshot.log.checkpoint ?? -1n) && version <= snapshot.version
  return isNewer ? withCheckpoint(snapshot, version) : snapshot
}

function withCheckpoint(snapshot: Snapshot, checkpoint: Version): Snapshot {
  return Object.freeze({ ...snapshot, log: { checkpoint, sizeInBytes: 0 } })
}
