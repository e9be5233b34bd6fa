/** Committing in tests that have no rival: a conflict is a fault of the test. */
import { type CommitPorts, commit, type Snapshot, type Staged } from '../../src/index.ts'

/** Commit a staged change and return the table as it then is. Rejects with the reason when another commit stood in the way. */
export async function publish(ports: CommitPorts, staged: Staged): Promise<Snapshot> {
  const result = await commit(ports, staged)
  if (result.kind === 'conflict') throw new Error(result.reason)
  return result.snapshot
}
