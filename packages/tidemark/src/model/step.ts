/** Steps of a plan and the ledger each of them must balance (design: the ledger's disjoint buckets). */

/** `bronze.DimUser`, `silver.DimUser`, `gold.dim_user`; a flow into a shared target adds its name after `#`. */
export type StepId = string
export type StepKind = 'extract' | 'silver' | 'append' | 'auto cdc' | 'materialized view'

/** Row counts of one step. Every row read is in exactly one bucket of its kind. */
export type Ledger =
  /** read = inserted + duplicate; `deletes` are entries found by the key scan, beside the rows read. */
  | {
      kind: 'extract'
      read: bigint
      inserted: bigint
      duplicate: bigint
      deletes: bigint
      /** Values of the inserted rows that are in `_rescued_data`; left out when there are none. */
      rescued?: bigint
    }
  /** read = inserted + updated + superseded + duplicate + deleted + filtered + quarantined */
  | {
      kind: 'silver'
      read: bigint
      inserted: bigint
      updated: bigint
      superseded: bigint
      duplicate: bigint
      deleted: bigint
      filtered: bigint
      quarantined: bigint
      /** Keys whose newest version was rejected while an older one stays visible; beside the buckets. */
      staleByRule: bigint
      warned: bigint
    }
  /** read = inserted + filtered + quarantined (an append flow, and silver changes) */
  | {
      kind: 'append'
      read: bigint
      inserted: bigint
      /** Left out here and put aside by the sibling that keeps the quarantine: only silver changes have such rows. */
      filtered: bigint
      quarantined: bigint
      warned: bigint
    }
  /** read = applied + ignored + quarantined */
  | { kind: 'auto cdc'; read: bigint; applied: bigint; ignored: bigint; quarantined: bigint; warned: bigint }
  /** rows in the inputs, rows out; quarantined rows are what DROP ROW removed */
  | { kind: 'materialized view'; rowsIn: bigint; rowsOut: bigint; quarantined: bigint; warned: bigint }
