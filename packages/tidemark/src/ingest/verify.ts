/**
 * Verify: the rows of the source, read again in one snapshot of its own, against the newest live entries of bronze. Rows
 * written since the mark are pending, never a false alarm; what remains is lost, stale or a ghost.
 */
import { readSnapshot, type Snapshot } from '@tidemark/delta'
import type { Session } from '../engine/engine.ts'
import { ident, integer, join, type Sql, sql } from '../engine/sql.ts'
import type { Position, Slice, SourceSnapshot } from '../sources/source.ts'
import { assertOurs } from './bronze-state.ts'
import { type Intake, intoTable } from './candidates.ts'
import { contentHash } from './content-hash.ts'
import { type IngestContext, SEGMENT_BYTES } from './context.ts'
import type { Mark } from './mark.ts'
import { incrementOf, standingOf } from './slice.ts'
import { lakeColumnName } from './system-columns.ts'
import type { ExtractTable } from './work.ts'

export interface Verdict {
  table: string
  /**
   * different: rows are lost, stale or ghosts. pending: the source has moved on. not loaded, not comparable: run first.
   * broken: the table's log or files cannot be read.
   */
  status: 'equal' | 'pending' | 'different' | 'not loaded' | 'not comparable' | 'broken'
  sourceRows: bigint
  lakeRows: bigint
  /** Order-independent hashes over the rows that are not pending, as text. */
  sourceHash: string
  lakeHash: string
  /** Keys written or deleted in the source since the mark. */
  pending: bigint
  lost: bigint
  stale: bigint
  ghost: bigint
  /** Up to `EXAMPLES` differing keys, as text, each with its kind. */
  examples: readonly { kind: 'lost' | 'stale' | 'ghost'; key: string }[]
  asOf: string
}

const EXAMPLES = 20n

/** Compare one table. Reads the whole table once; writes nothing. */
export async function verifyTable(
  context: IngestContext,
  snapshot: SourceSnapshot,
  wanted: ExtractTable,
): Promise<Verdict> {
  const loaded = await findComparable(context, snapshot.position, wanted)
  const empty = emptyVerdict(wanted.name, snapshot.position.asOf)
  if (loaded === undefined) return { ...empty, status: 'not loaded' }
  const { current, mark } = loaded
  const { position } = snapshot
  const isComparable = mark.identity === position.identity && standingOf(position, mark) === 'current'
  if (!isComparable || mark.fingerprint !== wanted.table.fingerprint) {
    return { ...empty, lakeRows: mark.liveRows, status: 'not comparable' }
  }
  await using session = await context.engine.session()
  const source = await load(context, session, snapshot, wanted, { kind: 'all' }, 'source_rows')
  const lake = ident(session.temporaryName('lake_rows'))
  await session.run(
    sql`CREATE TEMP TABLE ${lake} AS ${newestLive(await session.scan(current), wanted)}`,
    context.signal,
  )
  if (wanted.keys.length === 0) return await compareWhole(session, { source, lake, wanted, snapshot, mark, empty })
  const recent = await loadRecent(context, session, { snapshot, wanted, mark, source })
  return await compareByKey(session, { source, lake, recent, wanted, snapshot, mark, empty })
}

/** A verdict in which nothing was compared. */
export function emptyVerdict(table: string, asOf: string): Omit<Verdict, 'status'> {
  const none = { sourceHash: '', lakeHash: '', pending: 0n, lost: 0n, stale: 0n, ghost: 0n, examples: [] }
  return { table, sourceRows: 0n, lakeRows: 0n, ...none, asOf }
}

/**
 * The newest version of the table that the snapshot is not older than, with its mark. What a run has committed since
 * the snapshot was taken is neither lost nor a ghost.
 */
async function findComparable(
  context: IngestContext,
  position: Position,
  wanted: ExtractTable,
): Promise<{ current: Snapshot; mark: Mark } | undefined> {
  const { signal } = context
  const { tablePath } = wanted
  let current = await readSnapshot(context, { tablePath, signal })
  while (current !== undefined) {
    const mark = await assertOurs(context, wanted, current)
    const standing = mark.identity === position.identity ? standingOf(position, mark) : 'current'
    if (standing === 'current' || standing === 'went back') return { current, mark }
    const version: bigint = current.version - 1n
    current = version < 0n ? undefined : await readSnapshot(context, { tablePath, version, signal })
  }
  return undefined
}

interface Compared {
  source: Sql
  lake: Sql
  wanted: ExtractTable
  snapshot: SourceSnapshot
  mark: Mark
  empty: Omit<Verdict, 'status'>
}

async function compareByKey(session: Session, at: Compared & { recent: Sql }): Promise<Verdict> {
  const { source, lake, recent, wanted, snapshot, mark } = at
  const keys = wanted.keys.map(lakeColumnName)
  const columns = wanted.columns.map(column => lakeColumnName(column.name))
  const list = join(keys.map(k => ident(k)))
  const quiet = snapshot.position.order === mark.order
  const others = columns.filter(column => !keys.includes(column))
  const differ =
    others.length === 0
      ? sql`false`
      : join(
          others.map(c => sql`s.${ident(c)} IS DISTINCT FROM l.${ident(c)}`),
          ' OR ',
        )
  const keyText = sql`concat_ws(', ', ${join(keys.map(k => sql`CAST(${ident(k)} AS VARCHAR)`))})`
  const differing = ident(session.temporaryName('differing'))
  const gone = wanted.deletes === 'ignore' ? sql`'kept'` : quiet ? sql`'ghost'` : sql`'gone'`
  await session.run(sql`CREATE TEMP TABLE ${differing} AS SELECT ${list}, ${keyText} AS key_text, \
CASE WHEN _in_lake IS NULL THEN 'lost' WHEN _in_source IS NULL THEN ${gone} ELSE 'stale' END AS kind, \
EXISTS (SELECT 1 FROM ${recent} AS r WHERE ${join(
    keys.map(k => sql`r.${ident(k)} = d.${ident(k)}`),
    ' AND ',
  )}) AS recent \
FROM (SELECT ${list}, s._in_source, l._in_lake, (${differ}) AS differs \
FROM (SELECT *, true AS _in_source FROM ${source}) AS s FULL JOIN (SELECT *, true AS _in_lake FROM ${lake}) AS l USING (${list})) AS d \
WHERE _in_lake IS NULL OR _in_source IS NULL OR differs`)
  const count = (condition: Sql): Promise<bigint> =>
    session.count(sql`SELECT count(*) FROM ${differing} WHERE ${condition}`)
  const lost = await count(sql`kind = 'lost' AND NOT recent`)
  const stale = await count(sql`kind = 'stale' AND NOT recent`)
  const ghost = await count(sql`kind = 'ghost' AND NOT recent`)
  const pending = await count(sql`kind = 'gone' OR recent`)
  const rows = await session.rows(sql`SELECT kind, key_text FROM ${differing} \
WHERE kind NOT IN ('gone', 'kept') AND NOT recent ORDER BY kind, key_text LIMIT ${integer(EXAMPLES)}`)
  const settled = (relation: Sql): Sql =>
    sql`SELECT * FROM ${relation} ANTI JOIN (SELECT ${list} FROM ${differing} \
WHERE kind IN ('gone', 'kept') OR recent) USING (${list})`
  const sourceSide = await contentHash(session, sql`(${settled(source)})`, columns)
  const lakeSide = await contentHash(session, sql`(${settled(lake)})`, columns)
  const different = lost + stale + ghost > 0n || sourceSide.hash !== lakeSide.hash
  return {
    ...at.empty,
    status: different ? 'different' : pending > 0n ? 'pending' : 'equal',
    sourceRows: await session.count(sql`SELECT count(*) FROM ${source}`),
    lakeRows: await session.count(sql`SELECT count(*) FROM ${lake}`),
    sourceHash: sourceSide.hash,
    lakeHash: lakeSide.hash,
    pending,
    lost,
    stale,
    ghost,
    examples: rows.map(row => ({ kind: row['kind'] as 'lost', key: String(row['key_text']) })),
  }
}

/** Keyless tables are compared as a whole: count and hash. */
async function compareWhole(session: Session, at: Compared): Promise<Verdict> {
  const columns = at.wanted.columns.map(column => lakeColumnName(column.name))
  const [source, lake] = [await contentHash(session, at.source, columns), await contentHash(session, at.lake, columns)]
  const equal = source.hash === lake.hash && source.rows === lake.rows
  const moved = at.snapshot.position.order !== at.mark.order
  const counts = { sourceRows: source.rows, lakeRows: lake.rows, sourceHash: source.hash, lakeHash: lake.hash }
  return { ...at.empty, ...counts, status: equal ? 'equal' : moved ? 'pending' : 'different' }
}

function newestLive(bronze: Sql, { keys }: ExtractTable): Sql {
  if (keys.length === 0) return bronze
  const list = join(keys.map(k => ident(lakeColumnName(k))))
  return sql`SELECT * FROM (SELECT * FROM (${bronze}) \
QUALIFY row_number() OVER (PARTITION BY ${list} ORDER BY _seq DESC) = 1) WHERE _op = 'upsert'`
}

/** Rows that the next increment would read; where each run compares every row, all of them. */
async function loadRecent(
  context: IngestContext,
  session: Session,
  at: Pick<Compared, 'snapshot' | 'wanted' | 'mark' | 'source'>,
): Promise<Sql> {
  const { snapshot, wanted, mark, source } = at
  if (snapshot.position.order === mark.order) return sql`(SELECT * FROM ${source} WHERE false)`
  const slice = incrementOf(wanted.reading, mark)
  if (slice === undefined) return source
  return load(context, session, snapshot, wanted, slice, 'recent_rows')
}

async function load(
  context: IngestContext,
  session: Session,
  snapshot: SourceSnapshot,
  wanted: ExtractTable,
  slice: Slice,
  hint: string,
): Promise<Sql> {
  const { table, columns } = wanted
  const prefix = `verify-${context.ids.uuid()}`
  const segments = snapshot.copy({
    table,
    columns,
    slice,
    directory: context.scratch,
    prefix,
    segmentBytes: SEGMENT_BYTES,
    signal: context.signal,
  })
  const onRows = (rows: bigint, bytes: bigint): void => context.progress({ rows, bytes, phase: 'reading' })
  const { read, discard, signal } = context
  const intake: Intake = { session, columns, read, discard, onRows, signal }
  return ident((await intoTable(intake, segments, { hint, leading: ['_row_version'] })).table)
}
