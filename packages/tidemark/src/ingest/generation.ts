/**
 * Generations: how often a table was rebuilt from the layer below. The number travels in the rebuilding commit, so a
 * batch decided for an earlier generation sees that it is void, and whoever streams the table sees a planned rewrite.
 */
import type { Commit, DomainMetadata, Snapshot } from '@tidemark/delta'

const DOMAIN = 'tidemark.generation'

export interface Generation {
  generation: bigint
  /** The run that rebuilt the table; a run rebuilds a table at most once. */
  runId: string | undefined
}

/** The table's generation; 0 for a table that was never rebuilt or is not there. */
export function generationOf(snapshot: Snapshot | undefined): Generation {
  const configuration = snapshot?.domain(DOMAIN)
  if (configuration === undefined) return { generation: 0n, runId: undefined }
  const value = JSON.parse(configuration) as { generation: string; runId: string }
  return { generation: BigInt(value.generation), runId: value.runId }
}

/** The domain entry that a rebuilding commit carries. */
export function generationDomain(generation: bigint, runId: string): Pick<DomainMetadata, 'domain' | 'configuration'> {
  return { domain: DOMAIN, configuration: JSON.stringify({ generation: generation.toString(), runId }) }
}

/** True for a commit that rebuilt its table on purpose; streams below follow with a rebuild of their own. */
export function isRebuild(commit: Commit): boolean {
  return commit.actions.some(action => action.kind === 'domainMetadata' && action.domainMetadata.domain === DOMAIN)
}
