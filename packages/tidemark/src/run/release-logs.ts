/**
 * After a run's commits the server may forget the log that lies behind the marks of all its tables. A run that dies before
 * this lets it forget nothing: what is listed again is recognised by the next one.
 */
import { readSnapshot } from '@tidemark/delta'
import { Problem } from '../errors/problem.ts'
import { markDomain, parseMark } from '../ingest/mark.ts'
import { tablePath } from '../model/names.ts'
import type { LakeStore } from '../model/ports.ts'
import type { ChangeLog } from '../sources/change-log.ts'
import type { OpenSource } from './prepare.ts'
import { formatBytes } from '../model/bytes.ts'

/** More log than this is not held back for a table that makes no progress: it fills the server's disk. */
const HELD_LIMIT = 1024n * 1024n * 1024n

/** Release what every table of each source has read. Never fails a run: a log that stays is reported. */
export async function releaseLogs(
  lake: LakeStore,
  sources: readonly OpenSource[],
  at: { warn: (text: string) => void; signal: AbortSignal },
): Promise<void> {
  for (const source of sources) {
    const log = source.snapshot?.changeLog
    if (log === undefined) continue
    try {
      await releaseLog(lake, source, log, at)
    } catch (error) {
      if (at.signal.aborted || !(error instanceof Problem || error instanceof SyntaxError)) throw error
      at.warn(`${source.config.name}: ${log.name} was not moved: ${error.message}`)
    }
  }
}

async function releaseLog(
  lake: LakeStore,
  source: OpenSource,
  log: ChangeLog,
  { warn, signal }: { warn: (text: string) => void; signal: AbortSignal },
): Promise<void> {
  const { config } = source
  if ('missing' in log.begins) return warn(`${config.name}: ${log.begins.missing}; tables are scanned instead`)
  const names = [...source.tables, ...source.refused.filter(({ entry }) => entry !== undefined)].map(({ name }) => name)
  const marks = await Promise.all(names.map(name => listedFrom(lake, config.name, { name, log, signal })))
  const waiting = marks.filter(mark => mark.from >= (log.begins as { at: bigint }).at)
  const froms = waiting.map(({ from }) => from).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const [first, last] = [froms.at(0), froms.at(-1)]
  const tooMuch = log.heldBytes > HELD_LIMIT
  if (tooMuch) {
    const late = waiting.filter(({ from }) => from !== last).map(({ name }) => name)
    const left = late.length === 0 ? '' : `; ${late.join(', ')} will be scanned, so that it is held no longer for them`
    warn(`${config.name}: the server holds ${formatBytes(log.heldBytes)} of log for ${log.name}${left}`)
  }
  const to = tooMuch ? last : first
  if (to !== undefined) return await log.release(to, signal)
  // No table goes on with the list. That it cannot be read at all is the reason worth telling.
  const reading = await log.read(signal)
  if ('missing' in reading) warn(`${config.name}: ${reading.missing}; tables are scanned instead`)
}

/** Up to where a table has read the list; -1 where it has not, and so does not wait for it. */
async function listedFrom(
  lake: LakeStore,
  source: string,
  { name, log, signal }: { name: string; log: ChangeLog; signal: AbortSignal },
): Promise<{ name: string; from: bigint }> {
  const current = await readSnapshot(lake, { tablePath: tablePath(name), signal })
  const configuration = current?.domain(markDomain(source))
  const listed = configuration === undefined ? undefined : parseMark(configuration).listed
  return { name, from: listed?.by === log.name ? listed.from : -1n }
}
