/** Problems of an audit: a copy, a key or a column that cannot be compared. */
import { type ProblemKind, problem } from './problem.ts'

export const AUDIT_TARGET: ProblemKind<{ path: string; reason: string }> = problem({
  code: 'AUDIT_TARGET',
  title: 'There is no table to compare with.',
  message: (p: { path: string; reason: string }) => `${p.path}: ${p.reason}.`,
  hint: () =>
    'Name a folder with a _delta_log or one of Parquet files, by its path or address, or one Parquet file of this machine.',
  retry: 'after-change',
  exit: 2,
  example: { path: './lake/FactStream', reason: 'it holds no Parquet file' },
})

export const AUDIT_COLUMN: ProblemKind<{ table: string; column: string; reason: string }> = problem({
  code: 'AUDIT_COLUMN',
  title: 'A column that the comparison needs cannot be used.',
  message: (p: { table: string; column: string; reason: string }) => `${p.table}.${p.column}: ${p.reason}.`,
  hint: () => 'Name columns that both sides have with --key and --cursor.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.FactStream', column: 'stream_id', reason: 'in the copy it is missing' },
})

export const AUDIT_NEEDS_KEY: ProblemKind<{ table: string }> = problem({
  code: 'AUDIT_NEEDS_KEY',
  title: 'Rows cannot be told from one another.',
  message: (p: { table: string }) => `${p.table} has no primary key, so nobody can say which row of the copy is which.`,
  hint: () => 'Name the columns that identify a row: --key order_no,line_no',
  retry: 'after-change',
  exit: 2,
  example: { table: 'public.FactStream' },
})

export const AUDIT_SOURCE: ProblemKind<{ table: string; reason: string }> = problem({
  code: 'AUDIT_SOURCE',
  title: 'The table cannot be found in a source.',
  message: (p: { table: string; reason: string }) => `${p.table}: ${p.reason}.`,
  hint: () =>
    'Write it as schema.table, and say where it is: --source with an address, env:NAME of a variable that holds one, or the name of a source of the project.',
  retry: 'after-change',
  exit: 2,
  example: { table: 'FactStream', reason: 'the project has no source crm' },
})
