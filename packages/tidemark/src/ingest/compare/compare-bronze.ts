/**
 * One bronze table against its source, in one snapshot of the source and at the newest version of the table that this is
 * not older than. The source is streamed once, and once more when something differs; memory does not grow with it.
 */
import { readSnapshot, type Snapshot } from '@tidemark/delta'
import type { Session } from '../../engine/engine.ts'
import { ident, join, type Sql, sql } from '../../engine/sql.ts'
import { toDuckType } from '../../engine/types.ts'
import type { Position } from '../../sources/position.ts'
import type { SourceSnapshot } from '../../sources/source.ts'
import { assertOurs } from '../bronze-state.ts'
import type { IngestContext } from '../context.ts'
import { loadSlice } from '../load-slice.ts'
import type { Mark } from '../mark.ts'
import type { Fitted } from '../drift.ts'
import type { LakeColumn } from '../lake-columns.ts'
import type { ResolvedTable } from '../resolve.ts'
import { incrementOf, standingOf } from '../slice.ts'
import { lakeColumnName } from '../system-columns.ts'
import { addLiveRows, entryRows, newestLive } from './bronze-rows.ts'
import { ChosenRows, findDifferences } from './differences.ts'
import type { ComparedColumn, Shape } from './shape.ts'
import { type EachPart, sourceRows } from './source-rows.ts'
import { type DifferingRanges, hashed, IS_SETTLED, type KeptApart, Sums, type Totals } from './sums.ts'

/** A version of the table that can be compared with the snapshot, and what it says of itself. */
export interface Comparable {
  current: Snapshot
  mark: Mark
}

export interface BronzeComparison extends Comparable {
  shape: Shape
  source: Totals
  lake: Totals
  /** True when nothing has happened in the source since the mark: then nothing can be pending. */
  isQuiet: boolean
  /** Undefined when no range differs. */
  differing: DifferingKeys | undefined
}

export interface DifferingKeys {
  /** See `findDifferences`; those of rows written since the mark have ranges below 0. */
  keys: Sql
  /** Rows of the source in the differing ranges, in the common form with `row_version`. */
  source: Sql
  lost: bigint
  stale: bigint
  /** Keys of the lake that the source does not have. */
  gone: bigint
  /** Rows written since the mark that the lake does not have yet. */
  recent: bigint
  /** Sum of the hashes of the rows of `gone`. */
  goneHash: bigint
}

/**
 * The newest version of the table that the snapshot is not older than, with its mark. What a run has committed since
 * the snapshot was taken is neither lost nor a ghost.
 */
export async function findComparable(
  context: IngestContext,
  position: Position,
  wanted: ResolvedTable,
): Promise<Comparable | undefined> {
  const { signal } = context
  const { tablePath } = wanted
  const moment = { position, now: context.clock.now() }
  let current = await readSnapshot(context, { tablePath, signal })
  while (current !== undefined) {
    const mark = await assertOurs(context, wanted, current)
    const standing = mark.identity === position.identity ? standingOf(moment, mark, wanted.table) : 'current'
    if (standing === 'current' || standing === 'went back') return { current, mark }
    const version: bigint = current.version - 1n
    current = version < 0n ? undefined : await readSnapshot(context, { tablePath, version, signal })
  }
  return undefined
}

/** Compare a table that has been found comparable. Temporary tables live as long as the session. */
export async function compareBronze(
  context: IngestContext,
  session: Session,
  at: Comparable & { snapshot: SourceSnapshot; wanted: Fitted<ResolvedTable> },
): Promise<BronzeComparison> {
  const { snapshot, wanted, current, mark } = at
  const { signal } = context
  const shape = bronzeShape(wanted)
  const { table, columns, lake } = wanted
  const everything = { snapshot, table, columns, lake, slice: { kind: 'all' as const } }
  const readSource = sourceRows(context, session, shape, everything)
  const isQuiet = table.isProvedByOrder && snapshot.position.order === mark.order
  const apart = isQuiet ? 'nobody' : await keepRecent(context, session, shape, at)
  const sides = { source: new Sums(session, shape, signal), lake: new Sums(session, shape, signal) }
  await readSource(rows => sides.source.add(hashed(shape, rows), apart))
  const bronze = await session.scan(current)
  await addLiveRows(session, shape, { bronze, liveRows: mark.liveRows, sums: sides.lake, apart, signal })
  const ranges = await sides.source.differing(sides.lake)
  const totals = { source: await sides.source.totals(), lake: await sides.lake.totals() }
  const found = { current, mark, shape, ...totals, isQuiet }
  if (ranges.count === 0n || shape.keys.length === 0) return { ...found, differing: undefined }
  return { ...found, differing: await lookCloser(session, shape, { readSource, bronze, apart, ranges, signal }) }
}

async function lookCloser(
  session: Session,
  shape: Shape,
  at: { readSource: EachPart; bronze: Sql; apart: KeptApart; ranges: DifferingRanges; signal: AbortSignal },
): Promise<DifferingKeys> {
  const { ranges, signal } = at
  const chosen = { source: new ChosenRows(session, shape, signal), lake: new ChosenRows(session, shape, signal) }
  await at.readSource(rows => chosen.source.add(rows, at))
  await chosen.lake.add(entryRows(shape, at.bronze), at)
  const source = await chosen.source.relation(chosen.lake.table)
  const target = ({ target: entries }: { target: Sql }): Sql => newestLive(shape, entries)
  const keys = await findDifferences(session, shape, { ranges, source, target, chosen: chosen.lake.table, signal })
  const [row] = await session.rows(
    sql`SELECT count(*) FILTER (kind = 'missing' AND ${IS_SETTLED}) AS lost, \
count(*) FILTER (kind = 'changed' AND ${IS_SETTLED}) AS stale, count(*) FILTER (kind = 'extra') AS gone, \
count(*) FILTER (kind <> 'extra' AND NOT (${IS_SETTLED})) AS recent, \
CAST(coalesce(sum(CAST(h AS HUGEINT)) FILTER (kind = 'extra' AND ${IS_SETTLED}), 0) AS VARCHAR) AS gone_hash FROM ${keys}`,
    signal,
  )
  const number = (name: string): bigint => BigInt(String(row?.[name]))
  const counts = { lost: number('lost'), stale: number('stale'), gone: number('gone'), recent: number('recent') }
  return { keys, source, ...counts, goneHash: number('gone_hash') }
}

/** Keys of rows that the next increment would read; where each run compares every row, all of them. */
async function keepRecent(
  context: IngestContext,
  session: Session,
  shape: Shape,
  at: { snapshot: SourceSnapshot; wanted: ResolvedTable; mark: Mark },
): Promise<KeptApart> {
  const { snapshot, wanted, mark } = at
  if (shape.keys.length === 0) return 'nobody'
  const slice = incrementOf(wanted.reading, mark)
  if (slice === undefined) return 'everybody'
  const columns = wanted.keys.flatMap(key => wanted.columns.filter(({ name }) => name === key))
  const { relation } = await loadSlice(context, session, { snapshot, table: wanted.table, columns, slice })
  const keys = ident(session.temporaryName('recent'))
  const named = columns.map((column, n) => sql`${ident(lakeColumnName(column.name))} AS ${ident(`k${n}`)}`)
  await session.run(sql`CREATE TEMP TABLE ${keys} AS SELECT DISTINCT ${join(named)} FROM ${relation}`, context.signal)
  return { keys }
}

function bronzeShape({ keys, lake, cdcCol }: Fitted<ResolvedTable>): Shape {
  const compared = ({ name, type }: LakeColumn): ComparedColumn => {
    const value = sql`CAST(${ident(name)} AS ${toDuckType(type)})`
    return { name, source: value, target: value }
  }
  const all = new Map(lake.map(column => [column.name.toLowerCase(), compared(column)]))
  const find = (name: string): ComparedColumn | undefined => all.get(lakeColumnName(name).toLowerCase())
  const found = keys.flatMap(key => find(key) ?? [])
  return {
    keys: found,
    values: [...all.values()].filter(column => !found.includes(column)),
    cursor: cdcCol === undefined ? undefined : find(cdcCol),
  }
}
