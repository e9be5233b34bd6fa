/** Problems of a backfill, and of any snapshot that comes too late. */
import { type ProblemKind, problem } from './problem.ts'

export const SNAPSHOT_OVERTAKEN: ProblemKind<{ table: string }> = problem({
  code: 'SNAPSHOT_OVERTAKEN',
  title: 'Another run has read a later state of the source meanwhile.',
  message: (p: { table: string }) =>
    `${p.table} holds rows of a later snapshot of the source than this run has; older ones must not be laid on top of them.`,
  hint: () =>
    'Run again: it reads from a snapshot of its own. A backfill in parts goes on with those that are missing.',
  retry: 'later',
  exit: 1,
  example: { table: 'bronze.DimUser' },
})

export const BACKFILL_NEEDS_COLUMN: ProblemKind<{ table: string }> = problem({
  code: 'BACKFILL_NEEDS_COLUMN',
  title: 'A backfill needs a cdc_col.',
  message: (p: { table: string }) =>
    `${p.table} has no cdc_col, so --from, --to and from_date have nothing to compare with.`,
  hint: () => 'Name a date, timestamp or integer column as cdc_col.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'bronze.DimUser' },
})

export const BACKFILL_NEEDS_TABLE: ProblemKind<{ table: string; reason: string }> = problem({
  code: 'BACKFILL_NEEDS_TABLE',
  title: 'There is nothing to backfill into yet.',
  message: (p: { table: string; reason: string }) => `${p.table}: ${p.reason}.`,
  hint: () => 'Run tidemark run first; its first load reads the whole table.',
  retry: 'after-change',
  exit: 1,
  example: { table: 'bronze.DimUser', reason: 'the table has not been loaded' },
})
