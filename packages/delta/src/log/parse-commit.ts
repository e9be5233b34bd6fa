/**
 * From the bytes of a log file to a Commit. Refuses what is torn or lacks a required field, naming the file and line;
 * ignores actions and fields it does not know, as the protocol demands.
 */
import type { Action, Commit, CommitInfo } from './actions.ts'
import { parseLines } from './log-lines.ts'
import { printLogName, type Version } from './log-path.ts'
import { type LineParser, lineParser } from './parse-action.ts'

/**
 * Parse one commit file. Throws LOG_INVALID with `details: { version, file, line }`.
 *
 * @param parse given where many files are read at once, so that they share what they have in common
 */
export function parseCommit(version: Version, bytes: Uint8Array, parse: LineParser = lineParser()): Commit {
  const actions: Action[] = []
  let commitInfo: CommitInfo | undefined
  for (const line of parseLines({ version, file: printLogName(version) }, bytes, parse)) {
    switch (line.kind) {
      case 'commitInfo':
        commitInfo = line.commitInfo
        break
      // These belong to checkpoints and take no part in replay.
      case 'sidecar':
      case 'checkpointMetadata':
        break
      default:
        actions.push(line)
    }
  }
  return { version, commitInfo, actions, sizeInBytes: bytes.length }
}
