/** What the process asks the thread of a SQLite connection, and what it hears. Answers come in the order of questions. */

export interface ThreadSettings {
  /** Absolute, so that SQLite never takes it for a URI. */
  path: string
  busyTimeoutMs: number
}

export type Question =
  | { kind: 'query' | 'execute' | 'copy'; statement: string }
  | { kind: 'next'; chunkBytes: number }
  /** End the running copy; the transaction goes on. */
  | { kind: 'stop' }
  | { kind: 'close' }

export type Answer =
  | { kind: 'rows'; rows: (string | null)[][] }
  /** Whole rows of CSV; no rows after the last. */
  | { kind: 'chunk'; bytes: Uint8Array; rows: number; longestRow: number }
  | { kind: 'failed'; message: string; errcode: number }
