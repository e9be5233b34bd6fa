/**
 * The candidates that are new to bronze, kept for the rest of the step. Rows of the overlap are known by their version,
 * and by their content where bronze has versions that say nothing: those of another server, or made of other columns.
 */
import type { Snapshot } from '@tidemark/delta'
import { ident, type Sql, sql } from '../engine/sql.ts'
import {
  type CarriedColumns,
  type DedupeNames,
  differingDoubtful,
  newCandidates,
  type OtherVersions,
} from './dedupe.ts'
import type { Fitted } from './drift.ts'
import type { Mark } from './mark.ts'
import type { Work } from './work.ts'

/** Keep a selection for the rest of the step. */
export async function keep(work: Work, select: Sql): Promise<Sql> {
  const name = ident(work.session.temporaryName('kept'))
  await work.session.run(sql`CREATE TEMP TABLE ${name} AS ${select}`, work.context.signal)
  return name
}

export interface KeptNew {
  /** Rows to append, with `_new_key`. */
  kept: Sql
  /** True when some were known by their content alone, so that the next slice may hold such rows again. */
  knewByContent: boolean
}

/** Keep what bronze does not have of an increment. The content of an entry is only read where its version says nothing. */
export async function keepNew(
  work: Work,
  names: DedupeNames,
  { current, before }: { current: Pick<Snapshot, 'schema'>; before: Mark },
): Promise<KeptNew> {
  const { versionsFrom } = before
  if (versionsFrom === undefined) return { kept: await keep(work, newCandidates(names)), knewByContent: false }
  const other = { from: versionsFrom, counted: work.wanted.table.hasRowVersion }
  return await keepDifferent(work, names, current, other)
}

/**
 * The same of a backfill, which may meet entries of any age: no mark knows whether versions that are made of a row were
 * made as they are now.
 */
export async function keepNewInRange(
  work: Work,
  names: DedupeNames,
  at: { current: Pick<Snapshot, 'schema'>; before: Mark },
): Promise<KeptNew> {
  if (work.wanted.table.hasRowVersion) return await keepNew(work, names, at)
  return await keepDifferent(work, names, at.current, { from: undefined, counted: false })
}

async function keepDifferent(
  work: Work,
  names: DedupeNames,
  current: Pick<Snapshot, 'schema'>,
  other: OtherVersions,
): Promise<KeptNew> {
  const { wanted, session, context } = work
  const count = (rows: Sql): Promise<bigint> => session.count(sql`SELECT count(*) FROM ${rows}`, context.signal)
  const told = await keep(work, newCandidates(names, other))
  const isNone = (await count(sql`${told} WHERE _doubtful`)) === 0n
  const kept = await keep(
    work,
    isNone
      ? sql`SELECT * EXCLUDE (_doubtful) FROM ${told}`
      : differingDoubtful(names, told, carriedColumns(wanted, current)),
  )
  const knewByContent = !isNone && (await count(told)) > (await count(kept))
  await session.run(sql`DROP TABLE ${told}`)
  return { kept, knewByContent }
}

/** The columns that rows carry; those that bronze does not have yet are `added`. */
export function carriedColumns({ lake }: Fitted, { schema }: Pick<Snapshot, 'schema'>): CarriedColumns {
  const inBronze = new Set(schema.fields.map(f => f.name))
  const names = lake.map(({ name }) => name)
  return { known: names.filter(name => inBronze.has(name)), added: names.filter(name => !inBronze.has(name)) }
}
