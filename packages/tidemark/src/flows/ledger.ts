/**
 * The ledger's arithmetic: every row read is in exactly one bucket. A step whose counts do not add up is stopped
 * before it commits.
 */
import { LEDGER_UNBALANCED } from '../errors/flow-run.ts'
import type { Ledger } from '../model/step.ts'

/** Rows a ledger accounts for; equals `read` in a balanced one. A materialized view has no such sum. */
function accounted(ledger: Exclude<Ledger, { kind: 'materialized view' }>): bigint {
  switch (ledger.kind) {
    case 'extract':
      return ledger.inserted + ledger.duplicate
    case 'silver': {
      const { inserted, updated, superseded, duplicate, deleted, filtered, quarantined } = ledger
      return inserted + updated + superseded + duplicate + deleted + filtered + quarantined
    }
    case 'append':
      return ledger.inserted + ledger.filtered + ledger.quarantined
    case 'auto cdc':
      return ledger.applied + ledger.ignored + ledger.quarantined
  }
}

/** The ledger itself when it balances. Throws LEDGER_UNBALANCED, which is always our bug. */
export function balance<L extends Ledger>(step: string, ledger: L): L {
  if (ledger.kind === 'materialized view') return ledger
  const sum = accounted(ledger)
  if (sum === ledger.read) return ledger
  throw LEDGER_UNBALANCED({ step, kind: ledger.kind, read: ledger.read, accounted: sum })
}

/** Two ledgers of one kind as one, bucket by bucket. */
export function addLedgers<L extends Ledger>(a: L, b: L): L {
  if (a.kind !== b.kind)
    throw new TypeError(`this is a bug in tidemark: ledgers ${a.kind} and ${b.kind} cannot be added`)
  const sum = Object.entries(a).map(([bucket, rows]: [string, unknown]) => {
    const other: unknown = b[bucket as keyof L]
    return [bucket, typeof rows === 'bigint' && typeof other === 'bigint' ? rows + other : rows]
  })
  return Object.fromEntries(sum) as L
}
