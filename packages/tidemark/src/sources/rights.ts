/** What is asked about the rights of a source's login, and what comes back: the words of `diagnose` and `grants`. */
import type { Finding } from '../model/finding.ts'
import type { SourceTable, TableRef } from './source.ts'

export interface RightsRequest {
  /** Tables that are read; `kind` where it is known. */
  tables: readonly (TableRef & { kind?: SourceTable['kind'] })[]
  /** True when a table is read by the clock of the oldest open transaction, for which others' must be seen. */
  byOpenTransactions: boolean
}

export interface Diagnosis {
  findings: readonly Finding[]
  /** Wanted tables as the database spells them, by the key of what was asked for; also those that may not be read. */
  found: ReadonlyMap<string, TableRef>
  /** Why transactions of others cannot be seen; undefined when they can, and when nobody asked. */
  openTransactionsHidden: string | undefined
}
