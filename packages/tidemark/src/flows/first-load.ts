/**
 * The first load of a keyed silver table, and its rebuild: nothing is there to compare with, so an entry whose key has no
 * other goes straight to the files, in one pass and in bounded memory. Only keys with several entries are ranked.
 */
import type { Snapshot } from '@tidemark/delta'
import { columnList } from '../engine/relations.ts'
import { ident, join, type Sql, sql } from '../engine/sql.ts'
import { type Mark, parseMark } from '../ingest/mark.ts'
import { lakeColumnName } from '../ingest/system-columns.ts'
import type { DerivedFlow } from '../model/flow.ts'
import { type FlowContext, keepRows } from './context.ts'
import type { Entries } from './entries.ts'
import { NO_OUTCOMES, newestEntries, type Outcomes, SEQ } from './newest.ts'
import { isKeyTransformed } from './row-identity.ts'

/** The rows to write, as a query that is computed when it is written, and what became of every entry. */
export interface FirstLoad {
  rows: Sql
  outcomes: Outcomes
}

/**
 * Work out what a batch makes of an empty target.
 *
 * @param source the bronze table when the batch is all of it; its mark may prove that no key has two entries
 */
export async function planFirstLoad(
  context: FlowContext,
  flow: DerivedFlow,
  entries: Entries,
  source: Snapshot | undefined,
): Promise<FirstLoad> {
  const { verdict, transformed, relation } = entries
  const { keys, fields } = transformed
  const shown = columnList([...fields.map(f => f.name), SEQ.name])
  const valid = verdict.read - verdict.rejected - verdict.unjudged
  const passing = sql`SELECT ${shown} FROM ${relation} WHERE __reason IS NULL AND _op <> 'delete'`
  const repeated = holdsEachKeyOnce(flow, entries, source) ? undefined : await keepRepeated(context, entries)
  if (repeated === undefined) {
    return { rows: passing, outcomes: { ...NO_OUTCOMES, inserted: valid, filtered: verdict.unjudged } }
  }
  const list = columnList(keys)
  const several = await keepRows(
    context,
    'several',
    sql`SELECT * FROM ${relation} SEMI JOIN ${repeated} USING (${list})`,
  )
  const among = await countEntries(context, several)
  const names = { entries: several, rejected: among.rejected, existing: undefined, keys }
  const { outcome, outcomes } = await newestEntries(context, names)
  return {
    rows: sql`SELECT * FROM (${passing}) ANTI JOIN ${repeated} USING (${list}) \
UNION ALL SELECT ${shown} FROM ${outcome} WHERE __outcome = 'inserted'`,
    outcomes: {
      ...outcomes,
      inserted: outcomes.inserted + valid - among.valid,
      filtered: outcomes.filtered + verdict.unjudged - among.deletes,
    },
  }
}

/**
 * True when the log proves that no two entries share a key: bronze holds as many rows as keys whose newest entry is an
 * upsert, by the mark that was committed with them.
 */
function holdsEachKeyOnce(flow: DerivedFlow, { verdict }: Entries, source: Snapshot | undefined): boolean {
  const marks = [...(source?.domains ?? [])].filter(([domain]) => domain.startsWith('tidemark.ingest.'))
  const [configuration] = marks.map(([, text]) => text)
  if (configuration === undefined || marks.length > 1 || isKeyTransformed(flow)) return false
  const mark = readMark(configuration)
  if (mark === undefined) return false
  const isSameKey = printKey(mark.keys.map(lakeColumnName)) === printKey(flow.keys)
  return isSameKey && mark.liveRows === verdict.read && verdict.unjudged === 0n
}

/** A mark that cannot be read stops the ingestion of its table; here it merely proves nothing. */
function readMark(configuration: string): Mark | undefined {
  try {
    return parseMark(configuration)
  } catch {
    return undefined
  }
}

const printKey = (keys: readonly string[]): string => JSON.stringify([...keys].sort())

/** Keys with more than one entry, kept; undefined when there are none. */
async function keepRepeated(context: FlowContext, { transformed }: Entries): Promise<Sql | undefined> {
  const { keys, query } = transformed
  const known = join(
    keys.map(k => sql`${ident(k)} IS NOT NULL`),
    ' AND ',
  )
  const list = columnList(keys)
  const repeated = sql`SELECT ${list} FROM (${query}) WHERE ${known} GROUP BY ${list} HAVING count(*) > 1`
  const table = await keepRows(context, 'repeated', repeated)
  return (await context.session.count(sql`SELECT count(*) FROM ${table}`, context.signal)) === 0n ? undefined : table
}

async function countEntries(
  context: FlowContext,
  entries: Sql,
): Promise<{ rejected: bigint; valid: bigint; deletes: bigint }> {
  const [row] = await context.session.rows(
    sql`SELECT count(*) FILTER (WHERE __reason IS NOT NULL) AS rejected, \
count(*) FILTER (WHERE __reason IS NULL AND _op = 'delete') AS deletes, \
count(*) FILTER (WHERE __reason IS NULL AND _op <> 'delete') AS valid FROM ${entries}`,
    context.signal,
  )
  const n = (name: string): bigint => BigInt(String(row?.[name] ?? 0))
  return { rejected: n('rejected'), deletes: n('deletes'), valid: n('valid') }
}
