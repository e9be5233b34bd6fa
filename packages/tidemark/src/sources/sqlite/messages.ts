/** What the process asks the thread of a SQLite connection, and what it hears. Answers come in the order of questions. */

export interface ThreadSettings {
  /** Absolute, so that SQLite never takes it for a URI. */
  path: string
  busyTimeoutMs: number
}

/**
 * Statements that read on behind the row numbered `:after`. What reads lines reads those up to the row numbered `:last`, or all
 * that are left, and gives the lines together and how many they are; in place of a row of more than `:most` bytes, or one that
 * SQLite has to judge, stands a mark.
 */
export interface PageStatements {
  /** The number of the row that is `:skipped` rows behind the next one; no answer where there are not so many. */
  end: string
  lines: LineStatements
  /** The same with every value judged by SQLite. */
  judged: LineStatements
  /** The next row, judged and of any length that is carried, and its number. */
  row: string
}

export interface LineStatements {
  upTo: string
  rest: string
}

/** First bytes of the marks; a line is an array. */
export const MARK = '!'
export const TOO_LONG = '!long'
export const OF_OTHER_CLASS = '!class'

/** What tells rows apart: an integer, or, of a misfit among them, a double. */
export type RowNumber = bigint | number

export type Question =
  | { kind: 'query' | 'execute' | 'copy'; statement: string }
  /** The next chunks are pages behind this row; undefined for all rows. */
  | { kind: 'pages'; statements: PageStatements; after: RowNumber | undefined }
  | { kind: 'next'; chunkBytes: number }
  /** End the running copy; the transaction goes on. */
  | { kind: 'stop' }
  | { kind: 'close' }

export type Answer =
  | { kind: 'rows'; rows: (string | null)[][] }
  | Chunk
  | { kind: 'failed'; message: string; errcode: number }

/** Lines of JSON, an array for each row. */
export interface Chunk {
  kind: 'chunk'
  bytes: Uint8Array
  /** None after the last. */
  rows: number
  longestRow: number
  /** True when SQLite has judged every value. */
  isJudged: boolean
  /** The row before the first of a page. */
  after: RowNumber | undefined
}
