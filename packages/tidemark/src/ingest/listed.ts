/**
 * When the server's list of changed keys can be trusted to say where a table changed since its mark, and what the next
 * mark must remember for that. Whatever is missing, rows are found by their versions instead: nothing is lost by it.
 */
import type { ChangeLog } from '../sources/change-log.ts'
import type { SourceSnapshot } from '../sources/source.ts'
import type { Mark } from './mark.ts'
import type { ExtractTable, Work } from './work.ts'

/** What a mark knows of the list of changed keys. */
export interface ListedMark {
  /** The list, by its name. */
  by: string
  /** Every listed change before it is in the table: the list must not begin later. */
  from: bigint
  /**
   * Transactions below it may have begun to write before the list was first met, and what they wrote then need not be
   * listed: rows are found by their versions until all of them are decided.
   */
  since: bigint
  /** The list's coverage of the table. */
  proof: string
}

/** Bytes of log, or of keys that changed in other tables, that a quiet table holds back before its mark is moved. */
const TRAILING_BYTES = 16n * 1024n * 1024n

/** What is asked of an extraction to judge it. */
type Listing = Pick<ExtractTable, 'table' | 'keys' | 'reading'>

/** The list of changed keys, where the table is one that is read by row versions; else it is of no use to it. */
export function changeLogOf(snapshot: Pick<SourceSnapshot, 'changeLog'>, { reading }: Listing): ChangeLog | undefined {
  return reading.kind === 'row versions' ? snapshot.changeLog : undefined
}

/** Why the changes since a mark cannot be taken from the list; undefined when they can. */
export function whyScanned(log: ChangeLog, wanted: Listing, mark: Mark): string | undefined {
  const proof = proofOf(log, wanted)
  if ('missing' in proof) return proof.missing
  const reason = brokenBy(log, proof.proof, mark.listed)
  if (reason !== undefined || mark.listed === undefined) return reason
  if ((mark.rowVersions?.horizon ?? 0n) >= mark.listed.since) return undefined
  return 'transactions are open that are older than its use of the list'
}

/** What the mark of this run must remember; undefined when the next run cannot go on with the list. */
export async function nextListed(work: Work, before: Mark | undefined): Promise<ListedMark | undefined> {
  const { snapshot, wanted, context } = work
  const log = changeLogOf(snapshot, wanted)
  if (log === undefined) return undefined
  const proof = proofOf(log, wanted)
  if ('missing' in proof) return undefined
  const reading = await log.read(context.signal)
  if ('missing' in reading) return undefined
  const goesOn =
    before?.identity === snapshot.position.identity && brokenBy(log, proof.proof, before.listed) === undefined
  const since = goesOn ? before.listed?.since : undefined
  return {
    by: log.name,
    from: reading.through,
    since: since ?? reading.nextTransaction,
    proof: proof.proof,
  }
}

/** A mark that would keep the server from forgetting, or the next run from using the list, is written anew. */
export function isListTrailing(before: Mark, next: ListedMark | undefined, horizon: bigint): boolean {
  if (next === undefined) return false
  const { listed, rowVersions } = before
  if (listed === undefined || listed.by !== next.by || listed.proof !== next.proof) return true
  if (listed.since !== next.since || next.from - listed.from >= TRAILING_BYTES) return true
  return (rowVersions?.horizon ?? 0n) < listed.since && horizon >= listed.since
}

function proofOf(log: ChangeLog, { table, keys }: Listing): { proof: string } | { missing: string } {
  if ('missing' in log.begins) return log.begins
  const isPrimary = keys.length === table.primaryKey.length && keys.every(key => table.primaryKey.includes(key))
  return isPrimary ? log.coverage(table) : { missing: 'its key is not the primary key of the source' }
}

/** Why the list does not reach back to the mark without a gap. */
function brokenBy(log: ChangeLog, proof: string, listed: ListedMark | undefined): string | undefined {
  if (listed === undefined || listed.by !== log.name) return `${log.name} is used from this run on`
  if (listed.proof !== proof) return 'its publication or its storage changed'
  if ('missing' in log.begins) return log.begins.missing
  return log.begins.at > listed.from ? `${log.name} begins after its mark: it was moved or made anew` : undefined
}
