/**
 * The mark: the committed state of a bronze table. It travels as domain metadata in the same Delta commit as the rows,
 * so rows and mark cannot disagree.
 */
import { createHash } from 'node:crypto'
import type { FullPass } from './full-pass.ts'
import type { Reading } from './guarantee.ts'
import type { ListedMark } from './listed.ts'

export interface Mark {
  /** Which server, timeline and database; compared by equality. */
  identity: string
  /** That of the server and its copies, where there can be some. */
  history?: string
  /** Row versions: the next increment reads from `horizon` on, inclusive; from `next` on none can be in the table yet. */
  rowVersions: { horizon: bigint; next: bigint } | undefined
  /** Cursor: the next increment reads rows at or above `from`, opaque text of the database. */
  cursor: { column: string; from: string } | undefined
  /** Of a table that other runs read by the index of its cursor alone: the last run that looked at all of it. */
  fullPass: FullPass | undefined
  /** Listed keys: where the server's own list of changes goes on. */
  listed: ListedMark | undefined
  /** Position of the snapshot in the server's own order. */
  order: bigint
  /** How far the server's log reached; 0 where there is none that we may ask for. */
  log: bigint
  /** Server time of the snapshot. */
  asOf: string
  /** `_seq` of the rows this commit wrote; rows of later commits are above it. */
  seq: bigint
  /** `_seq` minus `order`; grows when a new server starts counting anew. */
  seqBase: bigint
  /** Entries below this `_seq` have row versions of another server or another form, which say nothing; left out where none has. */
  versionsFrom?: bigint
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

const FORMAT = 2
const BIGINTS = ['order', 'log', 'seq', 'seqBase', 'liveRows', 'version'] as const

/** The domain that holds a table's mark for one source. */
export function markDomain(source: string): string {
  return `tidemark.ingest.${source}`
}

/** Text for the domain's configuration; integers are strings, so no reader can round them. */
export function printMark(mark: Mark): string {
  return JSON.stringify({ format: FORMAT, ...mark }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )
}

/** Read a mark back. Throws a SyntaxError when the text is not one of ours. */
export function parseMark(configuration: string): Mark {
  const value = JSON.parse(configuration) as Record<string, unknown>
  if (value['format'] !== FORMAT) throw new SyntaxError(`mark format ${String(value['format'])} is not known`)
  const { format: _format, ...rest } = value
  for (const key of BIGINTS) rest[key] = BigInt(String(rest[key]))
  if (![rest['keys'], rest['backfills']].every(Array.isArray)) throw new SyntaxError('keys or backfills are no list')
  const versions = rest['rowVersions'] as { horizon: string; next: string } | undefined
  const rowVersions = versions && { horizon: BigInt(versions.horizon), next: BigInt(versions.next) }
  if (rest['versionsFrom'] !== undefined) rest['versionsFrom'] = BigInt(String(rest['versionsFrom']))
  const list = rest['listed'] as { from: string; since: string } | undefined
  const listed = list && { ...list, from: BigInt(list.from), since: BigInt(list.since) }
  const pass = rest['fullPass'] as { horizon?: string; asOf: string } | undefined
  const fullPass = pass && { ...pass, horizon: pass.horizon === undefined ? undefined : BigInt(pass.horizon) }
  return { content: undefined, cursor: undefined, ...rest, rowVersions, listed, fullPass } as unknown as Mark
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

/**
 * The settings of a table some of whose values are not in columns of their own, `elsewhere`: when it becomes another list,
 * rows that were read before are compared anew. An empty one adds nothing.
 */
export function driftedSettings(settings: string, elsewhere: readonly string[]): string {
  if (elsewhere.length === 0) return settings
  return shortHash(JSON.stringify([settings, ...[...elsewhere].sort()]))
}

function shortHash(canonical: string): string {
  return createHash('sha256').update(canonical).digest('hex').slice(0, 16)
}

/** Short stable hash of the settings that, when changed, make earlier rows incomparable. */
export function settingsHash(settings: {
  asText: readonly string[]
  timezone: string
  deletes: string
  reading: Reading
  leftOut: readonly string[]
  onlyWith: string | undefined
  filter: string | undefined
  masks: readonly (readonly string[])[] | undefined
  /** Of a cursor without a zone: by how much the server's own clock is ahead of UTC. */
  aheadOfUtc: number | undefined
}): string {
  const { asText, timezone, deletes, reading, leftOut, onlyWith, filter, masks, aheadOfUtc } = settings
  // What is written nowhere adds nothing, so that tables loaded before the setting was known stay as they are.
  const later = [
    ...(leftOut.length > 0 ? [{ leftOut: [...leftOut].sort() }] : []),
    ...(onlyWith === undefined ? [] : [{ onlyWith }]),
    ...(filter === undefined ? [] : [{ filter }]),
    ...(masks === undefined ? [] : [{ masks }]),
    ...(aheadOfUtc === undefined || aheadOfUtc === 0 ? [] : [{ aheadOfUtc }]),
  ]
  // How often all of it is looked at makes no row another one.
  const comparable = reading.kind === 'cursor' ? { ...reading, fullPassMs: undefined } : reading
  return shortHash(JSON.stringify([[...asText].sort(), timezone, deletes, comparable, ...later]))
}
