/**
 * The mark: the committed state of a bronze table. It travels as domain metadata in the same Delta commit as the rows,
 * so rows and mark cannot disagree.
 */
import { createHash } from 'node:crypto'

export interface Mark {
  /** Which server, timeline and database; compared by equality. */
  identity: string
  /** Horizon: the next increment reads rows of transactions from here on, inclusive. */
  xmin: bigint
  /** Rows of transactions from here on cannot be in the table yet. */
  xmax: bigint
  /** Position of the snapshot in the server's own order of finished transactions. */
  order: bigint
  lsn: bigint
  /** Server time of the snapshot. */
  asOf: string
  /** `_seq` of the rows this commit wrote; rows of later commits are above it. */
  seq: bigint
  /** `_seq` minus `order`; grows when a new server starts counting anew. */
  seqBase: bigint
  fingerprint: string
  /** Hash of the entry's own settings that change what is read. */
  settings: string
  keys: readonly string[]
  /** Keys whose newest entry is an upsert. For a keyless table its rows. */
  liveRows: bigint
  /** Table version of the commit that holds this mark. */
  version: bigint
  runId: string
  /** `from_date` values that are done. */
  backfills: readonly string[]
  /** Keyless tables: order-independent hash of the rows, as text. */
  content: string | undefined
}

const BIGINTS = ['xmin', 'xmax', 'order', 'lsn', 'seq', 'seqBase', 'liveRows', 'version'] as const

/** The domain that holds a table's mark for one source. */
export function markDomain(source: string): string {
  return `tidemark.ingest.${source}`
}

/** Text for the domain's configuration; integers are strings, so no reader can round them. */
export function printMark(mark: Mark): string {
  return JSON.stringify({ format: 1, ...mark }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}

/** Read a mark back. Throws a SyntaxError when the text is not one of ours. */
export function parseMark(configuration: string): Mark {
  const value = JSON.parse(configuration) as Record<string, unknown>
  if (value['format'] !== 1) throw new SyntaxError(`mark format ${String(value['format'])} is not known`)
  const { format: _format, ...rest } = value
  for (const key of BIGINTS) rest[key] = BigInt(String(rest[key]))
  if (![rest['keys'], rest['backfills']].every(Array.isArray)) throw new SyntaxError('keys or backfills are no list')
  return { content: undefined, ...rest } as unknown as Mark
}

/**
 * The `from_date` that is still to be read, of a table that has been loaded. Without a key there is never one: a table is
 * then read whole whenever anything changed, which does every `from_date`.
 */
export function pendingFromDate(
  wanted: { fromDate: string | undefined; keys: readonly string[] },
  mark: Mark,
): string | undefined {
  const { fromDate, keys } = wanted
  return fromDate === undefined || keys.length === 0 || mark.backfills.includes(fromDate) ? undefined : fromDate
}

/** Short stable hash of the settings that, when changed, make earlier rows incomparable. */
export function settingsHash(settings: { asText: readonly string[]; timezone: string; deletes: string }): string {
  const canonical = JSON.stringify([[...settings.asText].sort(), settings.timezone, settings.deletes])
  return createHash('sha256').update(canonical).digest('hex').slice(0, 16)
}
