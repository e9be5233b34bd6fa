/**
 * Rules of domains: they need their feature, and those of the format itself are set only by what understands them.
 */
import { DeltaError } from '../errors.ts'
import type { Protocol } from '../log/actions.ts'
import { hasDomainMetadata } from '../snapshot/protocol.ts'
import { type DomainChange, stageInvalid } from './staged.ts'

/** Throw STAGE_INVALID without the feature, WRITE_REFUSED for a domain that belongs to the format. */
export function checkDomains(tablePath: string, protocol: Protocol, domains: readonly DomainChange[]): void {
  if (domains.length === 0) return
  if (!hasDomainMetadata(protocol)) {
    throw stageInvalid(tablePath, 'it lacks the feature domainMetadata; name it in features to raise its protocol')
  }
  const system = domains.find(({ domain }) => domain.startsWith('delta.'))
  if (system === undefined) return
  const reason = `the domain ${system.domain} belongs to the format and is not for callers to set`
  throw new DeltaError('WRITE_REFUSED', `${tablePath} cannot be written in this way: ${reason}.`, { tablePath, reason })
}
