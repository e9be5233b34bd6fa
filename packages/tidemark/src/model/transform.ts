/** Column transformations of a silver table, applied in the order written. Column look-up ignores case. */
export type Transform =
  | { kind: 'rename'; from: string; to: string }
  /** `type` is a Delta type name: string, long, integer, double, boolean, date, timestamp, decimal(p,s) … */
  | { kind: 'cast'; column: string; type: string }
  | { kind: 'trim' | 'upper' | 'lower'; column: string }
  /** Replace every occurrence of a literal text. */
  | { kind: 'replace'; column: string; find: string; with: string }
  /** Add (or overwrite) a column from a portable SQL expression over the columns so far. */
  | { kind: 'derive'; column: string; expression: string }
  /** Drop columns by name or pattern with `*`; a pattern that matches nothing is fine, a name that matches nothing is not. */
  | { kind: 'drop'; pattern: string }
