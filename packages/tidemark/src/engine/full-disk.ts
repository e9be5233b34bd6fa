/**
 * A full or read-only disk, as DuckDB tells it: in the text of an error about something else, such as a file it could not
 * write or a block it could not spill.
 */
import type { Problem } from '../errors/problem.ts'
import { LAKE_FULL, LAKE_NOT_WRITABLE } from '../errors/run.ts'

export interface EngineFolders {
  /** Folders of the lake. */
  folders: readonly string[]
  /** Where the engine spills. */
  scratch: string | undefined
}

/** The Problem behind an error that the disk caused; undefined for every other error. */
export function findFullDisk(error: unknown, { folders, scratch }: EngineFolders): Problem | undefined {
  if (!(error instanceof Error)) return undefined
  const at = { cause: error }
  // By its own setting DuckDB spills no more than what was free when it started.
  if (/^Out of Memory Error: .*[^]*max_temp_directory_size/.test(error.message)) {
    return LAKE_FULL({ lake: scratch ?? 'the scratch folder' }, at)
  }
  const [first = ''] = error.message.split('\n')
  if (!first.startsWith('IO Error: ')) return undefined
  const lake = /"([^"]+)"/.exec(first)?.[1] ?? folders.join(', ')
  if (/No space left on device|Disk quota exceeded/.test(first)) return LAKE_FULL({ lake }, at)
  if (!/Read-only file system/.test(first)) return undefined
  return LAKE_NOT_WRITABLE({ lake, reason: 'the file system is read-only' }, at)
}
