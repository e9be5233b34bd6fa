/** Where a source stands: what two snapshots of it are compared by. */

/** Where a server stands in its own order of commits. */
export interface Position {
  /** Which server, timeline and database this is; opaque, compared by equality. */
  identity: string
  /**
   * Equal for a server and its copies, whose logs are one: of these `log` says who is behind whom. Opaque; left out where a
   * server has no such copies.
   */
  history?: string
  /**
   * Orders the snapshots of one server: a later one is never smaller. Where the server counts its transactions it is
   * strictly larger exactly when another one has finished in between; else it is the server's clock in microseconds since
   * 1970 UTC.
   */
  order: bigint
  /** Where row versions stand; undefined for a server whose rows carry none. */
  rowVersions: RowVersionRange | undefined
  /** How far the server's log reaches, as a number that may never go back; 0 where there is none that we may ask for. */
  log: bigint
  /** Server time of the snapshot, ISO 8601 UTC with microseconds. */
  asOf: string
  /** Transactions open at that moment; undefined when the login may not see those of others. */
  openTransactions: number | undefined
}

/** What a snapshot knows of the versions that rows carry. All 64-bit. */
export interface RowVersionRange {
  /** Oldest version that may still be decided later: everything below is in the snapshot or never will be. */
  horizon: bigint
  /** First version that no row of the snapshot can have. */
  next: bigint
  /** How far a stored horizon may lie behind `next` and still be compared with rows; undefined when however far. */
  maxAge: bigint | undefined
  /** The oldest horizon from which the server still tells what changed. Left out where rows themselves carry versions. */
  oldest?: bigint
}
