/** A commit that was lost against another writer is prepared anew, on what the table holds then; not for ever. */
import { INGEST_BUSY } from '../errors/ingest.ts'

/** Commits lost in a row before a table gives up. */
const MAX_TRIES = 10

/**
 * Attempt until something landed or needed no commit.
 *
 * @param attempt looks at the table as it is now; gives `conflict` when its commit was lost
 * @throws {INGEST_BUSY} ten commits in a row were lost
 */
export async function untilLanded<T>(table: string, attempt: () => Promise<T | 'conflict'>): Promise<T> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const outcome = await attempt()
    if (outcome !== 'conflict') return outcome
  }
  throw INGEST_BUSY({ table, tries: String(MAX_TRIES) }, { state: 'Nothing was written to the table.' })
}
