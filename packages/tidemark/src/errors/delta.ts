/** Problems of a table's transaction log and data files. */
import { isByPath } from '../model/names.ts'
import { type ProblemKind, problem } from './problem.ts'

const RESTORE =
  'Restore the named file from a backup of the lake. Without one, move the folder of the table out of the lake: the next run makes the table anew from what lies below it and says what has to be rebuilt after it.'
const RESTORE_OTHER =
  'Restore the named file from a backup of the table. It is not of this lake, and nothing was written to it.'
const LEFT_AS_IT_IS = 'The table is left as it is. Look at the named file and version.'

/** What to do, by the code of the DeltaError. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  LOG_INVALID: RESTORE,
  LOG_GAP: RESTORE,
  LOG_INCOMPLETE: RESTORE,
  CHECKPOINT_INVALID: RESTORE,
  FILE_MISSING: RESTORE,
  FILE_INVALID: RESTORE,
  PATH_INVALID:
    'Links that lead out of the lake are not followed. Put the folder itself there, or set lake: to where the folder is.',
  VERSION_NOT_FOUND: 'tidemark tables history lists the versions that are there, with their times.',
  CHANGES_UNAVAILABLE:
    'The table itself can be read. Ask for the changes of other versions, or compare two by VERSION AS OF.',
  FEATURE_UNSUPPORTED: 'The table is left as it is. Read it with a program that knows the feature.',
  COMMIT_UNDECIDED: 'Run again: the commit is found or made then. Remove no file of the table before.',
}

export const TABLE_VERSION_MISSING: ProblemKind<{ table: string; wanted: string; first: string; last: string }> =
  problem({
    code: 'TABLE_VERSION_MISSING',
    title: 'A table does not have the version that is asked for.',
    message: (p: { table: string; wanted: string; first: string; last: string }) =>
      `${p.table} has no version ${p.wanted}; its first is ${p.first}, its last ${p.last}.`,
    hint: (p: { table: string }) =>
      `tidemark tables history ${p.table} lists the versions that are there, with their times.`,
    retry: 'after-change',
    exit: 2,
    example: { table: 'silver.DimUser', wanted: '99', first: '0', last: '12' },
  })

export const DELTA_LOG_UNREADABLE: ProblemKind<{ step: string; code: string; reason: string }> = problem({
  code: 'DELTA_LOG_UNREADABLE',
  title: 'A Delta table cannot be read or written.',
  message: (p: { step: string; code: string; reason: string }) =>
    `${p.step}: ${p.reason.replace(/\.$/, '')} (${p.code}).`,
  hint: (p: { step: string; code: string; reason: string }) => {
    const way = WAYS_OUT[p.code] ?? LEFT_AS_IT_IS
    return way === RESTORE && isByPath(p.step) ? RESTORE_OTHER : way
  },
  retry: 'later',
  exit: 1,
  example: {
    step: 'silver.DimUser',
    code: 'LOG_GAP',
    reason: 'The log of silver/DimUser lacks version 3 (00000000000000000003.json)',
  },
})
