/** What one extraction has come to: its ledger, its versions, and why nothing was done. Pure. */
import type { Snapshot } from '@tidemark/delta'
import type { Ledger } from '../model/step.ts'

export interface ExtractOutcome {
  status: 'changed' | 'unchanged'
  reason: string | undefined
  ledger: Ledger & { kind: 'extract' }
  versionBefore: bigint | undefined
  versionAfter: bigint | undefined
  method: string
  /** True when an earlier run had begun the load: what has changed since then is still to be read. */
  isContinued?: boolean
}

/** @param rescued values in `_rescued_data` of the rows that are inserted */
export function extractLedger(
  read: bigint,
  inserted: bigint,
  deletes: bigint,
  rescued: bigint = 0n,
): Ledger & { kind: 'extract' } {
  const counts = { kind: 'extract' as const, read, inserted, duplicate: read - inserted, deletes }
  return rescued === 0n ? counts : { ...counts, rescued }
}

export function unchanged(current: Snapshot | undefined, reason: string, method: string): ExtractOutcome {
  const version = current?.version
  const ledger = extractLedger(0n, 0n, 0n)
  return { status: 'unchanged', reason, ledger, versionBefore: version, versionAfter: version, method }
}

export function changed(
  versionBefore: bigint | undefined,
  versionAfter: bigint,
  ledger: Ledger & { kind: 'extract' },
  method: string,
): ExtractOutcome {
  return { status: 'changed', reason: undefined, ledger, versionBefore, versionAfter, method }
}

/** Two extracts of one step, one after the other, as one: ledgers add up, the first says how. */
export function joinOutcomes(first: ExtractOutcome, second: ExtractOutcome): ExtractOutcome {
  const sum = (key: 'read' | 'inserted' | 'deletes' | 'rescued'): bigint =>
    (first.ledger[key] ?? 0n) + (second.ledger[key] ?? 0n)
  const ledger = extractLedger(sum('read'), sum('inserted'), sum('deletes'), sum('rescued'))
  const isChanged = first.status === 'changed' || second.status === 'changed'
  return {
    ...first,
    status: isChanged ? 'changed' : 'unchanged',
    reason: isChanged ? undefined : first.reason,
    ledger,
    versionAfter: second.versionAfter,
  }
}
