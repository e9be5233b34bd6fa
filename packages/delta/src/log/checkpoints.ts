/**
 * Which checkpoints a log holds: the files of each put together, and those left out of which a part is missing.
 */
import { type CheckpointForm, checkpointNames, type Version } from './log-path.ts'

/** A complete checkpoint: everything a reader needs of the versions up to and including its own. */
export interface Checkpoint {
  readonly version: Version
  /** Names inside `_delta_log`; several for one of many parts. */
  readonly files: readonly string[]
  readonly format: 'json' | 'parquet'
}

/** One file of a checkpoint, as a listing shows it. */
export interface CheckpointFile {
  readonly name: string
  readonly version: Version
  readonly form: CheckpointForm
}

/** The complete checkpoints among these files, newest first. One in many parts counts only when all of them are there. */
export function completeCheckpoints(files: readonly CheckpointFile[]): Checkpoint[] {
  const names = new Set(files.map(file => file.name))
  const found = new Map<string, Checkpoint>()
  for (const { name, version, form } of files) {
    if (form.kind === 'classic') found.set(name, { version, files: [name], format: 'parquet' })
    if (form.kind === 'uuid') found.set(name, { version, files: [name], format: form.format })
    if (form.kind !== 'part') continue
    // A count that the folder cannot hold is not worth making names for.
    const parts = form.parts <= files.length ? checkpointNames(version, form.parts) : []
    const isComplete = parts.length > 0 && parts.every(part => names.has(part))
    if (isComplete) found.set(parts[0] ?? name, { version, files: parts, format: 'parquet' })
  }
  return [...found.values()].sort((a, b) => (a.version < b.version ? 1 : a.version > b.version ? -1 : 0))
}
