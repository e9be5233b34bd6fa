/** A step's ledger on one line: what was read equals what became of it. Pure. */
import type { Ledger } from '../model/step.ts'
import { countText } from './numbers.ts'

/**
 * `read 570 = inserted 500 + duplicate 70`; buckets without rows are left out, and what is counted beside the buckets
 * follows after a semicolon.
 */
export function ledgerText(ledger: Ledger): string {
  switch (ledger.kind) {
    case 'extract':
      return balance(ledger.read, buckets(ledger, ['inserted', 'duplicate']), [
        ['deletes', ledger.deletes],
        ['rescued values', ledger.rescued ?? 0n],
      ])
    case 'silver':
      return balance(
        ledger.read,
        buckets(ledger, ['inserted', 'updated', 'superseded', 'duplicate', 'deleted', 'filtered', 'quarantined']),
        [
          ['stale by rule', ledger.staleByRule],
          ['warned', ledger.warned],
        ],
      )
    case 'append':
      return balance(ledger.read, buckets(ledger, ['inserted', 'filtered', 'quarantined']), [['warned', ledger.warned]])
    case 'auto cdc':
      return balance(ledger.read, buckets(ledger, ['applied', 'ignored', 'quarantined']), [['warned', ledger.warned]])
    case 'materialized view': {
      const text = `rows in ${countText(ledger.rowsIn)}, rows out ${countText(ledger.rowsOut)}`
      return (
        text +
        beside([
          ['quarantined', ledger.quarantined],
          ['warned', ledger.warned],
        ])
      )
    }
  }
}

/** Rows a step rejected. */
export function quarantinedRows(ledger: Ledger): bigint {
  return ledger.kind === 'extract' ? 0n : ledger.quarantined
}

type Count = readonly [name: string, rows: bigint]

function buckets<K extends string>(ledger: Readonly<Record<K, bigint>>, names: readonly K[]): Count[] {
  return names.map(name => [name, ledger[name]] as const)
}

function balance(read: bigint, parts: readonly Count[], others: readonly Count[]): string {
  const filled = parts.filter(([, rows]) => rows !== 0n).map(printCount)
  const sum = filled.length === 0 ? '' : ` = ${filled.join(' + ')}`
  return `read ${countText(read)}${sum}${beside(others)}`
}

function beside(counts: readonly Count[]): string {
  const filled = counts.filter(([, rows]) => rows !== 0n).map(printCount)
  return filled.length === 0 ? '' : `; ${filled.join(', ')}`
}

function printCount([name, rows]: Count): string {
  return `${name} ${countText(rows)}`
}
