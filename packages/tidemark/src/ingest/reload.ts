/** Keyless tables: no row can be told from another, so the table is read whole and replaced whole, atomically. */
import type { Snapshot } from '@tidemark/delta'
import { sql } from '../engine/sql.ts'
import { bronzeSchema, followDrift } from './bronze-schema.ts'
import { contentHash } from './content-hash.ts'
import { land, nextVersion } from './land.ts'
import type { Mark } from './mark.ts'
import { readCandidates } from './read.ts'
import type { Decision } from './slice.ts'
import { lakeColumnName } from './system-columns.ts'
import { changed, type ExtractOutcome, entries, extractLedger, makeMark, unchanged, type Work, write } from './work.ts'

/** Keyless tables: the whole table is replaced in one commit when its content differs. */
export async function reload(
  work: Work,
  decision: Decision & { kind: 'reload' },
  current: Snapshot | undefined,
  before: Mark | undefined,
): Promise<ExtractOutcome | 'conflict'> {
  const { context, wanted, session } = work
  const wantedSchema = bronzeSchema(wanted.table, wanted.columns)
  const schema = current === undefined ? wantedSchema : followDrift(wanted.name, current.schema, wantedSchema)
  const { candidates, read } = await readCandidates(work, { kind: 'all' })
  const columns = wanted.columns.map(column => lakeColumnName(column.name))
  const { rows, hash } = await contentHash(session, candidates, columns)
  const content = `${rows}:${hash}`
  const method = 'whole reload'
  if (current !== undefined && before?.content === content && before.settings === wanted.settings) {
    return { ...unchanged(current, 'the content is the same', method), ledger: extractLedger(read, 0n, 0n) }
  }
  const files = await write(work, entries(work, sql`SELECT * FROM ${candidates}`, decision.seq), schema)
  const version = nextVersion(current)
  const mark = makeMark(work, decision, { liveRows: read, version, content, before })
  await work.snapshot.durable(context.signal)
  const landing = { tablePath: wanted.tablePath, current, schema, files, mark, operation: 'overwrite' as const }
  const result = await land(context, landing)
  if (result.kind === 'conflict') return 'conflict'
  return changed(current?.version, result.version, extractLedger(read, read, 0n), method)
}
