/**
 * Uploads in parts that were begun and never finished, by a process that died in between: they are in no listing and cost
 * room for good. Only those of a lake's own tables are found, and only old ones: no upload of a living run takes so long.
 */
import type { RemoteStore } from './remote-store.ts'

/** As long as files that no version needs are kept. */
export const UPLOAD_KEPT_MS: number = 7 * 24 * 60 * 60 * 1000

/** Where the files of tables lie in a lake. Whatever else is in the same bucket is not ours. */
const TABLE_FILE = /^(?:bronze|silver|gold|quarantine|system)\/.+\.parquet$/

export interface UnfinishedUpload {
  path: string
  /** Milliseconds since 1970, by the store's clock. */
  startedAt: number
}

export interface GiveUpOptions {
  /** The time now, by the clock of this machine. */
  now: number
  /** Only find them. */
  dryRun: boolean
  signal: AbortSignal
}

/** Give up what was begun longer ago than files are kept; gives what was, or would be, given up. */
export async function giveUpUploads(
  store: RemoteStore,
  { now, dryRun, signal }: GiveUpOptions,
): Promise<UnfinishedUpload[]> {
  const given: UnfinishedUpload[] = []
  for await (const upload of store.unfinishedUploads(signal)) {
    const { path, startedAt } = upload
    if (!TABLE_FILE.test(path) || now - startedAt <= UPLOAD_KEPT_MS) continue
    if (!dryRun) await upload.abandon()
    given.push({ path, startedAt })
  }
  return given
}
