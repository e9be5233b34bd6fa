/** Problems of a table's transaction log. */
import { type ProblemKind, problem } from './problem.ts'

export const DELTA_LOG_UNREADABLE: ProblemKind<{ step: string; code: string; reason: string }> = problem({
  code: 'DELTA_LOG_UNREADABLE',
  title: 'A Delta table cannot be read or written.',
  message: (p: { step: string; code: string; reason: string }) =>
    `${p.step}: ${p.reason.replace(/\.$/, '')} (${p.code}).`,
  hint: (p: { step: string; code: string; reason: string }) =>
    p.code === 'COMMIT_UNDECIDED'
      ? 'Run again: the commit is found or made then. Remove no file of the table before.'
      : 'The table is left as it is. Look at the named file and version.',
  retry: 'later',
  exit: 1,
  example: { step: 'silver.DimUser', code: 'LOG_GAP', reason: 'silver/DimUser: version 3 is missing' },
})
